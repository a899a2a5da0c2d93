"""The answer in the terminal: headline, the first lines of evidence, the leading candidates, and where the rest is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.formats import three_decimals, three_decimals_range
from pipeline.ground.files import read_json
from pipeline.ground.paths import COMPARISON, RANKING, REPORT, VERDICT

PRELIMINARY = COMPARISON / "preliminary.html"  # the ranking of those that are evaluated so far; no stage's out
WIDTH, EVIDENCE, LEADING = 80, 3, 5


def print_answer() -> None:
    """Nothing where there is no comparison on disk."""
    if not (VERDICT.is_file() and RANKING.is_file()):
        return
    verdict, ranking = read_json(VERDICT), pd.read_csv(RANKING)
    print()
    for line in _sentences(verdict):
        print(
            textwrap.fill(line, WIDTH, break_on_hyphens=False, subsequent_indent="  " if line.startswith("- ") else "")
        )
    Console(width=WIDTH, highlight=False).print(leading(ranking, LEADING))
    print(f"\nreport   {REPORT} (open it in a browser)")
    print("runs     `make ui`, then the link to the ranking" if Path("Makefile").is_file() else "runs     MLflow")


def leading(ranking: pd.DataFrame, number: int) -> Table:
    """The first rows of ranking.csv."""
    score = score_column(ranking)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("", justify="right")
    table.add_column("candidate", overflow="fold")
    table.add_column(score.replace("_", " "), no_wrap=True)
    table.add_column("against the best")
    for row in ranking.head(number).to_dict("records"):
        value = f"{three_decimals(row[score])} ({three_decimals_range(row['low'], row['high'])})"
        table.add_row(str(row["rank"]), str(row["candidate"]), value, told(str(row["relation_to_best"])))
    return table


def told(relation: str) -> str:
    """A relation of ranking.csv by the word that sentences and the report have for it."""
    return "undecided" if relation == "indistinguishable" else relation


def score_column(ranking: pd.DataFrame) -> str:
    """What candidates are ranked by, such as test_accuracy or test_rmse: the first column of a score."""
    return next(str(column) for column in ranking.columns if str(column).startswith("test_"))


def _sentences(verdict: dict[str, Any]) -> Iterator[str]:
    yield from verdict.get("summary") or [verdict["answer"]]  # results of an earlier version have no summary
    for key in ("shown", "left_out"):
        if verdict.get(key):
            yield verdict[key]
    for entry in verdict.get("evidence", [])[:EVIDENCE]:
        yield f"- {entry['sentence']}"
