"""New rows of a table: CSV or Parquet files in data/incoming/, looked at by the study's own columns.

A row is known by data.key where that names a column, else by its content. New rows that belong to known ones (by
data.group, or being alike where these stay together) go to their side. New groups are drawn whole, by a hash of their
name, so that a group is on the same side whatever batch brings it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.accepted import CHOSEN
from pipeline.datasets.arrivals.new_rows import NewRows, read_new_rows
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import find_table, read_header
from pipeline.datasets.store.columns import encode, with_categories_of
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import draw_test
from pipeline.datasets.tables.accepted_rows import BOTH_SIDES, EXAMPLE, known_by_content
from pipeline.datasets.tables.grouping import number_alike, number_groups
from pipeline.datasets.tables.preparing import rows_so_far
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import REPEATED
from pipeline.ground.files import write_parquet
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.incoming import INCOMING, incoming_tables, too_many_unusable
from pipeline.operations.retraining.row_drift import RowDrift, RowSample, measure_row_drift
from pipeline.params.data import Data

HARMLESS = (REPEATED, BOTH_SIDES)


@dataclass(frozen=True)
class RowBatch:
    """All rows in data/incoming/, looked at; a `Batch`.

    Attributes:
        rows: as the study's columns read them, with what is wrong with each.
        files: name → SHA-256.
        faulty: sentences about files that cannot be read as rows of the study.
        components: (N,) equal for rows that stay on one side, -1 for faulty ones; None where each is on its own.
        sides: (N,) "development" or "test" for rows of a known component; "" for the others.
    """

    settings: Data
    rows: NewRows
    files: dict[str, str]
    faulty: list[str] = field(default_factory=list)
    components: np.ndarray | None = None
    sides: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))
    noun: str = "rows"

    @property
    def usable(self) -> np.ndarray:
        """(N,) bool."""
        return np.asarray(self.rows.faults == "")

    @property
    def table(self) -> pd.DataFrame:
        """The usable rows."""
        return self.rows.table[self.usable].reset_index(drop=True)

    @property
    def total(self) -> int:
        return max(len(self.rows.names), len(self.faulty))

    @property
    def usable_count(self) -> int:
        return int(self.usable.sum())

    @property
    def unusable_count(self) -> int:
        return len(self._unusable) or len(self.faulty)

    @property
    def content(self) -> str:
        return hash_of_files(self.files)

    @property
    def left_out(self) -> dict[str, str]:
        pairs = zip(self.rows.names, self.rows.faults, strict=True)
        return {str(name): str(fault) for name, fault in pairs if fault}

    @property
    def _unusable(self) -> np.ndarray:
        return np.array([place for place, fault in enumerate(self.rows.faults) if fault and fault not in HARMLESS], int)

    def counts(self) -> dict[str, int]:
        if self.settings.has_classes:
            return dict(sorted(Counter(map(str, self.table[str(self.settings.target)])).items()))
        return {self.noun: self.usable_count}

    def why_refused(self, limit: float) -> list[str]:
        if self.faulty:
            return [f"{sentence.rstrip('.')}. Nothing was taken in." for sentence in self.faulty]
        if not len(self._unusable):
            return []
        first = self._unusable[0]
        # A file that grows brings many known rows again, which say nothing of how sound the new ones are.
        new = self.usable_count + len(self._unusable)
        return too_many_unusable(self, str(self.rows.names[first]), str(self.rows.faults[first]), limit, new)

    def drift(self, champion: ReigningChampion) -> RowDrift:
        development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
        test = replace(test, columns=with_categories_of(self.table, test.columns or []))
        target = self.table[str(self.settings.target)]
        numbers = {name: number for number, name in enumerate(test.class_names)}
        targets = target.map(numbers).to_numpy(np.int64) if numbers else target.to_numpy(np.float64)
        groups = None if self.components is None else self.components[self.usable]
        new = RowSample(encode(self.table, test.columns or []), targets, groups)
        known = RowSample.of([development, test])
        drift = measure_row_drift(new, known, champion.unlearnt(test), champion, test)
        # What a model asked for is harder than its probabilities say, so no estimate is held against it.
        return replace(drift, estimate=None) if self._chosen.any() else drift

    def write(self, folder: Path, test_fraction: float, seed: int) -> int:
        """rows/{train,test}.parquet, and files/… as they came."""
        sealed = self._sealed(test_fraction, seed)
        names = pd.Index(self.rows.names[self.usable], name=EXAMPLE)
        for side, chosen in (("train", ~sealed), ("test", sealed)):
            write_parquet(folder / "rows" / f"{side}.parquet", self.table.set_index(names)[chosen], index=True)
        keep_files(self.files, folder)
        return int(sealed.sum())

    @property
    def _chosen(self) -> np.ndarray:
        """(usable rows,) bool."""
        chosen = np.array([str(name).startswith(CHOSEN) for name in self.rows.names[self.usable]], bool)
        if self.components is None:
            return chosen
        numbers = self.components[self.usable]
        return np.isin(numbers, numbers[chosen])

    def _sealed(self, fraction: float, seed: int) -> np.ndarray:
        """(usable rows,) bool: which of them are test, the same for the same rows whatever the files are called.

        But for rows that `label-next` chose, and whatever belongs to them: they are no sample of what will come.
        """
        lines, sides = _lines(self.table), self.sides[self.usable]
        sealed = sides == "test"
        free = np.flatnonzero((sides == "") & ~self._chosen)
        if self.components is not None:
            numbers, named = self.components[self.usable], _group_names(self.table, self.settings, lines)
            for number in np.unique(numbers[free]):
                members = free[numbers[free] == number]
                sealed[members] = is_sealed(min(named[row] for row in members), fraction, seed)
            return sealed
        ordered = free[np.argsort([lines[row] for row in free], kind="stable")]
        strata = np.zeros(len(ordered), np.int64)
        if self.settings.has_classes:
            strata = np.unique(self.table[str(self.settings.target)].iloc[ordered], return_inverse=True)[1]
        if len(ordered):
            sealed[ordered[draw_test(strata, fraction, seed)[1]]] = True
        return sealed


def look_at_rows(settings: Data) -> RowBatch:
    """Read the tables in data/incoming/ beside all known rows.

    Raises:
        IncomingError: for what is no CSV or Parquet file.
        TableError: the study's own table cannot be read.
    """
    files, own = incoming_tables(), find_table(Path(settings.path))
    if not files:
        return RowBatch(settings, _nothing(), {})
    known, header = rows_so_far(own, settings), read_header(own)[0]
    parts, faulty = [], list[str]()
    for name in files:
        try:
            parts.append(read_new_rows(INCOMING / name, known, header, settings))
        except TableError as error:
            faulty.append(str(error))
    if faulty or not parts:
        return RowBatch(settings, _nothing(), files, faulty)
    rows = NewRows(
        pd.concat([part.table for part in parts], ignore_index=True),
        np.concatenate([part.names for part in parts]),
        np.concatenate([part.faults for part in parts]),
    )
    _note_known(rows, known, settings)
    components, sides = _sides(rows, known, settings)
    return RowBatch(settings, rows, files, [], components, sides)


def hash_of_files(files: dict[str, str]) -> str:
    """SHA-256 over names and contents."""
    return hashlib.sha256("\n".join(sorted(f"{name}\0{sha}" for name, sha in files.items())).encode()).hexdigest()


def keep_files(files: dict[str, str], folder: Path) -> None:
    """Copy files of data/incoming/ as they came."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for name in files:
        shutil.copyfile(INCOMING / name, folder / "files" / name)


def _nothing() -> NewRows:
    return NewRows(pd.DataFrame(), np.empty(0, dtype=object), np.empty(0, dtype=object))


def _beside(rows: NewRows, known: Rows, settings: Data) -> pd.DataFrame:
    """All known rows, then the new ones, in the same columns: features, target, names."""
    targets = known.targets if not known.class_names else np.array(known.class_names, dtype=object)[known.targets]
    table = pd.concat([known.table, known.names], axis=1).assign(**{str(settings.target): targets})
    return pd.concat([table, rows.table], ignore_index=True)[list(table.columns)]


def _note_known(rows: NewRows, known: Rows, settings: Data) -> None:
    """Leave out rows that repeat a known one, or an earlier new one; and those that contradict one by its key."""
    both = _beside(rows, known, settings)
    alike, first = number_alike(both), len(known.ids)
    names = [*map(str, known.ids), *map(str, rows.names)]
    if settings.key is None:
        if known_by_content(alike[:first], settings):
            sound = np.flatnonzero(rows.faults == "")
            again = pd.Series([*alike[:first], *alike[first:][sound]]).duplicated().to_numpy()[first:]
            rows.faults[sound[again]] = REPEATED
        return
    seen: dict[str, int] = {}
    for place, key in enumerate(both[settings.key]):
        if pd.isna(key) or (place >= first and rows.faults[place - first]):
            continue
        earlier = seen.setdefault(key, place)
        if earlier == place:
            continue
        if alike[earlier] == alike[place]:
            rows.faults[place - first] = REPEATED
        else:
            rows.faults[place - first] = (
                f"column {settings.key!r}: {key!r} is the key of {names[earlier]}, which has other values; a known row "
                "stays: correct one of them, or give this one a key of its own"
            )


def _note(rows: NewRows, chosen: np.ndarray, fault: str) -> None:
    rows.faults[chosen & (rows.faults == "")] = fault


def _sides(rows: NewRows, known: Rows, settings: Data) -> tuple[np.ndarray | None, np.ndarray]:
    """Which new rows stay together, and the sides of those that belong to known rows.

    Faulty rows join nothing: two groups are not one because a row that stays out is like a row of each.
    """
    first, sound = len(known.ids), np.flatnonzero(rows.faults == "")
    both = _beside(rows, known, settings).iloc[[*range(first), *(first + sound)]].reset_index(drop=True)
    named = both[settings.group] if settings.group is not None else None
    together = settings.duplicates == "together"
    alike = number_alike(both[[column.name for column in known.columns]]) if together else None
    numbers, sides = number_groups(named, alike), np.full(len(rows.names), "", dtype=object)
    if numbers is None:
        return None, sides
    components = np.full(len(rows.names), -1, np.int64)
    components[sound] = numbers[first:]
    reached = {split: np.isin(components, numbers[:first][chosen]) for split, chosen in known.splits.items()}
    for split, rows_of_side in reached.items():
        sides[rows_of_side] = split
    _note(rows, reached["development"] & reached["test"], BOTH_SIDES)
    return components, sides


def _lines(table: pd.DataFrame) -> list[str]:
    """Each row as text."""
    return [repr(row) for row in table.itertuples(index=False, name=None)]


def _group_names(table: pd.DataFrame, settings: Data, lines: list[str]) -> list[str]:
    """By which a group is drawn: its name, or its first row where it has none."""
    if settings.group is None:
        return lines
    return [line if pd.isna(name) else str(name) for name, line in zip(table[settings.group], lines, strict=True)]


def is_sealed(name: str, fraction: float, seed: int) -> bool:
    """A group is test with this probability, and always or never."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64
