"""What folding frozen BatchNorm brings: training steps and forward passes, plain and folded, step by step in turns.

    python -m benchmarks.folding
    python -m benchmarks.folding --backbones resnet50 --precisions float32 --rounds 15

Each round runs every way once, in a process of its own for each backbone and precision. What is told is the median over
the rounds of plain over folded, in processor seconds, so that a busy machine changes little; random weights and images
change nothing. Beside it stands the processor time of the first forward pass, which builds the graph, and by how much
folding moves the probabilities. Results stand in benchmarks/results/folding.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import record
from pipeline.ground.files import read_json

RESULTS = Path(__file__).parent / "results/folding.json"
BATCH, SIZE, CLASSES = 32, 96, 14
BACKBONES = ["resnet50", "inceptionv3", "vgg16"]
PRECISIONS = ["float32", "mixed_bfloat16"]
Work = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backbones", nargs="+", default=BACKBONES)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS, choices=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    results: dict[str, Any] = {"batch_size": BATCH, "image_size": SIZE, "measured": {}}
    if RESULTS.exists():
        results = read_json(RESULTS)
    for backbone in options.backbones:
        for precision in options.precisions:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # networks stay in memory
                measured = process.submit(measure, backbone, precision, options.rounds).result()
            results["measured"][f"{backbone} {precision}"] = measured
            record(RESULTS, results)
            print(f"{backbone:18s} {precision:15s}", describe(measured), flush=True)


def describe(measured: dict[str, Any]) -> str:
    ratios = ", ".join(f"{name} {ratio:.2f} times as fast" for name, ratio in measured["times_as_fast"].items())
    return f"{ratios}; probabilities differ by up to {measured['largest_difference']:.1e}"


def measure(backbone: str, precision: str, rounds: int) -> dict[str, Any]:
    """Processor seconds of a step of training in full, and of a forward pass, of the plain and the folded network."""
    import keras

    from pipeline.folding import FoldedModel, answering

    model = full_network(backbone, precision)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, SIZE, SIZE, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(BATCH) % CLASSES]
    folded, answer = FoldedModel(model.inputs[0], model.outputs[0]), answering(model)
    forward = {"plain": lambda: model.predict_on_batch(images), "folded": lambda: answer(images)}
    first = {way: processor_seconds(work) for way, work in forward.items()}
    difference = np.abs(np.asarray(forward["plain"](), np.float32) - forward["folded"]()).max()
    for trained in (model, folded):
        trained.compile(keras.optimizers.SGD(1e-9), "categorical_crossentropy", jit_compile=False)
    training = {
        "plain": lambda: model.train_on_batch(images, targets),
        "folded": lambda: folded.train_on_batch(images, targets),
    }
    seconds = {"training": in_turns(training, rounds), "forward": in_turns(forward, rounds)}
    return {
        "seconds": {name: {way: float(np.median(times)) for way, times in of.items()} for name, of in seconds.items()},
        "times_as_fast": {name: float(np.median(of["plain"] / of["folded"])) for name, of in seconds.items()},
        "first_forward_seconds": first,
        "largest_difference": float(difference),
    }


def full_network(backbone: str, precision: str, size: int = SIZE) -> Any:
    """A backbone under a head with random weights and statistics, all of it trained but BatchNorm."""
    import keras

    from benchmarks.backbones import keras_backbone
    from pipeline.models.networks.finetuned import build_finetuned
    from pipeline.models.networks.heads import head_for

    head = head_for("multiclass", CLASSES)
    network = build_finetuned(keras_backbone(backbone), size, head, 0.0, None, precision)
    rng = np.random.default_rng(0)
    for layer in network.model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.3, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    network.freeze_all_but("all")
    return network.model


def in_turns(ways: Mapping[str, Work], rounds: int) -> dict[str, Any]:
    """(rounds,) processor seconds of each way, after one call that is not counted."""
    for work in ways.values():
        work()
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            times[way].append(processor_seconds(work))
    return {way: np.array(of_way) for way, of_way in times.items()}


def processor_seconds(work: Work) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
