"""docs/reference/files.md: every file that comes out of a run, with its columns or keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from publishing.markdown import table

ROWS = Path(__file__).with_name("files.yaml")


@dataclass(frozen=True)
class File:
    """
    Attributes:
        path: with <candidate>, <n> and <version> for what differs.
        made_by: a stage or a command.
        keys: columns of a table, or the topmost keys of a JSON file, and what each holds.
    """

    path: str
    made_by: str
    says: str
    keys: dict[str, str] = field(default_factory=dict)


def files() -> list[File]:
    rows: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(ROWS.read_text(encoding="utf-8"))
    return [File(**row) for row in rows]


def page() -> str:
    overview = table(["file", "made by", "what it says"], [[_link(one), one.made_by, one.says] for one in files()])
    sections = "\n".join(_section(one) for one in files() if one.keys)
    return f"""# Files

Each file is written under a temporary name and renamed, so that none is ever half there. Scores are shares (0 to 1), or
RMSE where numbers are predicted; intervals are at `compare.confidence`.

{overview}

{sections}"""


def _link(one: File) -> str:
    """To its section, where it has one."""
    return f"[`{one.path}`](#{_anchor(one.path)})" if one.keys else f"`{one.path}`"


def _section(one: File) -> str:
    word = "column" if one.path.endswith((".csv", ".parquet")) else "key"
    rows = table([word, "what it holds"], [[f"`{key}`", meaning] for key, meaning in one.keys.items()])
    return f'<a id="{_anchor(one.path)}"></a>\n### `{one.path}`\n\n{rows}\n'


def _anchor(path: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in path.lower()).strip("-")
