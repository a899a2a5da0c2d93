"""What to try next, each with its reason: a pure function of the verdict and of what is known of one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.overfitting import MATERIAL, onset_epochs
from pipeline.formats import count_of

UNSTEADY = 3.0  # times the usual spread between seeds
STILL_RISING = 0.5  # share of seeds whose validation loss fell to the very end


def next_steps(facts: Facts, verdict: Mapping[str, Any], subject: Measured) -> list[str]:
    """
    Args:
        verdict: as verdict.json has it.
        subject: the candidate to improve: the recommended one, or the best where none is.
    """
    steps = [
        _more_seeds(facts),
        _settle(facts, verdict),
        *_steady(facts),
        _other_kind(facts, verdict, subject),
        _train_longer(subject),
        _regularise(facts, subject),
        _label(verdict, subject) if facts.score.of_classes else "",
    ]
    return [step for step in steps if step]


def _more_seeds(facts: Facts) -> str:
    if facts.seeds > 1:
        return ""
    return "Name three seeds or more in `seeds`: with one, the spread between seeds is assumed and nothing is certain."


def _settle(facts: Facts, verdict: Mapping[str, Any]) -> str:
    """By seeds alone where that would do: they need no new examples. Else by examples alone, else by both together."""
    change = verdict["what_would_change_it"]
    if not verdict["provisional"] or facts.seeds == 1 or change["rival"] is None:
        return ""
    pair = f"{verdict['recommended']} and {change['rival']}"
    if change["out_of_reach"]:
        return f"Leave it open which of {pair} is better: telling them apart takes over ten times what there is."
    if change["seeds"] is not None and change["seeds"] > facts.seeds:
        return f"To tell {pair} apart, run {count_of(change['seeds'], 'seed')} (`seeds`); the finished ones are kept."
    wanted = change["examples"] or change["both"]["examples"]
    label = f"label {count_of(max(wanted - facts.examples, 0), 'more test example')}"
    if change["examples"] is None:
        return f"To tell {pair} apart, run {count_of(change['both']['seeds'], 'seed')} (`seeds`) and {label}: both."
    return f"To tell {pair} apart, {label}."


def _steady(facts: Facts) -> list[str]:
    """A contender whose seeds differ far more than the others' has intervals that hold less often than they say."""
    contenders = [name for name, row in facts.rows.items() if row["relation_to_best"] != "worse"]
    spreads = {name: facts.known[name].spread for name in facts.rows}
    usual = float(np.median(list(spreads.values())))
    return [
        f"{name} varies by {facts.words.difference(spreads[name])} from seed to seed, the usual candidate by "
        f"{facts.words.difference(usual)}: run more seeds (`seeds`) before its intervals are trusted."
        for name in contenders
        if usual > 0 and spreads[name] > max(UNSTEADY * usual, facts.margin)
    ]


def _other_kind(facts: Facts, verdict: Mapping[str, Any], subject: Measured) -> str:
    """Where it is not said of all candidates already."""
    row = facts.rows[subject.name]
    if verdict["shift"] or row["shift_low"] <= MATERIAL * facts.unit:
        return ""
    size = (
        f"{facts.words.difference(row['shift'])} ({facts.words.difference_span(row['shift_low'], row['shift_high'])})"
    )
    return (
        f"{subject.name} does worse on test than on validation examples by {size}, and both are new to it: the test "
        "split holds another kind of example. If that is the kind that will come, label some of it to learn from."
    )


def _train_longer(subject: Measured) -> str:
    if subject.history["epoch"].max() <= 1:
        return ""
    onsets = onset_epochs(subject.history)
    rising = sum(onset is None for onset in onsets)
    if rising / len(onsets) <= STILL_RISING:
        return ""
    return (
        f"Validation loss of {subject.name} still fell in its last epoch with {rising} of {len(onsets)} seeds: give "
        "its last phase more epochs."
    )


def _regularise(facts: Facts, subject: Measured) -> str:
    if facts.fits.get(subject.name) != "overfits" or subject.candidate.family == "classical":
        return ""
    training = subject.trial.parameters.get("training", {})
    off = [name for name, on in _regularisers(facts, training).items() if not on]
    return f"{subject.name} overfits: try {' or '.join(off)}." if off else ""


def _regularisers(facts: Facts, training: Mapping[str, Any]) -> dict[str, bool]:
    """Keys of params.yaml that work against overfitting here → whether they were on."""
    found = {}
    if facts.kind == "images":
        found["`training.augmentation`"] = training.get("augmentation", {}).get("views", 0) > 0
    if facts.score.of_classes:
        found["`training.label_smoothing`"] = training.get("label_smoothing", 0.0) > 0
    return found


def _label(verdict: Mapping[str, Any], subject: Measured) -> str:
    more = verdict["more_data"]
    if more is None:
        return (
            f"To learn whether more labels would help, name {subject.name} in `study.candidates` and shares of the "
            "data in `study.fractions`."
        )
    if not more["more_labels"] or not more["more_labels"]["number"]:
        return ""
    about = "at least " if more["more_labels"]["at_least"] else "about "
    return f"Label {about}{count_of(more['more_labels']['number'], 'more example')} to learn from (see More data)."
