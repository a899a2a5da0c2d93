"""evaluate-{family}@{candidate}: measure a trained candidate with its final weights, on the sealed test split too.

    python -m pipeline evaluate --candidate classical-svm_hog
    dvc repro evaluate-classical@svm_hog

A point of the data-size study is evaluated likewise, by evaluate-growth@{candidate}-{fraction}.
Reads results/<candidate>/ and data/prepared/. Writes evaluation/<candidate>/.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.datasets.splits import draw_limited, split_development
from pipeline.evaluation.answers.inference import Together, even_batches, load_models, predictor, predictors
from pipeline.evaluation.answers.kept import KeptArrays
from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions, confusion_on_test, write_predictions
from pipeline.evaluation.costs.flops import flops_per_image
from pipeline.evaluation.costs.latency import latency_ms
from pipeline.evaluation.costs.size import weights_bytes
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.evaluation.explanations.gradcam import gradcam
from pipeline.evaluation.explanations.maps import (
    GRADCAM,
    PERMUTATION,
    REPEATS,
    explain_classical,
    measure_explanations,
    write_explanations,
    write_pictures,
)
from pipeline.evaluation.explanations.patches import cut, versions_exchanged, versions_for_all
from pipeline.evaluation.measures.alterations import chosen_alterations
from pipeline.evaluation.measures.altered import AlteredStore
from pipeline.evaluation.measures.by_class import measure_classes
from pipeline.evaluation.measures.calibration import measure_calibration, write_reliability
from pipeline.evaluation.measures.findings import Findings, together, write_measures
from pipeline.evaluation.measures.gradients import measure_gradients
from pipeline.evaluation.measures.metrics import flat_metrics, mean_metrics
from pipeline.evaluation.measures.regression import regression_metrics
from pipeline.evaluation.measures.robustness import measure_robustness
from pipeline.evaluation.pictures.contact_sheet import write_mistakes
from pipeline.evaluation.pictures.figures import write_confusion, write_fit, write_thumbnails
from pipeline.evaluation.pictures.overview import write_overview
from pipeline.files import write_json
from pipeline.models.archive import read_model
from pipeline.params.loading import load_params
from pipeline.params.whole import Params
from pipeline.stages.assembly.frozen import cuts_of, keep_frozen
from pipeline.tasks import task_named
from pipeline.trials import Trial, evaluation_folder, read_trial

LATENCY_BATCH = 32  # photos at a time, beside one by one
LATENCY_BATCHES = 8

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Trained:
    """A candidate with what it says; `models` and `predictions` are in the order of its seeds, as `predict` is."""

    params: Params
    trial: Trial
    models: list[Any]
    predict: Together
    predictions: Predictions
    test: Prepared
    figures: Path


def run(candidate: str) -> None:
    params, trial = load_params(), read_trial(candidate)
    settings = params.evaluation
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    folder, paths = evaluation_folder(candidate), model_paths(trial)
    told = "%s  %d models on %d examples of development and %d of test"
    log.info(told, candidate, len(paths), len(development.labels), len(test.labels))
    with Stopwatch() as watch:
        models = load_models(paths, read_model)
        size = model_size(trial, models, paths)
        predict = all_seeds(params, trial, models, development, test)
        predictions = predict_all(trial, predict, development, test)
    log.info("%s  latency", candidate)
    latency = time_predictions(models[0], test.inputs[: settings.latency_images])
    write_predictions(folder / "predictions.parquet", predictions)
    write_figures(folder / "figures", candidate, predictions, test, settings.thumbnails)
    with Stopwatch() as measuring:
        findings = measure(Trained(params, trial, models, predict, predictions, test, folder / "figures"))
    write_measures(folder / "measures.parquet", findings.rows)
    write_overview(folder / "figures", candidate, findings.sections)
    write_json(folder / "metrics.json", describe(trial, predictions, size, findings))
    seconds = {"evaluation_seconds": watch.seconds, "measures_seconds": measuring.seconds}
    write_json(folder / "cost.json", {**latency, **seconds})


def time_predictions(model: Any, images: np.ndarray) -> dict[str, dict[str, float]]:
    predict = predictor(model)
    return {
        "latency_ms_per_image": latency_ms(predict, images),
        "latency_ms_per_image_in_batches": latency_ms(predict, images, LATENCY_BATCH, LATENCY_BATCHES),
    }


def model_size(trial: Trial, models: list[Any], paths: list[Path]) -> dict[str, int | None]:
    return {
        "model_bytes": round(float(np.mean([weights_bytes(path) for path in paths]))),
        "parameters": trial.parameter_counts["total"],
        "trainable_parameters": trial.parameter_counts["trainable"],
        "flops_per_image": flops_per_image(models[0]),
    }


def model_paths(trial: Trial) -> list[Path]:
    return [trial.model_file(entry["seed"]) for entry in trial.seeds]


def all_seeds(params: Params, trial: Trial, models: list[Any], development: Prepared, test: Prepared) -> Together:
    """What the candidate says of any images; of photos, features that other candidates have too are kept for them.

    There is one size of batches for everything, since a network is traced anew for each.
    """
    settings, cuts = params.evaluation, cuts_of(trial, models)
    batch_size = even_batches(max(settings.robustness.examples, settings.batch_size), settings.batch_size)
    if development.kind != "images":
        return predictors(models, batch_size, cuts)
    photos = photos_for_all(params, trial, test)
    return predictors(models, batch_size, cuts, keep_frozen(params, development, photos, batch_size, cuts))


def photos_for_all(params: Params, trial: Trial, test: Prepared) -> int:
    """How many photos every candidate of its kind is asked about alike, development left out."""
    altered, explained, count = params.evaluation.robustness, params.evaluation.explanations, len(test.labels)
    in_versions = min(altered.examples, count) * len(chosen_alterations(altered))
    in_patches = min(explained.examples, count)
    of_each = versions_for_all(explained.grid, explained.steps)
    if method_of(trial) == PERMUTATION:
        of_each += versions_exchanged(in_patches, explained.grid, REPEATS)
    return count + in_versions + in_patches * of_each


def method_of(trial: Trial) -> str:
    """How answers are explained that are given by its kind of model."""
    return PERMUTATION if trial.family == "classical" else GRADCAM


def predict_all(trial: Trial, predict: Together, development: Prepared, test: Prepared) -> Predictions:
    """Every seed on its own training and validation split, and on the test split that all share."""
    seen, sealed = predict(development.inputs), predict(test.inputs)
    fraction, share = trial.parameters["splits"]["validation_fraction"], trial.parameters.get("training_share", 1.0)
    predictions: Predictions = {}
    for entry, on_development, on_test in zip(trial.seeds, seen, sealed, strict=True):
        train, val = split_development(development, fraction, entry["seed"], share)
        predictions[entry["seed"]] = {
            "train": chosen(development, on_development, train),
            "val": chosen(development, on_development, val),
            "test": chosen(test, on_test, np.arange(len(test.labels))),
        }
    return predictions


def measure(trained: Trained) -> Findings:
    """What params.yaml switches on, of all that applies to the task; nothing for a point of the data-size study, of
    which only the accuracy is asked."""
    if trained.trial.parameters.get("training_share", 1.0) < 1:
        return Findings()
    return together([find(trained) for find in measures_for(trained.test)])


def calibrate(trained: Trained) -> Findings:
    if not trained.params.evaluation.calibration:
        return Findings()
    found = measure_calibration(trained.predictions)
    write_reliability(trained.figures, trained.predictions, found.sections["calibration"]["seeds"])
    return found


def alter(trained: Trained) -> Findings:
    """The first seed's model on altered versions of a fixed, stratified part of the test photos."""
    settings, test = trained.params.evaluation.robustness, trained.test
    alterations = chosen_alterations(settings)
    if not (settings.examples and alterations):
        return Findings()
    seed = next(iter(trained.predictions))
    rows = draw_limited(test.labels, settings.examples, seed=0, at_least=1)
    said = trained.predictions[seed]["test"]
    clean = SplitPredictions(said.examples[rows], said.labels[rows], said.probabilities[rows])
    log.info("%s  %d photos in %d altered versions", trained.trial.candidate, len(rows), len(alterations))
    store = AlteredStore(test.images[rows], KeptArrays(trained.params.keep.altered_gb))
    return measure_robustness(trained.predict.first, clean, seed, alterations, store.get)


def class_by_class(trained: Trained) -> Findings:
    return measure_classes(trained.predictions, trained.test.class_names)


def show_mistakes(trained: Trained) -> Findings:
    """The sheet and table of figures/; they hold no number of their own."""
    test, count = trained.test, trained.params.evaluation.mistakes
    if count:
        mean = np.mean([splits["test"].probabilities for splits in trained.predictions.values()], axis=0)
        write_mistakes(trained.figures, test.images, test.labels, test.example_ids, mean, test.class_names, count)
    return Findings()


def trace_gradients(trained: Trained) -> Findings:
    """Of networks trained from scratch, with the first seed's model."""
    if trained.trial.family != "cnn":
        return Findings()
    seed, count = next(iter(trained.predictions)), trained.params.evaluation.batch_size
    return measure_gradients(trained.models[0], trained.test.images[:count], trained.test.labels[:count], seed)


def explain(trained: Trained) -> Findings:
    """The first seed's model on a few fixed, stratified test photos."""
    settings, test = trained.params.evaluation.explanations, trained.test
    if not settings.examples:
        return Findings()
    seed, model = next(iter(trained.predictions)), trained.models[0]
    rows = draw_limited(test.labels, settings.examples, seed=1, at_least=0)
    rows = np.random.default_rng(1).permutation(rows)  # so that the first few are of many classes
    log.info("%s  explanations of %d photos", trained.trial.candidate, len(rows))
    patches = cut(test.images[rows], settings.grid, trained.predict.first, trained.predict.first_alone)
    method = method_of(trained.trial)
    heat = explain_classical(patches) if method == PERMUTATION else gradcam(model, patches.images, patches.answers)
    examples, labels = test.example_ids[rows], test.labels[rows]
    found, means = measure_explanations(patches, examples, seed, settings.steps, method, heat)
    entries = write_pictures(trained.figures, patches, examples, labels, heat, settings.pictures)
    write_explanations(trained.figures, method, means, entries)
    return found


def measures_for(test: Prepared) -> list[Callable[[Trained], Findings]]:
    """What applies to a kind of data and its task."""
    if not task_named(test.task).has_classes:
        return []
    if test.kind == "images":
        return [class_by_class, show_mistakes, calibrate, alter, trace_gradients, explain]
    return [class_by_class, calibrate]


def chosen(data: Prepared, probabilities: np.ndarray, indices: np.ndarray) -> SplitPredictions:
    return SplitPredictions(data.example_ids[indices], data.labels[indices], probabilities[indices])


def write_figures(folder: Path, candidate: str, predictions: Predictions, test: Prepared, thumbnails: int) -> None:
    """The confusion over all seeds, and photos with the mean of the seeds' probabilities for them; of a regression what
    was predicted against what is true."""
    called = "photos" if test.kind == "images" else "rows"
    if not task_named(test.task).has_classes:
        every = [splits["test"] for splits in predictions.values()]
        predicted = np.stack([one.probabilities[:, 0] for one in every])
        write_fit(folder / "predicted.svg", every[0].labels, predicted, f"{candidate}: test {called}, all seeds")
        return
    confusion = confusion_on_test(predictions, len(test.class_names))
    write_confusion(folder / "confusion.svg", confusion, test.class_names, f"{candidate}: test {called}, all seeds")
    if test.kind != "images":
        return
    mean = np.mean([splits["test"].probabilities for splits in predictions.values()], axis=0)
    write_thumbnails(folder, test.images, test.labels, test.example_ids, mean, thumbnails)


def describe(
    trial: Trial, predictions: Predictions, size: dict[str, int | None], findings: Findings
) -> dict[str, object]:
    """metrics.json: the flat metrics of each seed, their mean with what else was found, and the candidate's size."""
    metrics_of = flat_metrics if task_named(trial.task).has_classes else regression_metrics
    seeds = {
        str(seed): metrics_of(
            {split: one.labels for split, one in splits.items()},
            {split: one.probabilities for split, one in splits.items()},
        )
        for seed, splits in predictions.items()
    }
    identity = {"candidate": trial.candidate, "family": trial.family, "task": trial.task}
    mean = mean_metrics(seeds) | findings.summary
    return {**identity, "seeds": seeds, "mean": mean, "size": size, **findings.sections}
