"""data/incoming/ → data/accepted/<batch>: new photos, looked at as all others were, split once and for all.

data/incoming/<class>/…                                   what people or machines drop there, one folder a class
data/accepted/<batch>/photos/{train,test}/<class>/…       taken in: the folders say who learns and who tests
data/accepted/<batch>/quarantine/<class>/…                left out, and batch.json says why
data/accepted/<batch>.dvc                                 DVC's pointer to it, which git keeps

A batch is complete or absent, and never changed afterwards; its name ends in a hash of its content, so that taking in
the same files twice is seen.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.photos.decoding import decode_photo
from pipeline.datasets.photos.examples import clean, read_examples
from pipeline.datasets.photos.folders import list_class_folders
from pipeline.datasets.photos.leakage import EARLIER, NEARLY, TWICE
from pipeline.datasets.photos.listing import ACCEPTED, list_batches, list_source
from pipeline.datasets.splits import draw_test
from pipeline.files import read_json, write_json
from pipeline.fingerprints import hash_path
from pipeline.params.data import Data

INCOMING = Path("data/incoming")
KEEP = Path(".kiyas/incoming")  # pixels that are read, until the batch is looked at
PART = ".accepting-"  # beside data/accepted: a batch that is being written is none yet
HARMLESS = {reason for exact in (EARLIER, TWICE) for reason in (exact, NEARLY[exact])}


class IncomingError(ValueError):
    """data/incoming/ is not one folder a class."""


@dataclass(frozen=True)
class Newcomer:
    """One file of data/incoming/.

    Attributes:
        path: within data/incoming, with slashes.
        sha256: of its bytes; "" for what is no file that could be read, such as a link out of the folder.
        fault: why it cannot be taken in; "" where it can.
    """

    path: str
    class_name: str
    sha256: str
    fault: str = ""


@dataclass(frozen=True)
class Batch:
    """Everything in data/incoming/, looked at."""

    newcomers: list[Newcomer]

    @property
    def usable(self) -> list[Newcomer]:
        return [one for one in self.newcomers if not one.fault]

    @property
    def unusable(self) -> list[Newcomer]:
        """Unreadable or contradicting files: what casts doubt on a batch. Repeated pictures do not."""
        return [one for one in self.newcomers if one.fault and one.fault not in HARMLESS]

    @property
    def content(self) -> str:
        lines = sorted(f"{one.path}\0{one.sha256}" for one in self.newcomers)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def unseen_classes(self, class_names: Sequence[str]) -> list[str]:
        return sorted({one.class_name for one in self.newcomers} - set(class_names))

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(one.class_name for one in self.usable).items()))


def look_at_incoming(settings: Data) -> Batch:
    """Read data/incoming/ beside all that is known, through the gate of `prepare`.

    It finds what is unreadable, repeated (exactly or nearly) or contradicting; whoever was first stays.

    Raises:
        IncomingError: files that lie in no class folder, or in folders called train and test.
        FolderError: the known photos cannot be read.
    """
    if not _holds_files():
        return Batch([])
    known = [list_source(settings, KEEP / "unpacked"), *list_batches()]
    listing = list_class_folders(INCOMING, root=len(known))
    if any(photo.split for photo in listing.photos):
        raise IncomingError(f"{INCOMING}: has folders train and test; new photos come in one folder a class")
    examples = read_examples([*known, listing], settings.image_size, KEEP / "read")
    gone = clean(examples, _as_gate(settings)).gone
    first = len(examples.photos) - len(listing.photos)
    newcomers = [
        Newcomer(_within(file), photo.class_name, hash_path(file), gone[row].reason if row in gone else "")
        for row, (photo, file) in enumerate(zip(listing.photos, listing.files, strict=True), first)
    ]
    newcomers += [Newcomer(one.example, one.class_name, "", one.reason) for one in listing.left_out]
    shutil.rmtree(KEEP, ignore_errors=True)
    return Batch(newcomers)


def pixels_of(newcomers: Sequence[Newcomer], size: int) -> np.ndarray:
    """(N, size, size, 3) uint8."""
    return np.stack([decode_photo(INCOMING / one.path, size) for one in newcomers])


def accept(batch: Batch, test_fraction: float, seed: int, told: Mapping[str, Any]) -> str:
    """Store the batch under data/accepted and take its files out of data/incoming; returns its name.

    Args:
        test_fraction: the share that is sealed; seed: draws it.
        told: what else batch.json is to say (drift, …).
    """
    name = f"{datetime.now(UTC):%Y-%m-%d}-{batch.content[:8]}"
    part = ACCEPTED.with_name(f"{PART}{name}")
    shutil.rmtree(part, ignore_errors=True)
    in_test = _draw_test(batch.usable, test_fraction, seed)
    places = {one.path: f"photos/{'test' if one.path in in_test else 'train'}/{one.path}" for one in batch.usable}
    places |= {one.path: f"quarantine/{one.path}" for one in batch.newcomers if one.fault and one.sha256}
    for path, place in places.items():
        (part / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(INCOMING / path, part / place)
    manifest = {
        "batch": name,
        "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": batch.counts(),
        "test": len(in_test),
        "left_out": {one.path: one.fault for one in batch.newcomers if one.fault},
        "files": {one.path: one.sha256 for one in batch.newcomers if one.sha256},
        **told,
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


def remove_parts() -> None:
    """What a kill left half copied; its files are still in data/incoming."""
    for folder in ACCEPTED.parent.glob(f"{PART}*"):
        shutil.rmtree(folder)


def _draw_test(usable: Sequence[Newcomer], fraction: float, seed: int) -> set[str]:
    """Stratified, and the same for the same files whatever they are called."""
    ordered = sorted(usable, key=lambda one: (one.sha256, one.path))
    names = sorted({one.class_name for one in ordered})
    labels = np.array([names.index(one.class_name) for one in ordered], np.int64)
    _, test = draw_test(labels, fraction, seed)
    return {ordered[row].path for row in test}


def _holds_files() -> bool:
    """Whether there is anything to look at; loose files beside the class folders are a mistake.

    Raises:
        IncomingError: for such a file.
    """
    for child in INCOMING.iterdir() if INCOMING.is_dir() else ():
        if child.is_file() and not child.name.startswith("."):
            raise IncomingError(f"{child}: lies in no class folder; put it into {INCOMING}/<class>/, as all new photos")
    return any(file.is_file() and not file.name.startswith(".") for file in INCOMING.rglob("*"))


def _as_gate(settings: Data) -> Data:
    """Where repeated pictures are an error for `prepare`, here they are only a reason to leave the newcomer out."""
    policies = {
        key: "keep" if getattr(settings, key) == "keep" else "drop" for key in ("duplicates", "near_duplicates")
    }
    return settings.model_copy(update=policies)


def _within(file: Path) -> str:
    return file.relative_to(INCOMING).as_posix()


def _remove_if_empty(folder: Path) -> None:
    while folder != INCOMING:
        with suppress(OSError):
            folder.rmdir()
        if folder.is_dir():
            return
        folder = folder.parent
