from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.params.reading import read_yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def entry_points() -> dict[str, Any]:
    return dict(read_yaml(ROOT / "MLproject")["entry_points"])


def test_every_stage_is_an_entry_point_with_the_command_line_of_dvc_yaml(entry_points: dict[str, Any]) -> None:
    for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items():
        entry, _, family = name.partition("-")
        if family:
            assert entry in entry_points  # evaluate-<family>: one entry point that takes the candidate
        else:
            command = re.sub(r"\$\{item\.(\w+)\}", r"{\1}", stage["cmd"])
            assert entry_points[name]["command"].endswith(f"; {command}")


def test_an_entry_point_asks_for_exactly_the_parameters_that_its_command_uses(entry_points: dict[str, Any]) -> None:
    for name, entry in entry_points.items():
        used = set(re.findall(r"\{(\w+)\}", entry["command"]))
        assert used == set(entry.get("parameters", {})), name


def test_main_runs_the_graph_and_then_tracks_since_a_restored_compare_runs_no_code(
    entry_points: dict[str, Any],
) -> None:
    command = entry_points["main"]["command"]
    assert command.endswith("python -m pipeline check && dvc repro && python -m pipeline track")
