"""The data: their source and splits, how many examples of each class, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import pandas as pd

from pipeline.comparison.report.background.duplicates import describe_repeats
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.formats import count_of
from pipeline.ground.paths import QUARANTINE

SPLIT_IN_TIME = (
    "The test split is the last stretch in time, never shuffled. Every seed is validated on the last stretch of the "
    "rest: seeds vary in initialisation and order alone. Errors of one step say something of the next, so intervals "
    "draw blocks of steps."
)


def section(material: Material) -> Section:
    dataset = material.facts.dataset
    data = {
        "dataset": dataset,
        "source": describe_source(dataset),
        "inputs": describe_inputs(dataset, material.facts.kind),
        "splits": describe_splits(dataset),
        "columns_left_out": dataset.get("columns_left_out", {}),
        "quarantine": read_quarantine(),
        "repeats": describe_repeats(dataset),
    }
    return Section("data", "Data", "background", data, folded=True)


def describe_source(dataset: Mapping[str, Any]) -> str:
    """Where the examples come from, without the place on this machine."""
    source = dataset["source"]
    folder = PurePath(str(source["path"])).name
    if not source.get("name"):
        return f"own {'folder' if dataset.get('kind', 'images') == 'images' else 'table'} {folder}"
    carrier = f", carried by {source['package']}" if source.get("package") else ""
    return f"{source['name']}{carrier}"


def describe_inputs(dataset: Mapping[str, Any], kind: str) -> str:
    """What a model is given."""
    if kind == "images":
        return f"{dataset['image_size']} × {dataset['image_size']} pixels"
    names = ", ".join(column["name"] for column in dataset["columns"])
    return f"{dataset['target']} from {count_of(len(dataset['columns']), 'column')} ({names})"


def describe_splits(dataset: Mapping[str, Any]) -> str:
    if dataset["test_split"] == "last":
        return SPLIT_IN_TIME
    if dataset["test_split"] == "given":
        drawn = "the source’s own"
    elif dataset.get("class_names") or dataset.get("kind", "images") == "images":
        drawn = "drawn once, stratified"
    else:  # numbers of a table
        drawn = "drawn once"
    return (
        f"The test split was {drawn} and is the same for all; each seed draws its own validation split from the rest."
    )


def read_quarantine() -> list[dict[str, Any]]:
    """Why examples were left out, how many each, with one of them; nothing where prepare left out none."""
    if not QUARANTINE.is_file():
        return []
    table = pd.read_csv(QUARANTINE, keep_default_na=False)
    reasons = [
        {"reason": str(reason), "count": len(rows), "example": str(rows["example"].iloc[0])}
        for reason, rows in table.groupby("reason", sort=True)
    ]
    return sorted(reasons, key=lambda entry: -entry["count"])
