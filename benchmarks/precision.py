"""Where bfloat16 pays: steps of training and forward passes of every network in float32 and in bfloat16, in turns.

    python -m benchmarks.precision                                                # the processor as it is
    ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 python -m benchmarks.precision --without-amx
    python -m benchmarks.precision --networks vgg16 lecture --rounds 9

Each network is measured in a process of its own. Told are medians of processor seconds, and of their ratio within a
round. From this follows the rule in pipeline/ground/processor.py, which asks no clock. Results stand in
benchmarks/results/precision.json, by processor; `python -m publishing` writes them into docs/results/speed.md.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folding import BATCH, CLASSES, PRECISIONS, SIZE, full_network, in_turns
from benchmarks.record import measured_here, processor, record
from pipeline.configuration.loading import load_params
from pipeline.ground.files import read_json
from pipeline.ground.processor import AMX
from pipeline.params.schema.families import families

RESULTS = Path(__file__).parent / "results/precision.json"
CNN = "lecture"
NETWORKS = ["vgg16", "resnet50", "inceptionv3", CNN, "mobilenetv2", "efficientnetv2b0", "densenet121", "convnexttiny"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help="backbones, and `lecture`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-amx", action="store_true", help="file the figures as those without AMX")
    options = parser.parse_args()
    results: dict[str, Any] = {"batch_size": BATCH, "image_size": SIZE, "measured": {}}
    if RESULTS.exists():
        results = read_json(RESULTS)
    here = results["measured"].setdefault(processor(without=[AMX] if options.without_amx else []), {"networks": {}})
    for name in options.networks:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:  # networks stay in memory
            here["networks"][name] = process.submit(measure, name, options.rounds).result()
        here["ran"] = measured_here()
        record(RESULTS, results)
        print(f"{name:18s}", here["networks"][name]["times_as_fast"], flush=True)


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Processor seconds of a step of training in full, and of a forward pass, as the pipeline does both."""
    import keras

    from pipeline.folding import FoldedModel, answering

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, SIZE, SIZE, 3)).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(BATCH) % CLASSES]
    forward, training = {}, {}
    for precision in PRECISIONS:
        model = lecture(precision) if name == CNN else full_network(name, precision)
        trained = FoldedModel(model.inputs[0], model.outputs[0])
        trained.compile(keras.optimizers.SGD(1e-9), "categorical_crossentropy", jit_compile=False)
        forward[precision] = partial(answering(model), images)
        training[precision] = partial(trained.train_on_batch, images, targets)
    seconds = {"training": in_turns(training, rounds), "forward": in_turns(forward, rounds)}
    before, after = PRECISIONS
    return {
        "seconds": {work: {way: float(np.median(times)) for way, times in of.items()} for work, of in seconds.items()},
        "times_as_fast": {work: round(float(np.median(of[before] / of[after])), 2) for work, of in seconds.items()},
    }


def lecture(precision: str, size: int = SIZE) -> Any:
    """The default CNN from scratch."""
    from pipeline.models.networks.cnn import build_cnn
    from pipeline.models.networks.heads import head_for

    head = head_for("multiclass", CLASSES)
    return build_cnn(load_params().architectures_of(families()["cnn"])[CNN], size, head, precision).model


if __name__ == "__main__":
    main()
