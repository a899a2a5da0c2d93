"""`architectures`, `mlp_architectures` and `recurrent_architectures`: networks trained from scratch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.reading import Strict
from pipeline.params.training import TrainingChanges
from pipeline.params.vocabulary import Activation, Count, Positive, Share


class ConvolutionBlock(Strict):
    """Convolutions on maps of one size.

    Attributes:
        kernel: pixels a side; an inception block has its own (1, 3 and 5) and takes none.
        kind: plain: one after the other; residual: with a link around each two; inception: four branches side by side.
        convolutions: how many, one behind the other.
        pool: whether a pooling follows, which halves the side.
    """

    filters: Count
    kernel: Count | None = None
    kind: Literal["plain", "residual", "inception"] = "plain"
    convolutions: Count = 1
    pool: bool = True

    @property
    def size(self) -> int:
        """The kernel of a block that has one."""
        assert self.kernel is not None
        return self.kernel

    @model_validator(mode="after")
    def _the_kind_can_be_built(self) -> ConvolutionBlock:
        if (self.kernel is None) != (self.kind == "inception"):
            say = "has kernels of its own; leave kernel out" if self.kernel else "needs a kernel, such as 3"
            raise ValueError(f"a block of kind {self.kind} {say}")
        if self.kind == "residual" and self.convolutions % 2:
            raise ValueError("a residual block has a link around each two convolutions; make convolutions even")
        if self.kind == "inception" and self.filters % 4:
            raise ValueError("an inception block has four branches; make filters a multiple of 4")
        return self


class Architecture(Strict):
    """A CNN trained from scratch: blocks of convolutions, then one dense layer and the head.

    Attributes:
        bias: whether convolutions and the dense layer have one (the head always has).
        initializer: what draws their first weights; glorot_uniform is Xavier's.
        training: what it does otherwise than `training` says.
    """

    blocks: Annotated[list[ConvolutionBlock], Field(min_length=1)]
    dense: Count
    activation: Activation
    pooling: Literal["max", "average"]
    dropout: Share
    epochs: Count
    learning_rate: Positive
    bias: bool = True
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "random_normal"
    ] = "glorot_uniform"
    training: TrainingChanges = TrainingChanges()


class MlpArchitecture(Strict):
    """A multilayer perceptron for rows of numbers: dense layers of these widths, then the head."""

    hidden: list[Count]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()


class RecurrentArchitecture(Strict):
    """A recurrent network for windows of a series: layers of these widths, each on the one below, then the head."""

    cell: Literal["simple", "gru", "lstm"]
    units: Annotated[list[Count], Field(min_length=1)]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()
