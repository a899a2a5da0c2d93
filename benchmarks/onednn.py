"""What oneDNN's kernels bring where TensorFlow does not use them by itself: a step of training, and a forward pass.

    python -m benchmarks.onednn
    python -m benchmarks.onednn --sizes 48 96 --networks resnet50 --rounds 5

TensorFlow takes oneDNN's kernels only on processors with instructions made for networks, such as AVX512-VNNI, and
Eigen's on all others. Each way is measured in a process of its own, since the choice is made once a process; the two
take turns, and told are medians of processor seconds over the rounds, in float32. Results stand in
benchmarks/results/onednn.json, by processor. From this follows the setting in pipeline/__init__.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.folding import BATCH, CLASSES, full_network
from benchmarks.precision import CNN, lecture
from benchmarks.record import processor, record
from pipeline.ground.files import read_json

RESULTS = Path(__file__).parent / "results/onednn.json"
WAYS = {"Eigen": "0", "oneDNN": "1"}
WORK = ["training", "forward"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["vgg16", "resnet50", "inceptionv3", CNN])
    parser.add_argument("--sizes", nargs="+", type=int, default=[96], help="pixels a side")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results = read_json(RESULTS) if RESULTS.exists() else {"processors": {}}
    for size in options.sizes:
        for name in options.networks:
            taken: dict[str, dict[str, list[float]]] = {work: {way: [] for way in WAYS} for work in WORK}
            for _ in range(options.rounds):
                for way in WAYS:
                    for work, seconds in in_process(way, name, size).items():
                        taken[work][way].append(seconds)
            row = {work: {way: round(median(of), 4) for way, of in ways.items()} for work, ways in taken.items()}
            results["processors"].setdefault(processor(), {})[f"{name} {size}"] = row
            record(RESULTS, results)
            print(f"{name:12s} {size:4d} pixels  {row}", flush=True)


def in_process(way: str, name: str, size: int) -> dict[str, float]:
    code = f"import json; from benchmarks.onednn import measure; print(json.dumps(measure({name!r}, {size})))"
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": WAYS[way]}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(name: str, size: int) -> dict[str, float]:
    """Processor seconds of a step of training in full, and of a forward pass, as the pipeline does both; the least of
    three, since whatever else the machine does only adds to them."""
    import time

    import keras

    from pipeline.folding import FoldedModel, answering

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, size, size, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(BATCH) % CLASSES]
    model = lecture("float32", size) if name == CNN else full_network(name, "float32", size)
    trained = FoldedModel(model.inputs[0], model.outputs[0])
    trained.compile(keras.optimizers.SGD(1e-9), "categorical_crossentropy", jit_compile=False)
    works = {"training": partial(trained.train_on_batch, images, targets), "forward": partial(answering(model), images)}
    least = {}
    for work, call in works.items():
        call()
        times = []
        for _ in range(3):
            started = time.process_time()
            call()
            times.append(time.process_time() - started)
        least[work] = min(times)
    return least


if __name__ == "__main__":
    main()
