"""What the files on disk say that MLflow should show: one described run for each trial, candidate and comparison."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.files import read_json
from pipeline.tracking.card import model_card
from pipeline.tracking.described import DescribedRun, Point
from pipeline.tracking.fields import (
    FINGERPRINT,
    KIND,
    LONGEST_TAG,
    SUPERSEDED,
    candidate_params,
    candidate_tags,
    curve_points,
    final_metrics,
    finite,
    flat_params,
    phase_tags,
    source_tags,
    stage_of,
    trial_name,
    trial_params,
    trial_tags,
)
from pipeline.tracking.lineage import DataInput, data_inputs, dataset_of, dvc_tags
from pipeline.trials import Trial, evaluation_folder, read_history, read_trial, results_folder

COMPARISON = Path("comparison")
COMPARISON_FILES = {".csv", ".json", ".html"}
FIGURES = "figures"
CARD = "model_card.md"


def is_complete(candidate: str) -> bool:
    """Whether a candidate's training has left all its files; evaluation may still be missing."""
    return all((results_folder(candidate) / name).is_file() for name in ("trial.json", "history.csv", "cost.json"))


def describe_candidate(candidate: str) -> list[DescribedRun]:
    """A candidate's trials in the order of their seeds, then its summary."""
    files = _Files(candidate)
    return [*(_describe_trial(files, entry) for entry in files.trial.seeds), _describe_summary(files)]


def describe_point(point: str) -> list[DescribedRun]:
    """The trials of a point of the data-size study; it does not compete, so it has no summary beside the candidates."""
    files = _Files(point)
    return [_describe_trial(files, entry) for entry in files.trial.seeds]


def describe_comparison(ended: int | None) -> DescribedRun | None:
    """The comparison on disk, or None. Its time is that of the last trial's end: comparison/ itself holds no dates."""
    verdict_file, ranking_file = COMPARISON / "verdict.json", COMPARISON / "ranking.csv"
    if not (verdict_file.is_file() and ranking_file.is_file()):
        return None
    verdict = read_json(verdict_file)
    files = sorted(path for path in COMPARISON.glob("[!.]*") if path.suffix in COMPARISON_FILES)
    fingerprint = hashlib.sha256(verdict_file.read_bytes() + ranking_file.read_bytes()).hexdigest()
    tags = {KIND: "comparison", FINGERPRINT: fingerprint, SUPERSEDED: "false"}
    told = {f"kiyas.{key}": verdict.get(key) for key in ("winner", "recommended", "provisional")}
    return DescribedRun(
        name="comparison",
        tags={**tags, **_tags_of(told), **source_tags("compare"), **dvc_tags(verdict_file)},
        first_tags=_tags_of({"mlflow.note.content": verdict.get("answer")}),
        metrics={"candidates": float(len(_ranking()))},
        artifacts=dict.fromkeys(files, ""),
        started=ended,
        ended=ended,
    )


class _Files:
    """What one candidate left, read once."""

    def __init__(self, candidate: str) -> None:
        results, evaluation = results_folder(candidate), evaluation_folder(candidate)
        self.trial: Trial = read_trial(candidate)
        self.history: pd.DataFrame = read_history(candidate)
        self.cost: dict[str, Any] = read_json(results / "cost.json")
        self.metrics: dict[str, Any] = _read_if_there(evaluation / "metrics.json")
        self.evaluation_cost: dict[str, Any] = _read_if_there(evaluation / "cost.json")
        self.ranking: dict[str, Any] = _ranking().get(candidate, {})
        self.dataset: dict[str, Any] = dataset_of(results / "trial.json")
        self.inputs: list[DataInput] = data_inputs(self.dataset, evaluated=bool(self.metrics))

    def cost_of(self, seed: int) -> dict[str, Any]:
        return dict(self.cost.get("seeds", {}).get(str(seed), {}))

    def mean_cost(self) -> dict[str, float]:
        """Means over the seeds of what cost.json measured."""
        rows = pd.DataFrame([finite(self.cost_of(entry["seed"])) for entry in self.trial.seeds])
        return finite({str(key): value for key, value in rows.mean().items()})

    def time(self, key: str, pick: Callable[[list[int]], int]) -> int | None:
        times = [_milliseconds(self.cost_of(entry["seed"]).get(key)) for entry in self.trial.seeds]
        known = [time for time in times if time is not None]
        return pick(known) if known else None

    def circumstances(self) -> dict[str, str]:
        """Tags: where, from which commit and with what it was trained."""
        described = {
            "mlflow.source.git.commit": self.cost.get("commit"),
            "kiyas.dirty": self.cost.get("dirty"),
            "kiyas.host": self.cost.get("host"),
            "kiyas.versions": self.cost.get("versions"),
            "kiyas.phases": ", ".join(str(phase["train"]) for phase in self.trial.phases),
        }
        made_by = dvc_tags(results_folder(self.trial.candidate) / "trial.json")
        return {**_tags_of(described), **source_tags(stage_of(self.trial)), **made_by}

    def facts(self) -> dict[str, str]:
        """Params that only the finished training knows."""
        return flat_params({"parameter_counts": self.trial.parameter_counts, "tuning": self.trial.tuning})


def _describe_trial(files: _Files, entry: Mapping[str, Any]) -> DescribedRun:
    seed = int(entry["seed"])
    cost = files.cost_of(seed)
    chosen = {"chosen": entry.get("chosen") or {}}
    best = {f"best_{key.removeprefix('best_')}": value for key, value in entry.items() if key not in ("seed", "chosen")}
    started, ended = _milliseconds(cost.get("started")), _milliseconds(cost.get("ended"))
    folder = results_folder(files.trial.candidate)
    epochs = files.history.loc[files.history["seed"] == seed, ["phase", "epoch"]].astype(int)
    phases = phase_tags(epochs.itertuples(index=False), [str(phase["train"]) for phase in files.trial.phases])
    return DescribedRun(
        name=trial_name(files.trial.candidate, seed),
        tags={**trial_tags(files.trial, seed), **files.circumstances(), **phases},
        params={**trial_params(files.trial, seed), **files.facts(), **flat_params(chosen)},
        metrics={**finite(best), **finite(cost), **final_metrics(files.metrics.get("seeds", {}).get(str(seed), {}))},
        points=_curves(files.history, seed, cost.get("epoch_ended") or [], ended or 0),
        artifacts={folder / "trial.json": "", folder / "history.csv": ""},
        inputs=files.inputs,
        started=started,
        ended=ended,
    )


def _describe_summary(files: _Files) -> DescribedRun:
    trial, folder = files.trial, evaluation_folder(files.trial.candidate)
    told = {"kiyas.seeds": " ".join(str(entry["seed"]) for entry in trial.seeds)}
    relation = {"kiyas.relation_to_best": files.ranking.get("relation_to_best")}
    evaluated_by = {f"{key}.evaluate": value for key, value in dvc_tags(folder / "metrics.json").items()}
    there = {folder / "metrics.json": "", folder / "predictions.parquet": "", folder / FIGURES: FIGURES}
    card = model_card(trial, files.metrics.get("mean", {}), files.ranking, files.mean_cost(), files.dataset)
    return DescribedRun(
        name=trial.candidate,
        tags={
            **candidate_tags("candidate", trial),
            **files.circumstances(),
            **evaluated_by,
            **_tags_of({**told, **relation}),
        },
        params={**candidate_params(trial), **files.facts()},
        metrics=_summary_metrics(files),
        artifacts={path: place for path, place in there.items() if path.exists()},
        texts={CARD: card},
        inputs=files.inputs,
        started=files.time("started", min),
        ended=files.time("ended", max),
    )


def _summary_metrics(files: _Files) -> dict[str, float]:
    """Means over seeds with the intervals and the rank of comparison/ranking.csv: sorting in the UI is the ranking."""
    epochs = [float(entry["best_epoch"]) for entry in files.trial.seeds if entry.get("best_epoch") is not None]
    latency = files.evaluation_cost.get("latency_ms_per_image") or {}
    batched = files.evaluation_cost.get("latency_ms_per_image_in_batches") or {}
    score = ranked_by()
    interval = {"low": f"{score}_low", "high": f"{score}_high"}
    ranking = {interval.get(column, column): value for column, value in files.ranking.items()}
    return {
        "seeds": float(len(files.trial.seeds)),
        **({"best_epoch": sum(epochs) / len(epochs)} if epochs else {}),
        **files.mean_cost(),
        **finite(files.metrics.get("size", {})),
        **finite({f"latency_ms_{key}": value for key, value in latency.items()}),
        **finite({f"latency_ms_in_batches_{key}": value for key, value in batched.items()}),
        **finite(files.evaluation_cost),
        **final_metrics(files.metrics.get("mean", {})),
        **finite(ranking),
    }


def _curves(history: pd.DataFrame, seed: int, epoch_ended: list[str], ended: int) -> list[Point]:
    """Every point of one seed's curves, at the time when its epoch ended (the trial's end where that is unknown)."""
    rows = history[history["seed"] == seed].sort_values("epoch").to_dict("records")
    times = [_milliseconds(text) or ended for text in epoch_ended]
    times += [ended] * (len(rows) - len(times))
    return [
        Point(key, int(row["epoch"]), value, time)
        for row, time in zip(rows, times, strict=False)
        for key, value in curve_points({str(name): cell for name, cell in row.items()}).items()
    ]


def ranked_by() -> str:
    """The metric by which candidates are ranked: test_accuracy, or test_rmse where numbers are predicted."""
    return "test_rmse" if any("test_rmse" in row for row in _ranking().values()) else "test_accuracy"


def _ranking() -> dict[str, dict[str, Any]]:
    path = COMPARISON / "ranking.csv"
    if not path.is_file():
        return {}
    rows = pd.read_csv(path).to_dict("records")
    return {str(row["candidate"]): {str(key): value for key, value in row.items()} for row in rows}


def _read_if_there(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


def _tags_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags for what is known: text as it is, the rest as JSON."""
    known = {key: value for key, value in values.items() if value is not None and value != {} and not _is_nan(value)}
    return {key: (value if isinstance(value, str) else _json(value))[:LONGEST_TAG] for key, value in known.items()}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _milliseconds(moment: str | None) -> int | None:
    """ISO-8601 → milliseconds since 1970; a time without a zone is UTC."""
    if not moment:
        return None
    parsed = datetime.fromisoformat(moment)
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)
