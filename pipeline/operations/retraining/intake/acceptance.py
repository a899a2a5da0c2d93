"""What is in data/incoming/, and whether it may come in: refused, waiting, or accepted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np

from pipeline.champions.log import DECISIONS, Entry
from pipeline.configuration.whole import Params
from pipeline.datasets.photos.listing import ACCEPTED
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.dvc_command import keep
from pipeline.formats import whole_points
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.drift import Drift, measure_drift
from pipeline.operations.retraining.intake.batches import accept, manifests_since
from pipeline.operations.retraining.intake.bursts import bursts_of
from pipeline.operations.retraining.intake.incoming import INCOMING, Batch, look_at_incoming, pixels_of
from pipeline.params.upkeep.retrain import Retrain

log = logging.getLogger("kiyas")

State = Literal["nothing", "waiting", "refused", "accepted"]


@dataclass(frozen=True)
class Intake:
    """What became of the new photos.

    Attributes:
        reasons: full sentences.
        batch: its name, once accepted.
        drift: a sentence for each kind of drift that was found.
        loses_accuracy: whether the champion is shown to do worse on the new photos.
        numbers: what was measured, for the log.
    """

    state: State
    reasons: list[str] = field(default_factory=list)
    batch: str | None = None
    drift: list[str] = field(default_factory=list)
    loses_accuracy: bool = False
    numbers: dict[str, Any] = field(default_factory=dict)


def take_in(params: Params, champion: ReigningChampion | None, force: bool) -> Intake:
    """Look at data/incoming/ and accept it, unless it is faulty, or too little to act on.

    Args:
        params: the parameters.
        champion: the present one, to measure drift with; None where there is none.
        force: accept a batch however small.
    """
    class_names = load_prepared(DEVELOPMENT).class_names
    batch = look_at_incoming(params.data)
    if not batch.newcomers:
        return Intake("nothing", [f"{INCOMING} is empty."])
    refusal = why_refused(batch, class_names, params.retrain.unusable)
    if refusal:
        return Intake("refused", refusal, numbers={"newcomers": len(batch.newcomers), "unusable": len(batch.unusable)})
    if not batch.usable:
        return Intake("nothing", [f"All {len(batch.newcomers)} photos in {INCOMING} repeat known ones; remove them."])
    drift = drift_of(batch, champion, class_names) if champion else None
    sentences = drift.sentences(params.retrain.drift_level) if drift else []
    alarms = drift.alarms(params.retrain.drift_level) if drift else []
    if len(batch.usable) < params.retrain.least_new and not alarms and not force:
        return Intake("waiting", [_too_few(batch, params.retrain, drift), *sentences])
    numbers = {"newcomers": len(batch.newcomers), "usable": len(batch.usable), "unusable": len(batch.unusable)}
    measured = {**numbers, **({"drift": drift.numbers()} if drift else {})}
    loses_accuracy = bool(drift and drift.loses_accuracy(params.retrain.drift_level))
    kept = {"measured": measured, "drift": sentences, "loses_accuracy": loses_accuracy}
    name = accept(batch, params.data.test_fraction, params.data.seed, kept)
    keep(ACCEPTED / name)
    log.info("accepted %d of %d new photos as %s", len(batch.usable), len(batch.newcomers), ACCEPTED / name)
    return Intake(
        "accepted",
        [f"{len(batch.usable)} new photos were accepted as {name}."],
        name,
        sentences,
        loses_accuracy,
        measured,
    )


def with_unjudged(intake: Intake, log: Sequence[Entry]) -> Intake:
    """With what was found in batches that no decision has weighed yet: a retraining accepted them and was killed."""
    decided = max((datetime.fromisoformat(entry.time) for entry in log if entry.event in DECISIONS), default=None)
    manifests = [one for one in manifests_since(decided) if one["batch"] != intake.batch]
    if not manifests:
        return intake
    return replace(
        intake,
        batch=intake.batch or manifests[-1]["batch"],
        drift=list(
            dict.fromkeys([*(sentence for one in manifests for sentence in one.get("drift", [])), *intake.drift])
        ),
        loses_accuracy=intake.loses_accuracy or any(one.get("loses_accuracy") for one in manifests),
        numbers=manifests[-1].get("measured", {}) | intake.numbers,
    )


def why_refused(batch: Batch, class_names: Sequence[str], limit: float) -> list[str]:
    """Sentences, each with the remedy; empty where the batch may come in."""
    refusal = []
    unseen = batch.unseen_classes(class_names)
    if unseen:
        refusal.append(
            f"{INCOMING} has classes that were never seen: {', '.join(unseen)}. Correct the folders' names, or move "
            "them into data.path, which starts a comparison of its own (known: " + ", ".join(class_names) + ")."
        )
    share = len(batch.unusable) / len(batch.newcomers)
    if share > limit:
        first = batch.unusable[0]
        refusal.append(
            f"{len(batch.unusable)} of {len(batch.newcomers)} photos in {INCOMING} are unusable, such as {first.path}: "
            f"{first.fault} (retrain.unusable = {limit:g}). Nothing was taken in; mend or remove them."
        )
    return refusal


def drift_of(batch: Batch, champion: ReigningChampion, class_names: Sequence[str]) -> Drift:
    images = pixels_of(batch.usable, champion.image_size)
    labels = np.array([class_names.index(newcomer.class_name) for newcomer in batch.usable], np.int64)
    new = champion.sample(images, labels, class_names, bursts_of(batch.usable))
    return measure_drift(new, champion.reference(load_prepared(TEST)), class_names)


def _too_few(batch: Batch, limits: Retrain, drift: Drift | None) -> str:
    waiting = f"{len(batch.usable)} new photos wait in {INCOMING} for more (retrain.least_new = {limits.least_new})"
    if drift is None:
        return f"{waiting}."
    fall = drift.visible_fall(limits.drift_level)
    seen = f"a fall of accuracy by {whole_points(fall)} would be seen" if fall else "no fall of accuracy would be seen"
    return f"{waiting}; they are too few to tell whether they drift: {seen}."
