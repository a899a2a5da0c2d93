"""CNNs trained from scratch, such as the lecture's: what an architecture says, and the network that it describes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.models.networks.precision import computing_in
from pipeline.models.networks.target_units import adapter_of, deviation_in, in_target_units, without_units
from pipeline.params.schema.reading import ParamsError, Strict
from pipeline.params.schema.vocabulary import Activation, Count, Positive, Share
from pipeline.params.training.settings import TrainingChanges

if TYPE_CHECKING:
    import keras

    from pipeline.models.networks.heads import Head
    from pipeline.network import Network


class ConvolutionBlock(Strict):
    """Convolutions on maps of one size.

    Attributes:
        filters: of each convolution.
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
        blocks: from the image upwards.
        dense: units of the layer before the head.
        activation: of convolutions and the dense layer.
        pooling: of each block's last step.
        dropout: share of units that is dropped before the head.
        epochs: at most; learning_rate: of AdamW.
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

    @property
    def smallest_side(self) -> int:
        """The pixels a side of which its poolings leave something."""
        return int(2 ** sum(block.pool for block in self.blocks))


def build_cnn(architecture: Architecture, image_size: int, head: Head, precision: str = "float32") -> Network:
    """A CNN that takes raw RGB of 0 to 255, (batch, image_size, image_size, 3), and gives the head's probabilities,
    or a number in its own units.

    It is one block, all of it initialised anew for each seed.

    Args:
        precision: what everything but the scaling of the image and the head computes in (see `computing_in`).

    Raises:
        ParamsError: when the image is too small for that many poolings.
    """
    import keras

    from pipeline.network import Network

    _refuse_too_small(architecture, image_size)
    image = keras.Input((image_size, image_size, 3), name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(image)  # [-1, 1]
    with computing_in(precision):
        features = _body(scaled, architecture)
    output = head.attach(features, architecture.dropout)
    model = keras.Model(image, output if head.task.has_classes else in_target_units(output), name="cnn")
    trained = without_units(model.layers)
    adapt, deviation = adapter_of(model), deviation_in(model)
    return Network(model, blocks=[trained], head=[], fresh=trained, adapt=adapt, target_deviation=deviation)


def _refuse_too_small(architecture: Architecture, image_size: int) -> None:
    if image_size < architecture.smallest_side:
        raise ParamsError(
            f"params.yaml: data.image_size = {image_size}: its poolings leave nothing of it; "
            f"use at least {architecture.smallest_side} or fewer blocks in architectures"
        )


def _body(x: keras.KerasTensor, architecture: Architecture) -> keras.KerasTensor:
    """Blocks of convolutions with their poolings, then the dense layer: (batch, S, S, 3) → (batch, dense)."""
    import keras

    pooling = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[architecture.pooling]
    layers = _Layers(architecture)
    for number, block in enumerate(architecture.blocks, start=1):
        x = {"plain": _plain, "residual": _residual, "inception": _inception}[block.kind](x, block, number, layers)
        if block.pool:
            x = pooling(2, name=f"block{number}_pool")(x)  # half the side
    x = keras.layers.Flatten(name="flatten")(x)
    activation = architecture.activation
    return keras.layers.Dense(architecture.dense, activation=activation, name="dense", **layers.shared)(x)


@dataclass(frozen=True)
class _Layers:
    """Makes layers with what all of an architecture have in common."""

    architecture: Architecture

    @property
    def shared(self) -> dict[str, Any]:
        return {"use_bias": self.architecture.bias, "kernel_initializer": self.architecture.initializer}

    def convolution(self, filters: int, kernel: int, name: str, activated: bool = True) -> keras.Layer:
        import keras

        activation = self.architecture.activation if activated else None
        return keras.layers.Conv2D(filters, kernel, padding="same", activation=activation, name=name, **self.shared)


def _plain(x: keras.KerasTensor, block: ConvolutionBlock, number: int, layers: _Layers) -> keras.KerasTensor:
    """One convolution after the other."""
    for name in _names(block, number):
        x = layers.convolution(block.filters, block.size, name)(x)
    return x


def _residual(x: keras.KerasTensor, block: ConvolutionBlock, number: int, layers: _Layers) -> keras.KerasTensor:
    """The same convolutions with a link around each two, activated behind the sum (He et al. 2016, figure 2).

    The link is the identity; where the number of channels changes, a 1×1 convolution fits it.
    """
    import keras

    names = _names(block, number)
    for first, second in zip(names[::2], names[1::2], strict=True):
        link = x
        if x.shape[-1] != block.filters:
            link = layers.convolution(block.filters, 1, f"{first}_link", activated=False)(x)
        x = layers.convolution(block.filters, block.size, first)(x)
        x = layers.convolution(block.filters, block.size, second, activated=False)(x)
        x = keras.layers.Add(name=f"{second}_sum")([link, x])
        x = keras.layers.Activation(layers.architecture.activation, name=f"{second}_activation")(x)
    return x


def _inception(x: keras.KerasTensor, block: ConvolutionBlock, number: int, layers: _Layers) -> keras.KerasTensor:
    """Four branches side by side, a quarter of the filters each: 1×1, 3×3, 5×5, and 1×1 behind a pooling over 3×3
    (Szegedy et al. 2015, figure 2a, without the reductions)."""
    import keras

    quarter = block.filters // 4
    for name in _names(block, number):
        pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pooled")(x)
        branches = [layers.convolution(quarter, size, f"{name}_{size}x{size}")(x) for size in (1, 3, 5)]
        branches.append(layers.convolution(quarter, 1, f"{name}_pooled_1x1")(pooled))
        x = keras.layers.Concatenate(name=f"{name}_joined")(branches)
    return x


def _names(block: ConvolutionBlock, number: int) -> list[str]:
    """block2_conv, block2_conv2, …"""
    return [f"block{number}_conv{index if index > 1 else ''}" for index in range(1, block.convolutions + 1)]
