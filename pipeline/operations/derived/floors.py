"""The floors of the house as a table for docs/architecture.md: which rooms stand on each, and what lives there.

The floors are those of the import contract in pyproject.toml; what lives in a room is its docstring's first sentence.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ARCHITECTURE = Path("docs/architecture.md")
PROJECT = Path("pyproject.toml")
PACKAGE = Path("pipeline")
BEGIN, END = "<!-- floors: written by `python -m pipeline graph --write` -->\n", "<!-- end of floors -->"


def with_floors(page: str) -> str:
    """The page with its table of floors replaced.

    Raises:
        ValueError: the page has no place for it.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(
            f"{ARCHITECTURE}: lacks the lines {BEGIN.strip()!r} and {END!r}, between which the floors stand"
        )
    return f"{before}{BEGIN}{floors_table()}{END}{after}"


def floors_table() -> str:
    """One row a room, the uppermost floor first."""
    storeys = floors()
    rows = [
        f"| {len(storeys) - depth} | `{room}` | {purpose(room)} |\n"
        for depth, rooms in enumerate(storeys)
        for room in rooms
    ]
    return "".join(["| floor | room | what lives there |\n| --- | --- | --- |\n", *rows])


def floors() -> list[list[str]]:
    """The rooms of each floor, the uppermost first."""
    contracts = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["containers"] == ["pipeline"])
    return [layer.split(" | ") for layer in contract["layers"]]


def purpose(room: str) -> str:
    """The first sentence of what a room's docstring says."""
    path = PACKAGE / room
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph)[0].replace("|", "\\|")
