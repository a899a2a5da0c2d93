"""The backbones that benchmarks measure: those of Keras itself."""

from __future__ import annotations

from pipeline.params.schema.backbones import Backbone, load_backbone


def keras_backbone(name: str) -> Backbone:
    """
    Raises:
        SystemExit: its row names a file.
    """
    row = load_backbone(name)
    if not isinstance(row, Backbone):
        raise SystemExit(f"{name}: its row names a file; benchmarks measure the backbones of Keras itself")
    return row
