"""docs/from-the-notes.md: its tables of what the default comparison measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.comparison.tables.studies.claim_texts import FEATURE_SAYINGS, GROUPS, SAYINGS, FeatureSaying, Saying
from pipeline.formats import duration
from publishing.markdown import table
from publishing.results import score_text
from publishing.runs import DEFAULT, Run, read_run

HEADS = {"classical": "classical", "scratch": "from scratch", "finetune": "fine-tuned"}


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table}."""
    return tables_of(read_run(DEFAULT)) | {", flowers": flowers_of(read_run("iris"))}


def claims() -> dict[str, str]:
    """The table of what is said alone, for another page."""
    return {", claims": tables()[", claims"]}


def flowers_of(run: Run) -> str:
    """The notes' perceptron beside the best classical models of the same run."""
    ranking = pd.DataFrame(run["ranking"])
    classical = ranking[ranking["family"] == "classical"]["candidate"].head(2)
    chosen = ranking[ranking["candidate"].isin(["mlp-lecture", *classical])].to_dict("records")
    heads = [f"of {run['sizes']['test']} test flowers", "test accuracy (95 % interval)"]
    return table(heads, [[f"`{row['candidate']}`", score_text(row)] for row in chosen])


def tables_of(run: Run) -> dict[str, str]:
    ranking, claims = pd.DataFrame(run["ranking"]), pd.DataFrame(run["claims"])
    tuned = ranking[ranking["family"] == "finetune"]
    return {", claims": _claims(claims), ", backbones": _backbones(tuned), ", techniques": _techniques(tuned)}


def _claims(claims: pd.DataFrame) -> str:
    rows = [_claim(saying, claims[claims["claim"] == saying.key]) for saying in (*SAYINGS, *FEATURE_SAYINGS)]
    heads = ["said", "measured", *(HEADS[group] for group in GROUPS)]
    return table(heads, [row for row in rows if row])


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
    cells = [[row["backbone"], score_text(row), duration(row["cost_seconds"])] for row in rows]
    return table(["trained in full", "test accuracy (95 % interval)", "one training"], cells)


def _techniques(tuned: pd.DataFrame) -> str:
    backbones, techniques = (list(dict.fromkeys(tuned[column])) for column in ("backbone", "technique"))
    score = {(row["technique"], row["backbone"]): f"{row['score']:.3f}" for row in tuned.to_dict("records")}
    cells = [[name, *(score.get((name, backbone), "") for backbone in backbones)] for name in techniques]
    return table(["technique", *backbones], cells)
