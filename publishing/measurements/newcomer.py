"""docs/results/newcomer.md: from a folder to an answer, on four data sets that a program makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.formats import duration
from pipeline.ground.files import read_json
from pipeline.operations.planning import words
from publishing.markdown import table
from publishing.measurements.kept import origin, rows_of
from publishing.paths import RESULTS

NAME = "newcomer"
HEADS = ["data", "`start`", "first ranking", "answer", "forecast", "took, of the forecast", "other work"]
WALK = RESULTS / "walk.md"  # what somebody noted who had never seen the project


def page() -> str:
    rows = rows_of(NAME)
    return f"""# From a folder to an answer

`python -m benchmarks.newcomer` makes four data sets, as somebody may have them, and types what README says, in a
checkout in which nothing was measured, cached or downloaded but the backbones' weights. Times are of one machine of two
cores; what counts is what was forecast of what it took.

{origin(NAME)}

{table(HEADS, map(_row, rows))}

*Other work*: processes that waited for the two cores, on average over the last minute; 1 or 2 are the run itself.

What was typed, and the answer's first sentence:

{chr(10).join(_walk(row) for row in rows)}
{WALK.read_text(encoding="utf-8").rstrip()}
"""


def forecasts() -> dict[str, str]:
    """What was forecast and what it took, for another page."""
    cells = [[cells[0], *cells[3:6]] for cells in map(_row, rows_of(NAME))]
    shown = table([HEADS[0], "it took", HEADS[4], HEADS[5]], cells)
    return {", forecasts": f"{shown}\n\n{origin(NAME)}\n\n{_default_run()}"}


def _default_run() -> str:
    run = read_json(RESULTS / "default_run.json")
    took, forecast = run["took_seconds"], run["forecast"]["seconds"]
    return (
        f"The default comparison above took {words.duration(took)}, {took / forecast:.2f} of its forecast, "
        f"{run['note']}.\n{origin('default_run')}"
    )


def _row(row: Mapping[str, Any]) -> list[str]:
    forecast = row["forecast"]
    expected = f"{duration(forecast['seconds'])} ({duration(forecast['low'])} to {duration(forecast['high'])})"
    times = [duration(row[key]) for key in ("start_seconds", "first_ranking_seconds", "answer_seconds")]
    share = f"{row['answer_seconds'] / forecast['seconds']:.2f}"
    return [row["data"], *times, expected, share, format(row["load"], "g")]


def _walk(row: Mapping[str, Any]) -> str:
    typed = "\n".join(row["commands"])
    return f"**{row['data'][0].upper()}{row['data'][1:]}**\n\n```text\n{typed}\n```\n\n> {row['answer']}\n"
