"""What champions need to know of the prepared examples: their hash, and whether a model of them can be asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET


def data_hash() -> str:
    """SHA-256 over both splits of the prepared examples: what a decision was made on."""
    hashes = read_json(DATASET)["hashes"]
    return hashlib.sha256(f"{hashes['development']}{hashes['test']}".encode()).hexdigest()


def can_be_served(dataset: Mapping[str, Any]) -> bool:
    """Whether a model of these examples can answer about others; a series has to say how it is written.

    Args:
        dataset: the content of dataset.json.
    """
    return dataset.get("image_size") is not None or dataset.get("kind") == "table" or "series" in dataset
