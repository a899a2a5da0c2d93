"""What each side spent on finding its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.comparison.report.material import Material
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import count_of
from pipeline.params.study import Tuning


def tuning_budgets(material: Material) -> list[dict[str, Any]]:
    """The candidates that were tuned alike, together: how, how many they are, and how many settings each tried."""
    groups: dict[tuple[str, str], list[int]] = {}
    for one in material.measured:
        key = one.candidate.family, tuning_text(one, material.tuning)
        groups.setdefault(key, []).append(settings_tried(one, material.tuning))
    return [
        {"family": family, "how": how, "candidates": len(tried), "least": min(tried), "most": max(tried)}
        for (family, how), tried in groups.items()
    ]


def tuning_text(one: Measured, tuning: Mapping[Any, Tuning]) -> str:
    """How the candidate's settings were found: its own search, or the study of its family."""
    own = one.trial.tuning
    if own.get("method") == "none":
        return "nothing to choose"
    if own.get("method"):
        folds = f", {own['folds']} folds" if "folds" in own else ""
        return f"{own['method']}{folds}"
    if one.candidate.family in tuning:
        study = tuning[one.candidate.family]
        return f"study {study.study}, {count_of(study.seeds, 'seed')}, on validation data"
    return "not searched"


def settings_tried(one: Measured, tuning: Mapping[Any, Tuning]) -> int:
    if "settings_tried" in one.trial.tuning:
        return int(one.trial.tuning["settings_tried"])
    return tuning[one.candidate.family].settings_tried if one.candidate.family in tuning else 1
