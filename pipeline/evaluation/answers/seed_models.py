"""The models of one candidate's seeds, asked together: what they have in common is computed once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.answers.batches import batches
from pipeline.evaluation.answers.kept_prefix import Prefix, Values
from pipeline.evaluation.answers.models import Inputs, Predict, Probabilities
from pipeline.ground.kept import Rows


@dataclass(frozen=True)
class SeedModels:
    """
    Attributes:
        rests: what remains of each seed's model above the prefix; the whole model where there is none.
        batch_size: one for everything, since a network is traced anew for each.
        prefix: what the models have in common.
    """

    rests: Sequence[Predict]
    batch_size: int
    prefix: Prefix | None = None

    def predict(self, inputs: Inputs) -> list[Probabilities]:
        """What each seed's model says of inputs that other candidates are asked about too."""
        return self._predict(self.rests, inputs, self._kept(inputs))

    def predict_from(self, values: Rows | None, inputs: Rows) -> list[Probabilities]:
        """The same, keeping nothing.

        Args:
            values: what the prefix makes of the inputs; None: that is computed, a batch at a time.
            inputs: like the values, they may be some rows of a memory-mapped array.
        """
        return self._predict(self.rests, inputs, values)

    def predict_first(self, inputs: Inputs) -> Probabilities:
        """What the first seed's model says of inputs that other candidates are asked about too."""
        return self._predict(self.rests[:1], inputs, self._kept(inputs))[0]

    def predict_first_alone(self, inputs: Inputs) -> Probabilities:
        """The same of inputs that no other candidate is asked about: nothing is kept of them."""
        return self._predict(self.rests[:1], inputs, None)[0]

    def _kept(self, inputs: Inputs) -> Values | None:
        return self.prefix.of_all(inputs) if self.prefix else None

    def _predict(self, rests: Sequence[Predict], inputs: Rows, values: Rows | None) -> list[Probabilities]:
        parts = []
        for batch, count in batches(inputs if values is None else values, self.batch_size):
            below = self.prefix.of_batch(batch) if self.prefix and values is None else batch
            parts.append([rest(below)[:count] for rest in rests])
        return [np.concatenate(of_seed) for of_seed in zip(*parts, strict=True)]
