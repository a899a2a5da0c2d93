"""The tags, params and metrics of a run: their names and values, the same for live runs and for complete ones."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pipeline.formats import significant
from pipeline.params.training.candidates import training_stage
from pipeline.trials import Recipe

OURS = "kiyas."
KIND = "kiyas.kind"
CANDIDATE = "kiyas.candidate"
SEED = "kiyas.seed"
FINGERPRINT = "kiyas.fingerprint"
SUPERSEDED = "kiyas.superseded"
CHECKOUT = "kiyas.checkout"  # which checkout wrote the run: several may share a server, and each answers for its own
CONTENT = "kiyas.content"  # hash of what the files said when the run was last complete
METRICS = "kiyas.metrics"  # names of the final metrics that were written, to tell them from what a person adds
PHASE = "kiyas.phase."
LIVE = "kiyas.live"  # name of the lock that the writing process holds while the run grows (live/liveness.py)
INTERVAL = "kiyas.interval"  # of a candidate's score, as text: MLflow shows one number a column
RELATION = "kiyas.relation_to_best"
ADVICE = "kiyas.advice"  # recommended, highest score or alternative, where a candidate is one of these
AGAINST = "kiyas.against"  # of an ensemble: the best single model; no param, since a change of it is no other run
PARENT = "mlflow.parentRunId"
METRICS_BREAK = "|"  # no metric's name may hold it
NAME = "mlflow.runName"
NOTE = "mlflow.note.content"  # a description, of a run or of an experiment

CURVE = "curve/"  # MLflow's pages group metrics by what stands before a slash, and show these groups first
COST = "cost/"
ROBUSTNESS = "robustness/"
EXPLANATION = "explanation/"
UNGROUPED = "cost_seconds"  # a column of the ranking
CURVES = [
    "train_loss",
    "train_accuracy",
    "train_rmse",
    "val_loss",
    "val_accuracy",
    "val_rmse",
    "learning_rate",
    "phase",
    "trainable_parameters",
]

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000

Value = TypeVar("Value")


def candidate_tags(kind: str, recipe: Recipe) -> dict[str, str]:
    """Who a trial's or a candidate's run is.

    `kiyas.superseded` is always written, since MLflow's `!=` filter drops runs that lack the tag.
    """
    tags = {
        KIND: kind,
        CANDIDATE: recipe.candidate,
        FINGERPRINT: recipe.fingerprint,
        SUPERSEDED: "false",
        "kiyas.family": recipe.family,
    }
    optional = {"kiyas.backbone": recipe.backbone, "kiyas.technique": recipe.technique}
    return tags | {key: value for key, value in optional.items() if value is not None}


def trial_tags(recipe: Recipe, seed: int) -> dict[str, str]:
    return candidate_tags("trial", recipe) | {SEED: str(seed)}


def stage_of(recipe: Recipe) -> str:
    """What trained it, in dvc.yaml."""
    return training_stage(recipe.family, recipe.backbone)


def trial_name(candidate: str, seed: int) -> str:
    return f"{candidate} seed {seed}"


def source_tags(stage: str) -> dict[str, str]:
    return {"mlflow.source.name": f"python -m pipeline {stage}", "mlflow.source.type": "LOCAL"}


def candidate_params(recipe: Recipe) -> dict[str, str]:
    """Resolved parameters without the list of seeds, which may grow while everything else stays what it was."""
    return flat_params({key: value for key, value in recipe.parameters.items() if key != "seeds"})


def trial_params(recipe: Recipe, seed: int) -> dict[str, str]:
    return candidate_params(recipe) | {"seed": str(seed)}


def flat_params(nested: Mapping[str, Any]) -> dict[str, str]:
    """Nested plain data as `a.b.0.c` → text: text as it is, everything else as JSON, cut to MLflow's limits; an empty
    mapping gives nothing."""
    return with_allowed_keys((key, _text(value)[:LONGEST_PARAM]) for key, value in _leaves("", nested))


def known_tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags for the values that are known: text as it is, the rest as JSON; None, NaN and {} give no tag."""
    known = {key: value for key, value in values.items() if value is not None and value != {} and not _is_nan(value)}
    texts = {key: value if isinstance(value, str) else _as_json(value) for key, value in known.items()}
    return {key: text[:LONGEST_TAG] for key, text in texts.items()}


def milliseconds(moment: str | None) -> int | None:
    """ISO 8601 → milliseconds since 1970; a time without a zone is UTC."""
    if not moment:
        return None
    parsed = datetime.fromisoformat(moment)
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def trained_parts(parameters: Mapping[str, Any]) -> list[str]:
    """What each phase trains ("head", "top 1", …), as the resolved parameters have it; one phase for all the others."""
    return [str(phase["train"]) for phase in parameters.get("strategy", {}).get("phases", [{"train": "all"}])]


def phase_tags(epochs: Iterable[tuple[int, int]], trained: Sequence[str]) -> dict[str, str]:
    """Where on the common axis of steps each phase begins and ends: {"kiyas.phase.1": "head, epochs 1 to 23", …}.

    Args:
        epochs: (phase, epoch) of every epoch so far; phases count from 1.
        trained: see `trained_parts`.
    """
    by_phase: dict[int, list[int]] = {}
    for phase, epoch in epochs:
        by_phase.setdefault(phase, []).append(epoch)
    return {
        f"{PHASE}{phase}": f"{trained[phase - 1]}, epochs {min(steps)} to {max(steps)}"
        for phase, steps in sorted(by_phase.items())
        if phase <= len(trained)
    }


def curve_points(row: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one epoch; an empty cell (a loss that does not exist, or was not finite) gives no point."""
    return finite({f"{CURVE}{key}": row[key] for key in CURVES if key in row})


def final_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """metrics.json's flat keys, with `final_` before those that are also curves or would be read as such."""
    named = {f"final_{key}" if key.startswith(("train_", "val_")) else key: value for key, value in metrics.items()}
    return finite(named)


def grouped(metrics: Mapping[str, float], group: str = "") -> dict[str, float]:
    """The same under the names of a candidate's run, where MLflow's pages fold each group.

    Args:
        group: of all of them; where it is empty, robustness and explanations are told by their names.
    """
    return {key if key == UNGROUPED else f"{group or _group(key)}{key}": value for key, value in metrics.items()}


def as_ranked(metrics: Mapping[str, float]) -> dict[str, float]:
    """Plain names rounded as in comparison/ranking.csv, which tells of some of them once there is one.

    A candidate that is shown before it is ranked keeps its values then; another digit would be a second point of a
    metric.
    """
    return {key: value if "/" in key else significant(value) for key, value in metrics.items()}


def _group(key: str) -> str:
    """Accuracies and errors of splits are plain; others are those on altered photos."""
    plain = key.startswith(("final_", "test_"))
    altered = key.endswith(("_consistency", "_change")) or key.startswith("corrupted_")
    if altered or (key.endswith(("_accuracy", "_mae")) and not plain):
        return ROBUSTNESS
    return EXPLANATION if key.endswith(("explanation_gain", "deletion_area", "insertion_area")) else ""


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Only what is a number, under a name that MLflow takes. It would store infinity as the largest float, which no
    file says."""
    other = (str, dict, list, type(None))
    numbers = ((key, v) for key, v in values.items() if not isinstance(v, other))
    return with_allowed_keys((key, float(v)) for key, v in numbers if math.isfinite(v))


def metrics_tags(names: Iterable[str]) -> dict[str, str]:
    """The names of final metrics as tags, as many as it takes: {"kiyas.metrics": "gap|rank", "kiyas.metrics.2": …}."""
    parts = [""]
    for name in sorted(names):
        if len(parts[-1]) + len(name) + 1 > LONGEST_TAG:
            parts.append("")
        parts[-1] += f"{METRICS_BREAK}{name}" if parts[-1] else name
    return {METRICS if number == 1 else f"{METRICS}.{number}": part for number, part in enumerate(parts, 1)}


def metrics_of_tags(tags: Mapping[str, str]) -> set[str]:
    """What `metrics_tags` wrote."""
    parts = [value for key, value in tags.items() if key == METRICS or key.startswith(f"{METRICS}.")]
    return {name for part in parts for name in part.split(METRICS_BREAK) if name}


def _leaves(prefix: str, value: Any) -> list[tuple[str, Any]]:
    children: list[tuple[Any, Any]]
    if isinstance(value, Mapping):
        children = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        children = list(enumerate(value))
    else:
        return [(prefix, value)]
    return [leaf for key, child in children for leaf in _leaves(f"{prefix}.{key}" if prefix else str(key), child)]


def with_allowed_keys(values: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Under names that MLflow takes. Names that are alike there, such as of classes in other letters, are numbered."""
    found: dict[str, Value] = {}
    for key, value in values:
        name, times = _allowed_key(key), 1
        while name in found:
            times += 1
            name = f"{_allowed_key(key)[: LONGEST_KEY - 8]}.{times}"
        found[name] = value
    return found


def _allowed_key(key: str) -> str:
    return re.sub(r"[^\w\-. /:]", "_", key, flags=re.ASCII)[:LONGEST_KEY]


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
