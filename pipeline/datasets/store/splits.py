"""Who learns, who validates, who tests: pure functions of labels and a seed, the same for every candidate."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline.datasets.store.prepared import Prepared

# Each draw has a stream of its own, so that one seed may serve all of them.
VALIDATION, TEST, LIMIT, SHARE = 1, 2, 3, 4
STRATA, FEWEST_A_STRATUM = 10, 5  # of numbers to predict: quantiles, and examples in each
NONE_TO_DRAW = "each class stands in a single group, and groups are not divided, so none can be set aside"
FEWEST_KEPT = 20  # examples of each class that a limit leaves, where there are so many
LEFT_OF_A_CLASS = 2  # examples that drawing whole groups leaves at least: to tune and to fit classical models on
PIECES = 20  # groups are dealt into so many alike pieces, of which the fraction is taken


class SplitError(ValueError):
    """Examples that cannot be divided as asked."""


def split_development(data: Prepared, fraction: float, seed: int, share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """One seed's (training rows, validation rows) of the development data, as every candidate has them.

    Classes, and of photos the numbers to predict, are stratified, and groups stay together. A series is validated on
    its last stretch with every seed, and a share of its training rows is the latest of them.
    """
    if data.kind == "series":
        train, val = last_stretch(len(data.labels), fraction)
        return train[len(train) - max(round(len(train) * share), 1) :], val
    return draw_validation(strata_of(data), fraction, seed, data.groups, share, of_classes=bool(data.class_names))


def strata_of(data: Prepared) -> np.ndarray:
    """(N,) int64: what a draw keeps in proportion: classes; of numbers to predict from photos, their quantiles. Rows of
    a table whose target is a number are drawn without."""
    if data.class_names:
        return data.labels
    return quantile_strata(data.labels) if data.kind == "images" else np.zeros(len(data.labels), np.int64)


def quantile_strata(numbers: np.ndarray) -> np.ndarray:
    """(N,) int64 from 0 without gaps: the tenth of the sorted numbers that each belongs to.

    Sides that are drawn by them are alike in the whole range of the numbers. Equal numbers are in one stratum; there
    are fewer strata where one would have fewer than FEWEST_A_STRATUM examples.
    """
    count = int(np.clip(len(numbers) // FEWEST_A_STRATUM, 1, STRATA))
    edges = np.unique(np.quantile(numbers, np.arange(1, count) / count)) if count > 1 else np.empty(0)
    strata = np.searchsorted(edges, numbers, side="right")
    return np.unique(strata, return_inverse=True)[1].astype(np.int64)


def draw_validation(
    labels: np.ndarray,
    fraction: float,
    seed: int,
    groups: np.ndarray | None = None,
    share: float = 1.0,
    of_classes: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """One seed's split of development → (training rows, validation rows), sorted int64.

    Stratified; a class with two or more examples is on both sides, a single one is for training.

    Args:
        labels: (N,) class numbers.
        groups: (N,) anything that marks examples which must stay together, such as photos of one object.
        share: how much of the training rows is kept (see draw_share); the validation rows are the same for all.
        of_classes: whether labels are classes, each of which has to be learned from; else they are quantiles of
            numbers, and any group may be drawn.

    Raises:
        SplitError: no group can be drawn.
    """
    train, val = _draw(labels, fraction, (seed, VALIDATION), groups, of_classes)
    if not len(val) and groups is not None:
        raise SplitError(f"{NONE_TO_DRAW}, to validate on; give each class several groups")
    return (train if share == 1 else draw_share(labels, train, share, seed)), val


def draw_share(labels: np.ndarray, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """About `share` of `rows`, sorted: every class in proportion, but two examples of it or all that there are.

    Nested: with one seed a smaller share is part of every larger one, so that sizes differ by what was added alone.

    Args:
        labels: (N,) class numbers.
        rows: (M,) which of them to choose from, such as a seed's training rows.
    """
    counts = _counts(labels[rows])
    sizes = np.clip(np.rint(counts * share).astype(np.int64), np.minimum(counts, 2), counts)
    return rows[_drawn(labels[rows], sizes, (seed, SHARE))]


def draw_test(
    labels: np.ndarray, fraction: float, seed: int, groups: np.ndarray | None = None, of_classes: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The one sealed test split, where the source brings none → (development rows, test rows); as draw_validation."""
    return _draw(labels, fraction, (seed, TEST), groups, of_classes)


def last_stretch(count: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order of time → (the earlier ones, the last `fraction` of them): a series is never shuffled."""
    rows, size = np.arange(count), min(max(round(count * fraction), 1), count - 1)
    return rows[: count - size], rows[count - size :]


def draw_limited(labels: np.ndarray, limit: int, seed: int, at_least: int = FEWEST_KEPT) -> np.ndarray:
    """Rows of a stratified subset, sorted: `limit` of them, or more where classes would get fewer than `at_least`."""
    counts = _counts(labels)
    return _drawn(labels, allocate(counts, limit, np.minimum(counts, at_least), counts), (seed, LIMIT))


def allocate(counts: np.ndarray, total: int, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """How many of each class, (K,): in proportion to `counts`, adding up to `total` as far as the bounds allow.

    Largest remainders; a class that its bound holds hands its share on to the others.
    """
    given = np.clip(np.floor(counts * total / max(counts.sum(), 1)).astype(np.int64), least, most)
    while given.sum() != total:
        step = 1 if given.sum() < total else -1
        open_classes = given < most if step == 1 else given > least
        if not open_classes.any():
            break
        lacking = counts * total / counts.sum() - given
        given[np.argmax(np.where(open_classes, lacking * step, -np.inf))] += step
    return given


def _draw(
    labels: np.ndarray, fraction: float, stream: tuple[int, int], groups: np.ndarray | None, of_classes: bool
) -> tuple[np.ndarray, np.ndarray]:
    if groups is None:
        counts = _counts(labels)
        least, most = np.where(counts >= 2, 1, 0), np.maximum(counts - 1, 0)
        chosen = _drawn(labels, allocate(counts, round(len(labels) * fraction), least, most), stream)
    else:
        chosen = _drawn_in_groups(labels, fraction, stream, groups, labels if of_classes else np.zeros_like(labels))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen


def _drawn(labels: np.ndarray, sizes: np.ndarray, stream: tuple[int, int]) -> np.ndarray:
    """That many rows of each class at random, sorted."""
    random = np.random.default_rng(stream)
    rows = [random.permutation(np.flatnonzero(labels == label))[:size] for label, size in enumerate(sizes)]
    return np.sort(np.concatenate([np.empty(0, np.int64), *rows])).astype(np.int64)


def _drawn_in_groups(
    labels: np.ndarray, fraction: float, stream: tuple[int, int], groups: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    """The rows of whole groups, about `fraction` of all, with the labels as balanced as the groups allow.

    A class is never drawn whole, as long as it has two groups; one that stands in a single group is not drawn.

    Args:
        classes: (N,) the labels where they are classes; one for all where they are quantiles.

    Raises:
        SplitError: when all rows are one group.
    """
    if len(np.unique(groups)) < 2:
        raise SplitError(f"all {len(labels)} examples are of one group, and groups are not divided; give more of them")
    random = np.random.default_rng(stream)
    free = np.flatnonzero(~np.isin(groups, _groups_with_a_class_alone(classes, groups)))
    pieces = [free[rows] for rows in _dealt(labels[free], groups[free], random)]
    taken = _of_about(pieces, fraction * len(labels), len(labels), random)
    return _leave_every_class(classes, groups, np.sort(np.concatenate([np.empty(0, np.int64), *taken])))


def can_draw_groups(labels: np.ndarray, groups: np.ndarray) -> bool:
    """Whether a whole group can be set aside, and each class of it occurs in another one, too."""
    return not np.isin(groups, _groups_with_a_class_alone(labels, groups)).all()


def _groups_with_a_class_alone(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Those outside which a class of theirs does not occur."""
    of_each = [np.unique(groups[labels == label]) for label in np.unique(labels)]
    return np.array([names[0] for names in of_each if len(names) == 1], groups.dtype)


def _dealt(labels: np.ndarray, groups: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """The rows in pieces of whole groups, each piece with about the same classes."""
    from sklearn.model_selection import StratifiedGroupKFold

    names = np.unique(groups)
    count = min(PIECES, len(names), int(_counts(labels).max(initial=0)))
    if count < 2:
        return [np.flatnonzero(groups == name) for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a class has fewer members than there are pieces
        folds = StratifiedGroupKFold(count, shuffle=True, random_state=int(random.integers(2**31)))
        return [rows for _, rows in folds.split(np.zeros(len(labels)), labels, groups) if len(rows)]


def _of_about(pieces: list[np.ndarray], size: float, most: int, random: np.random.Generator) -> list[np.ndarray]:
    """Some pieces, of about `size` rows together and of fewer than `most`: each that brings them nearer to it.

    They are looked at in a drawn order. What the pieces are hardly depends on chance: scikit-learn deals the groups
    with the most uneven classes first, so that without this order all seeds would get the same rows.
    """
    taken: list[np.ndarray] = []
    total = 0
    for piece in (pieces[place] for place in random.permutation(len(pieces))):
        together = total + len(piece)
        if together < most and abs(together - size) < abs(total - size):
            taken, total = [*taken, piece], together
    return taken or sorted(pieces, key=len)[:1]


def _leave_every_class(labels: np.ndarray, groups: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """`chosen` without the smallest groups of each class of which it would leave fewer than LEFT_OF_A_CLASS; fewer than
    one, where nothing would be drawn else."""
    for fewest in (LEFT_OF_A_CLASS, 1):
        left = chosen
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            while len(np.setdiff1d(members, left)) < min(fewest, len(members)):
                names, sizes = np.unique(groups[left[labels[left] == label]], return_counts=True)
                left = left[groups[left] != names[sizes.argmin()]]
        if len(left):
            return left
    return chosen[:0]


def _counts(labels: np.ndarray) -> np.ndarray:
    return np.bincount(labels).astype(np.int64)
