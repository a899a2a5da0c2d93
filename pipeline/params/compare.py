"""`compare`: how candidates are judged, and what the advice weighs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count, Fraction, Share

Prefer = Literal["accuracy", "balanced", "cheap_training", "fast_answers"]


class Compare(Strict):
    """How candidates are judged. Margins are shares: of 1 for accuracy, of the floor's value for an error.

    Attributes:
        confidence: of intervals, and of what is called shown.
        margin: differences below it do not matter.
        resamples: of the paired bootstrap.
        prefer: what matters beside the score. `accuracy`: nothing, the least expected regret is advised;
            `cheap_training`, `fast_answers`, or `balanced` (both): the cheapest candidate within the tolerance is.
        tolerance: by how much the advised candidate's expected regret may exceed the least; None: the margin.
    """

    confidence: Fraction
    margin: Fraction
    resamples: Annotated[Count, Field(ge=100)]
    prefer: Prefer = "balanced"
    tolerance: Share | None = None

    @property
    def tolerated_regret(self) -> float:
        """The tolerance that holds: the margin where none is named."""
        return self.margin if self.tolerance is None else self.tolerance
