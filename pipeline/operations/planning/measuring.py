"""This machine's speed, measured in half a minute or so for each network, and kept in .kiyas/speeds.

    python -m pipeline.operations.planning.measuring resnet50 96 auto  # one network, as JSON; `measure_speeds` calls it

Each network is measured in a process of its own: Keras gives memory back only when a process ends.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.operations.planning.speeds import NetworkSpeed, Speeds, keep_speeds, known_speeds, made_of
from pipeline.operations.planning.words import duration
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.families import families, family_named
from pipeline.training.precision import choose_precision

if TYPE_CHECKING:
    from pipeline.network import Network

BATCH, STEPS, CLASSES = 16, 2, 4
REFERENCE_SECONDS = 0.045  # of `_classical_seconds` on the reference machine
PATIENCE = 240  # seconds for one network
SHARE_OF_BUDGET = 0.2  # of the minutes that somebody has, for all networks
INSTEAD = "its time is forecast as on another machine"

log = logging.getLogger("kiyas")


def measure_speeds(params: Params, checkout: Path = Path(), budget_minutes: float | None = None) -> Speeds:
    """The speeds that a forecast of these parameters needs: what is not kept yet is measured, and kept.

    A network that cannot be measured here is left out, and counts as on the reference machine.

    Args:
        budget_minutes: what measuring and the run may take together; measuring takes a fifth of it at most.
    """
    until = time.monotonic() + (inf if budget_minutes is None else 60 * SHARE_OF_BUDGET * budget_minutes)
    speeds = known_speeds(params, checkout)
    if not speeds.measured:
        speeds = replace(speeds, slowness=_classical_seconds() / REFERENCE_SECONDS, measured=True)
    side = params.data.image_size
    for name in _names(params):
        if f"{name}@{side}" in speeds.networks:
            continue
        patience = min(PATIENCE, until - time.monotonic())
        if patience <= 0:
            log.warning("%s was not measured: that may take a fifth of the minutes at most; %s", name, INSTEAD)
            continue
        usual = f"half a minute mostly, {duration(patience)} at most"
        log.info("measuring %s at %d pixels, once for this machine (%s)", name, side, usual)
        if (measured := _in_own_process(name, side, speeds.precision, checkout, patience)) is not None:
            measured = replace(measured, made_of=made_of(name, params))
            speeds = replace(speeds, networks={**speeds.networks, f"{name}@{side}": measured})
            keep_speeds(speeds, checkout)
    keep_speeds(speeds, checkout)
    return speeds


def _names(params: Params) -> list[str]:
    """Networks of photos that these parameters train or pass photos through; rows of tables are too quick to matter."""
    if params.data.kind != "images":
        return []
    scratch = [
        f"{name}-{architecture}"
        for name, family in families().items()
        if family.architectures
        for architecture in params.named_in(family.section)
    ]
    return [*params.finetune.backbones, *scratch]


def _in_own_process(name: str, side: int, precision: str, checkout: Path, patience: float) -> NetworkSpeed | None:
    command = [sys.executable, "-m", __name__, name, str(side), precision]
    try:
        done = subprocess.run(command, cwd=checkout, capture_output=True, encoding="utf-8", timeout=patience)
    except subprocess.TimeoutExpired:
        log.warning("%s was not measured: it took more than %d seconds; %s", name, patience, INSTEAD)
        return None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        log.warning("%s was not measured: %s; %s", name, reason, INSTEAD)
        return None
    return NetworkSpeed(**json.loads(done.stdout.splitlines()[-1]))


def measure_network(name: str, side: int, precision: str) -> NetworkSpeed:
    """Build a network with random weights, and time it on random photos of `side` pixels.

    Args:
        name: a backbone, or family and architecture ("cnn-lecture").
        precision: `training.precision`.
    """
    import_module("keras")  # which each process does once, and is counted as its start
    from pipeline.folding import answering

    network: Network

    def build() -> None:
        nonlocal network
        network = _build(name, side, choose_precision(precision, "images"))

    built = _undisturbed(build)
    photos = np.random.default_rng(0).uniform(0, 255, (BATCH, side, side, 3)).astype(np.float32)
    answer = answering(network.model)
    answer(photos)  # traces
    forward = _seconds(lambda: answer(photos))
    top, start = _step(network, "top 1") if network.head else (0.0, 0.0)
    train, traced = _step(network, "all")
    return NetworkSpeed(side, forward / BATCH, train / BATCH, top / BATCH, built + (start or traced), measured=True)


def _build(name: str, side: int, precision: str) -> Network:
    from pipeline.models.backbone_files.reading import read_backbone_file
    from pipeline.models.networks.finetuned import build_finetuned
    from pipeline.models.networks.heads import Head
    from pipeline.tasks import task_named

    head = Head(task_named("multiclass"), CLASSES)
    family, _, architecture = name.partition("-")
    if architecture and family in families():
        from pipeline.models.networks.cnn import build_cnn

        return build_cnn(load_params().architectures_of(family_named(family))[architecture], side, head, precision)
    row = load_backbone(name)
    if isinstance(row, BackboneFile):
        row, _ = read_backbone_file(name, row)
    return build_finetuned(row, side, head, 0.3, None, precision)


def _step(network: Network, trained: str) -> tuple[float, float]:
    """Seconds of a training step on what is below it kept, and of the first one, which traces."""
    from pipeline.params.training.strategies import Phase
    from pipeline.training.optimizers import make_optimizer

    phase = Phase(train=trained, epochs=1, learning_rate=1e-3)
    network.freeze_all_but(trained)
    part = network.suffix(network.prefix_length(trained))
    inputs = np.random.default_rng(0).uniform(0, 1, (BATCH, *part.input.shape[1:])).astype(np.float32)
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(BATCH) % CLASSES]
    part.compile(make_optimizer(network, phase, 1.0, 0.0, 1), "categorical_crossentropy", jit_compile=False)
    traced = _undisturbed(lambda: part.train_on_batch(inputs, targets))
    step = _seconds(lambda: part.train_on_batch(inputs, targets))
    return step, max(0.0, traced - step)


def _seconds(step: Callable[[], Any]) -> float:
    """The quickest of some repeats, as long as it would take if nothing else ran on this machine."""
    return min(_undisturbed(step) for _ in range(STEPS))


def _undisturbed(step: Callable[[], Any]) -> float:
    """Wall time, less the share of it in which this process' threads were ready and other work had the processor.

    Linux counts both for each thread. Elsewhere it is the wall time, so a busy machine counts as a slow one.
    """
    begun, (ran, waited) = time.perf_counter(), _scheduled()
    step()
    seconds, (ran_after, waited_after) = time.perf_counter() - begun, _scheduled()
    ready = (ran_after - ran) + (waited_after - waited)
    return seconds * (ran_after - ran) / ready if ready > 0 else seconds


def _scheduled() -> tuple[int, int]:
    """Nanoseconds in which the threads of this process ran, and in which they waited for a processor."""
    ran = waited = 0
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, ValueError):  # a thread that has ended since
            on, off, _ = map(int, file.read_text(encoding="ascii").split())
            ran, waited = ran + on, waited + off
    return ran, waited


def _classical_seconds() -> float:
    """Processor seconds of a bit of what classical models and starts of programs are made of.

    It has one thread, so that the processor's own time says how fast it is, whatever else runs.
    """
    times = []
    for _ in range(2 * STEPS):
        begun = time.process_time()
        table = np.random.default_rng(0).normal(size=(600, 600))
        for row in table:
            np.sort(row.repeat(8))
        sorted(range(300_000), key=lambda number: -number)
        times.append(time.process_time() - begun)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(asdict(measure_network(sys.argv[1], int(sys.argv[2]), sys.argv[3]))))
