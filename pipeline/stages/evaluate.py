"""evaluate-{family}@{candidate}: measure a trained candidate with its final weights, on the sealed test split too.

    python -m pipeline evaluate --candidate classical-svm_hog
    dvc repro evaluate-classical@svm_hog

A point of the data-size study is evaluated likewise, by evaluate-growth@{candidate}-{fraction}.
Reads results/<candidate>/ and data/prepared/. Writes evaluation/<candidate>/.
"""

from __future__ import annotations

import logging
from typing import Any

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.evaluation.answers.models import predictor
from pipeline.evaluation.answers.predictions import Predictions, write_predictions
from pipeline.evaluation.costs.latency import measure_latency
from pipeline.evaluation.costs.size import model_size
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.evaluation.measures.findings import Findings, write_measures
from pipeline.evaluation.measures.metrics import mean_metrics, metrics_by_seed
from pipeline.ground.files import write_json
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.reading import read_section
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.evaluating.figures import write_figures
from pipeline.stages.assembly.evaluating.measures import Evaluated, measure, photos_asked
from pipeline.stages.assembly.evaluating.trained_candidate import kept_arrays, load_candidate, model_paths
from pipeline.trials import Trial, evaluation_folder, read_trial

log = logging.getLogger("kiyas")


def run(candidate: str) -> None:
    settings, keep = read_section("evaluation", Evaluation), read_section("keep", Keep)
    trial, folder = read_trial(candidate), evaluation_folder(candidate)
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    sizes = len(trial.seeds), len(development.labels), len(test.labels)
    log.info("%s  %d models on %d examples of development and %d of test", candidate, *sizes)
    with Stopwatch() as predicting:
        trained = load_candidate(trial, settings, keep, development, photos_asked(settings, trial, test))
        predictions = trained.predict_splits(development, test)
    log.info("%s  latency", candidate)
    latency = measure_latency(predictor(trained.first), test.inputs[: settings.latency_images])
    evaluated = Evaluated(trained, predictions, test, settings, kept_arrays(keep), folder / "figures")
    with Stopwatch() as measuring:
        findings = measure(evaluated)
    write_predictions(folder / "predictions.parquet", predictions)
    write_measures(folder / "measures.parquet", findings.rows)
    write_figures(evaluated, development, findings.sections)
    side = test.inputs.shape[1] if test.kind == "images" else None
    size = model_size(trained.first, model_paths(trial), trial.parameter_counts, side)
    write_json(folder / "metrics.json", describe(trial, predictions, size, findings))
    seconds = {"evaluation_seconds": predicting.seconds, "measures_seconds": measuring.seconds}
    write_json(folder / "cost.json", {**latency, **seconds})


def describe(trial: Trial, predictions: Predictions, size: dict[str, int | None], findings: Findings) -> dict[str, Any]:
    """metrics.json: the metrics of each seed, their mean with the measures' few flat numbers, size, and the rest."""
    seeds = metrics_by_seed(trial.task, predictions)
    return {
        "candidate": trial.candidate,
        "family": trial.family,
        "task": trial.task,
        "seeds": seeds,
        "mean": mean_metrics(seeds) | findings.summary,
        "size": size,
        **findings.sections,
    }
