"""Which stage goes to which node next: longest chain first, and stages of one backbone to one node.

It decides and remembers, and starts nothing. The simulation and a real run ask the same object, so that what is
forecast is what is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.operations.scaling.tasks import Resources, Task

REST, LONGEST_REST = 5.0, 300.0  # seconds
DOUBLED = 6  # times at most


class Assignment(NamedTuple):
    task: Task
    node: str


class Schedule:
    """The state of a run: what waits, what runs where, what has ended and how.

    Of the stages that could start, the one goes first after which the most work follows in a row: its own seconds and
    those of the longest chain of stages that wait for it. What frozen layers make of the photos is kept on the node
    that computed it. So a backbone's stages go to the node that has had one of them, and to another one only where that
    would have nothing else to do.

    Attributes:
        waiting: {name: task} of those that are not started, or lost and to be started again.
        running: {name: where it runs}.
        done, failed, skipped: names; skipped are those that wait for a failed one.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = {task.name: task for task in tasks}
        self.waiting = dict(self.tasks)
        self.running: dict[str, Assignment] = {}
        self.done: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []
        self._lost_on: dict[str, set[str]] = {}  # stage → nodes that it was lost on
        self._homes: dict[str, list[str]] = {}  # what is shared → nodes that have had a stage of it
        self._followers = _followers(tasks)
        self._chains: dict[str, float] = {}

    @property
    def is_over(self) -> bool:
        return not self.waiting and not self.running

    def next_assignments(self, nodes: Mapping[str, Resources]) -> list[Assignment]:
        """Start what has room, and say where.

        Args:
            nodes: {name: all that it has} of those that take part now.
        """
        free = {name: self._free(name, has) for name, has in nodes.items()}
        assignments = []
        for may_leave_home in (False, True):
            for task in self._ready():
                if node := self._choose(task, free, may_leave_home):
                    free[node] = free[node].less(task.resources)
                    assignments.append(self._start(task, node))
        return assignments

    def finish(self, name: str) -> None:
        """A running stage has ended well."""
        del self.running[name]
        self.done.append(name)

    def fail(self, name: str) -> list[str]:
        """A stage has failed for good.

        Returns:
            The stages that will not run because of it.
        """
        self.running.pop(name, None)
        self.waiting.pop(name, None)
        self.failed.append(name)
        followers = [follower for follower in self._all_followers(name) if follower in self.waiting]
        for follower in followers:
            del self.waiting[follower]
        self.skipped += followers
        return followers

    def lose(self, name: str) -> None:
        """A running stage ended because of its node: it waits again, for another one where there is one."""
        assignment = self.running.pop(name)
        self.waiting[name] = assignment.task
        self._lost_on.setdefault(name, set()).add(assignment.node)
        homes = self._homes.get(assignment.task.shares or "", [])
        if assignment.node in homes:
            homes.remove(assignment.node)

    def unfit(self, nodes: Iterable[Resources]) -> list[Task]:
        """Those that wait and that none of the nodes could hold if it were empty."""
        known = list(nodes)
        return [task for task in self.waiting.values() if not any(node.holds(task.resources) for node in known)]

    def _ready(self) -> list[Task]:
        ready = [task for task in self.waiting.values() if not self._missing(task)]
        return sorted(ready, key=lambda task: -self._chain(task.name))

    def _missing(self, task: Task) -> bool:
        return any(name in self.tasks and name not in self.done for name in task.waits_for)

    def _choose(self, task: Task, free: Mapping[str, Resources], may_leave_home: bool) -> str | None:
        """The node with room that is best for a task; None where it waits."""
        tried = self._lost_on.get(task.name, set())
        untried = {name: left for name, left in free.items() if name not in tried}
        room = [name for name, left in (untried or free).items() if left.holds(task.resources)]
        homes = self._homes.get(task.shares or "", [])
        at_home = [name for name in room if name in homes]
        if not at_home and any(name in untried for name in homes) and not may_leave_home:
            return None
        return min(at_home or room, key=lambda name: (-free[name].cpus, self._guests(name)), default=None)

    def _guests(self, node: str) -> int:
        return sum(node in homes for homes in self._homes.values())

    def _start(self, task: Task, node: str) -> Assignment:
        del self.waiting[task.name]
        assignment = Assignment(task, node)
        self.running[task.name] = assignment
        if task.shares and node not in self._homes.setdefault(task.shares, []):
            self._homes[task.shares].append(node)
        return assignment

    def _free(self, node: str, has: Resources) -> Resources:
        for assignment in self.running.values():
            if assignment.node == node:
                has = has.less(assignment.task.resources)
        return has

    def _chain(self, name: str) -> float:
        """Seconds from a stage's start to the end of the longest chain that begins with it."""
        if name not in self._chains:
            after = max((self._chain(follower) for follower in self._followers[name]), default=0.0)
            self._chains[name] = self.tasks[name].seconds + after
        return self._chains[name]

    def _all_followers(self, name: str) -> list[str]:
        """Those that wait for it, directly or not, each once."""
        names: dict[str, None] = {}
        for follower in self._followers[name]:
            names |= {follower: None} | dict.fromkeys(self._all_followers(follower))
        return list(names)


class Rests:
    """Which nodes get no stage for a while because they lost some.

    A node on which every stage ends at once always has room, so it would draw them all. It rests after each loss,
    twice as long after each one in a row, until a stage has ended on it by itself.
    """

    def __init__(self) -> None:
        self._losses: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def lose(self, node: str, now: float) -> None:
        self._until[node] = now + min(REST * 2 ** min(self._losses[node], DOUBLED), LONGEST_REST)
        self._losses[node] += 1

    def finish(self, node: str) -> None:
        self._losses.pop(node, None)
        self._until.pop(node, None)

    def awake(self, nodes: Mapping[str, Resources], now: float) -> dict[str, Resources]:
        """Those of the nodes that do not rest."""
        return {name: has for name, has in nodes.items() if now >= self._until.get(name, now)}


def _followers(tasks: Collection[Task]) -> dict[str, list[str]]:
    """{name: those that read what it writes}."""
    followers: dict[str, list[str]] = {task.name: [] for task in tasks}
    for task in tasks:
        for name in task.waits_for:
            if name in followers:
                followers[name].append(task.name)
    return followers
