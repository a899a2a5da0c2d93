"""Times of a command beside those at an earlier commit."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks import against_commit
from benchmarks.against_commit import accuracies, change, keep, timed
from benchmarks.record import recorded_rows

MAKEFILE = """quick:
\tpython3 -c 'end = 2 * 10**6; [n * n for n in range(end)]'
repro:
\tfalse
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    return tmp_path


def test_what_a_command_starts_is_counted(clone: Path) -> None:
    found = timed(clone, "quick")
    assert found["commit"] == clone.name
    assert found["processor_seconds"] > 0.05 and found["seconds"] > 0.05


def test_a_process_whose_parent_has_ended_is_counted(clone: Path) -> None:
    busy = "import time; [time.process_time() for _ in iter(lambda: time.process_time() < 0.6, False)]"
    (clone / "Makefile").write_text(f"quick:\n\t(python3 -c '{busy}' &)\n", encoding="utf-8")
    assert timed(clone, "quick")["processor_seconds"] >= 0.5


def test_a_command_that_fails_is_no_time(clone: Path) -> None:
    with pytest.raises(SystemExit, match=r"`make repro` failed, so nothing was compared"):
        timed(clone, "repro")


def test_candidates_of_both_commits_are_compared_by_name(tmp_path: Path) -> None:
    clones = {}
    for which, rows in (("earlier", ["a,0.5", "b,0.25", "gone,0.1"]), ("now", ["b,0.5", "new,0.9", "a,0.75"])):
        clones[which] = tmp_path / which
        clones[which].mkdir()
        (clones[which] / "ranking.csv").write_text("\n".join(["candidate,test_accuracy", *rows]), encoding="utf-8")
    assert accuracies(clones, "ranking.csv") == {"a": [0.5, 0.75], "b": [0.25, 0.5]}


def test_parameters_are_changed_in_part(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("seeds: [0, 1]\ndata: {limit: 5, image_size: 96}\n", encoding="utf-8")
    change(params, "")
    assert yaml.safe_load(params.read_text()) == {"seeds": [0, 1], "data": {"limit": 5, "image_size": 96}}
    change(params, "{seeds: [0], data: {limit: 7}}")
    assert yaml.safe_load(params.read_text()) == {"seeds": [0], "data": {"limit": 7, "image_size": 96}}


def test_a_later_measurement_takes_the_place_of_one_with_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(against_commit, "RESULTS", tmp_path / "rows.json")
    of = {"target": "quick", "params": "", "processor": "a"}
    for row in (
        {**of, "now": 1},
        {**of, "processor": "b", "now": 2},
        {**of, "params": "c: 1", "now": 3},
        {**of, "now": 4},
    ):
        keep(row)
    assert [row["now"] for row in recorded_rows(tmp_path / "rows.json")] == [2, 3, 4]
