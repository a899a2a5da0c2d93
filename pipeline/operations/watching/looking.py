"""Files → findings, by what the champion learned from; and data/unlabelled, which a retraining looks at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.champions.log import current, read_log
from pipeline.champions.versions import current_champion, read_champion
from pipeline.credentials import without_credentials
from pipeline.ground import system_faults
from pipeline.operations.predicting.files import files_under, list_files, photos_among
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.watching.findings import Findings
from pipeline.operations.watching.photos import watch_photos
from pipeline.operations.watching.rows import watch_rows
from pipeline.operations.watching.steps import watch_steps
from pipeline.params.compare import Compare
from pipeline.params.data import Data
from pipeline.params.schema.reading import read_section
from pipeline.params.upkeep.retrain import Retrain

UNLABELLED = Path("data/unlabelled")
MOST = 2_000  # examples of data/unlabelled that a retraining looks at: more hardly narrow an interval, and take minutes


def look(named: Sequence[Path], most: int | None = None) -> Findings:
    """
    Args:
        named: files and folders, as `predict` takes them.
        most: examples that are looked at, drawn at random where there are more; None: all.

    Raises:
        ChampionError: there is no champion, or it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
        PredictError: a file or folder that is not there, or holds nothing.
        TableError: a table that lacks what the champion learned from.
        WatchError: too few examples, or too many that cannot be read.
        ParamsError: params.yaml lacks what is needed of it.
    """
    files, champion = list_files(named), ReigningChampion(current_champion())
    limits, confidence = read_section("retrain", Retrain), read_section("compare", Compare).confidence
    if champion.champion.columns is None:
        return watch_photos(champion, photos_among(files, named), limits, confidence, most)
    data = read_section("data", Data)
    if champion.champion.series is not None:
        return watch_steps(champion, files, data, limits)
    return watch_rows(champion, files, data, limits, confidence, most)


def say_of_unlabelled() -> list[str]:
    """Whether labels of what lies in data/unlabelled are worth asking for; empty where nothing does.

    Whatever is wrong there is told and stops no retraining, not even where memory runs out or TensorFlow fails. A
    series has nothing without labels.
    """
    try:
        return _said_of_unlabelled()
    except Exception as error:  # what was decided stands, and is to be reported
        fault = without_credentials(system_faults.sentence(error)) or type(error).__name__
        return [f"{UNLABELLED} was not looked at: {fault.rstrip('.')}."]


def _said_of_unlabelled() -> list[str]:
    version = current(read_log())
    if version is None or not files_under(UNLABELLED) or read_champion(version).series is not None:
        return []
    findings = look([UNLABELLED], MOST)
    where = str(UNLABELLED)
    if findings.drawn_from:
        where += f" ({findings.examples:,} {findings.noun}s of {findings.drawn_from:,}, drawn at random)"
    return [f"{where}: {findings.conclusion()} `python -m pipeline watch {UNLABELLED}` says more."]
