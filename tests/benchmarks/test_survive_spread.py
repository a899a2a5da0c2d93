"""What a round of `python -m benchmarks.survive --spread` kills, and when it calls something a fault.

The machines themselves take minutes; their kills one by one run in tests/operations/scaling.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.survival import spread
from benchmarks.survival.miniature import State
from pipeline.ground.files import write_json


@dataclass
class Simulated:
    """Runs of `fanout` that end as told.

    Attributes:
        statuses: of each run; the last one stays.
        absent: victims that do not run in the first run.
        kills: of each run: moments and victims.
    """

    statuses: list[int]
    absent: list[str] = field(default_factory=list)
    kills: list[list[tuple[float, str]]] = field(default_factory=list)
    readied: int = 0

    def attempt(self, folder: Path, places: Any, kills: Any, drawn: Any, told: spread.Round) -> spread.Ended:
        self.kills.append(kills)
        told.starts += 1
        absent = self.absent if told.starts == 1 else []
        told.struck += [victim for _, victim in kills if victim not in absent]
        return spread.Ended(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0], 1.0, "gone", told)

    def ready(self) -> None:
        self.readied += 1


@pytest.mark.parametrize("seed", range(10))
def test_a_round_kills_each_part_once_and_starts_again_until_a_run_has_ended_well(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Simulated([-9, 1, 2, 0])
    monkeypatch.setattr(spread, "_attempt", simulated.attempt)
    told = spread._disturb(Path(), simulated, 100.0, random.Random(f"spread {seed}"))  # type: ignore[arg-type]
    assert sorted(told.struck) == sorted(spread.VICTIMS) and told.faults == []
    assert (told.starts, simulated.readied) == (4, 3)
    first, second = simulated.kills[:2]
    assert [moment for moment, _ in first] == sorted(moment for moment, _ in first)
    assert first[-1][1] in spread.ENDING and {second[0][1], first[-1][1]} == set(spread.ENDING)
    assert all(0 < moment < 90 for moment, _ in first) and 0 < second[0][0] < 45


def test_what_was_not_there_to_be_killed_is_killed_in_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated([-9, 0], absent=["worker"])
    monkeypatch.setattr(spread, "_attempt", simulated.attempt)
    told = spread._disturb(Path(), simulated, 100.0, random.Random(0))  # type: ignore[arg-type]
    assert sorted(told.struck) == sorted(spread.VICTIMS) and told.starts == 2


def test_a_run_that_never_ends_well_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated([1])
    monkeypatch.setattr(spread, "_attempt", simulated.attempt)
    told = spread._disturb(Path(), simulated, 100.0, random.Random(0))  # type: ignore[arg-type]
    assert told.starts == spread.STARTS and told.faults == ["it has not ended well after 6 starts: gone"]


def test_a_part_that_was_not_there_to_be_killed_is_not_counted() -> None:
    rounds = [spread.Round(["driver", "raylet"], 2), spread.Round(["driver"], 2, ["results/a: other bits"])]
    rows = {row["victim"]: row for row in spread._rows(rounds)}
    assert [rows[victim]["kills"] for victim in ("driver", "raylet", "worker")] == [2, 1, 0]
    assert all(row["rounds"] == 2 and row["faults"] == ["results/a: other bits"] for row in rows.values())


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    for name in ("checkout/results/cnn-tiny", "tmp", "node/kept"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(spread, "in_clones", lambda _: [])
    (tmp_path / "checkout/results/cnn-tiny/history.csv").write_text("epoch\n1\n")
    out = {"path": "results/cnn-tiny/history.csv", "md5": "a"}
    write_json(tmp_path / "checkout/dvc.lock", {"stages": {"cnn@tiny": {"outs": [out]}}})
    yield SimpleNamespace(home=tmp_path, cache=tmp_path / "node", runs=lambda: ([("trial",)], 0))


def test_whatever_differs_here_on_nodes_or_in_mlflow_is_named(places: SimpleNamespace) -> None:
    folder = places.home / "checkout"
    state = spread.state_of(folder)
    outside = State(state.results, spread._outside(state), [], 0, state.log)
    wanted = spread.Wanted(outside, spread.locked_outs(folder), [("trial",)])
    assert list(spread._differences(folder, places, wanted)) == []
    (folder / "results/cnn-tiny/history.csv").write_text("epoch\n2\n")
    (folder / ".kiyas/fanout/jobs").mkdir(parents=True)
    (folder / ".kiyas/fanout/jobs/order.json").touch()
    (places.cache / "stray").touch()
    (places.home / "tmp/left").touch()
    places.runs = lambda: ([], 1)
    other = spread.Wanted(wanted.state, {"results/cnn-tiny/history.csv": "b"}, wanted.runs)
    assert list(spread._differences(folder, places, other)) == [
        "results/cnn-tiny/history.csv: other bits",
        ".kiyas/fanout/jobs/order.json: is left behind",
        "dvc.lock: results/cnn-tiny/history.csv is another",
        "MLflow: [('trial',)]",
        "MLflow: 1 runs are RUNNING",
        "a node: stray in its folder",
        "a node: left in its TMPDIR",
    ]
