"""What the page of history shows, gathered from champions/log.jsonl and the versions that are on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.champions.log import Entry, current, open_question
from pipeline.champions.versions import Champion
from pipeline.comparison.statistics.paired_tests import spent_alpha

YEAR = timedelta(days=365)
OF_PHOTOS = {"labels": "classes", "outputs": "looks", "accuracy": "champion"}  # what was tested, in words


@dataclass(frozen=True)
class ShownVersion:
    """A registered version with its test score when it was registered.

    Attributes:
        value: of the model that answers; None where it was not measured by this score.
        low, high: what to expect of this one model; of a version without that, of the mean over its seeds.
        reigned: whether it ever was the champion.
    """

    version: int
    candidate: str
    moment: datetime
    score: str
    value: float | None
    low: float
    high: float
    reigned: bool


@dataclass(frozen=True)
class Look:
    """A decision that compared two models on the test examples of its day.

    Attributes:
        champion_version: the champion that was held against; None where the log does not say.
        champion, challenger: their values by `score`.
        lead, low, high: by how much the challenger is better, with its interval.
        p_value: corrected for the number that the challenger was picked from.
        alpha: what the look could spend; spent: of the year up to then, this look included.
        allowed: what all looks of a year may spend together.
    """

    moment: datetime
    event: str
    champion_version: int | None
    score: str
    champion: float
    challenger: float
    lead: float
    low: float
    high: float
    p_value: float
    number: int
    alpha: float
    spent: float
    allowed: float
    examples: int


@dataclass(frozen=True)
class DriftSeen:
    """How the champion did on a batch, and on the examples before.

    Attributes:
        shifts: p-values by what was tested.
    """

    moment: datetime
    new: int
    before_count: int
    value: float
    before: float
    is_share: bool
    shifts: list[tuple[str, float]]


@dataclass(frozen=True)
class History:
    """
    Attributes:
        entries: the log, oldest first.
        versions: those that are on disk, in their order.
        missing: registered versions that are not.
    """

    entries: Sequence[Entry]
    versions: list[ShownVersion]
    looks: list[Look]
    drifts: list[DriftSeen]
    missing: list[int]

    @property
    def champion(self) -> ShownVersion | None:
        return next((one for one in self.versions if one.version == current(self.entries)), None)

    @property
    def question(self) -> Entry | None:
        """Where a person was asked and has not answered."""
        return open_question(self.entries)

    @property
    def score(self) -> str | None:
        """The one that most was measured by; others are told in the tables alone."""
        names = [*(one.score for one in self.versions), *(look.score for look in self.looks)]
        return max(dict.fromkeys(names), key=names.count) if names else None


def gather(entries: Sequence[Entry], champions: Sequence[Champion]) -> History:
    """
    Args:
        entries: the log, oldest first.
        champions: the registered versions on disk.
    """
    reigned = {entry.champion for entry in entries}
    here = {champion.version for champion in champions}
    registered = sorted({entry.version for entry in entries if entry.version is not None})
    return History(
        entries,
        [_version(champion, entries, champion.version in reigned) for champion in champions],
        list(_looks(entries)),
        list(_drifts(entries)),
        [version for version in registered if version not in here],
    )


def _version(champion: Champion, entries: Sequence[Entry], reigned: bool) -> ShownVersion:
    low, high = champion.model_interval or champion.interval
    first = next(entry for entry in entries if entry.version == champion.version)
    return ShownVersion(
        champion.version,
        champion.candidate,
        datetime.fromisoformat(first.time),
        champion.score_column.removeprefix("test_"),
        champion.shown_score,
        low,
        high,
        reigned,
    )


def _looks(entries: Sequence[Entry]) -> Iterator[Look]:
    before: int | None = None
    earlier: list[tuple[datetime, float]] = []
    for entry in entries:
        numbers = entry.numbers
        if "look" in numbers and "alpha" in numbers:
            moment, alpha = datetime.fromisoformat(entry.time), float(numbers["alpha"])
            earlier.append((moment, alpha))
            within = [spent for when, spent in earlier if when > moment - YEAR]
            # What a look may spend is proportional to what the year may spend.
            share = spent_alpha(1.0, int(numbers["look"]))
            score, champion, challenger = _values(numbers)
            yield Look(
                moment=moment,
                event=entry.event,
                champion_version=before,
                score=score,
                champion=champion,
                challenger=challenger,
                lead=float(numbers["difference"]),
                low=float(numbers["low"]),
                high=float(numbers["high"]),
                p_value=float(numbers["p_adjusted"]),
                number=int(numbers["look"]),
                alpha=alpha,
                spent=sum(within),
                allowed=alpha / share if share else 0.0,
                examples=int(numbers["examples"]),
            )
        before = entry.champion


def _values(numbers: Mapping[str, Any]) -> tuple[str, float, float]:
    """The score that both were judged by, and their values; decisions of the first logs were by accuracy alone."""
    if "champion_score" in numbers:
        return str(numbers["score"]), float(numbers["champion_score"]), float(numbers["challenger_score"])
    return "accuracy", float(numbers["champion_accuracy"]), float(numbers["challenger_accuracy"])


def _drifts(entries: Sequence[Entry]) -> Iterator[DriftSeen]:
    for entry in entries:
        measured = entry.numbers.get("drift")
        if isinstance(measured, Mapping):
            yield _drift(datetime.fromisoformat(entry.time), measured)


def _drift(moment: datetime, measured: Mapping[str, Any]) -> DriftSeen:
    """Of photos labels, outputs and accuracy were tested; of rows each column, the target and the champion's errors."""
    if "champion" in measured:
        champion, columns = measured["champion"], measured.get("columns", {})
        shifts = [(name, float(column["p_value"])) for name, column in columns.items()]
        furthest = [min(shifts, key=lambda pair: pair[1])] if shifts else []
        target = [("target", float(measured["target"]["p_value"]))] if "target" in measured else []
        return DriftSeen(
            moment,
            int(champion["new"]),
            int(measured["reference"]),
            float(champion["value"]),
            float(champion["before"]),
            bool(champion["of_classes"]),
            [*furthest, *target, ("champion", float(champion["p_value"]))],
        )
    return DriftSeen(
        moment,
        int(measured["new"]),
        int(measured["reference"]),
        float(measured["new_accuracy"]),
        float(measured["reference_accuracy"]),
        True,
        [(name, float(measured[key])) for key, name in OF_PHOTOS.items()],
    )
