"""docs/explanation/beyond-accuracy.md: its table of what the stages of kept runs took."""

from __future__ import annotations

from publishing.markdown import table
from publishing.runs import Run, kept_runs

PHOTOS = ("cat_dog_bird", "pneumonia", "groceries")


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table}."""
    told = {name: run for name, run in kept_runs().items() if name in PHOTOS and run.get("stages")}
    return {", stages": table_of(told)}


def table_of(runs: dict[str, Run]) -> str:
    """Processor seconds of training and evaluating each candidate of some runs, in the order of the longest one."""
    heads = [f"`{name}`, {work}" for name in runs for work in ("trained", "evaluated")]
    longest_first = sorted(runs.values(), key=lambda run: -len(run["stages"]))
    names = dict.fromkeys(name for run in longest_first for name in run["stages"])
    return table(["candidate", *heads], [[f"`{name}`", *_cells(name, runs)] for name in names])


def _cells(candidate: str, runs: dict[str, Run]) -> list[str]:
    stages = [run["stages"].get(candidate) for run in runs.values()]
    return [f"{stage[work]:.0f}" if stage else "" for stage in stages for work in ("trained", "evaluated")]
