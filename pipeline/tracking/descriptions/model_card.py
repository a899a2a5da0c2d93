"""The model card of a candidate (Mitchell et al. 2019): what it is, what it learnt from, how well it does, what it is
not for. Every number comes from its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.params.schema.families import family_named
from pipeline.trials import Trial

Table = Mapping[str, Any]


def model_card(
    trial: Trial, metrics: Table, ranking: Table, cost: Table, dataset: Table, deployed: Table | None = None
) -> str:
    """Markdown.

    Args:
        metrics: metrics.json's means over the seeds; empty before evaluation.
        ranking: the candidate's row of ranking.csv; empty before a comparison.
        cost: means over the seeds of what cost.json measured.
        dataset: dataset.json.
        deployed: verdict.json's entry of its one model that is served; None or empty where there is none.
    """
    parts = [
        f"# {trial.candidate}",
        _what(trial),
        "## Data",
        _data(dataset, len(trial.seeds)),
        "## How well",
        _quality(metrics, ranking, len(trial.seeds)) + _served(deployed or {}),
        "## Cost",
        _cost(trial, cost),
        "## Limits",
        _limits(dataset),
    ]
    return "\n\n".join(parts) + "\n"


def _what(trial: Trial) -> str:
    family = family_named(trial.family)
    kind = family.words.model.format(backbone=trial.backbone, technique=trial.technique)
    phases = ", then ".join(str(phase["train"]) for phase in trial.phases)
    trained = f" Trained: {phases}." if family.network else ""
    counts = trial.parameter_counts
    return (
        f"{kind}, for a {trial.task} task.{trained} {counts['total']:,} parameters, of which "
        f"{counts['trainable']:,} trained. Fingerprint of code, data and parameters: `{trial.fingerprint[:16]}`."
    )


def _data(dataset: Table, seeds: int) -> str:
    if not dataset:
        return "Not on disk: `dvc checkout data/prepared/dataset.json`."
    source, sizes = dataset.get("source") or {}, dataset.get("sizes") or {}
    named = source.get("name") or source.get("path")
    classes = f"{len(dataset['class_names'])} classes, " if dataset.get("class_names") else ""
    return (
        f"{named}: {classes}{sizes.get('development', 0):,} examples to learn from and {sizes.get('test', 0):,} sealed "
        f"as test. Each of the {seeds} seeds set aside its own share of the former for validation."
    )


def _quality(metrics: Table, ranking: Table, seeds: int) -> str:
    if not metrics:
        return "Not evaluated yet."
    ranked = next((column for column in ranking if column.startswith("test_")), "")
    usual = (
        "test_accuracy",
        "test_rmse",
        "test_macro_f1",
        "test_loss",
        "train_accuracy",
        "train_rmse",
        "gap",
        "test_ece",
    )
    # By a score with a threshold, the evaluation's own value is of the most probable class, the ranking's is not.
    values = {**metrics, **({ranked: ranking[ranked]} if ranked else {})}
    names = dict.fromkeys([ranked, *usual])
    rows = [(name, f"{values[name]:.4g}") for name in names if isinstance(values.get(name), int | float)]
    table = _table([("mean over seeds", "")], rows)
    if not ranking:
        return f"{table}\n\nMeans over {seeds} seeds; not compared with others yet."
    relation = ranking.get("relation_to_best")
    beside = "the best" if relation == "best" else f"{relation} beside the best"
    return (
        f"{table}\n\nRank {ranking['rank']}, {beside}. Interval of {ranked}, over test examples and seeds: "
        f"{ranking['low']:.4g} to {ranking['high']:.4g}."
    )


def _served(deployed: Table) -> str:
    """The interval of one model is about that model, whatever the mean over seeds is."""
    if not deployed:
        return ""
    score = next(column for column in deployed if column.startswith("test_"))
    return (
        f"\n\nIf it is served, its model of seed {deployed['seed']} answers, that of the lowest validation loss. "
        f"Its own {score} is {deployed[score]:.4g}; on unseen examples expect {deployed['low']:.4g} to "
        f"{deployed['high']:.4g}."
    )


def _cost(trial: Trial, cost: Table) -> str:
    names = {"cost_seconds": "seconds to train once, alone", "cpu_seconds": "processor seconds"}
    rows = [(words, f"{cost[key]:.4g}") for key, words in names.items() if key in cost]
    epochs = [entry["best_epoch"] for entry in trial.seeds if entry.get("best_epoch") is not None]
    if epochs and family_named(trial.family).network:
        rows.append(("best epoch, by seed", ", ".join(map(str, epochs))))
    return _table([("mean over seeds", "")], rows)


def _limits(dataset: Table) -> str:
    known = dataset.get("class_names") or []
    names = f" It knows {', '.join(map(str, known))} and will call everything one of them." if known else ""
    return f"It was measured on test examples of the source above and on nothing else.{names}"


def _table(head: Iterable[tuple[str, str]], rows: Iterable[tuple[str, str]]) -> str:
    lines = [*head, ("---", "---"), *rows]
    return "\n".join(f"| {name} | {value} |" for name, value in lines)
