"""`status` counts the stages that a run has ended, whatever kind they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.operations.planning.expansion import Stage
from pipeline.operations.status import _ended_since
from pipeline.params.competing import read_candidates

SINCE = 1_000_000_000.0
STAGES = {
    "prepare": "data/prepared/dataset.json",
    "weights": "data/weights/vgg16.weights.h5",
    "train": "results/finetune-vgg16-full/cost.json",
    "evaluate": "evaluation/finetune-vgg16-full/metrics.json",
    "compare": "comparison/verdict.json",
}


@pytest.mark.parametrize("part", STAGES)
def test_a_stage_has_ended_once_its_last_file_came_into_its_place(checkout: Path, part: str) -> None:
    candidate = next(one for one in read_candidates() if one.name == "finetune-vgg16-full")
    stage = Stage(
        part,
        part,  # type: ignore[arg-type]
        candidate if part in ("train", "evaluate") else None,
        "vgg16" if part == "weights" else None,
    )
    assert not _ended_since(SINCE, stage)
    file = checkout / STAGES[part]
    file.parent.mkdir(parents=True)
    file.touch()
    assert _ended_since(SINCE, stage)
    assert not _ended_since(os.stat(file).st_ctime + 1, stage)


def test_a_stage_that_only_makes_folders_is_not_counted(checkout: Path) -> None:
    assert not _ended_since(SINCE, Stage("folders", "folders"))
