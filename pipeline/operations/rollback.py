"""Make the previous champion the champion again."""

from __future__ import annotations

from pipeline.champions.by_hand import roll_back
from pipeline.champions.log import LOCK
from pipeline.configuration.loading import load_params
from pipeline.ground.locks import hold_at_once
from pipeline.operations.retraining.publishing import publish


def run() -> None:
    """
    Raises:
        ChampionError: there is none, or it is not on disk.
        LockError: a retraining runs.
    """
    params = load_params()
    with hold_at_once(LOCK, "rollback"):
        entry = roll_back()
        publish(params)
    print(" ".join(entry.reasons))
