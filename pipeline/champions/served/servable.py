"""The model that stands for a candidate, or the models of an ensemble, with all that it takes to serve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.champions.served.deployed import Deployed, predictions_of
from pipeline.champions.versions import Identity
from pipeline.comparison.tables.ensembles.ensemble import Part
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.params.compare import Compare
from pipeline.params.schema.reading import PARAMS_FILE, read_section
from pipeline.scores.decisions import MOST_PROBABLE, Decision, choose_decision
from pipeline.scores.score import Score
from pipeline.scores.score_for_task import score_of
from pipeline.trials import probability_columns, read_trial


@dataclass(frozen=True)
class Member:
    """One of several models that answer together.

    Attributes:
        file: the model, .keras or .skops; weight: its share of the answer.
        network_inside: as `Servable` has it.
    """

    file: Path
    weight: float
    network_inside: bool = False


@dataclass(frozen=True)
class Servable:
    """A trained model, or several that answer together, with what it takes to answer.

    Attributes:
        file: the model, .keras or .skops; of several the first.
        task: "multiclass", "binary" or "regression".
        class_names: empty for a regression.
        image_size: pixels a side that the model was trained on; photos of another size are made to fit. None for rows.
        versions: of the packages it was trained with (cost.json); they become its requirements.
        metadata: shown in MLmodel: candidate, seed, fingerprint, …
        network_inside: whether a .skops file has a network inside: a backbone that makes its features.
        columns: of a table, as dataset.json has them: {"name": …, "categories": […] or None}; None for photos.
        series: of a model of a series, as dataset.json has it; else None.
        white: the value of white in photos of 16 bits, where these do not fill all 16; else None.
        decision: how a class follows from its probabilities, as `Decision.described` has it; empty: the most probable.
        members: all models of an ensemble; empty where one answers alone.
    """

    file: Path
    task: str
    class_names: list[str]
    image_size: int | None
    versions: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    network_inside: bool = False
    columns: list[dict[str, Any]] | None = None
    white: int | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)
    series: dict[str, Any] | None = None
    members: tuple[Member, ...] = ()


def ranked_by(task: str, class_names: Sequence[str]) -> Score:
    """What params.yaml ranks candidates by; the task's usual score without such a file.

    Args:
        task: "multiclass", "binary" or "regression".
    """
    return score_of(task, read_section("compare", Compare) if PARAMS_FILE.is_file() else None, class_names)


def decision_of(deployed: Deployed, score: Score) -> Decision:
    """The rule by which what is served says a class, chosen on validation examples as the comparison does."""
    if not score.by_threshold:
        return MOST_PROBABLE
    predictions = predictions_of(deployed)
    rows = predictions[predictions["split"] == "val"]
    probabilities = rows[probability_columns(rows)].to_numpy(np.float32)
    return choose_decision(score, rows["label"].to_numpy(np.int64), probabilities)


def identity_of(deployed: Deployed) -> Identity:
    """As `Champion.identity` has it, if it were registered now."""
    trial, score = deployed.trial, ranked_by(deployed.trial.task, read_json(DATASET)["class_names"])
    return trial.candidate, trial.fingerprint, deployed.seed, decision_of(deployed, score).described()


def servable_of(
    deployed: Deployed,
    dataset: Mapping[str, Any],
    versions: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
) -> Servable:
    """What is served of a candidate.

    Args:
        deployed: the candidate.
        dataset: dataset.json of the examples that it learned from.
        versions: of the packages it was trained with, as cost.json has them.
        metadata: for MLmodel, beside candidate, seed and fingerprint.
    """
    trial, score = deployed.trial, ranked_by(deployed.trial.task, dataset["class_names"])
    identity = {"candidate": trial.candidate, "seed": str(deployed.seed), "fingerprint": trial.fingerprint}
    members = tuple(map(_member, deployed.parts))
    return Servable(
        file=members[0].file,
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        series=dataset.get("series"),
        white=dataset.get("white"),
        versions=versions,
        metadata={**identity, **(metadata or {})},
        decision=decision_of(deployed, score).described(),
        network_inside=members[0].network_inside,
        members=members if deployed.is_several else (),
    )


def _member(part: Part) -> Member:
    trial = read_trial(part.candidate)
    return Member(trial.model_file(part.seed), part.weight, trial.family == "classical" and trial.backbone is not None)
