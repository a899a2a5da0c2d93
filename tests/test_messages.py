"""Messages that the documentation quotes are those of the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CUT = "…"  # in a page: whatever stands there, or follows
FEWEST = 20  # letters of a message that the code has to write itself, for a quotation with its values to be one of it
# Pages with a table of messages: the heading above it, and the column that quotes them.
QUOTING = {
    "docs/troubleshooting.md": ("# Messages, and what to do", 0),
    "docs/how-to/start.md": ("## What is refused", 1),
    "docs/how-to/plan-and-progress.md": ("## When it refuses", 0),
    "docs/how-to/label-next.md": ("## When it refuses", 0),
}


@cache
def written() -> list[list[str]]:
    """Every text of the code, in the parts between its values; of the Makefile each line."""
    texts = []
    for file in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append(_parts(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append([node.value])
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    return texts + [re.split(r"\$\([A-Z]+\)", line) for line in lines]


def _parts(node: ast.JoinedStr) -> list[str]:
    parts = [""]
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
        else:
            parts.append("")
    return parts


def is_written(message: str) -> bool:
    """Whether some text of the code reads so: with values in place of its own, or cut where the page says so."""
    message = re.sub(r"^kiyas( \w+)?: ", "", message)
    pieces = [piece.strip() for piece in message.split(CUT) if piece.strip()]
    for parts in written():
        whole = CUT.join(parts)
        if all(piece in whole for piece in pieces) and len(pieces[0]) > 8:
            return True
        if sum(map(len, parts)) < FEWEST or not all(part in message for part in parts):
            continue  # which spares thousands of patterns
        if re.fullmatch(".*".join(re.escape(part) for part in parts), message, re.DOTALL):
            return True
    return False


def quoted(page: str) -> list[str]:
    """The messages in code quotes in a page's table."""
    heading, column = QUOTING[page]
    section = (ROOT / page).read_text(encoding="utf-8").partition(heading)[2].split("\n#")[0]
    rows = [row.strip("|").split(" | ") for row in section.splitlines() if row.startswith("| ")][2:]
    found = [re.match(r"^\s*(`+)(.+?)\1", row[column]) for row in rows]
    return [match[2] for match in found if match]


@pytest.mark.parametrize(("page", "message"), [(page, message) for page in QUOTING for message in quoted(page)])
def test_a_quoted_message_is_one_of_the_code(page: str, message: str) -> None:
    assert is_written(message), f"{page}: nothing says {message!r}"


def test_what_the_code_does_not_say_is_noticed() -> None:
    assert is_written("kiyas start: t.csv: there is no column 'zz' to predict (--target); did you mean 'z'?")
    assert not is_written("kiyas start: t.csv: there is no line 'zz' to predict (--target)")
    assert not is_written("… cannot be had at all")
