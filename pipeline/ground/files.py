"""Files written whole or not at all, and JSON and CSV as this project has them."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.ground.dvc_cache import linked_copy

if TYPE_CHECKING:  # each process that reads photos imports this module, and would pay for these
    import pandas as pd
    from PIL import Image

Described = TypeVar("Described")
LONGEST_REASON = 200  # characters that are told of another library's error

# A cell that a spreadsheet would compute: it calls a function, or asks another program or sheet. A file may well be
# called "-1.jpg" or "=.png", and such names stay as they are.
FORMULA = re.compile(r"[=+\-@\t\r].*[(!|]", re.DOTALL)

# In the names of temporary files: nodes may share a folder, and none of them can tell whether another's process lives.
HOST = re.sub(r"\W", "-", socket.gethostname())


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_jpeg(path: Path, picture: Image.Image, quality: int) -> None:
    """By way of memory: Pillow does not notice that a disk took only a part of what it writes by itself."""
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=quality)
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def reason_of(error: BaseException) -> str:
    """What another library says, in one line that is not too long; its kind where it says nothing."""
    return one_line(str(error)) or type(error).__name__


def one_line(text: str) -> str:
    """Without line breaks, and not too long."""
    return " ".join(text.split())[:LONGEST_REASON]


class DamagedFileError(ValueError):
    """A file of this project's own that is cut off, or was changed by something else.

    Its arguments: which file, and what is wrong with it; then its path, where something brings it back. What that is
    is found out when somebody asks, since many readers make the file again without a word.
    """

    def __str__(self) -> str:
        fault, *paths = self.args
        return "; ".join([str(fault), *map(_remedy, paths)])


def fault_of(error: DamagedFileError) -> str:
    """Which file, and what is wrong with it, without what would bring it back: where a reader makes it again."""
    return str(error.args[0])


class MissingKeyError(DamagedFileError, KeyError):
    """A JSON file of this project's own that can be read, and lacks what its writer always puts there."""


class _Object(dict[str, Any]):
    """A JSON object that names its file where it lacks a key: most of these files have no schema to check them by."""

    __slots__ = ("file",)

    def __init__(self, content: Any = (), file: Path | None = None) -> None:
        super().__init__(content)
        self.file = file  # None of a copy, which `dataclasses.asdict` makes by its type

    def __missing__(self, key: str) -> Any:
        raise KeyError(key) if self.file is None else MissingKeyError(f"{self.file}: has no {key!r}", self.file)


def read_json(path: Path) -> Any:
    """
    Raises:
        DamagedFileError: naming the file and what brings it back; so does each of its objects that lacks a key.
        OSError: it cannot be read at all.
    """
    with reading(path):
        return json.loads(path.read_text(encoding="utf-8"), object_hook=lambda content: _Object(content, path))


def read_described(path: Path, kind: type[Described]) -> Described:
    """JSON as the dataclass that it was written from.

    Raises:
        DamagedFileError: it lacks one of the fields, or has others.
    """
    content = read_json(path)
    with reading(path):
        return kind(**content)


def write_parquet(path: Path, table: pd.DataFrame, index: bool = False) -> None:
    """With a checksum of each page: most bits that a disk turns over would else be read as other numbers."""
    with replacing(path) as temporary, temporary.open("wb") as stream:  # Arrow's own files do not say why they failed
        table.to_parquet(stream, index=index, write_page_checksum=True)


def read_parquet(path: Path, **options: Any) -> pd.DataFrame:
    """A table of this project's own; pages with checksums are held to them.

    Raises:
        DamagedFileError: naming the file and what brings it back.
    """
    import pandas as pd

    with reading(path):
        return pd.read_parquet(path, page_checksum_verification=True, **options)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever a reader stumbles over in a file of this project's own becomes an error that names it.

    Raises:
        DamagedFileError: naming the file and what brings it back.
    """
    try:
        yield
    except (DamagedFileError, MemoryError):
        raise
    except FileNotFoundError as error:
        if error.errno is None:  # so Arrow says it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        raise
    except Exception as error:  # libraries raise nearly anything where a file is cut off
        # With a number: it is not there, or may not be read. EINVAL is a place that the file itself names and has not.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = reason_of(error)
        raise damaged(path, f"is cut off or damaged ({reason})") from None


def damaged(path: Path, fault: str) -> DamagedFileError:
    """The error that names a file, what is wrong with it, and what brings it back."""
    return DamagedFileError(f"{path}: {fault}", path)


def _remedy(path: Path) -> str:
    """What brings a damaged file back."""
    is_champion = path.parts[:1] == ("champions",)
    if copy := linked_copy(path):
        again = "`dvc pull --force champions`" if is_champion else f"delete {path}, and what makes it runs again"
        return f"DVC's copy has the same damage, so delete {copy}, then {again}"
    if is_champion:
        return "`dvc checkout --force champions` brings back what DVC kept"
    return f"`dvc checkout --force {path}` brings back what DVC kept, or delete it, and what makes it runs again"


def write_csv(path: Path, table: pd.DataFrame, read_back: bool = False) -> None:
    """
    Args:
        read_back: whether its text becomes data again, and so stays as it is. Else text that a spreadsheet would
            compute gets an apostrophe before it: people open such files, and file names may come from strangers.
    """
    if not read_back:
        words = table.select_dtypes(exclude=["number", "bool", "datetime"]).columns
        table = table.assign(**{name: table[name].map(_inert) for name in words})
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def _inert(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def without_apostrophe(cell: str) -> str:
    """What stood in a cell before `write_csv` put an apostrophe before it."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place only when the block ends well: nothing half-written stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{HOST}-{os.getpid()}{path.suffix}")
    remove_abandoned(path.parent, re.escape(path.stem), path.suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (None, str(temporary), temporary):
            raise
        raise _about(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_abandoned(folder: Path, stem: str, suffix: str) -> None:
    """What processes of this host that were killed have left of the same files; nobody else would ever remove it.

    Args:
        stem: a regular expression of the names that the files were to have, without `suffix`.
    """
    own = rf"\.{stem}\.(?:{re.escape(HOST)}-)?(\d+){re.escape(suffix)}(-\w+)?"  # SQLite has files beside one
    for file in folder.iterdir():
        if (left := re.fullmatch(own, file.name)) and not _is_alive(int(left[1])):
            file.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no process at all
        return True
    return True


def _about(path: Path, error: OSError) -> OSError:
    """The same fault by the name that the file was to have; where a disk is full, many libraries name no file."""
    if error.errno is None:  # NumPy counts what it could not write, and says no more
        return OSError(f"{path}: could not be written ({error}); the disk may be full")
    return OSError(error.errno, error.strerror, str(path))
