"""What competes: one candidate, and its names in folders and stages."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.params.vocabulary import Family


@dataclass(frozen=True)
class Candidate:
    """What competes. Its name is its folder under results/ and evaluation/.

    `training_share` below 1 makes it a point of the data-size study: the same on that share of each seed's training
    examples, named with the share: `cnn-lecture-0.1`.

    A classical candidate with a backbone learns from that backbone's features (see stages/probe.py).
    """

    family: Family
    model: str
    backbone: str | None = None
    technique: str | None = None
    training_share: float = 1.0

    @property
    def name(self) -> str:
        return self.whole if self.training_share == 1 else f"{self.whole}-{self.training_share}"

    @property
    def whole(self) -> str:
        """The name of the candidate that learns from all there is."""
        return f"{self.family}-{self.model}"

    @property
    def evaluation_stage(self) -> str:
        """What measures it, in dvc.yaml, as `dvc repro` takes it."""
        if self.training_share < 1:
            return f"evaluate-growth@{self.name}"
        probed = self.family == "classical" and self.backbone is not None
        return f"evaluate-{'probe' if probed else self.family}@{self.model}"
