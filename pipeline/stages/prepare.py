"""prepare: labelled examples, as people have them → checked, cleaned, split and stored as models read them.

    python -m pipeline prepare
    dvc repro prepare

Reads what data.path names, and data/accepted/. Writes data/prepared/: development/ (all that training may see), test/
(sealed), dataset.json (what it is) and quarantine.csv (what was left out, and why).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.photos.folders import FolderError, Quarantined
from pipeline.datasets.photos.preparing import build_photos
from pipeline.datasets.tables.preparing import build_table
from pipeline.ground.files import write_csv, write_json
from pipeline.ground.paths import DATASET, PREPARED, QUARANTINE
from pipeline.params.data import Data
from pipeline.params.schema.reading import read_section

COLUMNS = ["example", "reason", "duplicate_of", "split", "class_name"]

log = logging.getLogger("kiyas")


def run() -> None:
    settings = read_section("data", Data)
    PREPARED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PREPARED, prefix=".part-") as temporary:
        scratch = Path(temporary)
        try:
            built = (build_photos if settings.kind == "images" else build_table)(settings, scratch)
        except (FolderError, TableError) as error:
            if error.left_out:
                _write_quarantine(error.left_out)
                log.info("which ones: %s", QUARANTINE)
            raise
        for split in ("development", "test"):
            shutil.rmtree(PREPARED / split, ignore_errors=True)
            os.replace(scratch / split, PREPARED / split)
    _write_quarantine(built.left_out)
    write_json(DATASET, built.facts)
    for line in built.summary:
        log.info(line)
    if built.left_out:
        log.info("which ones: %s", QUARANTINE)


def _write_quarantine(left_out: Sequence[Quarantined]) -> None:
    """Also where nothing is left to learn from: it says why."""
    write_csv(QUARANTINE, pd.DataFrame([asdict(row) for row in left_out], columns=COLUMNS))
