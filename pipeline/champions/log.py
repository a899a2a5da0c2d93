"""champions/: every model that was ever registered, and every decision about them; MLflow's registry is a view of it.

champions/<version>/    champion.json, trial.json (the recipe), predictions.parquet (of its one seed), model/ (MLflow's)
champions/log.jsonl     one line a decision, oldest first; the champion is what the last line says

A version is complete or absent: it is written under another name, renamed, and only then spoken of in the log, which is
replaced as a whole. DVC keeps all of it (champions.dvc), so nothing here is ever changed in place: a file may share its
bytes with DVC's cache.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipeline.files import read_json, replacing, write_json

CHAMPIONS = Path("champions")
LOG = CHAMPIONS / "log.jsonl"
POINTER = Path("champions.dvc")  # DVC's, which git keeps
LOCK = Path(".kiyas/retrain.lock")  # held by every command that changes champions/ or data/accepted/
PART = ".part-"

Event = Literal["registered", "promoted", "kept", "asked", "refused", "rolled back"]


class ChampionError(ValueError):
    """champions/ does not hold what is asked of it."""


@dataclass(frozen=True)
class Champion:
    """champion.json: one registered model. Its parameters, phases and all seeds stand in trial.json beside it.

    Attributes:
        seed: whose model it is; one of the candidate's seeds is what answers.
        class_names: empty where it predicts a number.
        image_size: of its photos, or None; columns: of its table, as dataset.json has them, or None.
        data: hash of the prepared examples, as `data_hash` has it.
        metrics: of this seed, as metrics.json has them.
        interval: of the candidate's mean test accuracy (or RMSE) over all seeds, [low, high].
        commit: of the code that trained it; None outside git.
    """

    version: int
    candidate: str
    family: str
    seed: int
    fingerprint: str
    task: str
    class_names: list[str]
    image_size: int | None
    data: str
    metrics: dict[str, float]
    interval: list[float]
    registered: str
    commit: str | None = None
    dirty: bool | None = None
    columns: list[dict[str, Any]] | None = None

    @property
    def identity(self) -> tuple[str, str, int]:
        return self.candidate, self.fingerprint, self.seed


@dataclass(frozen=True)
class Entry:
    """One line of log.jsonl.

    Attributes:
        event: what was decided; refused: new photos were not taken in, and nothing was decided.
        version: the registered model that it is about; None where the challenger was not kept.
        champion: version of the champion from here on; None as long as there is none.
        data: hash of the prepared examples that the decision was made on.
        reasons: full sentences.
        fingerprint: of the trained candidate that it is about.
        numbers: what was measured for it, as nested plain data.
    """

    time: str
    event: Event
    version: int | None
    champion: int | None
    data: str
    reasons: list[str]
    fingerprint: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def folder_of(version: int) -> Path:
    return CHAMPIONS / str(version)


def model_folder(version: int) -> Path:
    return folder_of(version) / "model"


def answering_folder(version: int) -> Path:
    """Within the model's folder, what `serving.load` reads."""
    return model_folder(version) / "data" / "model"


def read_log() -> list[Entry]:
    """
    Raises:
        ChampionError: naming the line that cannot be read.
    """
    if not LOG.is_file():
        return []
    entries = []
    for number, line in enumerate(LOG.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entries.append(Entry(**json.loads(line)))
        except (TypeError, ValueError) as error:
            raise ChampionError(
                f"{LOG}: line {number} cannot be read ({error}); `dvc checkout --force champions` brings back what was"
            ) from None
    return entries


def append(entry: Entry) -> None:
    """Add one line; a kill leaves the log as it was before or as it is after."""
    line = json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False)
    before = LOG.read_text(encoding="utf-8") if LOG.is_file() else ""
    with replacing(LOG) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(f"{before}{line}\n")
        stream.flush()
        os.fsync(stream.fileno())


def current(log: Sequence[Entry]) -> int | None:
    """The champion's version."""
    return log[-1].champion if log else None


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
    """The last decision, where it was to ask a person and nobody has answered; photos refused since answer nothing."""
    decisions = [entry for entry in log if entry.event != "refused"]
    return decisions[-1] if decisions and decisions[-1].event == "asked" else None


def versions() -> list[Champion]:
    """Every registered version that is here, in order. A folder that the log does not know does not count."""
    known = sorted({entry.version for entry in read_log() if entry.version is not None})
    return [read_champion(version) for version in known if folder_of(version).is_dir()]


def read_champion(version: int) -> Champion:
    """
    Raises:
        ChampionError: when it is not on disk, with the command that brings it here.
    """
    try:
        return Champion(**read_json(folder_of(version) / "champion.json"))
    except FileNotFoundError:
        raise ChampionError(
            f"{folder_of(version)}: is not here; `dvc pull champions` brings it from the DVC remote (`dvc remote add "
            "--default NAME URL` names one), `dvc checkout champions` from this machine's cache"
        ) from None


def current_champion() -> Champion:
    """
    Raises:
        ChampionError: when there is none, or it is not on disk.
    """
    version = current(read_log())
    if version is None:
        pulled = ": `dvc pull champions` first" if POINTER.is_file() and not LOG.is_file() else ""
        raise ChampionError(
            f"{LOG}: there is no champion yet{pulled or '; `make repro` makes the first one, or `retrain`'}"
        )
    return read_champion(version)


def add_version(
    fill: Callable[[Path, int], Champion],
    data: str,
    event: Event = "registered",
    reasons: Sequence[str] = (),
    numbers: dict[str, Any] | None = None,
) -> Champion:
    """Store a model as the next version, and what was decided on it; the first ever becomes champion.

    Args:
        fill: writes all files of a version but champion.json into a folder, given with its number, and describes it.
        data: hash of the examples, for the log.
        event: registered (undecided), promoted or asked.
    """
    log = read_log()
    remove_leftovers(log)
    version = 1 + max((entry.version for entry in log if entry.version is not None), default=0)
    part = CHAMPIONS / f"{PART}{version}"
    part.mkdir(parents=True)
    added = fill(part, version)
    write_json(part / "champion.json", asdict(added))
    os.replace(part, folder_of(version))
    told = [f"Version {version} is {added.candidate}, seed {added.seed}.", *reasons]
    if current(log) is None:
        event, told = "promoted", [*told, "It is the first, so it is the champion."]
    champion = version if event == "promoted" else current(log)
    append(Entry(now(), event, version, champion, data, told, added.fingerprint, numbers or {}))
    return added


def remove_leftovers(log: Sequence[Entry]) -> None:
    """Remove what a kill left: versions half written, or written and not yet spoken of.

    Raises:
        ChampionError: there are champions, but their log is gone.
    """
    if not log and POINTER.is_file():
        raise ChampionError(f"{LOG}: is gone; `dvc checkout --force champions` brings it back, or `dvc pull champions`")
    known = {str(entry.version) for entry in log}
    for folder in CHAMPIONS.iterdir() if CHAMPIONS.is_dir() else ():
        unknown = folder.name.isdigit() and folder.name not in known
        if folder.is_dir() and (folder.name.startswith(PART) or unknown):
            shutil.rmtree(folder)


def roll_back() -> Entry:
    """Make the previous champion the champion again.

    Raises:
        ChampionError: when there is none, or it is not on disk.
    """
    log = read_log()
    champion, before = current(log), previous(log)
    if before is None:
        raise ChampionError(f"{LOG}: there is no earlier champion to go back to")
    restored = read_champion(before)
    entry = Entry(
        now(),
        "rolled back",
        champion,
        before,
        restored.data,
        [f"A person went back from version {champion} to version {before} ({restored.candidate})."],
        restored.fingerprint,
    )
    append(entry)
    return entry


def promote_by_hand(version: int) -> Entry:
    """Make a registered version the champion because a person says so; the champion's own number says that it stays,
    which answers a retraining that asked.

    Raises:
        ChampionError: when it is not registered, not on disk, or the champion already and nothing was asked.
    """
    log = read_log()
    if version not in {entry.version for entry in log}:
        raise ChampionError(f"{LOG}: version {version} was never registered; `python -m pipeline champions` lists them")
    if version == current(log) and open_question(log) is None:
        raise ChampionError(f"{LOG}: version {version} is the champion already")
    chosen = read_champion(version)
    event: Event = "kept" if version == current(log) else "promoted"
    told = f"A person {event} version {version} ({chosen.candidate})."
    entry = Entry(now(), event, version, version, chosen.data, [told], chosen.fingerprint)
    append(entry)
    return entry
