"""Fingerprints: SHA-256 over what decides a result, which is code, data and parameters."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.params.schema.reading import read_yaml


def fingerprint(stage: str, item: Mapping[str, str], training_share: float = 1.0) -> str:
    """SHA-256 over what DVC will record for a stage: the content of its deps and the values of its parameters.

    The list of seeds is left out: a trial is this fingerprint and its seed, so that adding a seed leaves the
    others what they were. Read from dvc.yaml itself, since the stage's entry in dvc.lock does not exist yet.

    Args:
        stage: the stage's name in dvc.yaml, such as "finetune".
        item: its matrix values, such as {"backbone": "vgg16", "strategy": "full"}.
        training_share: of each seed's training examples (see `Candidate`).
    """
    described = read_yaml(Path("dvc.yaml"))["stages"][stage]
    values = _parameter_values(described.get("params", []), item)
    values.pop("params.yaml:seeds", None)
    if training_share < 1:
        values["training_share"] = training_share
    deps = {path: hash_path(Path(path)) for path in (_fill(dep, item) for dep in described["deps"])}
    return hashlib.sha256(json.dumps([deps, values], sort_keys=True).encode()).hexdigest()


def hash_path(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents (byte code left out)."""
    digest = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    for file in sorted(child for child in path.rglob("*") if child.is_file() and "__pycache__" not in child.parts):
        digest.update(f"{file.relative_to(path).as_posix()}\0{hash_path(file)}\0".encode())
    return digest.hexdigest()


def _parameter_values(params: list[Any], item: Mapping[str, str]) -> dict[str, Any]:
    """{"file:key": value} for a `params` list of dvc.yaml."""
    values = {}
    for entry in params:
        files = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for file, keys in files.items():
            content = read_yaml(Path(file))
            for key in (_fill(key, item) for key in keys):
                value: Any = content
                for part in key.split("."):
                    value = value[part]
                values[f"{file}:{key}"] = value
    return values


def _fill(template: str, item: Mapping[str, str]) -> str:
    """Replace DVC's `${item.key}` by its value."""
    return re.sub(r"\$\{item\.(\w+)\}", lambda match: item[match.group(1)], template)
