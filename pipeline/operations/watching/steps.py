"""New steps of a series, which bring their labels: each value is what should have been predicted from those before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.datasets.cells.errors import TableError
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.retraining.intake.steps import steps_in
from pipeline.operations.watching.findings import Findings, WatchError
from pipeline.params.data import Data
from pipeline.params.upkeep.retrain import Retrain

REMEDY = f"Put the file into {INCOMING}/ and run `python -m pipeline retrain`."


def watch_steps(champion: ReigningChampion, files: Sequence[Path], data: Data, limits: Retrain) -> Findings:
    """
    Args:
        files: CSV or Parquet files with the time and the target of the series; known steps are not looked at.
        data, limits: the sections `data` and `retrain` of params.yaml.

    Raises:
        TableError: a file is no table, or cannot be read as steps of the series.
        WatchError: a step is faulty, or none is new.
    """
    batch = steps_in(files, data, {})
    if batch.faulty:
        raise TableError(batch.faulty[0])
    if batch.unusable_count:
        step, fault = batch.first_unusable
        raise WatchError(f"{step}: {fault}")
    if not batch.usable_count:
        raise WatchError(f"{files[0]}: all steps are known; name a file with steps behind the end of the series")
    drift = batch.drift(champion)
    if not drift.new:
        raise WatchError(f"{files[0]}: no new step has the {data.window} values before it that a prediction takes")
    one = drift.champion
    measured = (
        f"A series brings its labels along, so nothing is estimated: the champion was measured on {one.new} new steps."
    )
    return Findings(
        champion.champion,
        "step",
        one.new,
        remarks=[measured, drift.performance()],
        alarms=drift.alarms(limits.drift_level),
        numbers={"measured": drift.numbers()},
        drifted="its errors are larger than before",
        asked_for="a retraining",
        remedy=REMEDY,
    )
