"""Whether new labelled rows still look like those that are known, and whether the champion still does well on them;
of photos of which a number is predicted, the numbers and the champion alone.

Each column by itself: numbers by the Kolmogorov-Smirnov distance of the two distributions, categories by the
chi-squared test, told by Cramér's V; a missing value is a value of its own, and so is a category that was never seen.
Columns share their part of the level, beside target and errors (Rabanser, Günnemann and Lipton 2019 found such tests
with Bonferroni's correction to detect shift well). A large table shows differences that matter to nobody, so those
below a size of NEGLIGIBLE raise no alarm. The champion's errors say most: right or wrong by Fisher's exact test, the
size of errors of numbers by Mann and Whitney's. Of rows that belong together one is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from pipeline.comparison.statistics.variation.autocorrelation import blocks_for
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import Prepared
from pipeline.formats import number, percent
from pipeline.formats import p_value as p_text
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.drift import (
    KINDS,
    POWER,
    RESAMPLES,
    accuracy_loss,
    accuracy_without_labels,
    label_shift,
    visible_fall,
    visible_words,
)
from pipeline.operations.retraining.estimated_score import ScoreEstimate, first_of_each

NEGLIGIBLE = 0.1  # Kolmogorov-Smirnov distance, or Cramér's V (Cohen 1988 calls 0.1 small)
LEAST_COUNTED = 1 / (1 + RESAMPLES)  # the least p-value that relabellings can show
FEWEST_EXPECTED = 5.0  # in a cell, for the chi-squared distribution to hold; else relabellings are counted
MOST_CATEGORIES = 100  # of a column that are counted by themselves
NAMED = 3  # columns in a sentence


@dataclass(frozen=True)
class RowSample:
    """Rows with their targets.

    Attributes:
        inputs: (N, columns) as `columns.encode` makes them; or photos, (N, S, S, 3).
        targets: (N,) class numbers, or numbers.
        groups: (N,) equal for rows that belong together; None where each is on its own.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    groups: NDArray[np.int64] | None = None

    @staticmethod
    def of(splits: Sequence[Prepared]) -> RowSample:
        """Both splits, whose groups have numbers in common."""
        parts = [one.groups for one in splits if one.groups is not None]
        groups = np.concatenate(parts) if len(parts) == len(splits) else None
        inputs, targets = (np.concatenate([getattr(one, part) for one in splits]) for part in ("inputs", "labels"))
        return RowSample(inputs, targets, groups)

    @property
    def one_of_each_group(self) -> RowSample:
        if self.groups is None:
            return self
        rows = first_of_each(self.groups)
        return RowSample(self.inputs[rows], self.targets[rows])


@dataclass(frozen=True)
class Shift:
    """
    Attributes:
        size: Kolmogorov-Smirnov distance of numbers, Cramér's V of categories.
        p_value: of no shift, of this test alone.
    """

    size: float
    p_value: float
    of_categories: bool

    def words(self) -> str:
        size = f"Cramér's V {self.size:.2f}" if self.of_categories else f"distance {self.size:.2f}"
        return f"{size}, p {p_text(self.p_value)}"


@dataclass(frozen=True)
class Performance:
    """The champion on new rows and on those before.

    Attributes:
        value, before: share that it is right on; of numbers the root mean squared error.
        p_value: of its being no worse than before.
        block: of errors that depend on those before them, one of so many is tested.
    """

    new: int
    reference: int
    value: float
    before: float
    p_value: float
    of_classes: bool
    block: int = 1

    @property
    def tested(self) -> tuple[int, int]:
        """How many errors are tested: new ones, and those before."""
        return -(-self.new // self.block), -(-self.reference // self.block)


@dataclass(frozen=True)
class RowDrift:
    """What was found; a `MeasuredDrift`.

    Attributes:
        noun: rows, steps, or photos of which a number is predicted.
        new, known: how many rows were looked at.
        columns: of each column, by name; empty where inputs are not tested.
        target: of the target; None where it is not tested.
        champion: how it does.
        estimate: of its accuracy on the new rows, had their targets not been known; None where it was not made.
    """

    noun: str
    new: int
    known: int
    champion: Performance
    columns: dict[str, Shift] = field(default_factory=dict)
    target: Shift | None = None
    estimate: ScoreEstimate | None = None

    def sentences(self, level: float) -> list[str]:
        """The alarms, and whether targets come otherwise: that alone is no harm."""
        return [*self._about_target(level), *self.alarms(level)]

    def alarms(self, level: float) -> list[str]:
        return [*self._about_columns(level), *self._about_champion(level)]

    def loses_accuracy(self, level: float) -> bool:
        return self.champion.p_value < level / KINDS

    def visible(self, level: float) -> str:
        champion, alpha = self.champion, level / KINDS
        if champion.of_classes:
            return visible_words(visible_fall(champion.new, champion.reference, champion.before, alpha))
        chance = _visible_chance(*champion.tested, alpha)
        if chance >= 1:
            return "no larger errors would be seen"
        return (
            f"larger errors would be noticed only if a new error exceeded an earlier one in {percent(chance)} of pairs"
        )

    def estimate_checked(self) -> list[str]:
        return [] if self.estimate is None else [self.estimate.beside(self.champion.value, self.noun.removesuffix("s"))]

    def performance(self) -> str:
        """How the champion does on the new examples and did before, as a sentence."""
        one, seen = self.champion, p_text(self.champion.p_value)
        if one.of_classes:
            return (
                f"The champion is right on {percent(one.value)} of {one.new} new {self.noun}, on "
                f"{percent(one.before)} of {one.reference} before (p {seen})."
            )
        return (
            f"The champion is off by {number(one.value)} on {one.new} new {self.noun} (root mean squared error), by "
            f"{number(one.before)} on {one.reference} before (p {seen})."
        )

    def numbers(self) -> dict[str, Any]:
        champion = asdict(self.champion)
        measured = {"new": self.new, "reference": champion.pop("reference"), "known": self.known}
        columns = {name: asdict(shift) for name, shift in self.columns.items()}
        target = {} if self.target is None else {"target": asdict(self.target)}
        estimate = {} if self.estimate is None else {"estimate": asdict(self.estimate)}
        return {**measured, "columns": columns, **target, "champion": champion, **estimate}

    def _about_columns(self, level: float) -> list[str]:
        found = moved(self.columns, level / KINDS)
        return [f"Columns are distributed otherwise in the new {self.noun}: {moved_words(found)}."] if found else []

    def _about_target(self, level: float) -> list[str]:
        if self.target is None or self.target.p_value >= level / KINDS:
            return []
        what = "Classes come in other shares" if self.champion.of_classes else "The target is distributed otherwise"
        return [f"{what} than before ({self.target.words()})."]

    def _about_champion(self, level: float) -> list[str]:
        return [self.performance()] if self.loses_accuracy(level) else []


def measure_row_drift(
    new: RowSample, known: RowSample, unlearnt: NDArray[np.bool_], champion: ReigningChampion, test: Prepared
) -> RowDrift:
    """
    Args:
        new: the rows that came.
        known: all prepared rows, against which columns and target are held.
        unlearnt: (test rows,) those of today's test that the champion has not learned from, on which it was measured.
        champion: the present one.
        test: today's test split, its columns with the categories of the new rows too.
    """
    new, known = new.one_of_each_group, known.one_of_each_group
    columns = test.columns or []
    shifts = {
        column.name: column_shift(new.inputs[:, place], known.inputs[:, place], column)
        for place, column in enumerate(columns)
    }
    before = RowSample(
        test.inputs[unlearnt], test.labels[unlearnt], None if test.groups is None else test.groups[unlearnt]
    )
    performance, estimate = _performance(new, before.one_of_each_group, champion, test, 1)
    return RowDrift(
        "rows",
        len(new.targets),
        len(known.targets),
        performance,
        shifts,
        target_shift(new.targets, known.targets, len(test.class_names)),
        estimate,
    )


def measure_step_drift(
    new: RowSample, unlearnt: NDArray[np.bool_], champion: ReigningChampion, test: Prepared
) -> RowDrift:
    """Of the champion's errors alone; of errors that depend on those before them, one of each block is looked at."""
    before = RowSample(test.inputs[unlearnt], test.labels[unlearnt])
    squared = np.square(champion.said(before.inputs, test) - before.targets)
    block = blocks_for(squared[None]).length if len(squared) > 1 else 1
    performance, _ = _performance(new, before, champion, test, block)
    return RowDrift("steps", len(new.targets), len(before.targets), performance)


def measure_photo_drift(
    new: RowSample,
    known: NDArray[np.float64],
    unlearnt: NDArray[np.bool_],
    champion: ReigningChampion,
    test: Prepared,
) -> RowDrift:
    """Of photos of which a number is predicted: whether the numbers come otherwise, and how the champion does.

    Args:
        new: the photos that came, (N, S, S, 3), and their numbers.
        known: (M,) the numbers of the prepared photos, one of each group.
        unlearnt: (test photos,) those of today's test that the champion has not learned from.
        champion: the present one.
        test: today's test split.
    """
    new = new.one_of_each_group
    groups = None if test.groups is None else test.groups[unlearnt]
    before = RowSample(test.inputs[unlearnt], test.labels[unlearnt], groups).one_of_each_group
    performance, _ = _performance(new, before, champion, test, 1)
    target = number_shift(new.targets, known)
    return RowDrift("photos", len(new.targets), len(known), performance, target=target)


def column_shift(new: NDArray[np.float64], known: NDArray[np.float64], column: Column) -> Shift:
    """Of one column as `columns.encode` makes it.

    Args:
        new, known: (N,) NaN where a value is missing.
        column: of categories with those of the new rows too, so that one that was never seen is not taken for missing.
    """
    if column.categories is not None:
        absent = len(column.categories)
        ours, theirs = (np.nan_to_num(values, nan=absent).astype(np.int64) for values in (new, known))
        return category_shift(ours, theirs, absent + 1)
    lowest = min((float(np.nanmin(part)) for part in (new, known) if np.isfinite(part).any()), default=0.0)
    filled = [np.nan_to_num(part, nan=lowest - 1) for part in (new, known)]
    return number_shift(*filled)


def number_shift(new: NDArray[np.float64], known: NDArray[np.float64]) -> Shift:
    if not len(new) or not len(known):
        return Shift(0.0, 1.0, of_categories=False)
    tested = stats.ks_2samp(new, known, method="auto")
    return Shift(float(tested.statistic), float(tested.pvalue), of_categories=False)


def category_shift(new: NDArray[np.int64], known: NDArray[np.int64], categories: int) -> Shift:
    """The chi-squared test; where counts are small, its statistic among relabellings."""
    table = np.stack([np.bincount(part, minlength=categories) for part in (new, known)])  # (2, categories)
    table = _without_rare(table[:, table.sum(axis=0) > 0])
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return Shift(0.0, 1.0, of_categories=True)
    tested = stats.chi2_contingency(table, correction=False)
    size = float(np.sqrt(tested.statistic / table.sum()))  # of two rows Cramér's V divides by one
    if tested.expected_freq.min() >= FEWEST_EXPECTED:
        return Shift(size, float(tested.pvalue), of_categories=True)
    places = np.arange(table.shape[1])
    p_value = label_shift(np.repeat(places, table[0]), np.repeat(places, table[1]), len(places))
    if p_value <= LEAST_COUNTED:  # what no relabelling reached is left to the distribution's tail
        p_value = min(p_value, float(tested.pvalue))
    return Shift(size, p_value, of_categories=True)


def _without_rare(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (2, K) with the rarest categories as one, so that relabellings of a wide column fit into memory."""
    order = np.argsort(-table.sum(axis=0), kind="stable")
    if len(order) <= MOST_CATEGORIES:
        return table
    return np.column_stack([table[:, order[: MOST_CATEGORIES - 1]], table[:, order[MOST_CATEGORIES - 1 :]].sum(axis=1)])


def moved(shifts: Mapping[str, Shift], level: float) -> dict[str, Shift]:
    """Those that are shown to be no chance (Bonferroni's correction) and are not negligible, the largest first."""
    share = level / max(len(shifts), 1)
    found = {name: one for name, one in shifts.items() if one.p_value < share and one.size >= NEGLIGIBLE}
    return dict(sorted(found.items(), key=lambda item: -item[1].size))


def moved_words(found: Mapping[str, Shift]) -> str:
    """The first few by name, with how far they have moved."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(f"{name!r} ({found[name].words()})" for name in list(found)[:NAMED]) + more


def target_shift(new: NDArray[Any], known: NDArray[Any], classes: int) -> Shift:
    return category_shift(new, known, classes) if classes else number_shift(new, known)


def _performance(
    new: RowSample, before: RowSample, champion: ReigningChampion, test: Prepared, block: int
) -> tuple[Performance, ScoreEstimate | None]:
    """How it does, and of classes what would have been estimated without targets."""
    parts = (new, before)
    if test.class_names:
        samples = [champion.sample_of_rows(part.inputs, part.targets, test) for part in parts]
        right, counts = [sample.right for sample in samples], [len(part.targets) for part in parts]
        p_value = accuracy_loss(right[0], counts[0], right[1], counts[1])
        value, earlier = (hits / max(count, 1) for hits, count in zip(right, counts, strict=True))
        performance = Performance(counts[0], counts[1], value, earlier, p_value, of_classes=True)
        return performance, accuracy_without_labels(*samples) if all(counts) else None
    said = [champion.said(part.inputs, test) for part in parts]
    errors = [np.abs(answer - part.targets) for answer, part in zip(said, parts, strict=True)]
    value, earlier = (float(np.sqrt(np.square(error).mean())) if len(error) else 0.0 for error in errors)
    ours, theirs = (error[::block] for error in errors)
    p_value = 1.0
    if len(ours) and len(theirs):
        p_value = float(stats.mannwhitneyu(ours, theirs, alternative="greater").pvalue)
    counts = [len(error) for error in errors]
    return Performance(counts[0], counts[1], value, earlier, p_value, of_classes=False, block=block), None


def _visible_chance(new: int, reference: int, alpha: float) -> float:
    """The chance, of a new error being larger than one before, that the test shows with a probability of POWER.

    Its statistic is close to normal with a variance of (n + m + 1) / (12 n m) (Mann and Whitney 1947).
    """
    deviation = np.sqrt((new + reference + 1) / (12 * max(new * reference, 1)))
    return 0.5 + float(special.ndtri(1 - alpha) + special.ndtri(POWER)) * float(deviation)
