"""What a measure beyond accuracy finds: numbers for metrics.json, and what they are made of, example by example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.ground.files import write_parquet

MEASURE_COLUMNS = ["measure", "seed", "example", "value"]


@dataclass(frozen=True)
class Findings:
    """Of one candidate.

    Attributes:
        summary: few flat numbers, under `mean` of metrics.json (and so MLflow's metrics of the candidate).
        sections: name → nested numbers, beside `mean`.
        rows: MEASURE_COLUMNS, from which `compare` makes intervals and paired differences.
    """

    summary: dict[str, float] = field(default_factory=dict)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=MEASURE_COLUMNS))


def measure_rows(measure: str, seed: int, examples: NDArray[np.str_], values: NDArray[Any]) -> pd.DataFrame:
    """Rows of one measure.

    Args:
        examples: (N,) ids.
        values: (N,) numbers, or whether something holds.
    """
    columns = {"measure": measure, "seed": seed, "example": examples.astype(str), "value": values.astype(np.float64)}
    return pd.DataFrame(columns, columns=MEASURE_COLUMNS)


def joined(findings: Sequence[Findings]) -> Findings:
    """The findings of several measures, in their order."""
    summary: dict[str, float] = {}
    sections: dict[str, dict[str, Any]] = {}
    for of_measure in findings:
        summary |= of_measure.summary
        sections |= of_measure.sections
    rows = [of_measure.rows for of_measure in findings if len(of_measure.rows)]
    return Findings(summary, sections, pd.concat(rows, ignore_index=True) if rows else Findings().rows)


def write_measures(path: Path, rows: pd.DataFrame) -> None:
    """measures.parquet: measure, seed, example, value; no rows where nothing is switched on."""
    kinds = {"measure": "str", "seed": "int64", "example": "str", "value": "float64"}
    write_parquet(path, rows.astype(kinds))
