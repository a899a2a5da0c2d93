"""Where an unfinished trial stands after each epoch, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.files import replacing
from pipeline.network import Network


@dataclass
class Standing:
    """After some epoch of a phase.

    Attributes:
        facts: the fit so far, as plain data.
        phase: the number of the phase, from 1.
        waited: epochs since the phase's validation loss was lowest.
        network: values of Network.state() by their place in it: all that the trial may have changed so far.
        optimizer: the optimizer's variables, in its order; none where the phase has ended.
        phase_best: the weights that the phase would end with now, likewise by place.
        trial_best: the weights that the trial would end with now.
    """

    facts: dict[str, Any]
    phase: int
    waited: int
    network: dict[int, np.ndarray]
    optimizer: list[np.ndarray]
    phase_best: dict[int, np.ndarray]
    trial_best: dict[int, np.ndarray]


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
        self,
        facts: Any,
        phase: int,
        waited: int,
        network: Network,
        models: Iterable[keras.Model],
        optimizer: keras.optimizers.Optimizer | None,
        phase_best: Mapping[int, np.ndarray],
        trial_best: Mapping[int, np.ndarray],
    ) -> None:
        """Keep what one more epoch has changed; the file takes the place of the last one in one step.

        Args:
            models: what each phase so far has trained.
            optimizer: of this phase, as long as it goes on.
            phase_best, trial_best: see Standing. Where they share arrays with each other, or are what the network holds
                now (`waited` is 0), those are written once.

        Raises:
            OSError: when the last epoch could not be written.
        """
        self._wait()
        state = network.state()
        held = {} if waited else phase_best
        now = {place: held[place] if place in held else _copy(state[place]) for place in _changed(network, models)}
        last = dict(phase_best) if waited else {}
        same = {place for place, values in trial_best.items() if values is phase_best.get(place)}
        arrays = {
            "now": now,
            "optimizer": dict(enumerate(_copy(variable) for variable in optimizer.variables)) if optimizer else {},
            "phase_best": last,
            "trial_best": {place: values for place, values in trial_best.items() if place not in same},
        }
        told = {"facts": asdict(facts), "phase": phase, "waited": waited}
        told |= {"phase_best": sorted(phase_best), "trial_best": sorted(trial_best)}
        # Made to text now: the facts grow while the file is written.
        self._written = self._writer.submit(_save, self.folder / "epoch.npz", arrays, json.dumps(told))

    def load(self) -> Standing | None:
        """What was kept last; None where no epoch was finished."""
        self._wait()
        path = self.folder / "epoch.npz"
        if not path.exists():
            return None
        arrays, told = _load(path)
        now = arrays["now"]
        phase_best = {place: arrays["phase_best"].get(place, now[place]) for place in told["phase_best"]}
        apart = arrays["trial_best"]
        trial_best = {place: apart[place] if place in apart else phase_best[place] for place in told["trial_best"]}
        optimizer = [arrays["optimizer"][number] for number in sorted(arrays["optimizer"])]
        return Standing(told["facts"], told["phase"], told["waited"], now, optimizer, phase_best, trial_best)

    def remove(self) -> None:
        self._wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        if self._written:
            written, self._written = self._written, None
            written.result()


def _changed(network: Network, models: Iterable[keras.Model]) -> list[int]:
    """Where everything that training these parts of the network can change stands in Network.state()."""
    inside = {id(variable) for model in models for layer in model.layers for variable in layer.variables}
    return [place for place, variable in enumerate(network.state()) if id(variable) in inside]


def _copy(variable: keras.Variable) -> np.ndarray:
    """Values of their own: a backend may hand out a view of memory that training goes on to change."""
    return np.array(variable.numpy())


def _save(path: Path, arrays: Mapping[str, Mapping[int, np.ndarray]], told: str) -> None:
    flat = {f"{name}.{number}": array for name, group in arrays.items() for number, array in group.items()}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, told=np.frombuffer(told.encode(), np.uint8), **flat)


def _load(path: Path) -> tuple[dict[str, dict[int, np.ndarray]], dict[str, Any]]:
    groups: dict[str, dict[int, np.ndarray]] = {name: {} for name in ("now", "optimizer", "phase_best", "trial_best")}
    with np.load(path, allow_pickle=False) as archive:
        told = json.loads(archive["told"].tobytes())
        for entry in archive.files:
            if entry != "told":
                name, _, number = entry.rpartition(".")
                groups[name][int(number)] = archive[entry]
    return groups, told
