"""Where an unfinished trial stands after each epoch, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
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
        network: every variable of the network, in the order of Network.state().
        optimizer: the optimizer's variables, in its order.
        best: the weights that the phase would end with now, in the order of its model's get_weights().
    """

    facts: dict[str, Any]
    phase: int
    waited: int
    network: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]


class Checkpoint:
    """One folder for one trial; it lies outside DVC's outs, which DVC deletes before it runs a stage.

    Two files: the network as the phase began, and after each epoch what the phase trains. What a phase leaves frozen
    is thus written once a phase, and epochs on kept activations write little.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, phase: int, network: Network) -> None:
        """Keep the network as a phase begins."""
        _save(self.folder / f"phase-{phase}.npz", {"network": [variable.numpy() for variable in network.state()]})

    def save(
        self, facts: Any, phase: int, waited: int, network: Network, model: keras.Model, best: Sequence[np.ndarray]
    ) -> None:
        """Keep what one more epoch has changed; the file takes the place of the last one in one step."""
        moved = _positions(network, model)
        state = network.state()
        arrays = {
            "moved": [np.asarray(moved, np.int64)],
            "network": [state[position].numpy() for position in moved],
            "optimizer": [variable.numpy() for variable in model.optimizer.variables],
            "best": list(best),
        }
        _save(self.folder / "epoch.npz", arrays, {"facts": asdict(facts), "phase": phase, "waited": waited})

    def load(self) -> Standing | None:
        """What was kept last; None where no epoch was finished."""
        path = self.folder / "epoch.npz"
        if not path.exists():
            return None
        arrays, told = _load(path)
        network, _ = _load(self.folder / f"phase-{told['phase']}.npz")
        values = network["network"]
        for position, value in zip(arrays["moved"][0], arrays["network"], strict=True):
            values[position] = value
        return Standing(network=values, optimizer=arrays.get("optimizer", []), best=arrays["best"], **told)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


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


def _positions(network: Network, model: keras.Model) -> list[int]:
    """Where the variables of a part of the network stand in Network.state()."""
    inside = {id(variable) for layer in model.layers for variable in layer.variables}
    return [position for position, variable in enumerate(network.state()) if id(variable) in inside]


def _save(path: Path, arrays: dict[str, list[np.ndarray]], told: dict[str, Any] | None = None) -> None:
    flat = {f"{name}.{number}": array for name, group in arrays.items() for number, array in enumerate(group)}
    text = np.frombuffer(json.dumps(told or {}).encode(), np.uint8)
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, told=text, **flat)


def _load(path: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]]:
    groups: dict[str, list[np.ndarray]] = {}
    with np.load(path, allow_pickle=False) as archive:
        told = json.loads(archive["told"].tobytes())
        for entry in archive.files:
            if entry != "told":
                groups.setdefault(entry.rpartition(".")[0], []).append(archive[entry])
    return groups, told
