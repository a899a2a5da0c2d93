"""evaluate-soup@{candidate}: the mean of the weights of a fine-tuned candidate's seeds, as one network, and asked.

    python -m pipeline soup --candidate finetune-resnet50-full
    dvc repro evaluate-soup@finetune-resnet50-full

Nothing is trained and nothing is decided here: whether the soup competes, `compare` says (see
comparison/tables/ensembles/soups.py). Reads results/<candidate>/, evaluation/<candidate>/predictions.parquet and
data/prepared/. Writes, of `ensemble-soup-<candidate>`:

    results/…/trial.json, models/      which models it is the mean of; the network, under the first seed's number
    evaluation/…/predictions.parquet   train: what it answers on whatever any of its models learned from; val: see
                                       `_on_validation`; test
    evaluation/…/subsets.parquet       seeds ("0 1"), split, example, label, predicted, p_0 … p_k: on test examples the
                                       soups without one of the seeds (of two seeds these are single networks, whose
                                       answers stand elsewhere); on validation examples the soups of each two seeds,
                                       where both validated on them
    evaluation/…/metrics.json, cost.json
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from itertools import combinations

import numpy as np
import pandas as pd

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.evaluation.answers.models import predictor
from pipeline.evaluation.answers.predictions import SplitPredictions, write_predictions
from pipeline.evaluation.costs.latency import measure_latency
from pipeline.evaluation.costs.size import model_size
from pipeline.evaluation.measures.metrics import mean_metrics, metrics_by_seed
from pipeline.ground.files import replacing, write_json, write_parquet
from pipeline.params.compare import ENSEMBLE, soup_of
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.reading import ParamsError, read_section
from pipeline.params.training.candidates import FINETUNE
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.soups.soup_maker import Seeds, SoupMaker
from pipeline.trials import Trial, evaluation_folder, read_trial, results_folder

log = logging.getLogger("kiyas")


def run(candidate: str) -> None:
    """
    Raises:
        ParamsError: the candidate is not fine-tuned, begins at random weights, or has one seed.
    """
    settings, keep = read_section("evaluation", Evaluation), read_section("keep", Keep)
    of = read_trial(candidate)
    _refuse_what_has_no_soup(of)
    soup, development, test = _trial(of), load_prepared(DEVELOPMENT), load_prepared(TEST)
    log.info("%s  the mean of the weights of %d seeds", soup.candidate, len(of.seeds))
    maker = SoupMaker(of, settings, keep, development, test)
    tested = maker.on_test([maker.seeds, *_without_one(maker.seeds)])
    shared = _on_shared_validation(maker)
    learnt = np.flatnonzero(~maker.validated.all(axis=0))
    number, folder = soup.seeds[0]["seed"], evaluation_folder(soup.candidate)
    predictions = {
        number: {
            "train": maker.on_development(maker.seeds, learnt),
            "val": _on_validation(maker, shared),
            "test": tested[maker.seeds],
        }
    }
    network, file = maker.whole(), soup.model_file(number)
    with replacing(file) as temporary:
        network.save(temporary)
    write_predictions(folder / "predictions.parquet", predictions)
    _write_subsets(soup, maker, tested, shared)
    metrics = metrics_by_seed(soup.task, predictions)
    described = {"candidate": soup.candidate, "family": soup.family, "task": soup.task, "seeds": metrics}
    size = model_size(network, [file], soup.parameter_counts)
    write_json(folder / "metrics.json", {**described, "mean": mean_metrics(metrics), "size": size})
    write_json(folder / "cost.json", measure_latency(predictor(network), test.inputs[: settings.latency_images]))
    write_json(results_folder(soup.candidate) / "trial.json", asdict(soup))


def _refuse_what_has_no_soup(trial: Trial) -> None:
    if trial.family != FINETUNE:
        raise ParamsError(
            f"--candidate {trial.candidate!r}: its seeds, of the family {trial.family}, begin at no common weights, so "
            "the mean of these is of no use; name a fine-tuned candidate"
        )
    if trial.parameters.get("strategy", {}).get("weights") == "random":
        raise ParamsError(
            f"--candidate {trial.candidate!r}: its seeds begin at random weights, each at its own, so the mean of "
            "these is of no use; name a candidate with pretrained weights"
        )
    if len(trial.seeds) < 2:
        raise ParamsError(
            f"--candidate {trial.candidate!r}: a soup of one seed is that seed's network; name two seeds or more in "
            "params.yaml"
        )


def _trial(of: Trial) -> Trial:
    """What it is made of. It is one network, which has the number of the first seed."""
    seeds = [entry["seed"] for entry in of.seeds]
    content = json.dumps(["soup", of.fingerprint, seeds])
    return Trial(
        candidate=soup_of(of.candidate).name,
        family=ENSEMBLE,
        backbone=None,
        technique=None,
        task=of.task,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        parameters={"soup": {"of": of.candidate, "fingerprint": of.fingerprint, "seeds": seeds}},
        parameter_counts=of.parameter_counts,
        phases=[],
        seeds=[{"seed": seeds[0]}],
    )


def _without_one(seeds: Seeds) -> list[Seeds]:
    """Each with one seed less; none of two seeds, where these are the seeds' own networks."""
    return list(combinations(seeds, len(seeds) - 1)) if len(seeds) > 2 else []


def _on_shared_validation(maker: SoupMaker) -> dict[Seeds, SplitPredictions]:
    """What the soups of each two seeds answer on the examples that both validated on, and so neither learned from."""
    both = {pair: np.flatnonzero(maker.validated[list(pair)].all(axis=0)) for pair in combinations(maker.seeds, 2)}
    return {pair: maker.on_development(pair, rows) for pair, rows in both.items() if len(rows)}


def _on_validation(maker: SoupMaker, shared: Mapping[Seeds, SplitPredictions]) -> SplitPredictions:
    """Answers of networks that never learned from the example: that seed's own network where one seed validated on it,
    otherwise the mean of the soups of each two that did. The soup itself learned from nearly all examples."""
    ids = {str(example): row for row, example in enumerate(maker.example_ids)}
    parts = [maker.alone_on_validation()]
    parts += [(np.array([ids[str(one)] for one in of.examples]), of.probabilities) for of in shared.values()]
    rows, answers = (np.concatenate(column) for column in zip(*parts, strict=True))
    found, place = np.unique(rows, return_inverse=True)
    total = np.zeros((len(found), answers.shape[1]))
    np.add.at(total, place, answers)
    return maker.of_development(found, (total / np.bincount(place)[:, None]).astype(np.float32))


def _write_subsets(
    soup: Trial,
    maker: SoupMaker,
    tested: Mapping[Seeds, SplitPredictions],
    shared: Mapping[Seeds, SplitPredictions],
) -> None:
    numbers = soup.parameters["soup"]["seeds"]
    frames = [tested[maker.seeds].frame(0, "test").assign(seeds="").head(0)]  # its columns, whatever else there is
    for split, answers in (("test", tested), ("val", shared)):
        for seeds, told in answers.items():
            if split == "val" or seeds != maker.seeds:
                frames.append(told.frame(0, split).assign(seeds=" ".join(str(numbers[place]) for place in seeds)))
    table = pd.concat(frames, ignore_index=True)
    table = table[["seeds", *(name for name in table.columns if name not in ("seed", "seeds"))]]
    write_parquet(evaluation_folder(soup.candidate) / "subsets.parquet", table)
