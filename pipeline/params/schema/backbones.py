"""Pretrained backbones: the rows of models/backbones.yaml."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from pipeline.params.schema.packages import Package
from pipeline.params.schema.reading import Strict, read_yaml
from pipeline.params.schema.rows import ROWS_FOLDER, read_row
from pipeline.params.schema.vocabulary import Count

ROWS = "backbones.yaml"
Preprocessing: TypeAlias = Literal["caffe", "tf", "torch", "clip", "none"]
BlockEnds: TypeAlias = Annotated[list[str], Field(min_length=2)]


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
    preprocessing: Preprocessing
    smallest_input: Count
    blocks: BlockEnds
    weights: BackboneWeights

    @property
    def called(self) -> str:
        """The name of its models."""
        return self.constructor.lower()


class BackboneFile(Strict):
    """A backbone of one's own: a Keras file in data/backbones, layers and weights.

    Attributes:
        file: its path within data/backbones.
        preprocessing: what its weights expect of raw RGB; none where the file has it, or was trained on raw RGB.
        smallest_input: pixels a side, where it is known; `check` builds the backbone at the size of the photos anyway.
        blocks: the last layer of each block, from the input up. What lies above the last one, such as a head, is left
            off.
    """

    file: str
    preprocessing: Preprocessing
    smallest_input: Count = 1
    blocks: BlockEnds

    @field_validator("file")
    @classmethod
    def _is_a_keras_file_in_the_folder(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("leads out of data/backbones; put the file there, and give its path within that folder")
        if path.suffix != ".keras":
            raise ValueError(
                "only .keras files can be checked before they are loaded; load yours where you trust it, and save it "
                "with `model.save('NAME.keras')`"
            )
        return file

    @property
    def called(self) -> str:
        """The name of its models, in the letters that TensorFlow takes for one."""
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", PurePosixPath(self.file).stem)
        return name if name[0].isalnum() else f"own{name}"


class ReadBackbone(BackboneFile):
    """A row of one's own together with what its file has been found to hold.

    Attributes:
        architecture: its layers as Keras describes them, as JSON; those above the last block are left off.
    """

    architecture: str


AnyBackbone: TypeAlias = Backbone | BackboneFile


def load_backbone(name: str) -> AnyBackbone:
    """The row of one backbone in models/backbones.yaml."""
    row = read_yaml(ROWS_FOLDER / ROWS).get(name)
    if isinstance(row, dict) and "file" in row:
        return read_row(BackboneFile, ROWS, name)
    return read_row(Backbone, ROWS, name)


def parse_backbone(row: dict[str, Any]) -> Backbone | ReadBackbone:
    """A row as a saved model carries it, as plain data."""
    return (ReadBackbone if "file" in row else Backbone).model_validate(row)
