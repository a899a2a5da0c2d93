"""A launcher that starts nothing, and answers as a script says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.operations.scaling.launcher import Ended, Event, LauncherError, Lost, Refused
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.tasks import Resources, Task

BAD = "bad"  # a node that loses all that it gets


class Scripted:
    """A launcher that answers at once, with what a script has for the stage's next attempt; else it is done."""

    def __init__(self, script: dict[str, list[Any]], cpus: float = 2.0, nodes: Sequence[str] = ("n",)) -> None:
        self.script, self.known = script, {name: Resources(cpus) for name in nodes}
        self.orders: list[Order] = []
        self.starts: list[tuple[str, str]] = []
        self.open: list[tuple[Order, str]] = []
        self.stopped = False

    def nodes(self) -> Mapping[str, Resources]:
        return self.known

    def asked(self, task: Task) -> Resources:
        return task.resources

    def host(self, node: str) -> str:
        return "node-7"

    def start(self, task: Task, order: Order, node: str) -> None:
        self.orders.append(order)
        self.starts.append((task.name, node))
        self.open.append((order, node))

    def wait(self, seconds: float) -> list[Event]:
        answers = [self._answer(order, node) for order, node in self.open]
        self.open = []
        return answers

    def stop(self) -> None:
        self.stopped = True

    def _answer(self, order: Order, node: str) -> Event:
        answers = self.script.get(order.stage) or ["done"]
        state = "lost" if node == BAD else answers.pop(0)
        if state == "gone":
            raise LauncherError("the cluster is gone")
        if state == "refused":
            return Refused(order.stage, "you may have four jobs")
        if state == "lost":
            return Lost(order.stage, "the node died")
        lock = {"cmd": order.stage} if state == "done" else None
        return Ended(Outcome(order.stage, state, "node-7", 3.0, lock, f"log of {order.stage}", "it said no"))
