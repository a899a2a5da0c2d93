"""How far a run has come, from the lines that `dvc repro` prints and a plan made before it."""

from __future__ import annotations

import re

from pipeline.operations.planning.expansion import Stage
from pipeline.operations.planning.plan import Plan, PlannedStage

# As DVC 3 prints them.
RUNNING = re.compile(r"^Running stage '(.+)':$")
UNCHANGED = re.compile(r"^Stage '(.+)' didn't change, skipping$")
RESTORED = re.compile(r"^Stage '(.+)' is cached - skipping run, checking out outputs$")
# Lines of DVC that say nothing that the progress does not.
CHATTER = re.compile(
    r"^(|Stage '.+' didn't change, skipping|(Generating|Updating) lock file 'dvc\.lock'"
    r"|Use `dvc push` to send your updates to remote storage\.|Data and pipelines are up to date\.)$"
)
# Stages whose time tells nothing of the others': they wait for a network or hardly do anything.
APART = {"folders", "fetch", "backbone", "weights"}
TRUST = 60.0  # seconds after which the pace of ended stages counts as much as the forecast
TRUST_SHARE = 0.1  # of the whole forecast, where that is more: the first cheap stages say little of an hour of training
LEAST = 0.05  # of a stage's forecast that is thought to be left when it takes longer than that


class RunProgress:
    """One run, fed with lines. Times are seconds on any clock that does not go back.

    Attributes:
        running: the stage that runs, and since when.
        ended: {stage: seconds} of those that ran to their end.
        restored, unchanged: what DVC brought back from its cache, and left alone.
    """

    def __init__(self, plan: Plan, begun: float) -> None:
        self.plan, self.begun = plan, begun
        self.running: tuple[str, float] | None = None
        self.ended: dict[str, float] = {}
        self.restored: list[str] = []
        self.unchanged: list[str] = []
        self._planned = {stage.name: stage for stage in plan.due}

    def read(self, line: str, now: float) -> str | None:
        """Take in one line.

        Returns:
            The stage that the line is about, if a stage begins to run or is restored.
        """
        for pattern, note in ((RUNNING, self._begin), (RESTORED, self._restore), (UNCHANGED, self._skip)):
            if match := pattern.match(line):
                self._end_running(now)
                note(match[1], now)
                return None if pattern is UNCHANGED else match[1]
        return None

    def finish(self, now: float) -> None:
        """The run has ended well, and with it the stage that ran."""
        self._end_running(now)

    @property
    def total(self) -> int:
        """Stages that the run goes through: what was planned, and what came besides."""
        return len(self._planned.keys() | self._seen())

    @property
    def position(self) -> int:
        """Which of them it is at, from 1; 0 before the first."""
        return len(self._seen() & (self._planned.keys() | set(self.ended) | set(self.restored) | self._current()))

    def elapsed(self, now: float) -> float:
        return now - self.begun

    def remaining(self, now: float) -> tuple[float, float, float]:
        """Seconds to go: as expected, at least, at most."""
        left = [stage for name, stage in self._planned.items() if name not in self._seen()]
        sums = [sum(getattr(stage, bound) for stage in left) * self.pace for bound in ("seconds", "low", "high")]
        if self.running and (planned := self._planned.get(self.running[0])):
            passed = now - self.running[1]
            for position, bound in enumerate(("seconds", "low", "high")):
                whole = getattr(planned, bound) * self.pace
                sums[position] += max(whole - passed, LEAST * whole)
        return sums[0], sums[1], sums[2]

    @property
    def pace(self) -> float:
        """How long stages take, in times of their forecast, as far as has been seen."""
        computing = {name: stage for name, stage in self._planned.items() if stage.forecast.stage.part not in APART}
        seen = self.ended.keys() & computing.keys()
        expected = sum(computing[name].seconds for name in seen)
        trust = max(TRUST, TRUST_SHARE * sum(stage.seconds for stage in computing.values()))
        return (sum(self.ended[name] for name in seen) + trust) / (expected + trust)

    def planned(self, name: str) -> PlannedStage | None:
        return self._planned.get(name)

    def stage(self, name: str) -> Stage | None:
        planned = self._planned.get(name)
        return planned.forecast.stage if planned else None

    def _begin(self, name: str, now: float) -> None:
        self.running = (name, now)

    def _restore(self, name: str, now: float) -> None:
        self.restored.append(name)

    def _skip(self, name: str, now: float) -> None:
        self.unchanged.append(name)

    def _end_running(self, now: float) -> None:
        if self.running:
            name, since = self.running
            self.ended[name] = now - since
            self.running = None

    def _current(self) -> set[str]:
        return {self.running[0]} if self.running else set()

    def _seen(self) -> set[str]:
        return {*self.ended, *self.restored, *(set(self.unchanged) & self._planned.keys()), *self._current()}
