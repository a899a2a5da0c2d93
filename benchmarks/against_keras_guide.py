"""The same grid trained twice: the way of Keras' transfer-learning guide, and this project's engine.

    make bench
    python -m benchmarks.against_keras_guide --backbones resnet50 inceptionv3 --repeats 3

The plain way builds a model for every seed and strategy, sets `trainable` flags, compiles for each phase and calls
`fit` on the images (uint8 in memory, tf.data with prefetch). Ours computes what is frozen once for all seeds, phases
and strategies. Data, weights, batches, rates and freezing are the same on both sides (BatchNorm layers too).

A full grid done plainly takes hours, so start-up and one epoch of each phase are timed, alternating, and the totals
are composed of planned epochs and seeds: no early stopping on either side. Accuracies come from one short trial each.
Ratios hold within one run; absolute times are this machine's. Needs `dvc repro prepare weights` first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.datasets.splits import draw_validation
from pipeline.models.finetuned import build_finetuned
from pipeline.models.heads import head_for
from pipeline.params import Params, Phase, Strategy, load_backbone, load_params
from pipeline.training.activations import ActivationStore
from pipeline.training.fitting import Examples, Trainer
from pipeline.training.network import Network
from pipeline.training.optimizers import make_optimizer

OUT = Path("benchmarks/out/against_keras_guide.json")


def main() -> None:
    options = _options()
    params, data = load_params(), load_prepared(DEVELOPMENT)
    split = draw_validation(data.labels, params.splits.validation_fraction, 0)
    results: dict[str, dict[str, Any]] = {}
    for strategy in params.finetune.strategies:
        runs = [
            _compare(params, data, split, options.backbones, strategy, options.passes) for _ in range(options.repeats)
        ]
        results[strategy] = _summary(runs)
        _print(strategy, results[strategy])
    results["grid"] = _whole_grid(results)
    _print("grid", results["grid"])
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _compare(
    params: Params, data: Prepared, split: Any, backbones: list[str], strategy: str, passes: int | None
) -> dict[str, float]:
    """Composed seconds of both ways over all backbones and seeds, and mean validation accuracy of one short trial."""
    total = {"plain": 0.0, "ours": 0.0, "plain_accuracy": 0.0, "ours_accuracy": 0.0}
    recipe = _planned(params.strategies[strategy], passes)
    for backbone in backbones:
        for way, measure in (("plain", _plain), ("ours", _ours)):
            seconds, accuracy = measure(params, data, split, backbone, recipe)
            total[way] += seconds
            total[f"{way}_accuracy"] += accuracy / len(backbones)
    return total


def _plain(params: Params, data: Prepared, split: Any, backbone: str, recipe: Strategy) -> tuple[float, float]:
    """Each seed by itself: build, then for each phase compile and fit on images."""
    train, val = (_images(data, indices, params.training.batch_size, shuffle) for indices, shuffle in _sides(split))
    keras.utils.set_random_seed(0)
    seconds = -time.perf_counter()
    network = _network(params, data, backbone, recipe)
    seconds += time.perf_counter()
    accuracy = 0.0
    for phase in recipe.phases:
        setup, epoch, accuracy = _time_phase(network, phase, recipe, params, train, val, len(split[0]))
        seconds += setup + epoch * phase.epochs
    return seconds * len(params.seeds), accuracy


def _time_phase(
    network: Network, phase: Phase, recipe: Strategy, params: Params, train: Any, val: Any, size: int
) -> tuple[float, float, float]:
    """Seconds of start-up (compile and trace) and of one epoch, and the validation accuracy after two epochs."""
    network.freeze_all_but(phase.train)
    steps = -(-size // params.training.batch_size)
    optimizer = make_optimizer(network, phase, recipe.layer_decay, params.training.weight_decay, steps)
    network.model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    times, history = [], None
    for _ in range(2):
        started = time.perf_counter()
        history = network.model.fit(train, validation_data=val, epochs=1, verbose=0)
        times.append(time.perf_counter() - started)
    assert history is not None
    return max(times[0] - times[1], 0.0), times[1], history.history["val_accuracy"][-1]


def _ours(params: Params, data: Prepared, split: Any, backbone: str, recipe: Strategy) -> tuple[float, float]:
    """Set-up and activations once; then each seed pays for its epochs alone."""
    short = recipe.model_copy(update={"phases": [phase.model_copy(update={"epochs": 2}) for phase in recipe.phases]})
    with _Scratch() as folder:
        started = time.perf_counter()
        store = ActivationStore(data.images, data.sha256, params.keep.activations_gb, folder)
        head = head_for(data.task, len(data.class_names))
        examples = Examples(data.images, head.targets(data.labels), data.sha256)
        network = _network(params, data, backbone, recipe)
        trainer = Trainer(network, examples, short, head.loss, params.training, store, len(split[0]))
        once = time.perf_counter() - started
        started, ended = time.perf_counter(), []
        fit = trainer.run(0, *split, lambda row: ended.append(time.perf_counter()))
        around = time.perf_counter() - started
        epochs = [ended[2 * number + 1] - ended[2 * number] for number in range(len(recipe.phases))]
    fixed = around - 2 * sum(epochs)
    seed = max(fixed, 0.0) + sum(epoch * phase.epochs for epoch, phase in zip(epochs, recipe.phases, strict=True))
    return once + seed * len(params.seeds), fit.history[-1]["val_accuracy"]


def _network(params: Params, data: Prepared, backbone: str, recipe: Strategy) -> Network:
    head = head_for(data.task, len(data.class_names))
    weights = Path(f"data/weights/{backbone}.weights.h5")
    keras.utils.clear_session()
    model, blocks, top = build_finetuned(
        load_backbone(backbone), data.image_size, head, params.training.head_dropout, weights
    )
    return Network(model, blocks, top, fresh=top, freeze_batch_norm=recipe.batch_norm == "frozen")


def _images(data: Prepared, indices: np.ndarray, batch_size: int, shuffle: bool) -> tf.data.Dataset:
    head = head_for(data.task, len(data.class_names))
    dataset = tf.data.Dataset.from_tensor_slices((data.images[indices], head.targets(data.labels[indices])))
    dataset = dataset.shuffle(len(indices), seed=0) if shuffle else dataset
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def _sides(split: Any) -> Iterator[tuple[np.ndarray, bool]]:
    yield split[0], True
    yield split[1], False


def _planned(recipe: Strategy, passes: int | None) -> Strategy:
    """The phases as planned, or with the same number of passes in all, spread over the phases (at least one each)."""
    if passes is None:
        return recipe
    share = max(passes // len(recipe.phases), 1)
    return recipe.model_copy(update={"phases": [phase.model_copy(update={"epochs": share}) for phase in recipe.phases]})


def _summary(runs: list[dict[str, float]]) -> dict[str, float]:
    ratios = [run["plain"] / run["ours"] for run in runs]
    return {
        "plain_seconds": float(np.median([run["plain"] for run in runs])),
        "ours_seconds": float(np.median([run["ours"] for run in runs])),
        "ratio": float(np.median(ratios)),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "plain_accuracy": float(np.mean([run["plain_accuracy"] for run in runs])),
        "ours_accuracy": float(np.mean([run["ours_accuracy"] for run in runs])),
    }


def _whole_grid(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    plain = sum(result["plain_seconds"] for result in results.values())
    ours = sum(result["ours_seconds"] for result in results.values())
    return {
        "plain_seconds": plain,
        "ours_seconds": ours,
        "ratio": plain / ours,
        "ratio_low": plain / sum(result["plain_seconds"] / result["ratio_low"] for result in results.values()),
        "ratio_high": plain / sum(result["plain_seconds"] / result["ratio_high"] for result in results.values()),
        "plain_accuracy": float(np.mean([result["plain_accuracy"] for result in results.values()])),
        "ours_accuracy": float(np.mean([result["ours_accuracy"] for result in results.values()])),
    }


def _print(name: str, result: dict[str, float]) -> None:
    print(
        f"{name:20s} plain {result['plain_seconds']:8.1f} s  ours {result['ours_seconds']:8.1f} s  "
        f"{result['ratio']:5.2f} times ({result['ratio_low']:.2f} to {result['ratio_high']:.2f})  "
        f"validation accuracy {result['plain_accuracy']:.3f} and {result['ours_accuracy']:.3f}",
        flush=True,
    )


class _Scratch:
    """A folder for kept activations that nothing else has used."""

    def __enter__(self) -> Path:
        self.folder = Path(tempfile.mkdtemp())
        return self.folder

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backbones", nargs="+", default=load_params().finetune.backbones)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--passes", type=int, help="the same number of passes for every strategy")
    return parser.parse_args()


if __name__ == "__main__":
    main()
