"""docs/reference/commands.md: every command with what `--help` says of it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.commands.parsing import parser_of
from pipeline.commands.table import OPERATIONS, Command, stages

WIDTH = 100  # columns; argparse fills its lines to the terminal's width, so that the page needs one of its own


def page() -> str:
    around = "\n".join(_section(command) for command in OPERATIONS)
    of_graph = "\n".join(_section(command) for command in stages())
    return f"""# Commands

`python -m pipeline` lists the commands, and `python -m pipeline COMMAND --help` says what stands below. A name that is
not known is answered with the nearest one that is.

## Around the graph

{around}
## Stages of the graph

`dvc repro` runs these. Each trains or measures one candidate.

{of_graph}"""


def _section(command: Command) -> str:
    with _terminal_of(WIDTH):
        text = parser_of(command).format_help()
    return f"### {command.name}\n\n```text\n{textwrap.dedent(text).rstrip()}\n```\n"


@contextmanager
def _terminal_of(width: int) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
