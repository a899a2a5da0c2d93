"""Energy from a powercap folder that behaves like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.evaluation.costs import stopwatch as cost
from pipeline.evaluation.costs.energy import read_counters
from pipeline.evaluation.costs.stopwatch import Stopwatch

RANGE = 262_143_328_850  # as of real packages


def write_counter(folder: Path, zone: str, microjoules: int | str) -> None:
    (folder / zone).mkdir(exist_ok=True)
    (folder / zone / "energy_uj").write_text(f"{microjoules}\n")
    (folder / zone / "max_energy_range_uj").write_text(f"{RANGE}\n")


def test_packages_are_added_up_and_their_parts_are_not_counted_twice(tmp_path: Path) -> None:
    for zone in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        write_counter(tmp_path, zone, 1_000_000)
    (tmp_path / "intel-rapl").mkdir()
    before = read_counters(tmp_path)
    write_counter(tmp_path, "intel-rapl:0", 4_000_000)
    write_counter(tmp_path, "intel-rapl:1", 1_500_000)
    write_counter(tmp_path, "intel-rapl:0:0", 3_000_000)
    assert before.joules_until(read_counters(tmp_path)) == pytest.approx(3.5)


def test_a_counter_that_started_again_is_followed(tmp_path: Path) -> None:
    write_counter(tmp_path, "intel-rapl:0", RANGE - 400_000)
    before = read_counters(tmp_path)
    write_counter(tmp_path, "intel-rapl:0", 599_999)
    assert before.joules_until(read_counters(tmp_path)) == pytest.approx(1.0)


@pytest.mark.parametrize("content", ["", "not a number"])
def test_a_counter_that_cannot_be_read_gives_no_number(tmp_path: Path, content: str) -> None:
    write_counter(tmp_path, "intel-rapl:0", 5)
    before = read_counters(tmp_path)
    write_counter(tmp_path, "intel-rapl:0", content)
    assert before.joules_until(read_counters(tmp_path)) is None


def test_without_counters_nothing_is_told(tmp_path: Path) -> None:
    counters = read_counters(tmp_path / "nowhere")
    assert counters.joules_until(counters) is None


def test_a_stopwatch_tells_the_energy_of_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_counter(tmp_path, "intel-rapl:0", 2_000_000)
    monkeypatch.setattr(cost, "read_counters", lambda: read_counters(tmp_path))
    with Stopwatch() as watch:
        write_counter(tmp_path, "intel-rapl:0", 9_000_000)
    assert watch.cost()["energy_joules"] == pytest.approx(7.0)
