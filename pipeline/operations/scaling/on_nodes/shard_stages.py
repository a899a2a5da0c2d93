"""Shards of photos as stages that DVC knows in a clone alone: its remote carries the pixels.

DVC's run cache finds a shard after a kill of whoever asked for it, since its stage depends on which photos these are.

    fanout-shards/<shard>.json             which photos; the stage depends on it
    fanout-shards/<shard>/images.npy       their pixels
    fanout-shards/<shard>/chunk-<n>.npz    all else of them
    fanout-shards/dvc.yaml, dvc.lock       the stage
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.operations.scaling.on_nodes.handover import read_entry, write_yaml

FOLDER = Path("fanout-shards")  # in a clone, and in the driver's checkout while one is brought back
COMMAND = "pipeline.operations.scaling.on_nodes.shard"
CODE = (
    "pipeline/datasets/photos",
    "pipeline/datasets/store/pixels.py",
    "pipeline/operations/scaling/on_nodes/shard.py",
    "pipeline/operations/scaling/on_nodes/shard_stages.py",
)


@dataclass(frozen=True)
class Shard:
    """Photos that one node reads.

    Attributes:
        first: the row of the first of them among all.
        files: absolute paths.
        stamps: their bytes and times of change here, by which a node sees that they are the same.
        size: pixels a side of what comes out.
        white: the value of white in pictures of 16 bits.
        code: stands for code and libraries that decide the pixels.
    """

    first: int
    files: list[str]
    stamps: list[tuple[int, int] | None]
    size: int
    white: int
    code: str

    @property
    def name(self) -> str:
        return f"photos-{self.first}-to-{self.first + len(self.files) - 1}"


@contextmanager
def shard_folder() -> Iterator[None]:
    """While it lasts, the stage of a shard may lie in this checkout; none before, and none afterwards."""
    remove_shards()
    try:
        yield
    finally:
        remove_shards()


def remove_shards() -> None:
    """What a kill has left of them; git would take it for a change. Another folder of that name stays."""
    if (FOLDER / "dvc.yaml").is_file():
        shutil.rmtree(FOLDER, ignore_errors=True)


def add_shard_stage(content: Mapping[str, Any]) -> str:
    """Let DVC know a shard as a stage.

    Args:
        content: `Shard` as plain data.

    Returns:
        The stage's name, as `dvc repro` takes it.
    """
    name = Shard(**content).name
    described, out = FOLDER / f"{name}.json", FOLDER / name
    command = f"python -m {COMMAND} {described.as_posix()} {out.as_posix()}"
    _write_stage(name, command, deps=[described.as_posix(), *CODE])
    described.write_text(json.dumps(content), encoding="utf-8")
    return f"{(FOLDER / 'dvc.yaml').as_posix()}:{name}"


def read_shard_entry(content: Mapping[str, Any]) -> dict[str, Any]:
    """What DVC wrote of a shard's stage into its dvc.lock."""
    return read_entry(FOLDER / "dvc.lock", Shard(**content).name)


def add_finished_shard(name: str, entry: Mapping[str, Any]) -> str:
    """Let DVC know a shard that a node has read.

    Args:
        entry: of dvc.lock there.

    Returns:
        What `dvc pull` takes to get its files, which are those of FOLDER / name then.
    """
    _write_stage(name, entry["cmd"])
    write_yaml(FOLDER / "dvc.lock", {"schema": "2.0", "stages": {name: dict(entry)}})
    return (FOLDER / "dvc.yaml").as_posix()


def _write_stage(name: str, command: str, **reads: Any) -> None:
    stage = {"wdir": "..", "cmd": command, "outs": [(FOLDER / name).as_posix()], **reads}
    write_yaml(FOLDER / "dvc.yaml", {"stages": {name: stage}})
