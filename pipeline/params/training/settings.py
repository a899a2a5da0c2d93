"""`training`: what all networks share, and what one architecture or strategy may have its own value of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Share

UNALTERED = "views would all be the images as they are; switch something on, or set views to 0"


class AugmentationKeys(Strict):
    """How training images are altered (see training/kept/augmentation.py); `views: 0` leaves them as they are.

    Attributes:
        views: altered versions of every image; epochs take them in turn.
        flip: which sides may be exchanged.
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

    @property
    def repeats_photos(self) -> bool:
        """Whether there are views, and all are the images as they are."""
        alters = self.flip != "none" or any((self.shift, self.rotate, self.zoom, self.colour, self.randaugment))
        return self.views > 0 and not alters


class Augmentation(AugmentationKeys):
    """The same for all networks."""

    @model_validator(mode="after")
    def _views_alter_something(self) -> Augmentation:
        if self.repeats_photos:
            raise ValueError(UNALTERED)
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
    augmentation: AugmentationKeys | None = None  # of these, too, what is left out is as for all
    devices: Count | None = None


class Training(Strict):
    """What all networks share.

    Attributes:
        batch_size: examples a step.
        patience: epochs without a lower validation loss after which a phase ends.
        head_dropout: share of the pooled features that is dropped before the head.
        weight_decay: of AdamW.
        label_smoothing: share of each training target that is spread evenly over the classes.
        class_weights: balanced weighs each training example by N / (classes × examples of its class).
        precision: what everything but the head computes in; auto is bfloat16 for photos where the machine is made
            for it, else float32. Weights are float32 always.
        early_stopping: false trains every epoch and keeps the last one, whatever the validation loss says, as long as
            losses are finite.
        devices: graphics cards that one trial is trained on at once, each with a part of every batch; the losses are
            those of one to floating point. A machine with fewer takes those that it has, and says so.
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
    devices: Count = 1

    def changed_by(self, changes: TrainingChanges) -> Training:
        """The same with an architecture's or a strategy's own values."""
        own = {key: getattr(changes, key) for key in type(changes).model_fields}
        if changes.augmentation is not None:  # its other keys stay as they are for all
            altered = {key: getattr(changes.augmentation, key) for key in changes.augmentation.model_fields_set}
            own["augmentation"] = self.augmentation.model_copy(update=altered)
        return self.model_copy(update={key: value for key, value in own.items() if value is not None})
