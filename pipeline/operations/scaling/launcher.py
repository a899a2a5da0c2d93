"""What a run asks of whatever starts stages on nodes: Ray, Slurm, or another one that a successor adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.tasks import Resources, Task

ALLOW_GROWTH = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}  # a stage takes as much of a card's memory as it needs


class LauncherError(ValueError):
    """There is nothing that could start stages; the message says what to do."""


@dataclass(frozen=True)
class Ended:
    """A node has answered."""

    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """No answer will come: the node, or what ran the stage there, is gone."""

    stage: str
    reason: str


@dataclass(frozen=True)
class Refused:
    """The stage was not started, since there is no room for one more job now. It waits, and nothing was lost."""

    stage: str
    reason: str


Event = Ended | Lost | Refused


def card_settings(gpus: float) -> dict[str, str]:
    """Variables that keep a stage to the cards that it asked for, where whoever starts it has chosen which.

    TensorFlow takes all the memory of every card that it sees, unless it is told otherwise.
    """
    if not gpus:
        return {"CUDA_VISIBLE_DEVICES": "-1"}
    return ALLOW_GROWTH if gpus < 1 else {}


class Launcher(Protocol):
    """Each of these raises LauncherError where the nodes are gone for good."""

    def nodes(self) -> Mapping[str, Resources]:
        """{name: all that it has} of the nodes that take part now."""

    def asked(self, task: Task) -> Resources:
        """What a stage takes of such a node."""

    def host(self, node: str) -> str:
        """How people know a node."""

    def start(self, task: Task, order: Order, node: str) -> None:
        """Let a node run a stage, and return at once."""

    def wait(self, seconds: float) -> list[Event]:
        """What has happened to started stages; nothing where nothing did in so many seconds."""

    def stop(self) -> None:
        """End all that was started and still runs, and free what it held."""
