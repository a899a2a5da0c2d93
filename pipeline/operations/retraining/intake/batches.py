"""data/accepted/<batch>: photos that were taken in, split once and for all.

data/accepted/<batch>/photos/{train,test}/<class>/…   the folders say who learns and who tests
data/accepted/<batch>/quarantine/<class>/…            left out, and batch.json says why
data/accepted/<batch>/batch.json                      what it holds, and what was measured when it came in
data/accepted/<batch>.dvc                             DVC's pointer to it, which git keeps

A batch is complete or absent, and never changed afterwards; its name ends in a hash of its content, so that taking in
the same files twice is seen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.photos.listing import ACCEPTED
from pipeline.datasets.store.splits import draw_test
from pipeline.ground.files import read_json, write_json
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.incoming import INCOMING, Batch, Newcomer

PART = ".accepting-"  # beside data/accepted: a batch that is being written is none yet


def accept(batch: Batch, test_fraction: float, seed: int, measured: Mapping[str, Any]) -> str:
    """Store the batch under data/accepted and take its files out of data/incoming; returns its name.

    Args:
        batch: what lies in data/incoming.
        test_fraction: the share that is sealed as test photos.
        seed: draws that share.
        measured: what else batch.json is to hold (drift, …).
    """
    name = f"{datetime.now(UTC):%Y-%m-%d}-{batch.content[:8]}"
    part = ACCEPTED.with_name(f"{PART}{name}")
    shutil.rmtree(part, ignore_errors=True)
    in_test = _draw_test(batch.usable, test_fraction, seed)
    for newcomer in batch.newcomers:
        if newcomer.sha256:  # else there is no file to copy
            place = part / _place(newcomer, in_test) / newcomer.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(INCOMING / newcomer.path, place)
    manifest = {
        "batch": name,
        "accepted": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "counts": batch.counts(),
        "test": len(in_test),
        "left_out": {newcomer.path: newcomer.fault for newcomer in batch.newcomers if newcomer.fault},
        "files": {newcomer.path: newcomer.sha256 for newcomer in batch.newcomers if newcomer.sha256},
        **measured,
    }
    write_json(part / "batch.json", manifest)
    os.replace(part, ACCEPTED / name)
    clear_accepted()
    return name


def clear_accepted() -> None:
    """Take out of data/incoming what data/accepted holds; a kill may have left some of it behind."""
    for folder in accepted_batches():
        for path, sha256 in read_json(folder / "batch.json")["files"].items():
            file = INCOMING / path
            if file.is_file() and hash_path(file) == sha256:
                remove_from_incoming([path])


def remove_from_incoming(paths: Iterable[str]) -> None:
    """Take files out, named by their place in data/incoming, and the folders that this empties."""
    for path in paths:
        (INCOMING / path).unlink(missing_ok=True)
        _remove_if_empty((INCOMING / path).parent)


def accepted_batches() -> list[Path]:
    """The folders of the batches that are here, in the order of their names."""
    found = ACCEPTED.iterdir() if ACCEPTED.is_dir() else ()
    return sorted(folder for folder in found if (folder / "batch.json").is_file() and not folder.name.startswith("."))


def manifests_since(moment: datetime | None) -> list[dict[str, Any]]:
    """batch.json of the batches that were accepted after a moment, oldest first; None: of all."""
    manifests = [read_json(folder / "batch.json") for folder in accepted_batches()]
    manifests.sort(key=lambda manifest: str(manifest["accepted"]))
    return [one for one in manifests if moment is None or datetime.fromisoformat(one["accepted"]) > moment]


def remove_parts() -> None:
    """What a kill left half copied; its files are still in data/incoming."""
    for folder in ACCEPTED.parent.glob(f"{PART}*"):
        shutil.rmtree(folder)


def _place(newcomer: Newcomer, in_test: Collection[str]) -> str:
    if newcomer.fault:
        return "quarantine"
    return f"photos/{'test' if newcomer.path in in_test else 'train'}"


def _draw_test(usable: Sequence[Newcomer], fraction: float, seed: int) -> set[str]:
    """Stratified, and the same for the same files whatever they are called."""
    ordered = sorted(usable, key=lambda newcomer: (newcomer.sha256, newcomer.path))
    names = sorted({newcomer.class_name for newcomer in ordered})
    labels = np.array([names.index(newcomer.class_name) for newcomer in ordered], np.int64)
    _, test = draw_test(labels, fraction, seed)
    return {ordered[row].path for row in test}


def _remove_if_empty(folder: Path) -> None:
    while folder != INCOMING:
        with suppress(OSError):
            folder.rmdir()
        if folder.is_dir():
            return
        folder = folder.parent
