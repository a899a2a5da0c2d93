"""Small made-up results of a few candidates, written as the stages write them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.files import write_csv, write_json
from pipeline.models.archive import write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.params.schema.classical import ClassicalModel
from pipeline.params.training.candidates import Candidate
from pipeline.trials import Trial, evaluation_folder, model_path, write_trial

EPOCHS = 4
STARTED = "2026-03-01T10:00:00+00:00"
ENDED = "2026-03-01T10:05:00+00:00"
STARTED_MS = 1_772_359_200_000


def small_params() -> Params:
    """The checkout's params.yaml, cut down to two candidates of two seeds."""
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["baseline"]["models"], content["baseline"]["probes"] = ["majority"], []
    content["cnn"] = []
    content["finetune"] = {"backbones": ["resnet50"], "strategies": ["full"]}
    content["seeds"] = [0, 1]
    yaml.dump(content, Path("params.yaml"))
    return load_params()


CLASSES = ["apple", "orange"]
SIDE = 24
WINNER_SIDE = 16


def simulate(params: Params) -> None:
    """Prepared data, results, evaluation and comparison of all candidates."""
    write_dataset()
    for rank, candidate in enumerate(params.candidates(), 1):
        write_results(candidate, params.seeds)
        write_evaluation(candidate, params.seeds, accuracy=0.9 - 0.1 * rank)
    write_comparison(params)


def write_dataset(source: str = "fruit") -> None:
    """dataset.json as `prepare` writes it."""
    splits = {"development": 80, "test": 20}
    content = {
        "task": "binary",
        "class_names": CLASSES,
        "image_size": SIDE,
        "source": {"name": source, "path": "data/raw", "package": None},
        "counts": {split: dict.fromkeys(CLASSES, size // 2) for split, size in splits.items()},
        "sizes": splits,
        "hashes": {split: hashlib.sha256(f"{source} {split}".encode()).hexdigest() for split in splits},
    }
    write_json(Path("data/prepared/dataset.json"), content)


def write_models(candidate: Candidate, seeds: list[int]) -> None:
    """Files in place of the models: what is not read is not known to be none."""
    for seed in seeds:
        suffix = ".skops" if candidate.family == "classical" else ".keras"
        path = model_path(candidate.name, seed, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{candidate.name} {seed}", encoding="utf-8")


def write_results(candidate: Candidate, seeds: list[int], fingerprint: str = "first") -> Trial:
    epochs = 1 if candidate.family == "classical" else EPOCHS
    trial = Trial(
        candidate=candidate.name,
        family=candidate.family,
        backbone=candidate.backbone,
        technique=candidate.technique,
        task="multiclass",
        parameters={"training": {"batch_size": 32}, "blocks": [{"filters": 32}, {"filters": 64}], "seeds": seeds},
        parameter_counts={"total": 1000, "trainable": 400},
        phases=[{"phase": 1, "train": "head", "epochs": 2}, {"phase": 2, "train": "all", "epochs": 2}],
        seeds=[{"seed": seed, "best_epoch": epochs - seed, "best_phase": 1, "val_loss": 0.5} for seed in seeds],
        fingerprint=fingerprint,
        tuning={"method": "none"},
    )
    rows = [row for seed in seeds for row in history_rows(candidate, seed)]
    circumstances = {"candidate": candidate.name, "commit": "abc", "dirty": False}
    write_trial(trial, pd.DataFrame(rows), {**circumstances, **_cost(seeds)})
    return trial


def history_rows(candidate: Candidate, seed: int) -> list[dict[str, Any]]:
    """The rows that training hands out, epoch by epoch; classical models have one, without a learning rate."""
    classical = candidate.family == "classical"
    return [
        {
            "seed": seed,
            "phase": 1 if epoch <= EPOCHS // 2 else 2,
            "epoch": epoch,
            "learning_rate": None if classical else 0.001,
            "trainable_parameters": 400,
            "train_loss": 1 / (epoch + seed + 1),
            "train_accuracy": 1 - 1 / (epoch + seed + 1),
            "val_loss": 1 / (epoch + seed + 0.7),
            "val_accuracy": 1 - 1 / (epoch + seed + 1.3),
        }
        for epoch in range(1, 2 if classical else EPOCHS + 1)
    ]


def _cost(seeds: list[int]) -> dict[str, Any]:
    ends = [f"2026-03-01T10:0{epoch}:00+00:00" for epoch in range(1, EPOCHS + 1)]
    measured = {"fit_seconds": 250.0, "cost_seconds": 260.0}
    return {
        "seeds": {str(seed): {"started": STARTED, "ended": ENDED, "epoch_ended": ends, **measured} for seed in seeds},
        "host": {"cores": 2},
        "versions": {"python": "3.11"},
    }


def write_evaluation(candidate: Candidate, seeds: list[int], accuracy: float) -> None:
    folder = evaluation_folder(candidate.name)
    metrics = {"train_accuracy": 1.0, "val_accuracy": 0.7, "test_accuracy": accuracy, "gap": 1.0 - accuracy}
    content = {"candidate": candidate.name, "seeds": {str(seed): metrics for seed in seeds}, "mean": metrics}
    write_json(folder / "metrics.json", {**content, "size": {"model_bytes": 5000, "parameters": 1000}})
    write_json(folder / "cost.json", {"latency_ms_per_image": {"median": 3.0, "p95": 4.0}, "evaluation_seconds": 7.0})
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / "confusion.svg").write_text("<svg/>", encoding="utf-8")


def write_winner(params: Params) -> str:
    """The comparison's winner with a small model that is really there; returns its name."""
    winner = params.candidates()[0].name
    hashes = {"development": "d", "test": "t"}
    dataset = {"task": "binary", "class_names": ["a", "b"], "image_size": WINNER_SIDE, "hashes": hashes}
    write_json(Path("data/prepared/dataset.json"), dataset)
    images = np.random.default_rng(0).integers(0, 256, (8, WINNER_SIDE, WINNER_SIDE, 3), dtype=np.uint8)
    row = ClassicalModel(features="pixels", estimator="KNeighborsClassifier", settings={"n_neighbors": 1})
    fitted = fit_classical("knn", row, compute_features(row, images), np.arange(8) % 2, folds=2, seed=0)
    for seed in params.seeds:
        write_model(model_path(winner, seed, ".skops"), fitted.model)
    seeds = {"seed": [0, 0, 1], "split": ["val", "test", "test"], "example": ["x", "y", "y"]}
    predictions = pd.DataFrame({**seeds, "label": 0, "predicted": 0, "p_0": 0.9, "p_1": 0.1})
    predictions.to_parquet(evaluation_folder(winner) / "predictions.parquet")
    say(winner=winner, winner_interval=[0.41, 0.93], recommended=winner)
    return winner


def say(**verdict: object) -> None:
    """Another verdict.json."""
    write_json(Path("comparison/verdict.json"), {"answer": "Use it.", "provisional": False, **verdict})


def write_comparison(params: Params, answer: str = "Fine-tune.") -> None:
    folder = Path("comparison")
    rows = [
        {
            "rank": rank,
            "candidate": candidate.name,
            "test_accuracy": 0.9 - 0.1 * rank,
            "low": 0.85 - 0.1 * rank,
            "high": 0.95 - 0.1 * rank,
            "gap": 0.1 + 0.1 * rank,
            "cost_seconds": 260.0,
            "relation_to_best": "best" if rank == 1 else "worse",
        }
        for rank, candidate in enumerate(params.candidates(), 1)
    ]
    write_csv(folder / "ranking.csv", pd.DataFrame(rows))
    write_json(folder / "verdict.json", {"answer": answer, "winner": rows[0]["candidate"], "provisional": True})
    (folder / "report.html").write_text(f"<p>{json.dumps(answer)}</p>", encoding="utf-8")
