"""prepare: a folder of labelled photos → checked, cleaned, split and stored as pixels.

    python -m pipeline prepare
    dvc repro prepare

Reads the folder that data.path names. Writes data/prepared/: development/ (all that training may see), test/ (sealed),
dataset.json (what it is) and quarantine.csv (what was left out, and why).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.datasets.examples import Examples, read_examples, split_rows, unusable
from pipeline.datasets.folders import check_counts
from pipeline.datasets.leakage import Quarantined
from pipeline.datasets.prepared import PREPARED, task_of, write_prepared
from pipeline.datasets.sources import SOURCES
from pipeline.params import Data, load_params
from pipeline.trials import write_csv, write_json

QUARANTINE = PREPARED / "quarantine.csv"
COLUMNS = ["example", "reason", "duplicate_of", "split", "class_name"]

log = logging.getLogger("kiyas")


def run() -> None:
    settings = load_params().data
    folder = Path(settings.path)
    PREPARED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PREPARED, prefix=".part-") as temporary:
        scratch = Path(temporary)
        log.info("reading the photos in %s", folder)
        examples = read_examples(folder, settings.image_size, scratch / "all.npy")
        left_out = unusable(examples)
        rows = split_rows(examples, left_out, settings)
        counts = {split: examples.count(found) for split, found in rows.items()}
        check_counts(folder, examples.class_names, counts["development"], counts["test"])
        hashes = {split: write_split(scratch / split, examples, found) for split, found in rows.items()}
        for split in rows:
            shutil.rmtree(PREPARED / split, ignore_errors=True)
            os.replace(scratch / split, PREPARED / split)
    write_csv(QUARANTINE, pd.DataFrame([asdict(row) for row in left_out], columns=COLUMNS))
    facts = {"counts": counts, "sizes": {split: len(found) for split, found in rows.items()}, "hashes": hashes}
    write_json(PREPARED / "dataset.json", describe(examples, settings, facts) | {"quarantined": len(left_out)})
    report(examples, rows, left_out)


def write_split(folder: Path, examples: Examples, rows: np.ndarray) -> str:
    return write_prepared(
        folder, examples.decoded.images, rows, examples.labels[rows], examples.ids(rows), examples.class_names
    )


def describe(examples: Examples, settings: Data, facts: dict[str, Any]) -> dict[str, Any]:
    """dataset.json: what was asked for, and what came of it."""
    name = next(iter(settings.fetch), None)
    package = SOURCES[name].package if name else None
    carrier = f"{package.name} {package.version} ({package.registry})" if package else None
    classes = examples.class_names
    return {
        "task": task_of(classes),
        "class_names": classes,
        "image_size": settings.image_size,
        "source": {"name": name, "path": settings.path, "package": carrier},
        **facts,
        "counts": {split: {name: found[name] for name in classes} for split, found in facts["counts"].items()},
        "test_split": "given" if examples.has_test else "drawn",
    }


def report(examples: Examples, rows: dict[str, np.ndarray], left_out: list[Quarantined]) -> None:
    development, test, total = len(rows["development"]), len(rows["test"]), len(examples.photos)
    log.info(
        "kept %d of %d photos in %d classes: %d to learn from, %d sealed as test",
        development + test,
        total,
        len(examples.class_names),
        development,
        test,
    )
    if unchosen := total - len(left_out) - development - test:
        log.info("left out %d: more than data.limit asks for", unchosen)
    for reason, number in Counter(row.reason for row in left_out).most_common():
        log.info("left out %d: %s", number, reason)
    if left_out:
        log.info("which ones: %s", QUARANTINE)
