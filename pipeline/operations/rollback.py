"""Make the previous champion the champion again."""

from __future__ import annotations

from pipeline.champions.log import roll_back
from pipeline.operations.retraining.lock import one_at_a_time
from pipeline.operations.retraining.publishing import publish
from pipeline.params.loading import load_params


def run() -> None:
    """
    Raises:
        ChampionError: there is none, or it is not on disk.
        LockError: a retraining runs.
    """
    params = load_params()
    with one_at_a_time("rollback"):
        entry = roll_back()
        publish(params)
    print(" ".join(entry.reasons))
