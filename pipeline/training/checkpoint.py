"""Where an unfinished trial stands after each epoch, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.training.network import Network
from pipeline.trials import replacing

log = logging.getLogger("kiyas")


@dataclass
class Standing:
    """After some epoch of a phase.

    Attributes:
        facts: the fit so far, as plain data.
        phase: the number of the phase, from 1.
        waited: epochs since the validation loss was lowest.
        moved: which of Network.state() the trial may have changed so far, and `network` their values.
        optimizer: the optimizer's variables, in its order.
        best: the weights that the phase would end with now, in the order of its model's get_weights(); None where
            those are the weights that it has.
    """

    facts: dict[str, Any]
    phase: int
    waited: int
    moved: list[int]
    network: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray] | None


class Checkpoint:
    """One folder for one trial; it lies outside DVC's outs, which DVC deletes before it runs a stage.

    Only what the trial's phases can have changed is written: the rest is as the seed started it. Values are copied
    at once and written while training goes on (a ResNet50 with its optimizer is 280 MB an epoch).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._written: Future[None] | None = None

    def save(
        self, facts: Any, phase: int, waited: int, network: Network, models: Sequence[keras.Model], best: Any
    ) -> None:
        """Keep what one more epoch has changed; the file takes the place of the last one in one step.

        Args:
            models: what each phase so far has trained, this one's last.
            best: see Standing.

        Raises:
            OSError: when the last epoch could not be written.
        """
        self._wait()
        moved = _positions(network, models)
        state = network.state()
        arrays = {
            "moved": [np.asarray(moved, np.int64)],
            "network": [_copy(state[position]) for position in moved],
            "optimizer": [_copy(variable) for variable in models[-1].optimizer.variables],
            "best": list(best or []),
        }
        told = {"facts": asdict(facts), "phase": phase, "waited": waited, "best_is_now": best is None}
        # Made to text now: the facts grow while the file is written.
        self._written = self._writer.submit(_save, self.folder / "epoch.npz", arrays, json.dumps(told))

    def load(self) -> Standing | None:
        """What was kept last; None where no epoch was finished."""
        self._wait()
        path = self.folder / "epoch.npz"
        if not path.exists():
            return None
        arrays, told = _load(path)
        return Standing(
            facts=told["facts"],
            phase=told["phase"],
            waited=told["waited"],
            moved=arrays["moved"][0].tolist(),
            network=arrays["network"],
            optimizer=arrays.get("optimizer", []),
            best=None if told["best_is_now"] else arrays["best"],
        )

    def remove(self) -> None:
        self._wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        if self._written:
            written, self._written = self._written, None
            written.result()


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Wait until no other process holds this lock; the operating system lets go of it when a process dies.

    A killed `dvc repro` leaves its child training: the next one waits for it here and then finds its result.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("%s is being trained by another process; waiting for it to end", what)
            started = time.monotonic()
            fcntl.flock(stream, fcntl.LOCK_EX)
            log.info("%s: waited %.0f s", what, time.monotonic() - started)
        yield


def _positions(network: Network, models: Iterable[keras.Model]) -> list[int]:
    """Where the variables of some parts of the network stand in Network.state()."""
    inside = {id(variable) for model in models for layer in model.layers for variable in layer.variables}
    return [position for position, variable in enumerate(network.state()) if id(variable) in inside]


def _copy(variable: keras.Variable) -> np.ndarray:
    """Values of their own: a backend may hand out a view of memory that training goes on to change."""
    return np.array(variable.numpy())


def _save(path: Path, arrays: dict[str, list[np.ndarray]], told: str) -> None:
    flat = {f"{name}.{number}": array for name, group in arrays.items() for number, array in enumerate(group)}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, told=np.frombuffer(told.encode(), np.uint8), **flat)


def _load(path: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    groups: dict[str, list[np.ndarray]] = {}
    with np.load(path, allow_pickle=False) as archive:
        told = json.loads(archive["told"].tobytes())
        for entry in archive.files:
            if entry != "told":
                groups.setdefault(entry.rpartition(".")[0], []).append(archive[entry])
    return groups, told
