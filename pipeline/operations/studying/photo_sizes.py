"""The same candidates on the same photos in several sizes: accuracy, and what it costs, with paired differences."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.comparison.statistics import intervals as statistics
from pipeline.comparison.statistics.quantities import Quantity, score_quantity, units_of_test
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.design import groups_of
from pipeline.comparison.tables.frames import tidy
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.params.compare import Compare
from pipeline.params.competing import read_candidates

COLUMNS = [
    "candidate",
    "family",
    "image_size",
    "test_accuracy",
    "low",
    "high",
    "behind_best",  # of this candidate's sizes, the most accurate one: its accuracy less this one's
    "behind_low",
    "behind_high",
    "shown",  # whether this size is shown to be worse than that one
    "training_seconds",
    "answer_milliseconds",
]


def read_sizes(workspaces: Mapping[int, Path]) -> dict[int, list[Measured]]:
    """What was measured with each size; the floor, which no pixel changes, is left out.

    Args:
        workspaces: {pixels a side: where the graph ran with photos of that size}.

    Raises:
        ComparisonError: something is missing there.
    """
    measured = {}
    for size, workspace in workspaces.items():
        with contextlib.chdir(workspace):
            measured[size] = [one for one in read_measurements(read_candidates()) if not one.is_floor]
    return measured


def compare_sizes(measured: Mapping[int, Sequence[Measured]], settings: Compare) -> pd.DataFrame:
    """One row for each candidate and size, by candidate and size.

    The sizes of a candidate are compared in pairs, on the same test photos; with the best of them, corrected (Holm) for
    how many there are.

    Args:
        measured: {pixels a side: the candidates}, the same ones for each size.

    Raises:
        ComparisonError: the sizes do not share seeds and test photos.
    """
    points = [(size, one) for size, candidates in sorted(measured.items()) for one in candidates]
    outcomes = align([one for _, one in points], groups_of([one for _, one in points]))
    quantity = score_quantity(outcomes.contributions, settings.resamples, units_of_test(outcomes))
    own = statistics.estimate(quantity, np.eye(len(points)), settings.confidence, (0.0, 1.0))
    names = list(dict.fromkeys(one.name for _, one in points))
    tables = []
    for name in names:
        places = [place for place, (_, one) in enumerate(points) if one.name == name]
        described = [_described(*points[place]) for place in places]
        table = pd.DataFrame(described).assign(
            test_accuracy=own.value[places], low=own.low[places], high=own.high[places]
        )
        tables.append(table.assign(**_behind_best(quantity, places, settings)))
    return tidy(pd.concat(tables, ignore_index=True)[COLUMNS])


def smallest_sufficient(rows: pd.DataFrame) -> int:
    """The smallest size of one candidate that is not shown to be worse than its best."""
    return int(rows.loc[~rows["shown"], "image_size"].min())


def _described(size: int, one: Measured) -> dict[str, Any]:
    return {
        "candidate": one.name,
        "family": one.candidate.family,
        "image_size": size,
        "training_seconds": one.cost_seconds,
        "answer_milliseconds": one.latency["latency_ms_per_image"]["median"],
    }


def _behind_best(quantity: Quantity, places: Sequence[int], settings: Compare) -> dict[str, Any]:
    """By how much each size is behind the candidate's best one, and whether that is shown."""
    best = max(places, key=lambda place: quantity.means[place])
    contrasts = np.zeros((len(places), len(quantity.means)))
    for row, place in enumerate(places):
        contrasts[row, best] += 1
        contrasts[row, place] -= 1
    behind = statistics.estimate(quantity, contrasts, settings.confidence, (-1.0, 1.0))
    others = [row for row, place in enumerate(places) if place != best]
    shown = np.zeros(len(places), bool)
    shown[others] = statistics.holm(behind.p_value[others]) < 1 - settings.confidence
    low, high = behind.low.copy(), behind.high.copy()
    own = places.index(best)
    low[own] = high[own] = 0.0  # with itself
    return {"behind_best": behind.value, "behind_low": low, "behind_high": high, "shown": shown}
