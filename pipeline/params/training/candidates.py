"""What competes: one candidate, and its names in folders and stages."""

from __future__ import annotations

from dataclasses import dataclass

CLASSICAL, FINETUNE = "classical", "finetune"


@dataclass(frozen=True)
class Candidate:
    """What competes. Its name is its folder under results/ and evaluation/.

    Attributes:
        family: a row of models/families.yaml.
        model: what tells it from others of its family.
        backbone: the pretrained network that it starts from. A classical candidate with a backbone learns from that
            backbone's features (see stages/probe.py).
        technique: the strategy by which a backbone is fine-tuned.
        training_share: below 1 it is a point of the data-size study: the same on that share of each seed's training
            examples, named with the share: `cnn-lecture-0.1`.
    """

    family: str
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
    def row(self) -> str:
        """What its model is called in the table of models: a probe is called together with its backbone."""
        return self.model.removesuffix(f"-{self.backbone}")

    @property
    def is_probe(self) -> bool:
        """Whether it is a classical model on a backbone's features."""
        return self.family == CLASSICAL and self.backbone is not None

    @property
    def training_stage(self) -> str:
        """What trains it, in dvc.yaml and pipeline/stages/, the data-size study left out."""
        return training_stage(self.family, self.backbone)

    @property
    def evaluation_stage(self) -> str:
        """What measures it, in dvc.yaml, as `dvc repro` takes it."""
        if self.training_share < 1:
            return f"evaluate-growth@{self.name}"
        return f"evaluate-{'probe' if self.is_probe else self.family}@{self.model}"


def training_stage(family: str, backbone: str | None) -> str:
    """What trains a candidate, in dvc.yaml and pipeline/stages/: networks are trained by the stage of their family."""
    if family == CLASSICAL:
        return "probe" if backbone else "baseline"
    return family
