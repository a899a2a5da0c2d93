"""Whether data or a version are there that no decision was made on yet; parameters and code are not looked at."""

from __future__ import annotations

from pipeline.champions import log as champions
from pipeline.tracking.enrolment import data_hash

DECIDED = ("promoted", "kept", "asked")


def what_is_new(force: bool) -> list[str]:
    """A sentence for each thing that is new; empty: nothing to do."""
    log = champions.read_log()
    news = []
    if champions.current(log) is None:
        news.append("There is no champion yet.")
    elif data_hash() not in {entry.data for entry in log if entry.event in DECIDED}:
        news.append("The prepared data are new since the last decision.")
    waiting = champions.undecided(log)
    if waiting is not None:
        news.append(f"Version {waiting} waits for a decision.")
    if force:
        news.append("It was asked for (--force).")
    return news
