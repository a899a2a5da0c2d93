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


def holds_photos() -> bool:
    """Whether the prepared examples are labelled photos."""
    return DATASET.is_file() and read_json(DATASET).get("image_size") is not None


def can_be_served(dataset: Mapping[str, Any]) -> bool:
    """Whether a model of these examples can answer about others: photos and rows, but not windows of a series.

    Args:
        dataset: the content of dataset.json.
    """
    return dataset.get("image_size") is not None or dataset.get("kind") == "table"
