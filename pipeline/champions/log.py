"""champions/log.jsonl: every decision about registered models, one line each, oldest first.

The champion is what the last line says. The log is replaced as a whole and never changed in place: DVC keeps it
(champions.dvc), so the file may share its bytes with DVC's cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.champions.integrity.signed_log import signing
from pipeline.ground.files import reason_of, replacing
from pipeline.ground.paths import WORKSPACE_MARK

CHAMPIONS = Path("champions")
LOG = CHAMPIONS / "log.jsonl"
POINTER = Path("champions.dvc")  # DVC's, which git keeps
LOCK = Path(".kiyas/retrain.lock")  # held by every command that changes champions/ or data/accepted/

Event = Literal["registered", "promoted", "kept", "asked", "refused", "rolled back"]
KINDS: dict[str, Any] = {
    "time": str,
    "event": str,
    "version": int | None,
    "champion": int | None,
    "data": str,
    "reasons": list,
    "fingerprint": str | None,
    "numbers": dict,
    "made_with": dict,
}
DECISIONS = ("promoted", "kept", "asked")  # events with which a challenger was judged
BATCHES = "batches"  # the key of an entry's numbers that names the batches whose drift a decision has weighed


class ChampionError(ValueError):
    """champions/ does not hold what is asked of it."""


@dataclass(frozen=True)
class Entry:
    """One line of log.jsonl.

    Attributes:
        time: in UTC, ISO 8601.
        event: what was decided; "refused": new photos were not taken in, and nothing was decided.
        version: the registered model that it is about; None where the challenger was not kept.
        champion: version of the champion from here on; None as long as there is none.
        data: hash of the prepared examples that the decision was made on.
        reasons: full sentences.
        fingerprint: of the trained candidate that it is about.
        numbers: what was measured for it, as nested plain data; of a decision also BATCHES, which are none of a
            person's.
        made_with: hashes of the code and the parameters that it rests on (made_with.py); empty where a person decided.
    """

    time: str
    event: Event
    version: int | None
    champion: int | None
    data: str
    reasons: list[str]
    fingerprint: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_log() -> list[Entry]:
    """
    Raises:
        ChampionError: naming the line that cannot be read.
    """
    if not LOG.is_file():
        return []
    entries = []
    lines = LOG.read_bytes().split(b"\n")  # and not at what Unicode takes for an end of a line: names may hold that
    for number, line in enumerate(lines[:-1] if not lines[-1] else lines, 1):
        try:
            entries.append(_entry(json.loads(line.decode("utf-8"))))
        except (TypeError, ValueError, RecursionError) as error:
            reason = reason_of(error)
            raise ChampionError(
                f"{LOG}: line {number} cannot be read ({reason}); `dvc checkout --force champions` brings back what was"
            ) from None
    return entries


def _entry(content: Any) -> Entry:
    """
    Raises:
        TypeError: it has other keys, or values of another kind.
        ValueError: an event that there is not.
    """
    entry = Entry(**content)
    for key, kinds in KINDS.items():
        value = getattr(entry, key)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise TypeError(f"{key} is {json.dumps(value)[:40]}")
    if not all(isinstance(reason, str) for reason in entry.reasons):
        raise TypeError("reasons are not texts")
    if entry.event not in get_args(Event):
        raise ValueError(f"there is no event {entry.event!r}")
    return entry


def append(entry: Entry) -> None:
    """Add one line; a kill leaves the log as it was before or as it is after.

    Raises:
        SignatureError: the log is to be signed and cannot be, or is not what was signed.
    """
    line = json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False)
    before = LOG.read_text(encoding="utf-8") if LOG.is_file() else ""
    content = f"{before}{line}\n"
    with (
        signing(LOG, content),
        replacing(LOG) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def current(log: Sequence[Entry]) -> int | None:
    """The champion's version."""
    return log[-1].champion if log else None


def how_to_get_one() -> str:
    """What to do where there is no champion, as half a sentence."""
    if WORKSPACE_MARK.is_file():
        return "a study's workspace never registers a model; `make repro` in the checkout that it belongs to does"
    if POINTER.is_file() and not LOG.is_file():
        return "`dvc pull champions` first"
    return "`make repro` makes the first one, or `retrain`"


def previous(log: Sequence[Entry]) -> int | None:
    """The champion that a rollback brings back: the one before the current one was promoted."""
    stack: list[int] = []
    for entry in log:
        if entry.event == "rolled back":
            stack.pop()
        elif entry.champion is not None and entry.champion not in stack[-1:]:
            stack.append(entry.champion)
    return stack[-2] if len(stack) > 1 else None


def undecided(log: Sequence[Entry]) -> int | None:
    """The newest registered version, where nothing was decided since."""
    waiting = None
    for entry in log:
        if entry.event == "registered":
            waiting = entry.version
        elif entry.event not in ("rolled back", "refused"):
            waiting = None
    return waiting


def open_question(log: Sequence[Entry]) -> Entry | None:
    """The last decision, where a person was asked and nobody has answered; refused photos since answer nothing."""
    decisions = [entry for entry in log if entry.event != "refused"]
    return decisions[-1] if decisions and decisions[-1].event == "asked" else None


def news(log: Sequence[Entry], data: str) -> list[str]:
    """A sentence for each thing that no decision was made on yet; for parameters and code see made_with.py.

    Args:
        log: all decisions so far.
        data: hash of the prepared examples of today.
    """
    sentences = []
    if current(log) is None:
        sentences.append("There is no champion yet.")
    elif data not in {entry.data for entry in log if entry.event in DECISIONS}:
        sentences.append("The prepared data are new since the last decision.")
    waiting = undecided(log)
    if waiting is not None:
        sentences.append(f"Version {waiting} waits for a decision.")
    return sentences
