"""data/incoming/: what a batch of new examples is to a retraining, whatever its kind: photos, rows or steps.

The kinds are photos.py, rows.py and steps.py. What follows (waiting, refusing, accepting, drift, training, deciding)
knows of a batch what stands here, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pipeline.datasets.file_kinds import is_system_file, is_system_folder
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.drift import MeasuredDrift

INCOMING = Path("data/incoming")
TABLES = (".csv", ".parquet")
SETTLED = 1.0  # seconds in which a table that is written to its end does not change


class IncomingError(ValueError):
    """data/incoming/ holds something that it is not for."""


class Batch(Protocol):
    """Everything in data/incoming/, looked at."""

    @property
    def noun(self) -> str:
        """What its examples are called: photos, rows, steps."""

    @property
    def total(self) -> int:
        """How many examples came."""

    @property
    def usable_count(self) -> int:
        """How many can be taken in."""

    @property
    def unusable_count(self) -> int:
        """How many cast doubt on the batch; what only repeats what is known does not."""

    @property
    def content(self) -> str:
        """SHA-256 of all that came."""

    @property
    def files(self) -> dict[str, str]:
        """Path within data/incoming → SHA-256 of each file that the batch is made of."""

    @property
    def left_out(self) -> dict[str, str]:
        """Example → why it cannot be taken in."""

    def counts(self) -> dict[str, int]:
        """How many usable ones there are, by class where there are some."""

    def why_refused(self, limit: float) -> list[str]:
        """Sentences, each with the remedy; empty where the batch may come in.

        Args:
            limit: the largest share of unusable examples.
        """

    def drift(self, champion: ReigningChampion) -> MeasuredDrift:
        """Whether its usable examples look to the champion like those that it was measured on."""

    def write(self, folder: Path, test_fraction: float, seed: int) -> int | None:
        """Store its usable examples, split once and for all, and beside them what was left out.

        Returns:
            How many are sealed as test; None where that follows from their time.
        """


def too_many_unusable(batch: Batch, example: str, fault: str, limit: float, of: int | None = None) -> list[str]:
    """The sentence of a batch with too large a share of unusable examples.

    Args:
        example: the first of these; fault: what is wrong with it.
        of: what the share is of; None: all that came.
    """
    total = of or batch.total
    if batch.unusable_count / total <= limit:
        return []
    return [
        f"{batch.unusable_count} of {total} {batch.noun} in {INCOMING} are unusable, such as {example}: {fault} "
        f"(retrain.unusable = {limit:g}). Nothing was taken in; mend or remove them."
    ]


def refuse_unwritable_names() -> None:
    """Before a batch is looked at.

    Raises:
        IncomingError: a name is not UTF-8, as an old archive or another system may leave it: DVC could not take it.
    """
    for file in sorted(INCOMING.rglob("*")):
        name = file.relative_to(INCOMING).as_posix()
        if name != name.encode("utf-8", "replace").decode("utf-8"):
            raise IncomingError(
                f"{INCOMING}: {name!a} has a name that is not UTF-8, which DVC cannot take; rename it, or remove it"
            )


def is_offered(file: Path) -> bool:
    """Whether a person put it there, rather than a file manager."""
    *folders, name = file.relative_to(INCOMING).parts
    return file.is_file() and not is_system_file(name) and not any(map(is_system_folder, folders))


def incoming_tables() -> dict[str, str]:
    """The tables in data/incoming: name → SHA-256.

    Raises:
        IncomingError: there is something else, or a folder; or a name that cannot be taken.
    """
    refuse_unwritable_names()
    there = INCOMING.iterdir() if INCOMING.is_dir() else ()
    children = [child for child in there if not (is_system_file(child.name) or is_system_folder(child.name))]
    for child in sorted(children):
        if child.suffix.lower() not in TABLES or not child.is_file() or child.is_symlink():
            raise IncomingError(f"{child}: is no CSV or Parquet file; {INCOMING} takes such files alone, so remove it")
    return {child.name: hash_path(child) for child in sorted(children)}


def still_written(files: Mapping[str, str]) -> Path | None:
    """A table of the batch that is no longer as it was looked at, or changes within a moment; None where none is.

    A row that was cut off would come in for good, as if it had ended there. A photo that is cut off cannot be decoded,
    and comes in later.

    Args:
        files: as a batch has them.
    """
    tables = {INCOMING / name: sha256 for name, sha256 in files.items() if Path(name).suffix.lower() in TABLES}
    there = [table for table in tables if table.is_file()]
    age = time.time() - max((table.stat().st_mtime for table in there), default=0.0)
    if 0 <= age < SETTLED:
        time.sleep(SETTLED - age)
    return next((table for table in there if hash_path(table) != tables[table]), None)
