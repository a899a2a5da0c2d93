"""Curves in MLflow while a trial runs, without ever holding it up.

A background thread owns every call to MLflow (writer.py); training only hands over rows. Whatever goes wrong there
costs one warning: the files are the record, and `python -m pipeline track` completes the run from them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from pipeline.params.upkeep.tracking import Tracking
from pipeline.tracking.live.writer import LiveTrial, Status
from pipeline.tracking.store import import_mlflow
from pipeline.trials import Recipe

UNTRACKED = (
    "KIYAS_UNTRACKED"  # in the environment of a node that reaches no tracking server: `track` adds its runs later
)


class EpochLog(Protocol):
    """What training's callback talks to."""

    def epoch(self, row: Mapping[str, Any]) -> None: ...
    def close(self, status: Status = "FINISHED") -> None: ...


@contextmanager
def follow_trial(tracking: Tracking, recipe: Recipe, seed: int) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A live run around one trial, which ends as the trial ends.

    Yields:
        A function that takes each row of history.csv as it comes.
    """
    logger = trial_logger(recipe, seed, tracking)
    try:
        yield logger.epoch
    except Exception:
        logger.close("FAILED")
        raise
    except BaseException:  # Ctrl-C, SystemExit
        logger.close("KILLED")
        raise
    logger.close()


def trial_logger(recipe: Recipe, seed: int, tracking: Tracking) -> EpochLog:
    """A live MLflow run of one trial, or an object that does nothing where tracking is off, here or on this node.

    The first call imports MLflow, which takes seconds: in the background that would slow down a trial that is being
    timed. Everything that may have to wait for a disk or a server happens in the background.
    """
    if not tracking.enabled or os.environ.get(UNTRACKED):
        return Silence()
    import_mlflow()
    return LiveTrial(recipe, seed, tracking)


class Silence:
    """Tracking is off."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass

    def close(self, status: Status = "FINISHED") -> None:
        pass
