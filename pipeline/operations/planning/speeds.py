"""How fast this machine is: measured and kept in .kiyas/speeds, or else as a machine that has been measured once.

The reference is two cores of a Xeon with AVX-512, without a GPU. What is neither measured nor known (fits of classical
models, starts of processes) is taken from it and multiplied by `slowness`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.evaluation.costs.stopwatch import circumstances
from pipeline.ground.files import read_json, write_json

FOLDER = Path(".kiyas/speeds")
FORMAT = 4  # of the files there; a change of what is measured begins anew
DECIDING = ("python", "keras", "numpy", "scikit-learn", "tensorflow", "tensorflow-cpu")  # versions that change speed


@dataclass(frozen=True)
class NetworkSpeed:
    """
    Attributes:
        side: pixels of the photos that it was measured with.
        forward: seconds to pass one photo through.
        train: seconds to train all of it on one photo.
        top: seconds to train its uppermost block on one kept activation.
        start: seconds to build it and to trace a phase that trains it.
        measured: whether that was on this machine.
    """

    side: int
    forward: float
    train: float
    top: float
    start: float
    measured: bool = False

    def at(self, side: int | None) -> NetworkSpeed:
        """For photos of another size: convolutions take time by area."""
        area = 1.0 if side is None else (side / self.side) ** 2
        return replace(
            self, side=side or self.side, forward=self.forward * area, train=self.train * area, top=self.top * area
        )


@dataclass(frozen=True)
class Speeds:
    """
    Attributes:
        slowness: this machine's time for work that is not measured network by network, in times of the reference's.
        networks: by name: a backbone, or family and architecture ("cnn-lecture").
        measured: whether any of it was measured on this machine.
    """

    slowness: float = 1.0
    networks: Mapping[str, NetworkSpeed] = field(default_factory=dict)
    measured: bool = False

    def has(self, name: str) -> bool:
        """Whether a network of this name was measured here."""
        return any(key.rpartition("@")[0] == name for key in self.networks)

    def of(self, name: str, side: int | None) -> NetworkSpeed:
        """The one measured nearest to a size, else the reference, at that size."""
        known = [speed for key, speed in self.networks.items() if key.rpartition("@")[0] == name]
        if known:
            return min(known, key=lambda speed: abs(speed.side - (side or speed.side))).at(side)
        kind = name.partition("-")[0]
        usual = REFERENCE.get(name) or REFERENCE.get(kind) or REFERENCE["resnet50"]
        scaled = {key: getattr(usual, key) * self.slowness for key in ("forward", "train", "top", "start")}
        return replace(usual, **scaled).at(side)


REFERENCE = {
    "vgg16": NetworkSpeed(96, forward=0.012, train=0.048, top=0.008, start=1.0),
    "resnet50": NetworkSpeed(96, forward=0.0075, train=0.027, top=0.0105, start=2.5),  # and of any other backbone
    "inceptionv3": NetworkSpeed(96, forward=0.006, train=0.014, top=0.0085, start=3.0),
    "cnn": NetworkSpeed(96, forward=0.0013, train=0.005, top=0.0, start=0.8),
    "mlp": NetworkSpeed(96, forward=3e-6, train=3e-5, top=0.0, start=0.8),  # a row, of any side
    "recurrent": NetworkSpeed(96, forward=3e-5, train=2e-4, top=0.0, start=1.5),
}


def known_speeds(checkout: Path = Path()) -> Speeds:
    """What has been measured on this machine with these versions so far; the reference where nothing has."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):  # a file of another format counts as none
        content = read_json(checkout / FOLDER / f"{machine_key()}.json")
        networks = {key: NetworkSpeed(**values) for key, values in content["networks"].items()}
        return Speeds(content["slowness"], networks, measured=True)
    return Speeds()


def keep_speeds(speeds: Speeds, checkout: Path = Path()) -> None:
    content = {"machine": _machine(), "slowness": speeds.slowness}
    networks = {key: asdict(speed) for key, speed in speeds.networks.items()}
    write_json(checkout / FOLDER / f"{machine_key()}.json", {**content, "networks": networks})


def machine_key() -> str:
    """The same for this machine and these versions, and for no others."""
    return hashlib.sha256(json.dumps(_machine(), sort_keys=True).encode()).hexdigest()[:16]


def is_this_machine(cost: Mapping[str, Any]) -> bool:
    """Whether a cost.json was measured on a machine like this one."""
    host, here = cost.get("host", {}), _machine()["host"]
    return all(host.get(key) == here[key] for key in ("cpu", "cores"))


@cache
def _machine() -> dict[str, Any]:
    here = circumstances()
    versions = {name: version for name, version in here["versions"].items() if name in DECIDING}
    return {"format": FORMAT, "host": here["host"], "versions": versions}
