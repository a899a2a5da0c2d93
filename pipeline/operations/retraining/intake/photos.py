"""New photos: one folder a class in data/incoming/, looked at through the gate of `prepare`."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.datasets.file_kinds import is_system_file
from pipeline.datasets.photos.decoding import decode_photo
from pipeline.datasets.photos.examples import clean, read_examples
from pipeline.datasets.photos.folders import list_class_folders
from pipeline.datasets.photos.leakage import EARLIER, NEARLY, TWICE
from pipeline.datasets.photos.listing import list_batches, list_source
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import SplitError, draw_test
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.drift import MeasuredDrift, accuracy_without_labels, measure_drift
from pipeline.operations.retraining.intake.bursts import bursts_of
from pipeline.operations.retraining.intake.incoming import (
    INCOMING,
    IncomingError,
    is_offered,
    refuse_unwritable_names,
    too_many_unusable,
)
from pipeline.operations.retraining.intake.labelled_photos import is_chosen
from pipeline.params.data import Data

KEEP = Path(".kiyas/incoming")  # pixels that are read, until the batch is looked at
HARMLESS = {reason for exact in (EARLIER, TWICE) for reason in (exact, NEARLY[exact])}


@dataclass(frozen=True)
class Newcomer:
    """One file of data/incoming/.

    Attributes:
        path: within data/incoming, with slashes.
        class_name: the name of its class folder.
        sha256: of its bytes; "" for what is no file that could be read, such as a link out of the folder.
        fault: why it cannot be taken in; "" where it can.
    """

    path: str
    class_name: str
    sha256: str
    fault: str = ""


@dataclass(frozen=True)
class PhotoBatch:
    """All photos in data/incoming/, looked at; a `Batch`."""

    newcomers: list[Newcomer]
    noun: str = "photos"

    @property
    def usable(self) -> list[Newcomer]:
        return [newcomer for newcomer in self.newcomers if not newcomer.fault]

    @property
    def unusable(self) -> list[Newcomer]:
        """Unreadable or contradicting files: what casts doubt on a batch. Repeated pictures do not."""
        return [newcomer for newcomer in self.newcomers if newcomer.fault and newcomer.fault not in HARMLESS]

    @property
    def content(self) -> str:
        """SHA-256 of all paths and bytes."""
        lines = sorted(f"{newcomer.path}\0{newcomer.sha256}" for newcomer in self.newcomers)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def total(self) -> int:
        return len(self.newcomers)

    @property
    def usable_count(self) -> int:
        return len(self.usable)

    @property
    def unusable_count(self) -> int:
        return len(self.unusable)

    @property
    def files(self) -> dict[str, str]:
        return {newcomer.path: newcomer.sha256 for newcomer in self.newcomers if newcomer.sha256}

    @property
    def left_out(self) -> dict[str, str]:
        return {newcomer.path: newcomer.fault for newcomer in self.newcomers if newcomer.fault}

    def unseen_classes(self, class_names: Sequence[str]) -> list[str]:
        return sorted({newcomer.class_name for newcomer in self.newcomers} - set(class_names))

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(newcomer.class_name for newcomer in self.usable).items()))

    def why_refused(self, limit: float) -> list[str]:
        return why_refused(self, load_prepared(DEVELOPMENT).class_names, limit)

    def why_too_many_unusable(self, limit: float) -> list[str]:
        if not self.unusable:
            return []
        return too_many_unusable(self, self.unusable[0].path, self.unusable[0].fault, limit)

    def drift(self, champion: ReigningChampion) -> MeasuredDrift:
        test = load_prepared(TEST)
        images = pixels_of(self.usable, champion.image_size, champion.served.white)
        labels = np.array([test.class_names.index(newcomer.class_name) for newcomer in self.usable], np.int64)
        new = champion.sample(images, labels, test.class_names, bursts_of(self.usable))
        reference = champion.reference(test)
        drift = measure_drift(new, reference, test.class_names)
        if any(is_chosen(newcomer.path) for newcomer in self.usable):
            return drift  # what a model asked for is harder than its probabilities say: no estimate is held against it
        return replace(drift, estimate=accuracy_without_labels(new, reference))

    def write(self, folder: Path, test_fraction: float, seed: int) -> int:
        """photos/{train,test}/<class>/…, and quarantine/<class>/…."""
        in_test = _draw_test(self.usable, test_fraction, seed)
        for path in self.files:
            place = folder / _side(path, self.left_out, in_test) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(INCOMING / path, place)
        return len(in_test)


def why_refused(batch: PhotoBatch, class_names: Sequence[str], limit: float) -> list[str]:
    """Sentences, each with the remedy; empty where the batch may come in."""
    refusal = []
    unseen = batch.unseen_classes(class_names)
    if unseen:
        refusal.append(
            f"{INCOMING} has classes that were never seen: {', '.join(unseen)}. Correct the folders' names, or move "
            "them into data.path, which starts a comparison of its own (known: " + ", ".join(class_names) + ")."
        )
    return refusal + batch.why_too_many_unusable(limit)


def look_at_incoming(settings: Data) -> PhotoBatch:
    """Read data/incoming/ beside all known photos.

    It finds photos that are unreadable, repeat a known one (exactly or nearly) or contradict one; of two, the one that
    was there first stays.

    Args:
        settings: the section `data` of params.yaml.

    Raises:
        IncomingError: files that lie in no class folder, or in folders called train and test, or whose names cannot be
            kept.
        FolderError: the known photos cannot be read.
    """
    refuse_unwritable_names()
    if not _holds_files():
        return PhotoBatch([])
    known = [list_source(settings, KEEP / "unpacked"), *list_batches()]
    listing = list_class_folders(INCOMING, root=len(known))
    if any(photo.split for photo in listing.photos):
        raise IncomingError(f"{INCOMING}: has folders train and test; new photos come in one folder a class")
    examples = read_examples([*known, listing], settings.image_size, KEEP / "read")
    gone = clean(examples, as_gate(settings)).gone
    first = len(examples.photos) - len(listing.photos)
    newcomers = [
        Newcomer(_within(file), photo.class_name, hash_path(file), gone[row].reason if row in gone else "")
        for row, (photo, file) in enumerate(zip(listing.photos, listing.files, strict=True), first)
    ]
    newcomers += [Newcomer(left.example, left.class_name, "", left.reason) for left in listing.left_out]
    shutil.rmtree(KEEP, ignore_errors=True)
    return PhotoBatch(newcomers)


def pixels_of(newcomers: Sequence[Newcomer], size: int, white: int) -> np.ndarray:
    """(N, size, size, 3) uint8.

    Args:
        white: the value of white in photos of 16 bits, as the champion learned from them.
    """
    return np.stack([decode_photo(INCOMING / newcomer.path, size, white) for newcomer in newcomers])


def _holds_files() -> bool:
    """Whether there is anything to look at; loose files beside the class folders are a mistake.

    Raises:
        IncomingError: for such a file.
    """
    for child in INCOMING.iterdir() if INCOMING.is_dir() else ():
        if child.is_file() and not is_system_file(child.name):
            raise IncomingError(f"{child}: lies in no class folder; put it into {INCOMING}/<class>/, as all new photos")
    return any(map(is_offered, INCOMING.rglob("*")))


def as_gate(settings: Data) -> Data:
    """Where repeated pictures are an error for `prepare`, here they are only a reason to leave the newcomer out."""
    policies = {
        key: "keep" if getattr(settings, key) == "keep" else "drop" for key in ("duplicates", "near_duplicates")
    }
    return settings.model_copy(update=policies)


def _side(path: str, left_out: Collection[str], in_test: Collection[str]) -> str:
    if path in left_out:
        return "quarantine"
    return f"photos/{'test' if path in in_test else 'train'}"


def _draw_test(usable: Sequence[Newcomer], fraction: float, seed: int) -> set[str]:
    """Stratified, and the same for the same files whatever they are called; of what a model chose, nothing.

    Photos of one thing stay together: a model that learned from some would know the others. Of one thing alone none is
    sealed.
    """
    drawn = [newcomer for newcomer in usable if not is_chosen(newcomer.path)]
    ordered = sorted(drawn, key=lambda newcomer: (newcomer.sha256, newcomer.path))
    if not ordered:
        return set()
    names = sorted({newcomer.class_name for newcomer in ordered})
    labels = np.array([names.index(newcomer.class_name) for newcomer in ordered], np.int64)
    things = bursts_of(ordered)
    try:
        _, test = draw_test(labels, fraction, seed, things if len(np.unique(things)) < len(things) else None)
    except SplitError:
        return set()
    return {ordered[row].path for row in test}


def _within(file: Path) -> str:
    return file.relative_to(INCOMING).as_posix()
