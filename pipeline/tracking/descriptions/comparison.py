"""comparison/ → the run of kind `comparison`, and the ranking that candidates' runs show."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd

from pipeline.ground.files import read_json
from pipeline.ground.paths import COMPARISON, RANKING, VERDICT
from pipeline.tracking.descriptions.lineage import dvc_tags
from pipeline.tracking.descriptions.run import RunDescription
from pipeline.tracking.run_fields import FINGERPRINT, KIND, SUPERSEDED, known_tags, source_tags

SHOWN = {".csv", ".json", ".html"}


def describe_comparison(ended: int | None) -> RunDescription | None:
    """The comparison on disk, or None.

    Args:
        ended: when the last trial ended, in milliseconds; comparison/ itself holds no dates.
    """
    verdict_file, ranking_file = VERDICT, RANKING
    if not (verdict_file.is_file() and ranking_file.is_file()):
        return None
    verdict = read_json(verdict_file)
    files = sorted(path for path in COMPARISON.glob("[!.]*") if path.suffix in SHOWN)
    fingerprint = hashlib.sha256(verdict_file.read_bytes() + ranking_file.read_bytes()).hexdigest()
    tags = {KIND: "comparison", FINGERPRINT: fingerprint, SUPERSEDED: "false"}
    answers = {f"kiyas.{key}": verdict.get(key) for key in ("winner", "recommended", "provisional")}
    return RunDescription(
        name="comparison",
        tags={**tags, **known_tags(answers), **source_tags("compare"), **dvc_tags(verdict_file)},
        first_tags=known_tags({"mlflow.note.content": verdict.get("answer")}),
        metrics={"candidates": float(len(read_ranking()))},
        artifacts=dict.fromkeys(files, ""),
        started=ended,
        ended=ended,
    )


def read_ranking() -> dict[str, dict[str, Any]]:
    """{candidate: its row of ranking.csv}; empty before a comparison."""
    path = RANKING
    if not path.is_file():
        return {}
    rows = pd.read_csv(path).to_dict("records")
    return {str(row["candidate"]): {str(key): value for key, value in row.items()} for row in rows}


def deployed_of(candidate: str) -> dict[str, Any]:
    """What the verdict knows of the one model of a candidate that is served; empty before a comparison."""
    verdict = read_json(VERDICT) if VERDICT.is_file() else {}
    return dict(verdict.get("deployed", {}).get(candidate, {}))


def advice_about(candidate: str) -> str | None:
    """As what the verdict names it: recommended, highest score, or the alternative, which takes less work."""
    verdict = read_json(VERDICT) if VERDICT.is_file() else {}
    less = (verdict.get("score") or {}).get("less_is_better", False)
    named = {
        (verdict.get("alternative") or {}).get("candidate"): "alternative",
        verdict.get("winner"): "lowest score" if less else "highest score",
        verdict.get("recommended"): "recommended",
    }
    return named.get(candidate)


def contenders() -> list[str]:
    """Those that are not shown to be worse than the best, in rank order."""
    return [name for name, row in read_ranking().items() if row.get("relation_to_best") != "worse"]


def ranked_by() -> str:
    """The metric by which candidates are ranked, such as test_accuracy, or test_rmse where numbers are predicted."""
    columns = next(iter(read_ranking().values()), {})
    return next((column for column in columns if column.startswith("test_")), "test_accuracy")
