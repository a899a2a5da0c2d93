"""What each side spent on finding its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.comparison.report.material import Material
from pipeline.comparison.tables.measurements import Measured
from pipeline.formats import count_of, three_decimals
from pipeline.params.study import Tuning

CHANGE_TEXTS = {
    "learning_rate": "rate ×{:g}",
    "rate": "rate {:g}",
    "epochs": "epochs ×{:g}",
    "schedule": "{}",
    "head_epochs": "head epochs {}",
    "layer_decay": "layer decay {:g}",
    "weight_decay": "weight decay {:g}",
}


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


def tuned_candidates(material: Material) -> list[dict[str, Any]]:
    """What the report's table shows of each candidate that tried settings in this run."""
    return [_tuned(one) for one in material.measured if _tuning_seconds(one)]


def _tuned(one: Measured) -> dict[str, Any]:
    tuning, seconds = one.trial.tuning, _tuning_seconds(one)
    return {
        "candidate": one.name,
        "settings": int(tuning.get("settings_tried", 1)),
        "seconds": seconds,
        "share": seconds / max(_training_seconds(one), seconds),
        "chosen": _chosen_text(one),
        "recipe": _validation_text(tuning.get("recipe_validation", {})),
        "best": _validation_text(tuning.get("validation", {})),
        "tried": [
            {**entry, "what": changes_text(entry["changes"]), "validation": _validation_text(entry)}
            for entry in tuning.get("tried", [])
        ],
    }


def _tuning_seconds(one: Measured) -> float:
    """Of the whole candidate: a network tries settings with its first seed, a classical model with each."""
    if "tuning" in one.cost:
        return float(one.cost["tuning"]["seconds"])
    return float(sum(seed.get("tuning_seconds", 0.0) for seed in one.cost["seeds"].values()))


def _training_seconds(one: Measured) -> float:
    """All that training the candidate takes, what its seeds share counted once."""
    seeds = list(one.cost["seeds"].values())
    shared = sum(max(seed.get(key, 0.0) or 0.0 for seed in seeds) for key in ("activation_seconds", "setup_seconds"))
    fits = sum(seed.get("fit_seconds", 0.0) for seed in seeds)
    return float(shared + fits + (one.cost["tuning"]["seconds"] if "tuning" in one.cost else 0.0))


def _chosen_text(one: Measured) -> str:
    if "chosen" in one.trial.tuning:
        name, changes = one.trial.tuning["chosen"], changes_text(one.trial.tuning["changes"])
        return name if name == changes else f"{name}: {changes}" if changes else "its recipe"
    texts = [", ".join(f"{key} {value}" for key, value in seed["chosen"].items()) for seed in one.trial.seeds]
    return "; ".join(f"{text} ({count_of(texts.count(text), 'seed')})" for text in dict.fromkeys(texts))


def changes_text(changes: Mapping[str, Any]) -> str:
    """What a setting does otherwise than the recipe, such as "rate ×3, one_cycle"; empty for the recipe."""
    return ", ".join(CHANGE_TEXTS[key].format(value) for key, value in changes.items())


def _validation_text(measured: Mapping[str, Any]) -> str:
    """Such as "loss 0.512, accuracy 0.83"; empty where nothing was measured."""
    values = {key.removeprefix("val_"): value for key, value in measured.items() if key.startswith("val_")}
    return ", ".join(f"{key} {'diverged' if value is None else three_decimals(value)}" for key, value in values.items())


def tuning_text(one: Measured, tuning: Mapping[Any, Tuning]) -> str:
    """How the candidate's settings were found: its own search, or the study of its technique or family."""
    own = one.trial.tuning
    if own.get("method") == "none":
        return "nothing to choose"
    if own.get("method"):
        folds = f", {own['folds']} folds" if "folds" in own else ""
        return f"{own['method']}{folds}"
    if study := _study_of(one, tuning):
        kind = "" if "." in study.study else "study "  # a module of benchmarks/ is none
        return f"{kind}{study.study}, {count_of(study.seeds, 'seed')}, on validation data"
    return "not searched"


def settings_tried(one: Measured, tuning: Mapping[Any, Tuning]) -> int:
    if "settings_tried" in one.trial.tuning:
        return int(one.trial.tuning["settings_tried"])
    study = _study_of(one, tuning)
    return study.settings_tried if study else 1


def _study_of(one: Measured, tuning: Mapping[Any, Tuning]) -> Tuning | None:
    if own := tuning.get(one.candidate.technique):
        return own
    family = tuning.get(one.candidate.family)
    is_of_it = family is not None and (family.strategies is None or one.candidate.technique in family.strategies)
    return family if is_of_it else None
