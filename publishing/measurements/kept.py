"""What a benchmark left in benchmarks/results: its rows, and what it ran on."""

from __future__ import annotations

from typing import Any

from benchmarks.record import recorded_rows
from pipeline.ground.files import read_json
from publishing.paths import RESULTS
from publishing.results import ran

Row = dict[str, Any]


def rows_of(name: str) -> list[Row]:
    """
    Args:
        name: of the benchmark's file, without `.json`.
    """
    return recorded_rows(RESULTS / f"{name}.json")


def origin(name: str) -> str:
    """A sentence with commit, day and machine, to stand beside its table."""
    text = ran(read_json(RESULTS / f"{name}.json")["ran"])
    return f"*{text[0].upper()}{text[1:]}.*"
