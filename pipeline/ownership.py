"""Which files in the folders that stages fill are the pipeline's own, so that nobody else's are deleted with them.

DVC empties a stage's folders before it runs the stage. What lies in one and was not put there by the pipeline is in no
cache, and would be gone. So every stage looks into all these folders first, and so does whatever runs the graph. For a
bare `dvc repro` there are two stages before all that have folders (pipeline/stages/folders.py), and data/raw is spared
(`persist` in dvc.yaml; its stage empties it). The other folders are not: DVC keeps no run cache of a stage with such an
out, and from that cache come results that were trained before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.ground.dvc_cache import cached_object
from pipeline.ground.files import damaged, read_json, write_json
from pipeline.ground.paths import EVALUATION, RESULTS, WEIGHTS
from pipeline.params import data
from pipeline.params.schema.reading import read_yaml

FETCHED = Path(data.FETCHED)
RECORD = Path(".kiyas/fetched.json")  # {path within data/raw: MD5} of what fetch has put there
SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
# Folders that stages fill, and what they write there; DVC's record may know of more.
FILLED = {
    "data/prepared/development": r"(images|labels|example_ids|groups)\.npy|examples\.parquet|schema\.json",
    "data/prepared/test": r"(images|labels|example_ids|groups)\.npy|examples\.parquet|schema\.json",
    "results/*/models": r"seed-\d+\.(keras|skops)",
    "evaluation/*/figures": r"[a-z0-9_-]+\.(svg|json|jpg|png|csv)",
}
SHOWN = 5
OTHER = "is not what its stage wrote, by the hash in dvc.lock"


class ForeignFilesError(ValueError):
    """Files that the pipeline did not write lie where it would delete them; the message names them."""


def refuse_foreign_files(fetches: bool, by_content: bool = False) -> None:
    """Look into every folder that stages fill.

    Args:
        fetches: whether a stage fills data/raw.
        by_content: whether files in data/raw are known by what is in them rather than by name alone.

    Raises:
        ForeignFilesError: naming some of them, how many there are, and what to do.
    """
    foreign = list(find_foreign_fetched(by_content)) if fetches else []
    for pattern, own in FILLED.items():
        for folder in sorted(Path().glob(pattern)):
            foreign += _unknown(folder, own)
    refuse(foreign)


def refuse(foreign: Iterable[Path]) -> None:
    """
    Raises:
        ForeignFilesError: where there are any.
    """
    paths = sorted(foreign)
    if paths:
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        raise ForeignFilesError(
            f"{', '.join(map(str, paths[:SHOWN]))}{more}: not written by the pipeline, and in a folder it empties, "
            "where they would be deleted and no copy kept; move them elsewhere (own data into a folder of its own, "
            "which data.path names), and run this again"
        )


def find_foreign_fetched(by_content: bool = True) -> Iterator[Path]:
    """Files in data/raw that fetch did not put there, or that are no longer what it put there."""
    if not FETCHED.is_dir():
        return
    recorded = {name: {digest} for name, digest in read_json(RECORD).items()} if RECORD.is_file() else {}
    unrecorded = [file for file in _files_in(FETCHED) if not _is_known(file, recorded, by_content)]
    if unrecorded:  # else dvc.lock is not read: in a large grid that takes seconds, and every stage begins with this
        known = known_fetched()
        yield from (file for file in unrecorded if not _is_known(file, known, by_content))


def _is_known(file: Path, digests: Mapping[str, set[str]], by_content: bool) -> bool:
    """Whether a file of data/raw has a name, or the name and the content, of one that was fetched.

    Args:
        digests: {path within data/raw: MD5s}.
    """
    known = digests.get(file.relative_to(FETCHED).as_posix())
    return known is not None and (not by_content or md5(file) in known)


def known_fetched() -> dict[str, set[str]]:
    """{path within data/raw: MD5 of what fetch has put there}, by its own record and by DVC's."""
    known: dict[str, set[str]] = {}
    recorded = [read_json(RECORD)] if RECORD.is_file() else []
    for listing in [*recorded, *_listings(FETCHED.as_posix())]:
        for name, digest in listing.items():
            known.setdefault(name, set()).add(digest)
    return known


def record_fetched(digests: Mapping[str, str]) -> None:
    """Note what fetch is about to put into data/raw: {path within it: MD5}."""
    write_json(RECORD, dict(digests))


def md5(content: Path | bytes) -> str:
    """As DVC computes it."""
    digest = hashlib.md5(usedforsecurity=False)
    if isinstance(content, bytes):
        digest.update(content)
        return digest.hexdigest()
    with content.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _unknown(folder: Path, own: str) -> list[Path]:
    """Files whose names neither the pipeline writes nor DVC has recorded; hidden ones are left by a killed run."""
    names = {file: file.relative_to(folder).as_posix() for file in _files_in(folder) if not file.name.startswith(".")}
    unknown = [file for file, name in names.items() if not re.fullmatch(own, name)]
    recorded = {name for listing in _listings(folder.as_posix()) for name in listing} if unknown else set()
    return [file for file in unknown if names[file] not in recorded]


def _files_in(folder: Path) -> Iterator[Path]:
    """Everything that is no folder, links among them; what systems add by themselves is left out."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in sorted([*files, *links]) if name not in SYSTEM_FILES)


def refuse_damaged_results(candidates: Collection[str]) -> None:
    """Hold what stages wrote of candidates to dvc.lock.

    DVC takes a file of the same size and time for unchanged, and so does not see a flipped bit. Folders (models,
    figures) are not looked into.

    Args:
        candidates: names; of others nothing is read.

    Raises:
        DamagedFileError: a file is not what its stage wrote.
    """
    for path, digests in _digests().items():
        file = Path(path)
        of_candidate = file.parts[:1] in {RESULTS.parts, EVALUATION.parts} and file.parts[1] in candidates
        if of_candidate and file.is_file() and md5(file) not in digests:
            raise damaged(file, OTHER)


def refuse_damaged_weights(backbone: str) -> None:
    """Hold a backbone's weights to dvc.lock, before anything learns from them.

    HDF5 has no checksums: with a flipped bit they load as other numbers, and DVC does not see it either.

    Raises:
        DamagedFileError: they are not what their stage wrote.
    """
    if is_changed(file := WEIGHTS / f"{backbone}.weights.h5"):
        raise damaged(file, OTHER)


def is_changed(file: Path) -> bool:
    """Whether a file that a stage wrote is no longer as dvc.lock has it; False of what dvc.lock does not know."""
    recorded = _recorded(file.as_posix())
    return bool(recorded) and file.is_file() and md5(file) not in recorded


def _recorded(file: str) -> set[str]:
    """MD5s of a file that is an out itself or lies in one."""
    folder, _, name = file.rpartition("/")
    return _digests().get(file, set()) | {listing[name] for listing in _listings(folder) if name in listing}


def _listings(out: str) -> Iterator[dict[str, str]]:
    """{path within it: MD5} of a folder, as dvc.lock and DVC's cache have it; nothing where they do not."""
    for entry in _outs():
        if entry.get("path") == out and str(entry.get("md5", "")).endswith(".dir"):
            listing = cached_object(entry["md5"])
            if listing.is_file():
                content = json.loads(listing.read_text(encoding="utf-8"))
                yield {file["relpath"]: file["md5"] for file in content}


def _digests() -> dict[str, set[str]]:
    """{path of an out: MD5s}, as dvc.lock has them."""
    digests: dict[str, set[str]] = {}
    for entry in _outs():
        if "path" in entry and "md5" in entry:
            digests.setdefault(str(entry["path"]), set()).add(str(entry["md5"]))
    return digests


def _outs() -> Iterator[Mapping[str, Any]]:
    """Entries of outs in dvc.lock."""
    lock = Path("dvc.lock")
    stages: Mapping[str, Any] = (read_yaml(lock).get("stages") or {}) if lock.is_file() else {}
    for stage in stages.values():
        yield from stage.get("outs", [])
