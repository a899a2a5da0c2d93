"""What training costs, counted so that it repeats: epochs, each weighed by its share of the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.params.training.strategies import Strategy
from pipeline.trained_blocks import prefix_length
from pipeline.training.tuning.settings import main_phases

PASS = 1 / 3  # of training on an example: there once, back twice (gradients of the inputs and of the weights)
# Of an epoch: what its steps take beside the arithmetic. On a small set of photos a head took 0.11 s an epoch where the
# whole of a ResNet50 took 6.6 s at 96 pixels; with more or larger photos it is relatively less, with smaller ones more.
LEAST = 0.005


@dataclass(frozen=True)
class Effort:
    """Of training one network; 1 is an epoch in which everything is trained.

    Activations count as kept even where `keep.activations_gb` is too small for them and every epoch computes them
    anew: how much disk there is must not decide which settings are tried, and so which one is chosen.

    Attributes:
        blocks: arithmetic of a pass through each block, from the input up, in any unit.
        head: likewise of what lies above.
        views: altered versions of each image, whose activations are kept, too.
    """

    blocks: Sequence[float]
    head: float
    views: int = 0

    def of_epoch(self, train: str) -> float:
        """An epoch of a phase: what lies below its lowest trained block is kept and costs nothing."""
        below = prefix_length(train, len(self.blocks))
        return max(LEAST, (sum(self.blocks[below:]) + self.head) / (sum(self.blocks) + self.head))

    def of_activations(self, strategy: Strategy) -> float:
        """A pass through what no phase computes again, for the images and for each view."""
        longest = max(prefix_length(phase.train, len(self.blocks)) for phase in strategy.phases)
        return (1 + self.views) * PASS * sum(self.blocks[:longest]) / (sum(self.blocks) + self.head)

    def of_training(self, strategy: Strategy) -> float:
        """All epochs of all phases, without the activations, which settings share."""
        return sum(self.of_epoch(phase.train) * phase.epochs for phase in strategy.phases)

    def of_main_phases(self, strategy: Strategy) -> float:
        phases = [strategy.phases[number] for number in main_phases(strategy)]
        return sum(self.of_epoch(phase.train) * phase.epochs for phase in phases)

    def until(self, strategy: Strategy, limit: float) -> float:
        """What training costs that pauses once its main phases have cost `limit`."""
        main, spent, total = main_phases(strategy), 0.0, 0.0
        for number, cost in self._epochs(strategy):
            if number in main and spent >= limit:
                break
            total += cost
            spent += cost if number in main else 0.0
        return total

    def _epochs(self, strategy: Strategy) -> Iterator[tuple[int, float]]:
        for number, phase in enumerate(strategy.phases):
            for _ in range(phase.epochs):
                yield number, self.of_epoch(phase.train)
