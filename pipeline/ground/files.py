"""Files written whole or not at all, and JSON and CSV as this project has them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each process that reads photos imports this module, and would pay for pandas
    import pandas as pd


# A cell that a spreadsheet would compute: it calls a function, or asks another program or sheet. A file may well be
# called "-1.jpg" or "=.png", and such names stay as they are.
FORMULA = re.compile(r"[=+\-@\t\r].*[(!|]", re.DOTALL)


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


class DamagedFileError(ValueError):
    """A file of this project's own that is cut off, or was changed by something else."""


def read_json(path: Path) -> Any:
    """
    Raises:
        DamagedFileError: naming the file and what brings it back.
        OSError: it cannot be read at all.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError(
            f"{path}: is cut off or damaged ({error}); `dvc checkout --force {path}` brings back what DVC kept, or "
            "delete it, and what makes it runs again"
        ) from None


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Text that a spreadsheet would compute gets an apostrophe before it: file names may come from strangers."""
    words = table.select_dtypes(exclude=["number", "bool", "datetime"]).columns
    table = table.assign(**{name: table[name].map(_inert) for name in words})
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def _inert(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place only when the block ends well: nothing half-written stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
