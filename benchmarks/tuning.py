"""What trying settings brings each candidate, and what it takes: every one as its recipe has it, then with a search.

    python -m benchmarks.tuning           # a small look: cat_dog_bird, resnet50, the CNN and classical models
    python -m benchmarks.tuning --source groceries --limit 0 --size 96 --backbones vgg16 resnet50 inceptionv3
    python -m benchmarks.tuning --settings 12 --trainings 1.5 --seeds 0 1 2

Networks go by their recipe and by `tuning.search`; classical models by the values that scikit-learn gives the arguments
of their grids, and by the grids. Each candidate is trained in a process of its own, in the workspace
workspaces/benchmark-tuning, and goes on where an earlier run stopped. A network's settings are tried with its first
seed; where the recipe wins, its other seeds are trained already. Validation is of the first seed's split, on which a
network's setting was chosen; test, which chose nothing, is the mean over the seeds, with the 95 % interval of the
difference. The share is of the seconds that the tuned candidate's training took, of those beside its trials. Results
stand in benchmarks/results/tuning.json, by source; `python -m publishing` writes them into docs/results/tuning.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import measured_here
from benchmarks.workspaces import begin_workspace, get_weights, pipeline, prepare_source, write_overlay
from pipeline.comparison.statistics.intervals import estimate
from pipeline.comparison.statistics.quantities import score_quantity
from pipeline.comparison.statistics.variation.units import units_of
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.ground.files import read_json, write_json
from pipeline.params.competing import read_candidates
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.candidates import CLASSICAL

RESULTS = Path(__file__).parent / "results/tuning.json"
WORKSPACE = Path("workspaces/benchmark-tuning")
STRATEGIES = ["feature_extractor", "full", "frozen_layers", "gradual_unfreezing"]
RECIPE, GRID = "recipe", "grid"  # what was chosen: what the recipe has, or each seed's values of the grid
CONFIDENCE, RESAMPLES = 0.95, 10_000


def main() -> None:
    options = parse(sys.argv[1:])
    root, workspace = Path.cwd(), WORKSPACE / options.source
    begin_workspace(workspace)
    os.chdir(workspace)
    write_overlay(overlay_of(options, options.seeds, None))
    prepare_source(options.source)
    for backbone in options.backbones:
        get_weights(backbone)
    for name in classical_names(options):
        tell(root, options, name, measure_classical(name, options.seeds))
    for candidate, arguments in networks(options):
        tell(root, options, candidate, measure_network(candidate, arguments, options))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="cat_dog_bird", help="a named source of photos")
    parser.add_argument("--limit", type=int, default=300, help="photos a split at most; 0: all")
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--backbones", nargs="+", default=["resnet50"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--settings", type=int, default=12)
    parser.add_argument("--trainings", type=float, default=1.5)
    parser.add_argument("--note", default="", help="a sentence on how it was measured, such as what else ran")
    parser.add_argument("--only", nargs="+", default=[], help="candidates by name; none: all")
    return parser.parse_args(arguments)


def classical_names(options: argparse.Namespace) -> list[str]:
    """Candidates of params.yaml whose row has a grid."""
    every = [each for each in read_candidates() if each.family == CLASSICAL]
    with_grid = [each.name for each in every if load_classical(each.row).grid]
    return [name for name in with_grid if not options.only or name in options.only]


def networks(options: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """Each network's name, and the command that trains it."""
    every = [("cnn-lecture", ["cnn", "--architecture", "lecture"])]
    every += [
        (f"finetune-{backbone}-{strategy}", ["finetune", "--backbone", backbone, "--strategy", strategy])
        for backbone in options.backbones
        for strategy in STRATEGIES
    ]
    return [(name, arguments) for name, arguments in every if not options.only or name in options.only]


def overlay_of(options: argparse.Namespace, seeds: list[int], search: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "data.fetch": [options.source],
        "data.limit": options.limit or None,
        "data.image_size": options.size,
        "seeds": seeds,
        "finetune.backbones": options.backbones,
        "finetune.strategies": STRATEGIES,
        "tracking.enabled": False,
        "tuning.search": search,
    }


def measure_classical(name: str, seeds: list[int]) -> dict[str, Any]:
    """One row: all seeds without the grid, then with it."""
    before, after = (in_process(f"of_classical({name!r}, {seeds!r}, with_grid={grid})") for grid in (False, True))
    return summary(before, after)


def measure_network(candidate: str, arguments: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """One row: all seeds by the recipe; the first with the search, and all by its setting where that is another."""

    def trained(seeds: list[int], search: dict[str, Any] | None) -> dict[str, Any]:
        write_overlay(overlay_of(options, seeds, search))
        pipeline(*arguments)
        return in_process(f"of_network({candidate!r})")

    search = {"settings": options.settings, "trainings": options.trainings}
    recipe, tuned = trained(options.seeds, None), trained(options.seeds[:1], search)
    if tuned["tuning"]["chosen"] != RECIPE:
        return summary(recipe, trained(options.seeds, search))
    found = {key: tuned[key] for key in ("tuning", "tuning_seconds")}
    return summary(recipe, {**recipe, **found})


def in_process(call: str) -> dict[str, Any]:
    """What a process of its own measures: networks stay in memory."""
    code = f"from benchmarks import tuning_measures as measures; measures.write(measures.{call})"
    subprocess.run([sys.executable, "-c", code], check=True)
    return dict(read_json(Path("measured.json")))


def summary(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """One row: by the recipe, and tuned."""
    spent = after["tuning_seconds"]
    return {
        "settings_tried": after["tuning"]["settings_tried"],
        "chosen": after["tuning"]["chosen"],
        "changes": after["tuning"]["changes"],
        "validation_loss": [each["validation"]["val_loss"] for each in (before, after)],
        "validation_accuracy": [each["validation"]["val_accuracy"] for each in (before, after)],
        "test_accuracy": [accuracies(each["right"]) for each in (before, after)],
        "difference": difference(before["right"], after["right"]),
        "best_phases": [before["best_phases"], after["best_phases"]],
        "tuning_seconds": round(spent, 1),
        "share": round(spent / (after["seconds"] + spent), 3),
    }


def accuracies(right: list[list[int]]) -> list[float]:
    """Of each seed's answers."""
    return [sum(seed) / len(seed) for seed in right]


def difference(before: list[list[int]], after: list[list[int]]) -> list[float]:
    """Of test accuracy, after less before, in pairs over seeds and the test examples in the current directory.

    Returns:
        The difference, and the low and the high end of its interval.
    """
    right = np.array([before, after], dtype=np.float64)  # (2, seeds, examples)
    quantity = score_quantity(right, RESAMPLES, units_of(right, load_prepared(TEST).groups))
    found = estimate(quantity, np.array([[-1.0, 1.0]]), CONFIDENCE, (-1.0, 1.0))
    return [round(float(part[0]), 4) for part in (found.value, found.low, found.high)]


def tell(root: Path, options: argparse.Namespace, candidate: str, entry: dict[str, Any]) -> None:
    """Add the row to the results, and print it."""
    path = root / RESULTS.relative_to(RESULTS.parents[2])
    results = dict(read_json(path)) if path.exists() else {}
    asked = {key: value for key, value in vars(options).items() if key not in ("source", "only", "backbones", "note")}
    source = results.get(options.source, {})
    earlier = source.get("candidates", {}) if source.get("asked") == asked else {}
    told = {"asked": asked, "note": options.note, "ran": measured_here()}
    results[options.source] = {**told, "candidates": earlier | {candidate: entry}}
    write_json(path, results)
    print(f"{candidate:45s} {describe(entry)}", flush=True)


def describe(entry: dict[str, Any]) -> str:
    losses, (_, low, high) = entry["validation_loss"], entry["difference"]
    before, after = (sum(of_seeds) / len(of_seeds) for of_seeds in entry["test_accuracy"])
    return (
        f"{entry['settings_tried']} settings, {entry['chosen']}; validation loss {losses[0]:.3f} → {losses[1]:.3f}, "
        f"test {before:.3f} → {after:.3f} ({low:+.3f} to {high:+.3f}); {entry['tuning_seconds']:.0f} s, "
        f"{entry['share']:.0%} of its training"
    )


if __name__ == "__main__":
    main()
