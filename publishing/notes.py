"""docs/from-the-notes.md: its tables of what the default comparison measured, which `make results` writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.comparison.tables.studies.sayings import FEATURE_SAYINGS, GROUPS, SAYINGS, FeatureSaying, Saying
from pipeline.formats import duration

COMPARISON = Path("comparison")
HEADS = {"classical": "classical", "scratch": "from scratch", "finetune": "fine-tuned"}


def tables() -> dict[str, str]:
    """{name of the place in the page: the table}, of the current directory's comparison."""
    ranking, claims = pd.read_csv(COMPARISON / "ranking.csv"), pd.read_csv(COMPARISON / "claims.csv")
    tuned = ranking[ranking["family"] == "finetune"]
    return {"claims": _claims(claims), "backbones": _backbones(tuned), "techniques": _techniques(tuned)}


def _claims(claims: pd.DataFrame) -> str:
    rows = [_claim(saying, claims[claims["claim"] == saying.key]) for saying in (*SAYINGS, *FEATURE_SAYINGS)]
    heads = ["said", "measured", *(HEADS[group] for group in GROUPS)]
    return _table(heads, [row for row in rows if row])


def _claim(saying: Saying | FeatureSaying, rows: pd.DataFrame) -> list[str]:
    """Nothing where it was not measured."""
    seconds = isinstance(saying, Saying) and saying.unit == "seconds"
    cells = {row["group"]: _measured(row, seconds) for row in rows.to_dict("records")}
    return [saying.says, saying.title, *(cells.get(group, "") for group in GROUPS)] if cells else []


def _measured(row: Mapping[Any, Any], seconds: bool) -> str:
    """A group's mean, and where the claim is about it, how it is judged, with the interval of the difference."""
    value = duration(row["value"]) if seconds else f"{row['value']:.3f}"
    if pd.isna(row["difference"]):
        return value
    interval = f"{row['difference_low']:.3f} to {row['difference_high']:.3f}"
    return f"{value}, {row['verdict']} ({interval}{' times' if seconds else ''} against {row['against']})"


def _backbones(tuned: pd.DataFrame) -> str:
    rows = tuned[tuned["technique"] == "full"].to_dict("records")
    cells = [[row["backbone"], _score(row), duration(row["cost_seconds"])] for row in rows]
    return _table(["trained in full", "test accuracy (95 % interval)", "one training"], cells)


def _techniques(tuned: pd.DataFrame) -> str:
    backbones, techniques = (list(dict.fromkeys(tuned[column])) for column in ("backbone", "technique"))
    score = {(row["technique"], row["backbone"]): f"{row['test_accuracy']:.3f}" for row in tuned.to_dict("records")}
    cells = [[name, *(score.get((name, backbone), "") for backbone in backbones)] for name in techniques]
    return _table(["technique", *backbones], cells)


def _score(row: Mapping[Any, Any]) -> str:
    return f"{row['test_accuracy']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
