"""Keeps where an unfinished trial stands after each epoch, so that a killed one goes on as if nothing had happened."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.ground.files import DamagedFileError, fault_of, reading, replacing
from pipeline.training.progress import Fit, TrialState, Weights

GROUPS = ("variables", "optimizer", "phase_best", "trial_best")

log = logging.getLogger("kiyas")


class Checkpoint:
    """One folder for one trial; it lies outside DVC's outs, which DVC deletes before it runs a stage.

    Only what the trial's phases can have changed is written: the rest is as the seed started it. Values are copied
    at once and written while training goes on (a ResNet50 with its optimizer is 280 MB an epoch).
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "epoch.npz"
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._written: Future[None] | None = None

    def save(self, state: TrialState) -> None:
        """Keep what one more epoch has changed; the file takes the place of the last one in one step.

        Raises:
            OSError: when the last epoch could not be written.
        """
        self._wait()
        facts = json.dumps(_facts(state))  # made to text now: the history grows while the file is written
        self._written = self._writer.submit(_write, self.path, _arrays(state), facts)

    def load(self) -> TrialState | None:
        """What was kept last; None where no epoch was finished, or what was kept is damaged: then it is removed."""
        self._wait()
        if not self.path.exists():
            return None
        try:
            with reading(self.path):
                return _read(self.path)
        except DamagedFileError as error:  # as after a power cut; training it again gives the same
            log.warning("%s; it is removed, and its training begins anew", fault_of(error))
            self.remove()
            return None

    def remove(self) -> None:
        self._wait()
        shutil.rmtree(self.path.parent, ignore_errors=True)

    def _wait(self) -> None:
        if self._written:
            written, self._written = self._written, None
            written.result()


def _facts(state: TrialState) -> dict[str, Any]:
    """All of the state that is not an array; of the best weights, which places they have."""
    return {
        "seed": state.seed,
        "fit": asdict(state.fit),
        "phase": state.phase,
        "epochs_waited": state.epochs_waited,
        "phase_best": sorted(state.phase_best),
        "trial_best": sorted(state.trial_best),
        "charged": state.charged,
        "on_the_way": sorted(state.on_the_way),
    }


def _arrays(state: TrialState) -> dict[str, Weights]:
    """The state's arrays, copied where training goes on to change them; what several of GROUPS share stands once."""
    held = {} if state.epochs_waited else state.phase_best  # the phase's best weights are what the network holds
    variables = {place: held[place] if place in held else _copy(state.variables[place]) for place in state.variables}
    best, of_trial = state.phase_best, state.trial_best
    return {
        "variables": variables,
        "optimizer": dict(enumerate(_copy(variable) for variable in state.optimizer)),
        "phase_best": {place: values for place, values in best.items() if values is not variables.get(place)},
        "trial_best": {place: values for place, values in of_trial.items() if values is not best.get(place)},
    }


def _copy(variable: Any) -> np.ndarray:
    """Values of their own: a backend may hand out a view of memory that training goes on to change."""
    return np.array(variable.numpy())


def _write(path: Path, arrays: Mapping[str, Weights], facts: str) -> None:
    flat = {f"{group}.{number}": array for group, values in arrays.items() for number, array in values.items()}
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, facts=np.frombuffer(facts.encode(), np.uint8), **flat)


def _read(path: Path) -> TrialState:
    arrays, facts = _read_parts(path)
    variables = arrays["variables"]
    apart = variables | arrays["phase_best"]  # what is equal was written once
    phase_best = {place: apart[place] for place in facts["phase_best"]}
    apart = phase_best | arrays["trial_best"]
    trial_best = {place: apart[place] for place in facts["trial_best"]}
    return TrialState(
        seed=facts["seed"],
        fit=Fit(**facts["fit"]),
        phase=facts["phase"],
        epochs_waited=facts["epochs_waited"],
        phase_best=phase_best,
        trial_best=trial_best,
        variables=variables,
        optimizer=[arrays["optimizer"][number] for number in sorted(arrays["optimizer"])],
        charged=facts["charged"],
        on_the_way=set(facts["on_the_way"]),
    )


def _read_parts(path: Path) -> tuple[dict[str, Weights], dict[str, Any]]:
    arrays: dict[str, Weights] = {group: {} for group in GROUPS}
    with np.load(path, allow_pickle=False) as archive:
        facts = json.loads(archive["facts"].tobytes())
        for entry in archive.files:
            if entry != "facts":
                group, _, number = entry.rpartition(".")
                arrays[group][int(number)] = archive[entry]
    return arrays, facts
