"""MLproject is what the table of commands makes of it, and its entry points do what the graph does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands.mlproject import MLPROJECT, mlproject
from pipeline.commands.table import commands
from pipeline.params.schema.reading import read_yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def entry_points() -> dict[str, Any]:
    return dict(read_yaml(ROOT / MLPROJECT)["entry_points"])


def test_the_file_is_what_the_table_of_commands_makes_of_it() -> None:
    told = "run `python -m pipeline graph --write`"
    assert (ROOT / MLPROJECT).read_text(encoding="utf-8") == mlproject(), told


def test_every_command_is_an_entry_point(entry_points: dict[str, Any]) -> None:
    assert set(entry_points) == {"main", *commands()}


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


def test_mlflow_runs_an_entry_point_as_the_table_says(entry_points: dict[str, Any]) -> None:
    from mlflow.projects import _project_spec

    project = _project_spec.load_project(str(ROOT))
    said = {
        ("cnn", ()): "cnn --architecture lecture",
        ("growth", (("candidate", "cnn-a"), ("fraction", "0.1"))): "growth --candidate cnn-a --fraction 0.1",
        ("schedule", (("cron", "0 3 * * 1"),)): "schedule --cron '0 3 * * 1'",
        ("promote", (("version", "3"),)): "promote 3",
    }
    for (name, given), command in said.items():
        made = project.get_entry_point(name).compute_command(dict(given), storage_dir=None)
        assert made.endswith(f"; python -m pipeline {command}")
