"""Register what the comparison on disk advises in champions/: the first becomes champion, later ones challenge it.

    python -m pipeline enrol

Nothing is registered by the way: `track` and `retrain` call this and say so. What was registered, or decided on, before
is not registered again.
"""

from __future__ import annotations

from pipeline.champions.enrolment import obstacle, register_advised
from pipeline.champions.integrity.keeping import keep_champions
from pipeline.champions.log import LOCK, current, read_log
from pipeline.champions.versions import Champion
from pipeline.ground.locks import hold_at_once


def run() -> None:
    """Register what is advised, have DVC keep it, and print one line.

    Raises:
        ChampionError: the log cannot be read, or is gone.
        LockError: a retraining runs.
        VersioningError: DVC failed.
    """
    with hold_at_once(LOCK, "enrol"):
        champion = enrol_advised()
        print(sentence(champion) if champion else f"champions: nothing registered: {obstacle()}")


def enrol_advised() -> Champion | None:
    """Register what is advised, unless something stands against it, and have DVC keep it; the caller holds the lock.

    Raises:
        ChampionError: the log cannot be read, or is gone.
        VersioningError: DVC failed.
    """
    champion = register_advised()
    if champion is not None:
        keep_champions()
    return champion


def sentence(champion: Champion) -> str:
    """What was registered, in one line."""
    role = "the champion" if current(read_log()) == champion.version else "a challenger that waits for a decision"
    return f"champions: registered {champion.name}, as version {champion.version}, {role}"
