"""champions/<version>/: the registered models on disk.

champion.json         what it is
trial.json            the recipe, as results/ had it; of an ensemble, what it is made of
predictions.parquet   of its one seed, as evaluation/ had them; of an ensemble, of its models together
model/                a folder in MLflow's format that answers by itself
signature.json        over all of it, where a key was named (integrity/signing.py)

A version is complete or absent: it is written under another name, renamed, and only then entered in the log. DVC keeps
all of it, so no file here is ever changed in place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.champions.integrity.signed_log import refuse_changed_log
from pipeline.champions.integrity.signing import sign
from pipeline.champions.log import (
    BATCHES,
    CHAMPIONS,
    DECISIONS,
    LOG,
    POINTER,
    ChampionError,
    Entry,
    Event,
    append,
    current,
    how_to_get_one,
    now,
    read_log,
)
from pipeline.champions.made_with import made_with
from pipeline.formats import count_of
from pipeline.ground.files import read_described, write_json
from pipeline.ground.paths import WORKSPACE_MARK
from pipeline.scores.score_for_task import usual_score

PART = ".part-"
# Candidate, fingerprint of its training, seed, and how a class follows from probabilities: another score may choose
# another rule for the same model, which then answers otherwise.
Identity = tuple[str, str, int, Mapping[str, Any]]


@dataclass(frozen=True)
class Champion:
    """champion.json: one registered model. Its parameters, phases and all seeds stand in trial.json beside it.

    Attributes:
        seed: whose model it is; one of the candidate's seeds is what answers. Of an ensemble that of its first model.
        class_names: empty where it predicts a number.
        data: hash of the prepared examples that it learned from and was measured on.
        metrics: of this seed, as metrics.json has them.
        interval: of the candidate's mean test score over all seeds, [low, high]; of a challenger that a retraining
            picked, that of its model.
        model_interval: what to expect of this one model on unseen examples, [low, high], after it was picked out of
            those it was compared with; None: registered before that was measured.
        model_score: its own test score, by its rule of decision, in the units of that interval; None likewise.
        registered: when, in UTC, ISO 8601.
        commit: of the code that trained it; None outside git.
        image_size: pixels a side of its photos, or None.
        columns: of its table, as dataset.json has them, or None.
        series: how its series is written, where it predicts the next value of one: the names of its time and its
            target, and the marks of its numbers; else None.
        score: by what it was ranked when it was registered; None: accuracy, or RMSE.
        decision: how a class follows from its probabilities; empty: the most probable one.
        ensemble: kind, members and models, as verdict.json has them; empty where it is one model.
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
    series: dict[str, Any] | None = None
    score: str | None = None
    decision: dict[str, Any] = field(default_factory=dict)
    ensemble: dict[str, Any] = field(default_factory=dict)
    model_interval: list[float] | None = None
    model_score: float | None = None

    @property
    def title(self) -> str:
        return f"version {self.version}, {self.name}"

    @property
    def name(self) -> str:
        """Its candidate, and which of that candidate's models it is; of an ensemble how many answer together."""
        models = self.ensemble.get("models", [])
        which = count_of(len(models), "model") if models else f"seed {self.seed}"
        return f"{self.candidate}, {which}"

    @property
    def candidates(self) -> list[str]:
        """What is trained to make it: its candidate, or the members of the ensemble."""
        return list(self.ensemble.get("members", [])) or [self.candidate]

    @property
    def score_column(self) -> str:
        """What its interval is of."""
        return f"test_{self.score or usual_score(self.task).name}"

    @property
    def shown_score(self) -> float | None:
        """What stands beside its interval; None where it is not known: metrics take each most probable class."""
        if self.model_score is not None:
            return self.model_score
        return None if self.decision else self.metrics.get(self.score_column)

    @property
    def identity(self) -> Identity:
        return self.candidate, self.fingerprint, self.seed, self.decision


def folder_of(version: int) -> Path:
    return CHAMPIONS / str(version)


def model_folder(version: int) -> Path:
    return folder_of(version) / "model"


def answering_folder(version: int) -> Path:
    """Within the model's folder, what `answering.load` reads."""
    return model_folder(version) / "data" / "model"


def registered_versions(entries: Sequence[Entry] | None = None) -> list[Champion]:
    """Every registered version that is on disk, in order. A folder that the log does not know does not count.

    Args:
        entries: the log, for who reads more of it and must not meet a later one meanwhile; None: read here.
    """
    log = read_log() if entries is None else entries
    known = sorted({entry.version for entry in log if entry.version is not None})
    return [read_champion(version) for version in known if folder_of(version).is_dir()]


def read_champion(version: int) -> Champion:
    """
    Raises:
        ChampionError: when it is not on disk, with the command that brings it here; or it is another version.
    """
    try:
        champion = read_described(folder_of(version) / "champion.json", Champion)
    except FileNotFoundError:
        raise ChampionError(
            f"{folder_of(version)}: is not here; `dvc pull champions` brings it from the DVC remote (`dvc remote add "
            "--default NAME URL` names one), `dvc checkout champions` from this machine's cache"
        ) from None
    if champion.version != version:
        raise ChampionError(
            f"{folder_of(version)}: holds version {champion.version}; `dvc checkout --force champions` brings back "
            "what was registered"
        )
    return champion


def current_champion() -> Champion:
    """
    Raises:
        ChampionError: when there is none, or it is not on disk.
    """
    version = current(read_log())
    if version is None:
        if WORKSPACE_MARK.is_file():
            raise ChampionError(f"{LOG}: there is no champion here; {how_to_get_one()}")
        raise ChampionError(f"{LOG}: there is no champion yet; {how_to_get_one()}")
    return read_champion(version)


def add_version(
    fill: Callable[[Path, int], Champion],
    data: str,
    event: Event = "registered",
    reasons: Sequence[str] = (),
    numbers: dict[str, Any] | None = None,
) -> Champion:
    """Store a model as the next version, and enter in the log what was decided; the first ever becomes champion.

    Args:
        fill: writes all files of a version but champion.json into a folder, given with its number, and describes it.
        data: hash of the prepared examples, for the log.
        event: "registered" (nothing is decided yet), "promoted" or "asked".
        reasons: full sentences, for the log.
        numbers: what was measured for the decision, for the log.

    Raises:
        ChampionError: there are champions, but their log is gone.
        SignatureError: it is to be signed and cannot be, or the log is not what was signed.
    """
    refuse_changed_log(LOG)
    log = read_log()
    remove_leftovers(log)
    version = 1 + max((entry.version for entry in log if entry.version is not None), default=0)
    part = CHAMPIONS / f"{PART}{version}"
    part.mkdir(parents=True)
    champion = fill(part, version)
    write_json(part / "champion.json", asdict(champion))
    sign(part)
    os.replace(part, folder_of(version))
    sentences = [f"Version {version} is {champion.name}.", *reasons]
    if current(log) is None:
        event, sentences = "promoted", [*sentences, "It is the first, so it is the champion."]
    reigning = version if event == "promoted" else current(log)
    measured = {BATCHES: [], **(numbers or {})} if event in DECISIONS else numbers or {}
    entry = Entry(now(), event, version, reigning, data, sentences, champion.fingerprint, measured, made_with())
    append(entry)
    return champion


def remove_leftovers(log: Sequence[Entry]) -> None:
    """Remove what a kill left: versions half written, or written and not yet entered in the log.

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
