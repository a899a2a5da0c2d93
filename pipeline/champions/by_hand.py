"""What a person decides about registered models: that a version becomes champion, or the previous champion again."""

from __future__ import annotations

from pipeline.champions.integrity.keeping import refuse_damage
from pipeline.champions.integrity.signing import refuse_unsigned
from pipeline.champions.log import (
    BATCHES,
    LOG,
    ChampionError,
    Entry,
    Event,
    append,
    current,
    how_to_get_one,
    now,
    open_question,
    previous,
    read_log,
)
from pipeline.champions.versions import Champion, folder_of, read_champion


def roll_back() -> Entry:
    """Make the previous champion the champion again.

    Raises:
        ChampionError: when there is none, or it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
    """
    log = read_log()
    champion, before = current(log), previous(log)
    if champion is None:
        raise ChampionError(f"{LOG}: there is no champion yet, and so none to go back to; {how_to_get_one()}")
    if before is None:
        raise ChampionError(f"{LOG}: there is no earlier champion to go back to; `promote N` goes on to version N")
    restored = _usable(before)
    reason = f"A person went back from version {champion} to version {before} ({restored.candidate})."
    entry = Entry(now(), "rolled back", champion, before, restored.data, [reason], restored.fingerprint)
    append(entry)
    return entry


def promote_by_hand(version: int) -> Entry:
    """Make a registered version the champion because a person says so.

    The champion's own number says that the champion stays, which answers a retraining that asked.

    Raises:
        ChampionError: when it is not registered, not on disk as it was registered, or the champion already and nothing
            was asked.
        SignatureError: signatures are demanded, and its own does not hold.
    """
    log = read_log()
    if version not in {entry.version for entry in log}:
        raise ChampionError(f"{LOG}: version {version} was never registered; `python -m pipeline champions` lists them")
    if version == current(log) and open_question(log) is None:
        raise ChampionError(f"{LOG}: version {version} is the champion already")
    chosen = _usable(version)
    event: Event = "kept" if version == current(log) else "promoted"
    reason = f"A person {event} version {version} ({chosen.candidate})."
    entry = Entry(now(), event, version, version, chosen.data, [reason], chosen.fingerprint, {BATCHES: []})
    append(entry)
    return entry


def _usable(version: int) -> Champion:
    """A version that would be loaded: what cannot answer must not become the champion."""
    champion = read_champion(version)
    refuse_damage(within=str(version))
    refuse_unsigned(folder_of(version))
    return champion
