"""`finetune` and `strategies`: which backbones are fine-tuned, and by which techniques."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Name, Positive
from pipeline.params.training.settings import TrainingChanges

Schedule = Literal["constant", "cosine", "staircase", "one_cycle", "slanted"]
RISING = ("one_cycle", "slanted")  # schedules that begin with a rise of their own


class Phase(Strict):
    """One stretch of training: what is trained, for how long, how fast.

    Attributes:
        train: `head`, `top n` (the n uppermost blocks), `block n` (the n-th from the input) or `all`; the head always.
        epochs: at most, since a phase ends where the validation loss falls no more.
        learning_rate: of AdamW, at its highest.
        schedule: how the rate goes over the epochs; one_cycle and slanted rise by themselves first.
        warmup_epochs: in which the rate rises from nothing first.
    """

    train: Annotated[str, Field(pattern=r"^(head|all|top [1-9][0-9]*|block [1-9][0-9]*)$")]
    epochs: Count
    learning_rate: Positive
    schedule: Schedule = "constant"
    warmup_epochs: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _one_rise(self) -> Phase:
        if self.warmup_epochs and self.schedule in RISING:
            raise ValueError(f"schedule: {self.schedule} rises by itself first; leave warmup_epochs out")
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs: with epochs = {self.epochs} the rate would rise to the end of the phase; give it "
                "fewer, or the phase more"
            )
        return self


class Strategy(Strict):
    """A fine-tuning technique as data.

    Attributes:
        layer_decay: divides the learning rate once for each block further down.
        batch_norm: frozen keeps every BatchNorm layer at its pretrained statistics and scales, also in blocks that are
            trained: a few hundred steps are too few for the moving averages (momentum 0.99) to follow the weights, and
            what is evaluated is then not what was trained.
        weights: random begins without what ImageNet taught, anew for each seed, so everything has to be trained.
        training: what the strategy does otherwise than the section of that name says.
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
    """What is fine-tuned, and how: each backbone with each strategy is a candidate.

    Attributes:
        backbones: rows of pipeline/models/backbones.yaml.
        strategies: keys of `strategies`.
    """

    backbones: list[Name]
    strategies: list[Name]
