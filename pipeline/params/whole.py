"""The whole of params.yaml, and what competes by it."""

from __future__ import annotations

from typing import Any

from pipeline.params.architectures import Architecture, MlpArchitecture, RecurrentArchitecture
from pipeline.params.baseline import Baseline
from pipeline.params.candidates import Candidate
from pipeline.params.compare import Compare
from pipeline.params.competing import Lists, points_of
from pipeline.params.data import Data
from pipeline.params.evaluation import Evaluation
from pipeline.params.reading import Strict
from pipeline.params.rows.families import families
from pipeline.params.splits import Seeds, Splits
from pipeline.params.strategies import Finetune, Strategy
from pipeline.params.study import DataSizes, Tuning
from pipeline.params.training import Training
from pipeline.params.upkeep.keep import Keep
from pipeline.params.upkeep.retrain import Retrain
from pipeline.params.upkeep.tracking import Tracking
from pipeline.params.vocabulary import Name


class Params(Strict):
    data: Data
    splits: Splits
    seeds: Seeds
    baseline: Baseline
    cnn: list[Name]
    mlp: list[Name] = []
    recurrent: list[Name] = []
    finetune: Finetune
    architectures: dict[Name, Architecture]
    mlp_architectures: dict[Name, MlpArchitecture] = {}
    recurrent_architectures: dict[Name, RecurrentArchitecture] = {}
    strategies: dict[Name, Strategy]
    training: Training
    evaluation: Evaluation
    compare: Compare
    tuning: dict[str, Tuning]
    study: DataSizes
    keep: Keep
    tracking: Tracking
    retrain: Retrain

    def candidates(self) -> list[Candidate]:
        """Everything that competes, in the order of params.yaml."""
        scratch = {name: self.named_in(family.section) for name, family in families().items() if family.architectures}
        return Lists(
            self.baseline.models, self.baseline.probes, scratch, self.finetune.backbones, self.finetune.strategies
        ).candidates()

    def named_in(self, section: str) -> list[str]:
        """The names in a list of params.yaml, such as `cnn` or `finetune.backbones`."""
        found: Any = self
        for key in section.split("."):
            found = getattr(found, key)
        return list(found)

    def studied(self) -> list[Candidate]:
        """The points of the data-size study, in the order of params.yaml; the whole of the data is not among them."""
        return points_of(self.candidates(), self.study.candidates, self.study.fractions)
