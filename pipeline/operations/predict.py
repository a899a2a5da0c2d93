"""Ask the champion: photos, or rows of a table, in; classes and probabilities, or numbers, out.

    python -m pipeline predict apple.jpg pear.jpg
    python -m pipeline predict shelf/ --json
    python -m pipeline predict shelf/ --parquet answers.parquet      # a row a photo; any number of photos
    python -m pipeline predict photos.csv                            # its column `file` (path, photo, image) names them
    python -m pipeline predict patients.csv --json                   # where the champion learned from a table

A folder stands for all files under it, save hidden ones. A file that is no photo is named; the others are answered.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.champions.current import load_version
from pipeline.champions.versions import Champion, current_champion
from pipeline.operations.predicting.files import list_files, photos_among
from pipeline.operations.predicting.photos import PredictError, answer_photos, print_answers, write_parquet
from pipeline.operations.predicting.rows import answer_tables, hand_out


def run(files: list[str], as_json: bool, parquet: str | None) -> int:
    """Print or write the answers; 1 where a file could not be answered.

    Raises:
        ChampionError: there is no champion, or it is not on disk as it was registered.
        SignatureError: signatures are demanded, and its own does not hold.
        PredictError: a file or folder that is not there, a folder without files, a table that names no photos, or two
            ways to hand out the answers.
        TableError: a table that lacks what the champion learned from.
    """
    if as_json and parquet:
        raise PredictError(
            f"--json prints the answers, and --parquet {parquet} is to hold them; leave out one of the two"
        )
    named = [Path(name) for name in files]
    paths = list_files(named)
    champion = current_champion()
    if champion.columns is None:
        return _about_photos(champion, photos_among(paths, named), as_json, parquet)
    hand_out(champion, answer_tables(load_version(champion.version), paths), as_json, parquet)
    return 0


def _about_photos(champion: Champion, photos: Sequence[Path], as_json: bool, parquet: str | None) -> int:
    answers = answer_photos(load_version(champion.version), photos)
    if parquet:
        unanswered = write_parquet(Path(parquet), champion, answers)
        print(f"{parquet}: {len(photos)} photos, {unanswered} of them not answered", file=sys.stderr)
        return 1 if unanswered else 0
    listed = list(answers)
    print_answers(champion, listed, as_json)
    return 1 if any(answer.error for answer in listed) else 0
