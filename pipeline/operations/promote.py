"""Make a registered version the champion, because a person says so: the answer to a retraining that asks for one."""

from __future__ import annotations

from pipeline.champions.by_hand import promote_by_hand
from pipeline.champions.log import LOCK
from pipeline.configuration.loading import load_params
from pipeline.ground.locks import hold_at_once
from pipeline.operations.retraining.publishing import publish


def run(version: int) -> None:
    """
    Raises:
        ChampionError: it is not registered, not on disk, or the champion already.
        LockError: a retraining runs.
    """
    params = load_params()
    with hold_at_once(LOCK, "promote"):
        entry = promote_by_hand(version)
        publish(params)
    print(" ".join(entry.reasons))
