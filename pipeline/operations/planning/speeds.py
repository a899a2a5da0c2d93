"""How fast this machine is: measured and kept in .kiyas/speeds, or else as a machine that has been measured once.

The reference is two cores of a Xeon with AVX-512, without a GPU. What is neither measured nor known (fits of classical
models, starts of processes) is taken from it and multiplied by `slowness`. Speeds hold for one `training.precision`, in
which networks are measured; of a network that is not measured, bfloat16 is as much faster as on the reference.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.configuration.whole import Params
from pipeline.evaluation.costs.stopwatch import circumstances
from pipeline.ground.files import read_json, write_json
from pipeline.ground.processor import AMX, AVX512, KERNELS, bfloat16_instructions
from pipeline.models.backbone_files.archive import checksums
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.families import families, family_named
from pipeline.params.schema.reading import ParamsError

FOLDER = Path(".kiyas/speeds")
FORMAT = 7  # of the files there; a change of what is measured begins anew
HOW_LONG = {"epochs", "learning_rate", "training"}  # of an architecture: no part of the network
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
        made_of: what was measured, as `made_of` tells it.
    """

    side: int
    forward: float
    train: float
    top: float
    start: float
    measured: bool = False
    made_of: str | None = None

    def at(self, side: int | None) -> NetworkSpeed:
        """For photos of another size: convolutions take time by area."""
        area = 1.0 if side is None else (side / self.side) ** 2
        return replace(
            self, side=side or self.side, forward=self.forward * area, train=self.train * area, top=self.top * area
        )


@dataclass(frozen=True)
class Gain:
    """How many times as fast a network is in bfloat16 where the processor is made for it: `benchmarks/precision.py`."""

    train: float
    forward: float


BFLOAT16 = {  # by the processor's instructions
    AMX: {
        "vgg16": Gain(3.7, 4.6),
        "resnet50": Gain(1.7, 3.2),
        "inceptionv3": Gain(1.4, 2.4),
        "cnn": Gain(3.0, 2.9),
    },
    AVX512: {
        "vgg16": Gain(1.9, 2.0),
        "resnet50": Gain(1.7, 1.8),
        "inceptionv3": Gain(1.4, 1.8),
        "cnn": Gain(1.9, 1.9),
    },
}
NEVER_SHORTENED = ("mlp", "recurrent")  # networks of rows, which compute in float32


@dataclass(frozen=True)
class Speeds:
    """
    Attributes:
        slowness: this machine's time for work that is not measured network by network, in times of the reference's.
        networks: by name: a backbone, or family and architecture ("cnn-lecture").
        measured: whether any of it was measured on this machine.
        precision: as params.yaml has it.
    """

    slowness: float = 1.0
    networks: Mapping[str, NetworkSpeed] = field(default_factory=dict)
    measured: bool = False
    precision: str = "float32"

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
        faster = self._gain(name, kind)
        quicker = {"forward": faster.forward, "train": faster.train, "top": faster.train, "start": 1.0}
        scaled = {key: getattr(usual, key) * self.slowness / times for key, times in quicker.items()}
        return replace(usual, **scaled).at(side)

    def _gain(self, name: str, kind: str) -> Gain:
        instructions = bfloat16_instructions()
        if self.precision == "float32" or instructions is None or kind in NEVER_SHORTENED:
            return Gain(1.0, 1.0)
        gains = BFLOAT16[instructions]
        return gains.get(name) or gains.get(kind) or gains["resnet50"]


REFERENCE = {
    "vgg16": NetworkSpeed(96, forward=0.012, train=0.048, top=0.008, start=1.0),
    "resnet50": NetworkSpeed(96, forward=0.0075, train=0.027, top=0.0105, start=2.5),  # and of any other backbone
    "inceptionv3": NetworkSpeed(96, forward=0.006, train=0.014, top=0.0085, start=3.0),
    "cnn": NetworkSpeed(96, forward=0.0013, train=0.005, top=0.0, start=0.8),
    "mlp": NetworkSpeed(96, forward=3e-6, train=3e-5, top=0.0, start=0.8),  # a row, of any side
    "recurrent": NetworkSpeed(96, forward=3e-5, train=2e-4, top=0.0, start=1.5),
}


def known_speeds(params: Params, checkout: Path = Path()) -> Speeds:
    """What has been measured on this machine with these versions so far; the reference where nothing has.

    Speeds hold for one `training.precision`, and for networks that are made as they were when they were measured.
    """
    precision = params.training.precision
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):  # a file of another format counts as none
        content = read_json(_file(precision, checkout))
        measured = {key: NetworkSpeed(**values) for key, values in content["networks"].items()}
        networks = {key: one for key, one in measured.items() if _is_made_so(key, one, params)}
        return Speeds(content["slowness"], networks, measured=True, precision=precision)
    return Speeds(precision=precision)


def _is_made_so(key: str, speed: NetworkSpeed, params: Params) -> bool:
    with suppress(ParamsError):  # of a network that params.yaml knows no more
        return made_of(key.rpartition("@")[0], params) == speed.made_of
    return False


def made_of(name: str, params: Params) -> str | None:
    """
    Args:
        name: a backbone, or family and architecture ("cnn-lecture").

    Returns:
        A digest of the architecture, or of a backbone's own file; None of a network of Keras' own.
    """
    family, _, architecture = name.partition("-")
    if architecture and family in families():
        row = params.architectures_of(family_named(family)).get(architecture)
        return digest(layers_of(row.model_dump())) if row else None
    row = load_backbone(name)
    return digest(checksums(row)) if isinstance(row, BackboneFile) else None


def layers_of(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """What of an architecture of params.yaml is the network itself."""
    return {key: value for key, value in architecture.items() if key not in HOW_LONG}


def digest(content: Any) -> str:
    """Of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def keep_speeds(speeds: Speeds, checkout: Path = Path()) -> None:
    content = {"machine": _machine(), "precision": speeds.precision, "slowness": speeds.slowness}
    networks = {key: asdict(speed) for key, speed in speeds.networks.items()}
    write_json(_file(speeds.precision, checkout), {**content, "networks": networks})


def _file(precision: str, checkout: Path) -> Path:
    """One for this machine, these versions and kernels and a precision, and for no others."""
    return checkout / FOLDER / f"{digest([_machine(), precision, os.environ.get(KERNELS)])}.json"


def is_this_machine(cost: Mapping[str, Any]) -> bool:
    """Whether a cost.json was measured on a machine like this one."""
    host, here = cost.get("host", {}), _machine()["host"]
    return all(host.get(key) == here[key] for key in ("cpu", "cores"))


@cache
def _machine() -> dict[str, Any]:
    here = circumstances()
    versions = {name: version for name, version in here["versions"].items() if name in DECIDING}
    return {"format": FORMAT, "host": here["host"], "versions": versions}
