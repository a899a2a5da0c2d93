"""What trying settings brings each network, and what it takes: every candidate with tuning off, then on.

    python -m benchmarks.tuning           # a small look: cat_dog_bird, resnet50 and the CNN
    python -m benchmarks.tuning --source groceries --limit 0 --size 96 --backbones vgg16 resnet50 inceptionv3
    python -m benchmarks.tuning --settings 12 --trainings 1.5 --seeds 0 1 2

Each candidate is trained in a process of its own, in the workspace workspaces/benchmark-tuning, and goes on where an
earlier run stopped. Validation is of the first seed's split, which settings were chosen on; test, which chose nothing,
is the mean over the seeds. The share is of the seconds that the tuned candidate's training took, of those beside its
trials. Results stand in benchmarks/results/tuning.json, by source; `python -m publishing` writes them into
docs/results/tuning.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.workspaces import begin_workspace, get_weights, pipeline, prepare_source, write_overlay
from pipeline.ground.files import read_json, write_json

RESULTS = Path(__file__).parent / "results/tuning.json"
WORKSPACE = Path("workspaces/benchmark-tuning")
STRATEGIES = ["feature_extractor", "full", "frozen_layers", "gradual_unfreezing"]
MODES = ["recipe", "tuned"]


def main() -> None:
    options = parse(sys.argv[1:])
    root, workspace = Path.cwd(), WORKSPACE / options.source
    begin_workspace(workspace)
    os.chdir(workspace)
    write_overlay(overlay_of(options, None))
    prepare_source(options.source)
    for backbone in options.backbones:
        get_weights(backbone)
    search = {"settings": options.settings, "trainings": options.trainings}
    for candidate, arguments in candidates(options.backbones):
        measured: dict[str, Any] = {}
        for mode, tried in zip(MODES, (None, search), strict=True):
            write_overlay(overlay_of(options, tried))
            pipeline(*arguments)
            measured[mode] = in_process(candidate)
        entry = summary(measured)
        add_result(root, options, candidate, entry)
        print(f"{candidate:45s} {describe(entry)}", flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="cat_dog_bird", help="a named source of photos")
    parser.add_argument("--limit", type=int, default=300, help="photos a split at most; 0: all")
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--backbones", nargs="+", default=["resnet50"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--settings", type=int, default=12)
    parser.add_argument("--trainings", type=float, default=1.5)
    return parser.parse_args(arguments)


def candidates(backbones: list[str]) -> list[tuple[str, list[str]]]:
    """Each network's name, and the command that trains it."""
    cnn = [("cnn-lecture", ["cnn", "--architecture", "lecture"])]
    return cnn + [
        (f"finetune-{backbone}-{strategy}", ["finetune", "--backbone", backbone, "--strategy", strategy])
        for backbone in backbones
        for strategy in STRATEGIES
    ]


def overlay_of(options: argparse.Namespace, search: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "data.fetch": [options.source],
        "data.limit": options.limit or None,
        "data.image_size": options.size,
        "seeds": options.seeds,
        "finetune.backbones": options.backbones,
        "finetune.strategies": STRATEGIES,
        "tracking.enabled": False,
        "tuning.search": search,
    }


def in_process(candidate: str) -> dict[str, Any]:
    """What a process of its own measures: networks stay in memory."""
    code = f"from benchmarks.tuning import measure; measure({candidate!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    return dict(read_json(Path("measured.json")))


def measure(candidate: str) -> None:
    """Test accuracy of each seed's model, validation of the first seed, seconds, and what tuning says of itself."""
    import numpy as np

    from pipeline.datasets.store.prepared import TEST, load_prepared
    from pipeline.evaluation.answers.models import load_models, predictor
    from pipeline.models.archive import read_model
    from pipeline.trials import read_trial, results_folder

    trial, test = read_trial(candidate), load_prepared(TEST)
    cost = read_json(results_folder(candidate) / "cost.json")
    accuracies = []
    for entry in trial.seeds:
        (model,) = load_models([trial.model_file(entry["seed"])], read_model)
        answers = predictor(model)(test.inputs)
        accuracies.append(float(np.mean(answers.argmax(axis=1) == test.labels)))
    seeds = list(cost["seeds"].values())
    shared = sum(max(seed[key] for seed in seeds) for key in ("activation_seconds", "setup_seconds"))
    content = {
        "test_accuracy": accuracies,
        "validation": {key: value for key, value in trial.seeds[0].items() if key.startswith("val_")},
        "best_phases": [entry["best_phase"] for entry in trial.seeds],
        "seconds": shared + sum(seed["fit_seconds"] for seed in seeds),
        "tuning_seconds": cost.get("tuning", {}).get("seconds", 0.0),
        "tuning": {key: trial.tuning[key] for key in ("settings_tried", "chosen", "changes") if key in trial.tuning},
    }
    write_json(Path("measured.json"), content)


def summary(measured: dict[str, Any]) -> dict[str, Any]:
    """One row: with the recipe, and tuned."""
    recipe, tuned = measured["recipe"], measured["tuned"]
    spent = tuned["tuning_seconds"]
    return {
        "settings_tried": tuned["tuning"]["settings_tried"],
        "chosen": tuned["tuning"]["chosen"],
        "changes": tuned["tuning"]["changes"],
        "validation_loss": [recipe["validation"]["val_loss"], tuned["validation"]["val_loss"]],
        "validation_accuracy": [recipe["validation"]["val_accuracy"], tuned["validation"]["val_accuracy"]],
        "test_accuracy": [recipe["test_accuracy"], tuned["test_accuracy"]],
        "best_phases": [recipe["best_phases"], tuned["best_phases"]],
        "tuning_seconds": round(spent, 1),
        "share": round(spent / (tuned["seconds"] + spent), 3),
    }


def add_result(root: Path, options: argparse.Namespace, candidate: str, entry: dict[str, Any]) -> None:
    path = root / RESULTS.relative_to(RESULTS.parents[2])
    results = dict(read_json(path)) if path.exists() else {}
    asked = {key: value for key, value in vars(options).items() if key != "source"}
    source = results.get(options.source, {})
    earlier = source.get("candidates", {}) if source.get("asked") == asked else {}
    results[options.source] = {"asked": asked, "candidates": earlier | {candidate: entry}}
    write_json(path, results)


def describe(entry: dict[str, Any]) -> str:
    before, after = (sum(accuracies) / len(accuracies) for accuracies in entry["test_accuracy"])
    losses = entry["validation_loss"]
    return (
        f"{entry['settings_tried']} settings, {entry['chosen']}; validation loss {losses[0]:.3f} → {losses[1]:.3f}, "
        f"test {before:.3f} → {after:.3f}; {entry['tuning_seconds']:.0f} s, {entry['share']:.0%} of its training"
    )


if __name__ == "__main__":
    main()
