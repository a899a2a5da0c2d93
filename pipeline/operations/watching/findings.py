"""What is known of a champion without labels, as sentences for people and as plain data for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.versions import Champion
from pipeline.formats import count_of, whole_points
from pipeline.operations.retraining.estimated_score import ScoreEstimate

FEWEST = 10  # examples, below which nothing is estimated
NOTHING_MEANT = (
    "What this cannot know: whether equal {noun}s still have the same labels. Where labels mean something else by now "
    "(concept shift), or where nothing but the shares of the classes has changed (label shift), the estimate is wrong, "
    "and only labels show it."
)
EXTRAPOLATED = (
    "The champion's probabilities were measured on its test {noun}s alone. On {noun}s of another kind, such as from "
    "another {source}, it is often surer than it should be, and the estimate far too good."
)
PICKED = (
    "The champion was picked by its score on these test {noun}s, which flatters it, and the estimate inherits this "
    "without correction{expected}."
)
EXPECTED = "; when it was registered, its {score} on unseen {noun}s was expected to be {span}"
FAMILIAR = (
    "{count} of these are like one that is known: the champion was trained or measured on it, and of what it was "
    "trained on it is surer than of new {noun}s, so leave such out."
)


class WatchError(ValueError):
    """What was named says nothing of how the champion does; the message says why."""


@dataclass(frozen=True)
class Findings:
    """Of one champion and one set of examples.

    Attributes:
        noun: what one example is called: photo, row, step.
        examples: how many were looked at.
        estimates: of the score that counts, then of accuracy; empty where none can be estimated.
        independent: how many of them do not belong together; None: all of them.
        alarms: a sentence for each kind of drift that may hurt.
        remarks: what else is to be said: what was measured, or why something is not estimated.
        cannot_know: full sentences.
        blind_to: what drift would not show in so few, as a sentence; empty where drift is not tested.
        drifted: what the alarms say, as half a sentence.
        asked_for: what is worth asking for where something is found.
        visible: {so many labels: the fall of accuracy that they would show, None: none}; empty for numbers.
        numbers: all that was measured, as plain data.
        drawn_from: how many there are, of which these were drawn at random; None: they are all.
        left_out: {file: why it was not looked at}.
        remedy: what to do where labels are worth asking for.
    """

    champion: Champion
    noun: str
    examples: int
    estimates: Sequence[ScoreEstimate] = ()
    alarms: Sequence[str] = ()
    remarks: Sequence[str] = ()
    cannot_know: Sequence[str] = ()
    blind_to: str = ""
    independent: int | None = None
    drifted: str = "its inputs have drifted"
    asked_for: str = "labels"
    visible: Mapping[int, float | None] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    drawn_from: int | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    remedy: str = ""

    @property
    def reasons(self) -> list[str]:
        """Why labels are worth asking for, as half sentences; empty where nothing speaks for it."""
        worse = [estimate.score.replace("_", " ") for estimate in self.estimates if estimate.worse]
        reasons = [f"the champion's {name} is estimated to be worse than when it was registered" for name in worse]
        return [*reasons, *([self.drifted] if self.alarms else [])]

    def sentences(self) -> list[str]:
        """All there is to say, one thought each."""
        drift = list(self.alarms) or ([f"No drift of inputs is seen. {self.blind_to}"] if self.blind_to else [])
        told = [estimate.sentence(self.noun) for estimate in self.estimates]
        return [*told, *self.remarks, *drift, *self.cannot_know, self.conclusion()]

    def conclusion(self) -> str:
        """Whether labels are worth asking for, and what so many of them would show."""
        shown = "".join(f" {self._would_show(count, fall)}" for count, fall in self.visible.items())
        if not self.reasons:
            return f"Nothing seen here asks for {self.asked_for}.{shown}"
        verb = "are" if self.asked_for == "labels" else "is"
        why = " and ".join(self.reasons)
        return f"{self.asked_for.capitalize()} {verb} worth asking for: {why}. {self.remedy}{shown}"

    def _would_show(self, count: int, fall: float | None) -> str:
        apart = "" if self.independent is None else " that do not belong together"
        whose = f"Labels of {count_of(count, self.noun)}{apart}, drawn at random from these, would show"
        return (
            f"{whose} a fall of accuracy by {whole_points(fall)} points." if fall else f"{whose} no fall of accuracy."
        )

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        champion = self.champion
        return {
            "champion": {key: getattr(champion, key) for key in ("version", "candidate", "fingerprint")},
            "examples": self.examples,
            "independent": self.examples if self.independent is None else self.independent,
            "left_out": dict(self.left_out),
            "estimates": [asdict(estimate) for estimate in self.estimates],
            "promotion": promotion_of(champion),
            **self.numbers,
            "alarms": list(self.alarms),
            "remarks": list(self.remarks),
            "cannot_know": list(self.cannot_know),
            "labels": {
                "worth_asking": bool(self.reasons),
                "reasons": self.reasons,
                "visible_falls": {str(count): fall for count, fall in self.visible.items()},
            },
            "sentences": self.sentences(),
        }


def promotion_of(champion: Champion) -> dict[str, Any]:
    """What was expected of the champion when it was registered: its score on test examples, with the interval."""
    low, high = champion.model_interval or champion.interval
    score = champion.score_column.removeprefix("test_")
    return {"score": score, "value": champion.shown_score, "low": low, "high": high}


def drawn(count: int, most: int | None) -> NDArray[np.int64]:
    """The places of as many of `count` examples as are looked at, in their order: the same ones in every call."""
    if most is None or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(9).choice(count, most, replace=False))


def refuse_few(examples: int, noun: str) -> None:
    """
    Raises:
        WatchError: there are too few examples to say anything.
    """
    if examples < FEWEST:
        raise WatchError(
            f"{count_of(examples, noun)} that can be read: too few to estimate anything; name at least {FEWEST}"
        )
