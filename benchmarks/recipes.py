"""Which recipe of each technique does well on several sources: how the strategies of params.yaml were found.

    python -m benchmarks.recipes                                   # groceries, cifar10 and pneumonia; two backbones
    python -m benchmarks.recipes --sources groceries --backbones vgg16 --techniques full --seeds 0 1 2
    python -m benchmarks.recipes --sources cifar10 --limit 2000 --results recipes_2000.json     # more photos, apart

Every recipe of benchmarks/recipes.yaml is trained in full on the same photos, half of them held back as validation
data, which the recipes are compared on; test photos choose nothing. It runs in the workspaces
workspaces/benchmark-recipes/, one process a technique, and goes on where an earlier run stopped. Results stand in
benchmarks/results/recipes.json, or another file for photos of another number or size; `python -m publishing` writes
both into docs/results/recipes.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.record import record
from benchmarks.workspaces import begin_workspace, get_weights, prepare_source, write_overlay
from pipeline.ground.files import read_json
from pipeline.params.schema.reading import read_yaml

RESULTS = Path("benchmarks/results")
RECIPES = Path(__file__).parent / "recipes.yaml"
WORKSPACES = Path("workspaces/benchmark-recipes")


def main() -> None:
    options = parse(sys.argv[1:])
    root = Path.cwd()
    results = root / RESULTS / options.results
    begin(results, {"limit": options.limit, "size": options.size})
    for source in options.sources:
        for backbone in options.backbones:
            os.chdir(prepared_workspace(root, source, backbone, options))
            get_weights(backbone)
            for technique in options.techniques:
                place = ["measured", source, backbone, technique]
                call = f"measure({str(results)!r}, {place!r}, {options.seeds!r}, {options.only!r})"
                subprocess.run([sys.executable, "-c", f"from benchmarks.recipes import measure; {call}"], check=True)
            os.chdir(root)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sources", nargs="+", default=["groceries", "cifar10", "pneumonia"], help="named sources")
    parser.add_argument("--limit", type=int, default=500, help="photos a split at most")
    parser.add_argument("--size", type=int, default=96, help="pixels a side")
    parser.add_argument("--backbones", nargs="+", default=["resnet50", "inceptionv3"])
    parser.add_argument("--techniques", nargs="+", default=list(recipes()))
    parser.add_argument("--only", nargs="+", default=[], help="recipes by name; none: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--results", default="recipes.json", help="the file in benchmarks/results")
    return parser.parse_args(arguments)


def recipes() -> dict[str, dict[str, Any]]:
    """Of each technique: strategies by name, as params.yaml writes them."""
    return read_yaml(RECIPES)


def prepared_workspace(root: Path, source: str, backbone: str, options: argparse.Namespace) -> Path:
    """With the source's photos prepared."""
    workspace = root / WORKSPACES / f"{source}-{options.limit}-{options.size}-{backbone}"
    begin_workspace(workspace)
    os.chdir(workspace)
    overlay = {
        "data.fetch": [source],
        "data.limit": options.limit,
        "data.image_size": options.size,
        "finetune.backbones": [backbone],
        "splits.validation_fraction": 0.5,
        "training.precision": "float32",  # as on every machine, since rows of several stand beside each other
        "tracking.enabled": False,
    }
    write_overlay(overlay)
    if not Path("data/prepared/dataset.json").exists():
        prepare_source(source)
    os.chdir(root)
    return workspace


def measure(results: str, place: list[str], seeds: list[int], only: list[str]) -> None:
    """Train a technique's recipes on the workspace's photos; those that stand in the results already are left out.

    Args:
        place: in the results: "measured", the source, the backbone, the technique.
        only: recipes by name; none: all.
    """
    from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
    from pipeline.params.training.candidates import Candidate
    from pipeline.params.training.strategies import Strategy
    from pipeline.stages.assembly.training.network_plan import trained_on
    from pipeline.stages.assembly.training.trial_settings import read_trial_settings
    from pipeline.stages.finetune import plan_candidate
    from pipeline.training.precision import choose_precision
    from pipeline.training.tuning.settings import Changes, Setting
    from pipeline.training.tuning.trainer import TunableTrainer

    path, (backbone, technique) = Path(results), place[-2:]
    candidate = Candidate("finetune", model=f"{backbone}-{technique}", backbone=backbone, technique=technique)
    data = load_prepared(DEVELOPMENT)
    plan = plan_candidate(candidate, data)
    strategies = {name: Strategy.model_validate(content) for name, content in recipes()[technique].items()}
    wanted = [(name, seed) for seed in seeds for name in strategies if not only or name in only]
    due = [(name, seed) for name, seed in wanted if not is_measured(path, [*place, name, str(seed)])]
    if not due:
        return
    decay, settings = plan.training.weight_decay, read_trial_settings()
    names = list(dict.fromkeys(name for name, _ in due))
    choices = [Setting(name, Changes(), strategies[name], decay) for name in names]
    network = plan.build(choose_precision(plan.training.precision, data.kind))
    trained = trained_on(replace(plan, strategy=choices[0].strategy), data, settings)
    trainer = TunableTrainer(network, choices, **trained)
    for name, seed in due:
        entry = train(trainer, choices[names.index(name)], seed, data, settings.splits.validation_fraction)
        add_result(path, [*place, name, str(seed)], entry)
        print(f"{' '.join(place[1:]):50s} {name:26s} seed {seed}  {entry}", flush=True)


def train(trainer: Any, setting: Any, seed: int, data: Any, fraction: float) -> dict[str, Any]:
    """One recipe in full: its best epoch's validation figures, which phase that lay in, epochs, and test accuracy."""
    import time

    import numpy as np

    from pipeline.datasets.store.prepared import TEST, load_prepared
    from pipeline.datasets.store.splits import split_development
    from pipeline.evaluation.answers.models import predictor

    started = time.process_time()
    trainer.use(setting)
    fit = trainer.run(seed, *split_development(data, fraction, seed))
    seconds = time.process_time() - started
    test = load_prepared(TEST)
    answers = predictor(trainer.network.model)(test.inputs)
    return {
        "val_loss": round(fit.best["val_loss"], 4),
        "val_accuracy": round(fit.best["val_accuracy"], 4),
        "train_accuracy": round(fit.best["train_accuracy"], 4),
        "test_accuracy": round(float(np.mean(answers.argmax(axis=1) == test.labels)), 4),
        "best_phase": fit.best["phase"],
        "phases": len(setting.strategy.phases),
        "epochs": len(fit.history),
        "processor_seconds": round(seconds, 1),
    }


def begin(path: Path, asked: dict[str, int]) -> None:
    """
    Raises:
        SystemExit: the results are of other photos.
    """
    if not path.exists():
        record(path, {**asked, "measured": {}})
    results: Any = read_json(path)
    if {key: results[key] for key in asked} != asked:
        sys.exit(f"{path}: of other photos than {asked}; move it away first")


def is_measured(path: Path, keys: list[str]) -> bool:
    content: Any = read_json(path) if path.exists() else {}
    for key in keys:
        content = content.get(key, {})
    return bool(content)


def add_result(path: Path, keys: list[str], entry: dict[str, Any]) -> None:
    results: Any = read_json(path)
    place = results
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = entry
    record(path, results)


if __name__ == "__main__":
    main()
