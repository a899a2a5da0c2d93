"""results/ and evaluation/ → a run of kind `trial` for each seed of a candidate, and one of kind `candidate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.formats import count_of, three_decimals_range
from pipeline.params.schema.families import family_named
from pipeline.tracking.descriptions.candidate_files import CandidateFiles
from pipeline.tracking.descriptions.comparison import advice_about, ranked_by
from pipeline.tracking.descriptions.lineage import dvc_tags
from pipeline.tracking.descriptions.model_card import model_card
from pipeline.tracking.descriptions.run import FIGURES, Point, RunDescription
from pipeline.tracking.run_fields import (
    ADVICE,
    COST,
    INTERVAL,
    NOTE,
    RELATION,
    as_ranked,
    candidate_params,
    candidate_tags,
    curve_points,
    final_metrics,
    finite,
    flat_params,
    grouped,
    known_tags,
    milliseconds,
    phase_tags,
    trial_name,
    trial_params,
    trial_tags,
)
from pipeline.trials import evaluation_folder, results_folder

CARD = "model_card.md"


def describe_candidate(candidate: str) -> list[RunDescription]:
    """A candidate's trials in the order of their seeds, then its summary."""
    files = CandidateFiles(candidate)
    return [*(_describe_trial(files, entry) for entry in files.trial.seeds), _describe_summary(files)]


def describe_point(point: str) -> list[RunDescription]:
    """The trials of a point of the data-size study; it does not compete, so it has no summary beside the candidates."""
    files = CandidateFiles(point)
    return [_describe_trial(files, entry) for entry in files.trial.seeds]


def _describe_trial(files: CandidateFiles, entry: Mapping[str, Any]) -> RunDescription:
    """
    Args:
        entry: of `seeds` in trial.json.
    """
    seed = int(entry["seed"])
    cost = files.cost_of(seed)
    chosen = {"chosen": entry.get("chosen") or {}}
    best = {f"best_{key.removeprefix('best_')}": value for key, value in entry.items() if key not in ("seed", "chosen")}
    started, ended = milliseconds(cost.get("started")), milliseconds(cost.get("ended"))
    folder = results_folder(files.trial.candidate)
    epochs = files.history.loc[files.history["seed"] == seed, ["phase", "epoch"]].astype(int)
    phases = phase_tags(epochs.itertuples(index=False), [str(phase["train"]) for phase in files.trial.phases])
    return RunDescription(
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


def _describe_summary(files: CandidateFiles) -> RunDescription:
    trial, folder = files.trial, evaluation_folder(files.trial.candidate)
    values = {
        "kiyas.seeds": " ".join(str(entry["seed"]) for entry in trial.seeds),
        RELATION: files.ranking.get("relation_to_best"),
        INTERVAL: _interval(files.ranking),
        ADVICE: advice_about(trial.candidate),
    }
    evaluated_by = {f"{key}.evaluate": value for key, value in dvc_tags(folder / "metrics.json").items()}
    artifacts = {folder / "metrics.json": "", folder / "predictions.parquet": "", folder / FIGURES: FIGURES}
    means = files.metrics.get("mean", {})
    card = model_card(trial, means, files.ranking, files.mean_cost(), files.dataset, files.deployed)
    return RunDescription(
        name=trial.candidate,
        tags={**candidate_tags("candidate", trial), **files.circumstances(), **evaluated_by, **known_tags(values)},
        params={**candidate_params(trial), **files.facts()},
        metrics=_summary_metrics(files),
        artifacts={path: place for path, place in artifacts.items() if path.exists()},
        texts={CARD: card},
        first_tags={NOTE: _note(files)},
        inputs=files.inputs,
        started=files.time("started", min),
        ended=files.time("ended", max),
    )


def _note(files: CandidateFiles) -> str:
    """What the candidate is; how well it does changes with what it is compared with, and so stands in columns."""
    trial = files.trial
    what = family_named(trial.family).words.model.format(backbone=trial.backbone, technique=trial.technique)
    seeds = count_of(len(trial.seeds), "seed")
    return f"{what}, trained with {seeds}. [{CARD}](artifacts/{CARD}) says how well it does and what it is not for."


def _interval(ranking: Mapping[str, Any]) -> str | None:
    """In the score's own units, such as "0.489 to 0.654"."""
    return three_decimals_range(ranking["low"], ranking["high"]) if {"low", "high"} <= set(ranking) else None


def _summary_metrics(files: CandidateFiles) -> dict[str, float]:
    """Means over seeds with the intervals and the rank of comparison/ranking.csv: sorting in the UI is the ranking.

    What a reader compares first keeps its plain name; the many measures beside it are grouped (see `grouped`).
    """
    epochs = [float(entry["best_epoch"]) for entry in files.trial.seeds if entry.get("best_epoch") is not None]
    latency = files.evaluation_cost.get("latency_ms_per_image") or {}
    batched = files.evaluation_cost.get("latency_ms_per_image_in_batches") or {}
    score = ranked_by()
    interval = {"low": f"{score}_low", "high": f"{score}_high"}
    ranking = {interval.get(column, column): value for column, value in files.ranking.items()}
    measured = {
        "seeds": float(len(files.trial.seeds)),
        **({"best_epoch": sum(epochs) / len(epochs)} if epochs else {}),
        **grouped(files.mean_cost(), COST),
        **grouped(finite(files.metrics.get("size", {})), COST),
        **finite({f"{COST}latency_ms_{key}": value for key, value in latency.items()}),
        **finite({f"{COST}latency_ms_in_batches_{key}": value for key, value in batched.items()}),
        **grouped(finite(files.evaluation_cost), COST),
        **grouped(final_metrics(files.metrics.get("mean", {}))),
    }
    return {**as_ranked(measured), **finite(ranking)}


def _curves(history: pd.DataFrame, seed: int, epoch_ended: list[str], ended: int) -> list[Point]:
    """Every point of one seed's curves, at the time when its epoch ended (the trial's end where that is unknown)."""
    rows = history[history["seed"] == seed].sort_values("epoch").to_dict("records")
    times = [milliseconds(text) or ended for text in epoch_ended]
    times += [ended] * (len(rows) - len(times))
    return [
        Point(key, int(row["epoch"]), value, time)
        for row, time in zip(rows, times, strict=False)
        for key, value in curve_points({str(name): cell for name, cell in row.items()}).items()
    ]
