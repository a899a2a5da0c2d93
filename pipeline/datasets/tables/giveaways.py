"""Columns that give the answer away, or number the rows: a model that learns from them learns nothing.

They are left out unless data.columns names them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.cells.dates import find_patterns, read_moments

FEWEST = 30  # rows; of fewer a column may be in order, or predict all, by chance
MOST_LOOKED_AT = 5000  # rows that show whether a column predicts the target
# A column alone that leaves so little of what the most frequent class, or the mean, gets wrong.
LEFT_WRONG = 0.02  # share of wrong classes
LEFT_UNEXPLAINED = 0.001  # share of the variance
MOSTLY = 0.9  # of the rows must have a date
IN_ORDER = "dates the rows, and the file is in their order"
CLOCK = (9.4e8, 2.2e9)  # seconds since 1970: from the end of 1999 to 2039
GAPS = 2  # a counter of rows that are left has at most so many numbers a row
LEAVES = 32  # of a tree that looks at one column


def find_counters(table: pd.DataFrame, cells: pd.DataFrame) -> dict[str, str]:
    """{column: why} of those that number the rows, or date the rows of a file that is in their order.

    Args:
        table: (N, columns) float64 or text, in the order of the file; cells: the same as the file has them.
    """
    found = {}
    for name in table.columns if len(table) >= FEWEST else []:
        if pd.api.types.is_numeric_dtype(table[name]):
            values = table[name].to_numpy(np.float64)
            if _numbers_rows(values):
                found[str(name)] = "numbers the rows"
            elif _stamps_rows(values):
                found[str(name)] = IN_ORDER
        elif _dates_rows(cells[name]):
            found[str(name)] = IN_ORDER
    return found


def find_predictors(table: pd.DataFrame, target: np.ndarray, classes: bool) -> dict[str, str]:
    """{column: why} of those that alone predict nearly everything, as cross-validation on these rows shows.

    Args:
        table: (N, columns) of development, float64 or text; target: (N,) class numbers or numbers.
    """
    if len(table) < FEWEST:
        return {}
    rows = np.random.default_rng(0).permutation(len(table))[:MOST_LOOKED_AT]
    table, target = table.iloc[rows], target[rows]
    found = {}
    for name in table.columns:
        left = _left_wrong(_as_input(table[name]), target, classes)
        if left <= (LEFT_WRONG if classes else LEFT_UNEXPLAINED):
            how = f"{1 - left:.1%} of the errors of " + ("the most frequent class" if classes else "the mean")
            found[str(name)] = f"alone predicts nearly everything (it takes away {how})"
    return found


def _numbers_rows(values: np.ndarray) -> bool:
    """Whole numbers, each once: one after the other in the file, with few left out, or all of them in any order."""
    if np.isnan(values).any() or (values != np.round(values)).any() or len(np.unique(values)) < len(values):
        return False
    steps, span = np.diff(values), values.max() - values.min() + 1
    in_order = bool((steps > 0).all() or (steps < 0).all())
    return bool(span == len(values) or (in_order and span <= GAPS * len(values)))


def _stamps_rows(values: np.ndarray) -> bool:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970 that never go back (or never forth)."""
    if np.isnan(values).any() or (values != np.round(values)).any() or len(np.unique(values)) < FEWEST / 3:
        return False
    steps = np.diff(values)
    if not ((steps >= 0).all() or (steps <= 0).all()):
        return False
    return any(CLOCK[0] * unit <= values.min() and values.max() <= CLOCK[1] * unit for unit in (1, 1e3, 1e6, 1e9))


def _dates_rows(column: pd.Series) -> bool:
    """Dates, many of them, that never go back (or never forth) from row to row."""
    texts = [] if pd.api.types.is_numeric_dtype(column) else column.dropna().tolist()
    if len(texts) < MOSTLY * len(column) or len(set(texts)) < FEWEST / 3:
        return False
    patterns = find_patterns(texts) if any(character.isdigit() for character in texts[0]) else []
    for pattern in patterns:
        moments = read_moments(texts, pattern)
        if moments.is_monotonic_increasing or moments.is_monotonic_decreasing:
            return True
    return False


def _as_input(column: pd.Series) -> tuple[np.ndarray, bool]:
    """(N, 1) numbers, NaN where one is missing; and whether they are categories."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64)[:, None], False
    return pd.factorize(column, use_na_sentinel=False)[0].astype(np.float64)[:, None], True


def _left_wrong(given: tuple[np.ndarray, bool], target: np.ndarray, classes: bool) -> float:
    """What a model of one column leaves wrong, as a share of what the best constant does; 1 where it is no better."""
    inputs, categories = given
    halves = np.arange(len(target)) % 2 == 0
    first = _errors(inputs, target, halves, ~halves, categories, classes)
    if first > 5 * (LEFT_WRONG if classes else LEFT_UNEXPLAINED):
        return 1.0  # far from it: no need to look more closely
    folds = np.arange(len(target)) % 5
    return float(
        np.mean([_errors(inputs, target, folds != fold, folds == fold, categories, classes) for fold in range(5)])
    )


def _errors(
    inputs: np.ndarray, target: np.ndarray, fit: np.ndarray, test: np.ndarray, categories: bool, classes: bool
) -> float:
    known, wanted = target[fit], target[test]
    if classes:
        constant = np.bincount(known).argmax()
        base = float(np.mean(wanted != constant))
    else:
        base = float(np.mean((wanted - known.mean()) ** 2))
    if base == 0:
        return 1.0
    answers = (_by_category if categories else _by_tree)(inputs[fit], known, inputs[test], classes)
    errors = answers != wanted if classes else (answers - wanted) ** 2
    return float(np.mean(errors)) / base


def _by_category(inputs: np.ndarray, known: np.ndarray, asked: np.ndarray, classes: bool) -> np.ndarray:
    """The most frequent class, or the mean, of each category; of all where a category is new."""
    table = pd.DataFrame({"category": inputs[:, 0], "target": known})
    groups = table.groupby("category")["target"]
    answers: Any = groups.agg(lambda values: values.mode().iloc[0]) if classes else groups.mean()
    overall = table["target"].mode().iloc[0] if classes else table["target"].mean()
    return pd.Series(asked[:, 0]).map(answers).fillna(overall).to_numpy()


def _by_tree(inputs: np.ndarray, known: np.ndarray, asked: np.ndarray, classes: bool) -> np.ndarray:
    from sklearn.linear_model import LinearRegression
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if classes:
        tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0)
        return np.asarray(tree.fit(inputs, known).predict(asked))
    if np.isnan(inputs).all():
        return np.full(len(asked), known.mean())
    filled, middle = (np.nan_to_num(part, nan=np.nanmedian(inputs)) for part in (inputs, asked))
    line = LinearRegression().fit(filled, known)
    rest = DecisionTreeRegressor(random_state=0, min_samples_leaf=3).fit(inputs, known - line.predict(filled))
    return np.asarray(line.predict(middle) + rest.predict(asked))
