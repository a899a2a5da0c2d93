"""What to try next, each with its reason: a pure function of the verdict and of what is known of one candidate."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.overfitting import MATERIAL, onset_epochs
from pipeline.comparison.verdict.shown import of_groups
from pipeline.formats import count_of
from pipeline.params.schema.families import family_named

UNSTEADY = 3.0  # times the usual spread between seeds
STILL_RISING = 0.5  # share of seeds whose validation loss fell to the very end
SHOWN = ("train", "epochs", "learning_rate", "schedule", "warmup_epochs")  # of a phase


@dataclass(frozen=True)
class Step:
    """One thing to try.

    Attributes:
        sentence: what, and why.
        change: what it changes in params.yaml, as a mapping to lay over it; None where no key does it.
    """

    sentence: str
    change: Mapping[str, Any] | None = None


def next_steps(facts: Facts, verdict: Mapping[str, Any], subject: Measured) -> list[Step]:
    """
    Args:
        verdict: as verdict.json has it.
        subject: the candidate to improve: the recommended one, or the best where none is.
    """
    is_attempt = subject.name not in facts.comparison.floor.no_attempts
    steps = [
        _more_seeds(facts, subject.seeds),
        _settle(facts, verdict, subject.seeds),
        *_steady(facts, subject.seeds),
        _other_kind(facts, verdict, subject),
        _train_longer(subject),
        _regularise(facts, subject),
        _label(verdict, subject) if facts.score.of_classes and is_attempt else None,
    ]
    return [step for step in steps if step is not None]


def _more_seeds(facts: Facts, seeds: Sequence[int]) -> Step | None:
    if facts.seeds > 1:
        return None
    return Step(
        "Name three seeds or more in `seeds`: with one, the spread between seeds is assumed and nothing is certain.",
        _seeds(3, seeds),
    )


def _seeds(count: int, seeds: Sequence[int]) -> dict[str, Any]:
    """So many, those that there are first, whose trials are kept."""
    more = (number for number in itertools.count() if number not in seeds)
    return {"seeds": [*seeds, *itertools.islice(more, max(count - len(seeds), 0))]}


def _settle(facts: Facts, verdict: Mapping[str, Any], seeds: Sequence[int]) -> Step | None:
    """By seeds alone where that would do: they need no new examples. Else by examples alone, else by both together.

    Nothing where the rival is shown to be ahead: then the two are told apart, and its price is why it is not advised.
    """
    change = verdict["what_would_change_it"]
    if not verdict["provisional"] or facts.seeds == 1 or change["rival"] is None:
        return None
    between = facts.pairs.get((change["rival"], verdict["recommended"]), {})
    if between.get("relation") in ("better", "worse") and between["difference"] > 0:
        return None
    pair = f"{verdict['recommended']} and {change['rival']}"
    if change["out_of_reach"]:
        if change["both"] is None and change["examples"] is None:
            return Step(f"Leave it open which of {pair} is better: no number of test examples tells them apart.")
        return Step(f"Leave it open which of {pair} is better: telling them apart takes over ten times what there is.")
    if change["seeds"] is not None and change["seeds"] > facts.seeds:
        runs = f"run {count_of(change['seeds'], 'seed')} (`seeds`); the finished ones are kept"
        return Step(f"To tell {pair} apart, {runs}.", _seeds(change["seeds"], seeds))
    wanted = change["examples"] or change["both"]["examples"]
    more = count_of(max(wanted - facts.examples, 0), "more test example")
    label = f"label {more}{of_groups(facts, wanted, further=True)}"
    if change["examples"] is None:
        count = change["both"]["seeds"]
        told = f"To tell {pair} apart, run {count_of(count, 'seed')} (`seeds`) and {label}: both."
        return Step(told, _seeds(count, seeds))
    return Step(f"To tell {pair} apart, {label}.")


def _steady(facts: Facts, seeds: Sequence[int]) -> list[Step]:
    """A contender whose seeds differ far more than the others' has intervals that hold less often than they say.

    Of ensembles nothing is said: their members have seeds, and those of a mean over seeds are made up of these.
    """
    trained = [name for name in facts.rows if name not in facts.ensembles]
    contenders = [name for name in trained if facts.rows[name]["relation_to_best"] != "worse"]
    spreads = {name: facts.known[name].spread for name in trained}
    usual = float(np.median(list(spreads.values())))
    return [
        Step(
            f"{name} varies by {facts.words.difference(spreads[name])} from seed to seed, the usual candidate "
            f"by {facts.words.difference(usual)}: run more seeds (`seeds`) before its intervals are trusted.",
            _seeds(2 * facts.seeds, seeds),
        )
        for name in contenders
        if usual > 0 and spreads[name] > max(UNSTEADY * usual, facts.margin)
    ]


def _other_kind(facts: Facts, verdict: Mapping[str, Any], subject: Measured) -> Step | None:
    """Where it is not said of all candidates already."""
    row = facts.rows[subject.name]
    if verdict["shift"] or not row["shift_low"] > MATERIAL * facts.unit:  # a shift that cannot be told is no number
        return None
    size = (
        f"{facts.words.difference(row['shift'])} ({facts.words.difference_span(row['shift_low'], row['shift_high'])})"
    )
    return Step(
        f"{subject.name} does worse on test than on validation examples by {size}, and both are new to it: the test "
        "split holds another kind of example. If that is the kind that will come, label some of it to learn from."
    )


def _train_longer(subject: Measured) -> Step | None:
    if subject.history["epoch"].max() <= 1:
        return None
    onsets = onset_epochs(subject.history)
    rising = sum(onset is None for onset in onsets)
    if rising / len(onsets) <= STILL_RISING:
        return None
    return Step(
        f"Validation loss of {subject.name} still fell in its last epoch with {rising} of {len(onsets)} seeds: give "
        "its last phase more epochs.",
        _twice_as_long(subject),
    )


def _twice_as_long(subject: Measured) -> dict[str, Any] | None:
    """The last phase with twice the epochs: of a strategy, or of an architecture, which has one."""
    family, given = family_named(subject.candidate.family), subject.trial.parameters
    if family.architectures and "architecture" in given:
        return {family.architectures: {subject.candidate.model: {"epochs": 2 * given["architecture"]["epochs"]}}}
    if "strategy" not in given:
        return None
    *earlier, last = ({key: phase[key] for key in SHOWN if key in phase} for phase in given["strategy"]["phases"])
    phases = [*earlier, last | {"epochs": 2 * last["epochs"]}]
    return {"strategies": {subject.candidate.technique: {"phases": phases}}}


def _regularise(facts: Facts, subject: Measured) -> Step | None:
    if facts.fits.get(subject.name) != "overfits" or subject.candidate.family == "classical":
        return None
    off = _regularisers_off(facts, subject.trial.parameters.get("training", {}))
    if not off:
        return None
    names = " or ".join(f"`training.{key}`" for key in off)
    return Step(f"{subject.name} overfits: try {names}.", {"training": off})


def _regularisers_off(facts: Facts, training: Mapping[str, Any]) -> dict[str, Any]:
    """Keys under `training` that work against overfitting here and were off → what they may be."""
    found: dict[str, Any] = {}
    if facts.kind == "images" and not training.get("augmentation", {}).get("views", 0):
        found["augmentation"] = {"views": 8, "flip": "horizontal", "shift": 0.1, "rotate": 15, "zoom": 0.1}
        if not facts.score.of_classes:  # a size, or a count of what is seen, is another one then
            found["augmentation"] = {"views": 8, "flip": "horizontal", "rotate": 15}
    if facts.score.of_classes and not training.get("label_smoothing", 0.0):
        found["label_smoothing"] = 0.1
    return found


def _label(verdict: Mapping[str, Any], subject: Measured) -> Step | None:
    more = verdict["more_data"]
    if more is None:
        return Step(
            f"To learn whether more labels would help, name {subject.name} in `study.candidates` and shares of the "
            "data in `study.fractions`.",
            {"study": {"candidates": [subject.name], "fractions": [0.25, 0.5]}},
        )
    if not more["more_labels"] or not more["more_labels"]["number"]:
        return None
    about = "at least " if more["more_labels"]["at_least"] else "about "
    number = count_of(more["more_labels"]["number"], "more example")
    return Step(f"Label {about}{number} to learn from (see More data).")
