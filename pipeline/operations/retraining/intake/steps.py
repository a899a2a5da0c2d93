"""New steps of a series: CSV or Parquet files in data/incoming/ with its time and its target, behind its end.

Nothing is drawn: the sealed test is the newest stretch of all that is known (with data.limit its oldest part), which
rolls on with each batch. It never reaches back, so no champion has learned from any step of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.arrivals.new_steps import (
    KNOWN,
    KnownSeries,
    NewSteps,
    read_new_steps,
    series_so_far,
    windows_with,
)
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.store.columns import encode
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.datasets.tables.accepted_rows import STEPS
from pipeline.ground.files import replacing
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.incoming import INCOMING, incoming_tables
from pipeline.operations.retraining.intake.rows import hash_of_files, keep_files
from pipeline.operations.retraining.row_drift import RowDrift, RowSample, measure_step_drift
from pipeline.params.data import Data


@dataclass(frozen=True)
class StepBatch:
    """All steps in data/incoming/, looked at; a `Batch`.

    Attributes:
        steps: in the order of time, with what is wrong with each.
        before: the series so far.
        files: name → SHA-256.
        faulty: sentences about files that cannot be read as steps of the series.
    """

    settings: Data
    steps: NewSteps
    files: dict[str, str]
    before: KnownSeries | None = None
    faulty: list[str] = field(default_factory=list)
    noun: str = "steps"

    @property
    def table(self) -> pd.DataFrame:
        """The usable steps."""
        return self.steps.table[self.steps.faults == ""].reset_index(drop=True)

    @property
    def total(self) -> int:
        return max(len(self.steps.names), len(self.faulty))

    @property
    def usable_count(self) -> int:
        return int((self.steps.faults == "").sum())

    @property
    def unusable_count(self) -> int:
        return len(self._unusable) or len(self.faulty)

    @property
    def content(self) -> str:
        return hash_of_files(self.files)

    @property
    def left_out(self) -> dict[str, str]:
        pairs = zip(self.steps.names, self.steps.faults, strict=True)
        return {str(name): str(fault) for name, fault in pairs if fault}

    @property
    def first_unusable(self) -> tuple[str, str]:
        """Its name, and what is wrong with it."""
        first = self._unusable[0]
        return str(self.steps.names[first]), str(self.steps.faults[first])

    @property
    def _unusable(self) -> np.ndarray:
        return np.flatnonzero((self.steps.faults != "") & (self.steps.faults != KNOWN))

    def counts(self) -> dict[str, int]:
        return {self.noun: self.usable_count}

    def why_refused(self, limit: float) -> list[str]:
        if self.faulty:
            return [f"{sentence.rstrip('.')}. Nothing was taken in." for sentence in self.faulty]
        if not len(self._unusable):
            return []
        example, fault = self.first_unusable
        return [
            f"{len(self._unusable)} of {self.total} steps in {INCOMING} are unusable, such as {example}: {fault}. "
            "Nothing was taken in, since a step that is left out would be a gap for ever; mend or remove them."
        ]

    def drift(self, champion: ReigningChampion) -> RowDrift:
        """Of the champion's errors alone: a series that moves on is no fault of its own."""
        assert self.before is not None
        test = load_prepared(TEST)
        windows, is_new = windows_with(self.before, self.table, self.settings)
        targets = windows.table[str(self.settings.target)].to_numpy(np.float64)
        kept = is_new & ~np.isnan(targets)  # values that are not there are no target
        inputs = encode(windows.table[kept], test.columns or [])
        return measure_step_drift(RowSample(inputs, targets[kept]), champion.unlearnt(test), champion, test)

    def write(self, folder: Path, test_fraction: float, seed: int) -> None:
        """steps.parquet, and files/… as they came; what is test follows from the time."""
        with replacing(folder / STEPS) as temporary:
            self.table.to_parquet(temporary, index=False)
        keep_files(self.files, folder)


def look_at_steps(settings: Data) -> StepBatch:
    """Read the tables in data/incoming/ behind the series so far.

    Raises:
        IncomingError: for what is no CSV or Parquet file.
        TableError: the series itself cannot be read.
    """
    files = incoming_tables()
    return steps_in([INCOMING / name for name in files], settings, files)


def steps_in(tables: Sequence[Path], settings: Data, files: dict[str, str]) -> StepBatch:
    """Read tables behind the series so far.

    Args:
        files: name → SHA-256 of those that are to be taken in.

    Raises:
        TableError: the series itself cannot be read.
    """
    nothing = NewSteps(pd.DataFrame(), np.empty(0, dtype=object), np.empty(0, dtype=object))
    if not tables:
        return StepBatch(settings, nothing, {})
    before = series_so_far(settings)
    try:
        steps = read_new_steps(tables, before, settings)
        batch = StepBatch(settings, steps, files, before)
        if batch.usable_count and not len(batch._unusable):
            windows_with(before, batch.table, settings)
    except TableError as error:
        return StepBatch(settings, nothing, files, before, [str(error)])
    return batch
