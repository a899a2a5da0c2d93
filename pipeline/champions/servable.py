"""The one model that stands for a trained candidate, with all that it takes to serve it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.params.compare import Compare
from pipeline.params.schema.reading import PARAMS_FILE, read_section
from pipeline.scores.choice import score_of
from pipeline.scores.decisions import MOST_PROBABLE, Decision, choose_decision
from pipeline.scores.score import Score
from pipeline.trials import Trial, evaluation_folder


@dataclass(frozen=True)
class Servable:
    """A trained model with what it takes to answer.

    Attributes:
        file: the model, .keras or .skops.
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


def best_seed(trial: Trial) -> int:
    """The seed whose model stands for its candidate: that with the lowest validation loss, the first of equals."""
    losses = {int(entry["seed"]): entry.get("val_loss") for entry in trial.seeds}
    known = {seed: float(loss) for seed, loss in losses.items() if loss is not None}
    return min(known or losses, key=lambda seed: known.get(seed, math.inf))


def ranked_by(task: str, class_names: Sequence[str]) -> Score:
    """What params.yaml ranks candidates by; the task's usual score without such a file.

    Args:
        task: "multiclass", "binary" or "regression".
    """
    return score_of(task, read_section("compare", Compare) if PARAMS_FILE.is_file() else None, class_names)


def decision_of(candidate: str, seed: int, score: Score) -> Decision:
    """The rule by which this seed's model says a class, chosen on its validation examples as the comparison does."""
    if not score.by_threshold:
        return MOST_PROBABLE
    predictions = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    rows = predictions[(predictions["seed"] == seed) & (predictions["split"] == "val")]
    probabilities = rows.filter(regex=r"^p_\d+$").to_numpy(np.float32)
    return choose_decision(score, rows["label"].to_numpy(np.int64), probabilities)


def servable_of(
    trial: Trial, dataset: Mapping[str, Any], versions: Mapping[str, str], metadata: Mapping[str, str] | None = None
) -> Servable:
    """The model of a candidate's best seed.

    Args:
        trial: the trained candidate.
        dataset: dataset.json of the examples that it learned from.
        versions: of the packages it was trained with, as cost.json has them.
        metadata: for MLmodel, beside candidate, seed and fingerprint.
    """
    seed = best_seed(trial)
    score = ranked_by(trial.task, dataset["class_names"])
    identity = {"candidate": trial.candidate, "seed": str(seed), "fingerprint": trial.fingerprint}
    return Servable(
        file=trial.model_file(seed),
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        series=dataset.get("series"),
        white=dataset.get("white"),
        versions=versions,
        metadata={**identity, **(metadata or {})},
        decision=decision_of(trial.candidate, seed, score).described(),
        network_inside=trial.family == "classical" and trial.backbone is not None,
    )
