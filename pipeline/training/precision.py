"""float32 or bfloat16: where `training.precision` is `auto`, the faster one for this network on this machine.

bfloat16 saves time on some processors and for some networks, and costs time on others. So a few steps of each phase are
timed in both. The times are kept, so that a later run on this machine takes the same decision.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.folding import METHOD, answering
from pipeline.ground.files import read_json, write_json
from pipeline.network import Network
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.optimizers import make_optimizer

FOLDER = Path(".kiyas/precision")
PRECISIONS = ["float32", "mixed_bfloat16"]  # on a tie the first
STEPS = 3  # timed after one that traces; the median counts

log = logging.getLogger("kiyas")


def choose_precision(
    wanted: str,
    strategy: Strategy,
    build: Callable[[str], Network],
    batch_size: int,
    loss: str,
    folder: Path = FOLDER,
) -> str:
    """The precision that a strategy is trained in: "float32" or "mixed_bfloat16".

    Args:
        wanted: `training.precision`; only for "auto" is anything measured.
        strategy: whose phases are timed.
        build: makes the network, given a precision.
        batch_size: examples a step.
        loss: what the network is trained to lower, as Keras names it.
        folder: where the times are kept.
    """
    if wanted != "auto":
        return wanted
    network = build("float32")
    seconds = dict.fromkeys(PRECISIONS, 0.0)
    for phase in strategy.phases:
        steps = _relative_steps(phase)
        for precision, step in _seconds_in_each(network, phase, build, batch_size, loss, folder).items():
            seconds[precision] += steps * step
    chosen = min(PRECISIONS, key=seconds.__getitem__)
    log.info("precision: %s (%s)", chosen, ", ".join(f"{name} {spent:.2f}" for name, spent in seconds.items()))
    return chosen


def _relative_steps(phase: Phase) -> int:
    """Epochs, since all have as many steps; a head phase passes the images through the body once, whatever it has."""
    return 1 if phase.train == "head" else phase.epochs


def _seconds_in_each(
    network: Network, phase: Phase, build: Callable[[str], Network], batch_size: int, loss: str, folder: Path
) -> dict[str, float]:
    """Seconds of one step of a phase in each precision, measured once for a network, phase, batch size and machine."""
    facts = [network.model.get_config(), phase.train, batch_size, loss, _machine(), keras.__version__, METHOD]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]
    path = folder / f"{key}.json"
    if not path.exists():
        log.info("  measuring precision: %s, phase %s", network.model.name, phase.train)
        seconds = {name: _seconds_of_step(build(name), phase, batch_size, loss) for name in PRECISIONS}
        described = {"network": network.model.name, "phase": phase.train, "batch_size": batch_size, **_machine()}
        write_json(path, described | {"seconds": seconds})
    return read_json(path)["seconds"]


def _seconds_of_step(network: Network, phase: Phase, batch_size: int, loss: str) -> float:
    """The median of some steps: training what is not frozen, or for a head phase one forward pass of the body."""
    network.freeze_all_but(phase.train)
    length = network.prefix_length(phase.train)
    part = network.between(0, length) if phase.train == "head" else network.suffix(length)
    rng = np.random.default_rng(0)
    inputs = rng.uniform(0, 255, (batch_size, *part.input.shape[1:])).astype(np.float32)
    if phase.train == "head":
        answer = answering(part)
        return _median(lambda: answer(inputs))
    units = part.output.shape[-1]
    targets = np.eye(max(units, 2), dtype=np.float32)[np.arange(batch_size) % max(units, 2)][:, :units]
    part.compile(make_optimizer(network, phase, 1.0, 0.0, 1), loss, jit_compile=False)
    return _median(lambda: part.train_on_batch(inputs, targets))


def _median(step: Callable[[], Any]) -> float:
    step()
    times = []
    for _ in range(STEPS):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def _machine() -> dict[str, Any]:
    devices = [device for kind in ("cpu", "gpu") for device in keras.distribution.list_devices(kind)]
    return {"processor": _processor(), "devices": devices}


def _processor() -> str:
    """The processor's name with its instruction sets, which decide whether bfloat16 pays."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    entries = (line.split(":", 1) for line in reversed(lines) if ":" in line)  # so that the first processor's remain
    facts = {key.strip(): value.strip() for key, value in entries}
    return f"{facts.get('model name', platform.machine())} {facts.get('flags', facts.get('Features', ''))}"
