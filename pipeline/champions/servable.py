"""The one model that stands for a trained candidate, with all that it takes to serve it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.trials import Trial


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
        white: the value of white in photos of 16 bits, where these do not fill all 16; else None.
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


def best_seed(trial: Trial) -> int:
    """The seed whose model stands for its candidate: that with the lowest validation loss, the first of equals."""
    losses = {int(entry["seed"]): entry.get("val_loss") for entry in trial.seeds}
    known = {seed: float(loss) for seed, loss in losses.items() if loss is not None}
    return min(known or losses, key=lambda seed: known.get(seed, math.inf))


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
    identity = {"candidate": trial.candidate, "seed": str(seed), "fingerprint": trial.fingerprint}
    return Servable(
        file=trial.model_file(seed),
        task=trial.task,
        class_names=dataset["class_names"],
        image_size=dataset.get("image_size"),
        columns=dataset.get("columns"),
        white=dataset.get("white"),
        versions=versions,
        metadata={**identity, **(metadata or {})},
        network_inside=trial.family == "classical" and trial.backbone is not None,
    )
