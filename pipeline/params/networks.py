"""`architectures`, `strategies`, `finetune` and `training`: networks, and how they are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.reading import Strict
from pipeline.params.vocabulary import Activation, Count, Name, Positive, Share


class Augmentation(Strict):
    """How training images are altered (see training/augmentation.py); `views: 0` leaves them as they are.

    Attributes:
        views: altered versions of every image; epochs take them in turn.
        shift, zoom: at most this share of the side; rotate: at most this many degrees, either way.
        colour: at most this share of brightness, contrast and saturation.
        randaugment: strength of two operations drawn for each image, 0 to 1.
    """

    views: Annotated[int, Field(ge=0)] = 0
    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    shift: Share = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Share = 0.0
    colour: Share = 0.0
    randaugment: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _views_alter_something(self) -> Augmentation:
        alters = self.flip != "none" or any((self.shift, self.rotate, self.zoom, self.colour, self.randaugment))
        if self.views and not alters:
            raise ValueError("views would all be the images as they are; switch something on, or set views to 0")
        return self


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


class TrainingChanges(Strict):
    """Keys of `training` that one architecture or strategy has its own value of; what is left out is as for all."""

    batch_size: Count | None = None
    patience: Count | None = None
    early_stopping: bool | None = None
    head_dropout: Share | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    label_smoothing: Share | None = None
    class_weights: Literal["none", "balanced"] | None = None
    precision: Literal["float32", "mixed_bfloat16", "auto"] | None = None
    augmentation: Augmentation | None = None


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


class Phase(Strict):
    """One stretch of training: what is trained, for how long, how fast."""

    train: Annotated[str, Field(pattern=r"^(head|all|top [1-9][0-9]*|block [1-9][0-9]*)$")]
    epochs: Count
    learning_rate: Positive
    schedule: Literal["constant", "cosine", "staircase"] = "constant"
    warmup_epochs: Annotated[int, Field(ge=0)] = 0


class Strategy(Strict):
    """A fine-tuning technique as data.

    `layer_decay` divides the learning rate once for each block further down. `batch_norm: frozen` keeps every BatchNorm
    layer at its pretrained statistics and scales, also in blocks that are trained: a few hundred steps are too few for
    the moving averages (momentum 0.99) to follow the weights, and what is evaluated is then not what was trained.
    `weights: random` begins without what ImageNet taught, anew for each seed, so everything has to be trained.
    `training` is what the strategy does otherwise than the section of that name says.
    """

    phases: Annotated[list[Phase], Field(min_length=1)]
    layer_decay: Annotated[float, Field(ge=1)] = 1.0
    batch_norm: Literal["frozen", "trained"] = "frozen"
    weights: Literal["imagenet", "random"] = "imagenet"
    training: TrainingChanges = TrainingChanges()

    @model_validator(mode="after")
    def _random_weights_are_all_trained(self) -> Strategy:
        if self.weights == "random" and not all(phase.train == "all" for phase in self.phases):
            raise ValueError("weights: random leaves nothing worth freezing; use train: all in every phase")
        if self.weights == "random" and self.batch_norm == "frozen":
            raise ValueError("weights: random has no statistics worth freezing; add batch_norm: trained")
        return self


class Finetune(Strict):
    backbones: list[Name]
    strategies: list[Name]


class Training(Strict):
    """What all networks share.

    Attributes:
        label_smoothing: share of each training target that is spread evenly over the classes.
        class_weights: balanced weighs each training example by N / (classes × examples of its class).
        precision: what everything but the head computes in; auto measures which is faster here. Weights are float32.
        early_stopping: false trains every epoch and keeps the last one, whatever the validation loss says.
    """

    batch_size: Count
    patience: Count
    head_dropout: Share
    weight_decay: Annotated[float, Field(ge=0)]
    label_smoothing: Share = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    precision: Literal["float32", "mixed_bfloat16", "auto"] = "float32"
    augmentation: Augmentation = Augmentation()
    early_stopping: bool = True

    def changed_by(self, changes: TrainingChanges) -> Training:
        """The same with an architecture's or a strategy's own values."""
        own = {key: getattr(changes, key) for key in type(changes).model_fields}
        return self.model_copy(update={key: value for key, value in own.items() if value is not None})
