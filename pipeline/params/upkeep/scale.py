"""`scale`: what stages ask of the machines of a cluster, and what they may leave there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Name, Positive


class Needs(Strict):
    """What a stage of one family is given of a node, in training and in evaluation alike.

    Attributes:
        cpus: processors that are set aside for it.
        gpus: graphics cards that are set aside for it; 0.5 lets two stages share one.
        memory_gb: GB of memory that are set aside for it; null: as much as the plan expects of the stage.
    """

    cpus: Count = 2
    gpus: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    memory_gb: Positive | None = None

    @field_validator("gpus")
    @classmethod
    def _is_a_share_or_whole(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError("a stage gets a share of one card (up to 1) or whole cards (2, 3, …)")
        return gpus


class Scale(Strict):
    """What stages ask of the machines of a cluster, and what they may leave there; it changes no result.

    Attributes:
        cache: a folder of each node, with clones of the commit, DVC's cache and what need not be computed twice.
        cache_gb: GB of clones and DVC's cache above which both are removed before the node's next stage; what `keep`
            bounds is counted there.
        retries: how often a stage is started again after its node was lost.
        trial_seconds: where one trial of a network is expected to take at least so long, each of its candidate's
            seeds is a task of its own, so that they run on several nodes; null: a candidate's seeds stay together.
        photos_per_shard: where `prepare` has more photos to read than this, nodes read so many of them each; null: they
            are always read where `fanout` runs.
        families: what a stage of each family asks for; a family that is not named asks for 2 processors.
    """

    cache: Annotated[str, Field(pattern=r"^(/|~/)")] = "~/.cache/kiyas"
    cache_gb: Positive = 20.0
    retries: Annotated[int, Field(ge=0)] = 2
    trial_seconds: Positive | None = 600.0
    photos_per_shard: Count | None = 20_000
    families: dict[Name, Needs] = Field(default_factory=dict)

    def needs_of(self, family: str) -> Needs:
        """What a stage of this family asks for."""
        return self.families.get(family, Needs())
