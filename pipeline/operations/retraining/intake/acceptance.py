"""What is in data/incoming/, and whether it may come in: refused, waiting, or accepted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from pipeline.champions.log import BATCHES, DECISIONS, Entry
from pipeline.configuration.whole import Params
from pipeline.datasets.accepted import ACCEPTED
from pipeline.dvc_command import keep
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.drift import MeasuredDrift
from pipeline.operations.retraining.intake.batches import accept, manifests_since
from pipeline.operations.retraining.intake.incoming import INCOMING, Batch, still_written
from pipeline.operations.retraining.intake.photo_numbers import look_at_numbers
from pipeline.operations.retraining.intake.photos import look_at_incoming
from pipeline.operations.retraining.intake.rows import look_at_rows
from pipeline.operations.retraining.intake.steps import look_at_steps
from pipeline.params.data import Data
from pipeline.params.schema.vocabulary import Kind
from pipeline.params.upkeep.retrain import Retrain

log = logging.getLogger("kiyas")

State = Literal["nothing", "waiting", "refused", "accepted"]
GATES: dict[Kind, Callable[[Data], Batch]] = {
    "images": lambda settings: (look_at_incoming if settings.has_classes else look_at_numbers)(settings),
    "table": look_at_rows,
    "series": look_at_steps,
}


@dataclass(frozen=True)
class Intake:
    """What became of the new examples.

    Attributes:
        reasons: full sentences.
        batch: its name, once accepted.
        drift: a sentence for each kind of drift that was found.
        loses_accuracy: whether the champion is shown to do worse on the new examples.
        checked: a sentence that holds what would have been estimated without labels against the truth.
        numbers: what was measured, for the log.
    """

    state: State
    reasons: list[str] = field(default_factory=list)
    batch: str | None = None
    drift: list[str] = field(default_factory=list)
    loses_accuracy: bool = False
    checked: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)


def take_in(params: Params, champion: ReigningChampion | None, force: bool) -> Intake:
    """Look at data/incoming/ and accept it, unless it is faulty, or too little to act on.

    Args:
        params: the parameters.
        champion: the present one, to measure drift with; None where there is none.
        force: accept a batch however small.
    """
    batch, limits = GATES[params.data.kind](params.data), params.retrain
    if not batch.total:
        return Intake("nothing", [_nothing_there(batch)])
    if unfinished := still_written(batch.files):
        return Intake("waiting", [f"{unfinished} is still being written; the next call looks at it."])
    refusal = batch.why_refused(limits.unusable)
    if refusal:
        return Intake("refused", refusal, numbers={"newcomers": batch.total, "unusable": batch.unusable_count})
    if not batch.usable_count:
        return Intake("nothing", [_nothing_usable(batch)])
    drift = batch.drift(champion) if champion else None
    sentences = drift.sentences(limits.drift_level) if drift else []
    alarms = drift.alarms(limits.drift_level) if drift else []
    if batch.usable_count < limits.least_new and not alarms and not force:
        return Intake("waiting", [_too_few(batch, limits, drift), *sentences])
    return _accept(params, batch, drift, sentences)


def _accept(params: Params, batch: Batch, drift: MeasuredDrift | None, sentences: list[str]) -> Intake:
    numbers = {"newcomers": batch.total, "usable": batch.usable_count, "unusable": batch.unusable_count}
    measured = {**numbers, **({"drift": drift.numbers()} if drift else {})}
    loses_accuracy = bool(drift and drift.loses_accuracy(params.retrain.drift_level))
    checked = drift.estimate_checked() if drift else []
    kept = {"measured": measured, "drift": sentences, "loses_accuracy": loses_accuracy, "checked": checked}
    name = accept(batch, params.data.test_fraction, params.data.seed, kept)
    keep(ACCEPTED / name)
    log.info("accepted %d of %d new %s as %s", batch.usable_count, batch.total, batch.noun, ACCEPTED / name)
    taken = f"{batch.usable_count} new {batch.noun} were accepted as {name}."
    return Intake("accepted", [taken], name, sentences, loses_accuracy, checked, measured)


def with_unjudged(intake: Intake, log: Sequence[Entry]) -> Intake:
    """With what was found in batches that no decision has weighed yet: a retraining accepted them and was killed."""
    manifests = [one for one in _unjudged(log) if one["batch"] != intake.batch]
    batches = [one["batch"] for one in manifests] + [intake.batch] * (intake.batch is not None)
    if not batches:
        return intake
    last = manifests[-1].get("measured", {}) if manifests else {}
    return replace(
        intake,
        batch=batches[-1],
        drift=_of_all(manifests, "drift", intake.drift),
        checked=_checked(manifests, intake),
        loses_accuracy=intake.loses_accuracy or any(one.get("loses_accuracy") for one in manifests),
        numbers=last | intake.numbers | {BATCHES: batches},
    )


def _unjudged(log: Sequence[Entry]) -> list[dict[str, Any]]:
    """batch.json of the batches that no decision names, oldest first.

    Entries from before decisions named their batches go by the time: they have weighed what was accepted by then.
    """
    decisions = [entry for entry in log if entry.event in DECISIONS]
    named = {name for entry in decisions for name in entry.numbers.get(BATCHES, [])}
    times = [datetime.fromisoformat(entry.time) for entry in decisions if BATCHES not in entry.numbers]
    return [one for one in manifests_since(max(times, default=None)) if one["batch"] not in named]


def _checked(manifests: Sequence[Mapping[str, Any]], intake: Intake) -> list[str]:
    """What was estimated of all batches, each sentence behind the name of its batch where there are several."""
    told = [(one["batch"], sentence) for one in manifests for sentence in one.get("checked", [])]
    told += [(intake.batch, sentence) for sentence in intake.checked]
    several = len({batch for batch, _ in told}) > 1
    return [f"{batch}: {sentence}" if several else sentence for batch, sentence in told]


def _of_all(manifests: Sequence[Mapping[str, Any]], key: str, last: Sequence[str]) -> list[str]:
    """The sentences of all batches, each once."""
    return list(dict.fromkeys([*(sentence for one in manifests for sentence in one.get(key, [])), *last]))


def _nothing_there(batch: Batch) -> str:
    if not batch.files:
        return f"{INCOMING} is empty."
    files = ", ".join(str(INCOMING / name) for name in sorted(batch.files))
    return f"No {batch.noun} stand in {files}; put some there, or remove what is empty."


def _nothing_usable(batch: Batch) -> str:
    if not batch.unusable_count:
        return f"All {batch.total} {batch.noun} in {INCOMING} repeat known ones; remove them."
    return (
        f"None of {batch.total} {batch.noun} in {INCOMING} is usable: {batch.unusable_count} have faults, and the "
        "others repeat known ones; mend or remove them."
    )


def _too_few(batch: Batch, limits: Retrain, drift: MeasuredDrift | None) -> str:
    waiting = f"{batch.usable_count} new {batch.noun} wait in {INCOMING} for more"
    waiting += f" (retrain.least_new = {limits.least_new})"
    if drift is None:
        return f"{waiting}."
    return f"{waiting}; they are too few to tell whether they drift: {drift.visible(limits.drift_level)}."
