"""A run as the files describe it, before it is compared with what MLflow shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.ground.fingerprints import hash_path
from pipeline.tracking.descriptions.lineage import DataInput
from pipeline.tracking.run_fields import CANDIDATE, FINGERPRINT, KIND, SEED

Identity = tuple[str | None, ...]
FIGURES = "figures"  # the folder of a run's pictures


@dataclass(frozen=True)
class Point:
    """One value of one curve; the step is the epoch, the time is in milliseconds."""

    key: str
    step: int
    value: float
    timestamp: int


@dataclass(frozen=True)
class RunDescription:
    """One run that MLflow should show.

    Attributes:
        tags: kept equal to the files by every sync.
        first_tags: set when the run is made and then left to the person who reads it (a description, say).
        metrics: final values, written at step 0.
        artifacts: file or folder → folder in the run ("" is its top).
        texts: name of a file at the run's top → its content; files that exist nowhere else.
        inputs: the data sets that it used.
        started, ended: milliseconds; None where cost.json does not say.
    """

    name: str
    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    artifacts: dict[Path, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    inputs: list[DataInput] = field(default_factory=list)
    first_tags: dict[str, str] = field(default_factory=dict)
    started: int | None = None
    ended: int | None = None

    @property
    def identity(self) -> Identity:
        return identity(self.tags)

    @cached_property
    def content(self) -> str:
        """SHA-256 of all that the run shows, save times: those of an existing run cannot be changed."""
        points = sorted((point.key, point.step, point.value) for point in self.points)
        artifacts = sorted((path.name, folder, hash_path(path)) for path, folder in self.artifacts.items())
        inputs = sorted(astuple(data) for data in self.inputs)
        content = [self.name, self.tags, self.params, self.metrics, points, artifacts, self.texts, inputs]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def identity(tags: Mapping[str, str]) -> Identity:
    """What makes two runs the same run."""
    return tuple(tags.get(key) for key in (KIND, CANDIDATE, SEED, FINGERPRINT))
