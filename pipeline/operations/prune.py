"""Remove what earlier parameters left behind: the files of candidates and weights that params.yaml no longer names.

Only files that the pipeline itself writes are removed, by their names; whatever else lies in such a folder stays, and
the folder with it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.paths import EVALUATION, RESULTS, WEIGHTS
from pipeline.params.compare import soup_of
from pipeline.params.schema.families import families

SUFFIX = ".weights.h5"
MODEL = re.compile(r"[a-z][a-z0-9_.-]*")
OWN_FILES = {
    RESULTS: ("trial.json", "history.csv", "cost.json", "models"),
    EVALUATION: ("metrics.json", "cost.json", "measures.parquet", "predictions.parquet", "subsets.parquet", "figures"),
}

MB = 1e6


@dataclass(frozen=True)
class Space:
    """Bytes of files: `own`, which their removal frees, and `shared` with DVC's cache, which keeps them."""

    own: int
    shared: int

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Space:
        files = [file for path in paths for file in _files_of(path)]
        found = [file.lstat() for file in files]
        sizes = [sum(one.st_size for one in found if (one.st_nlink > 1) is shared) for shared in (False, True)]
        return cls(*sizes)


def run(dry_run: bool) -> None:
    """Remove the leftovers (or only name them), and say how they come back.

    Raises:
        ParamsError: params.yaml cannot be run, so nothing is known to be a leftover.
    """
    leftovers = list(find_leftovers(load_params()))
    space = Space.of(leftovers)
    for path in leftovers:
        print(f"{'would remove' if dry_run else 'removing'} {path}")
        if not dry_run:
            _remove(path)
    for folder in _emptied(leftovers):
        if not dry_run and not _remove_if_empty(folder):
            print(f"keeping {folder}: it holds something that the pipeline did not write")
    print(_told(len(leftovers), space, dry_run))


def find_leftovers(params: Params) -> Iterator[Path]:
    """Files and folders of the pipeline's own that belong to nothing in the parameters, sorted."""
    named = {candidate.name for candidate in [*params.candidates(), *params.studied()]}
    named |= {soup_of(candidate).name for candidate in params.compare.ensembles.soups}
    for home, own_files in OWN_FILES.items():
        for folder in _children(home):
            if folder.name in named or folder.is_symlink() or not _is_candidate(folder.name):
                continue
            yield from (folder / name for name in own_files if os.path.lexists(folder / name))
    kept = {f"{backbone}{SUFFIX}" for backbone in params.finetune.backbones}
    yield from (path for path in _children(WEIGHTS) if path.name.endswith(SUFFIX) and path.name not in kept)


def _is_candidate(name: str) -> bool:
    family, _, model = name.partition("-")
    return family in families() and MODEL.fullmatch(model) is not None


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files_of(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        return [path]
    return [file for file in path.rglob("*") if not file.is_dir()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _emptied(leftovers: list[Path]) -> list[Path]:
    return sorted({path.parent for path in leftovers} - {WEIGHTS})


def _remove_if_empty(folder: Path) -> bool:
    if any(folder.iterdir()):
        return False
    folder.rmdir()
    return True


def _told(count: int, space: Space, dry_run: bool) -> str:
    if count == 0:
        return "nothing to prune: everything on disk belongs to params.yaml"
    if dry_run:
        return f"{count} would be removed{_freed(space, 'would be')}; run without --dry-run to remove them"
    return (
        f"{count} removed{_freed(space, 'are')}. DVC's cache still has them: check out the params.yaml that names "
        "them, and `dvc repro` restores them without training"
    )


def _freed(space: Space, verb: str) -> str:
    shared = f"; {space.shared / MB:.0f} MB more with `dvc gc --workspace`, after which they are gone for good"
    return f" ({space.own / MB:.0f} MB {verb} free{shared if space.shared else ''})"
