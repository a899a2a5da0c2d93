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
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pipeline.datasets.photos.preparing import build_photos
from pipeline.datasets.prepared import PREPARED
from pipeline.datasets.tables.preparing import build_table
from pipeline.files import write_csv, write_json
from pipeline.params.data import Data
from pipeline.params.reading import read_section

QUARANTINE = PREPARED / "quarantine.csv"
COLUMNS = ["example", "reason", "duplicate_of", "split", "class_name"]

log = logging.getLogger("kiyas")


def run() -> None:
    settings = read_section("data", Data)
    PREPARED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PREPARED, prefix=".part-") as temporary:
        scratch = Path(temporary)
        built = (build_photos if settings.kind == "images" else build_table)(settings, scratch)
        for split in ("development", "test"):
            shutil.rmtree(PREPARED / split, ignore_errors=True)
            os.replace(scratch / split, PREPARED / split)
    write_csv(QUARANTINE, pd.DataFrame([asdict(row) for row in built.left_out], columns=COLUMNS))
    write_json(PREPARED / "dataset.json", built.facts)
    for line in built.summary:
        log.info(line)
    if built.left_out:
        log.info("which ones: %s", QUARANTINE)
