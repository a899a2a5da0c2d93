"""The whole of params.yaml, and what competes by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, field_validator

from pipeline.params.architectures import Architecture, MlpArchitecture, RecurrentArchitecture
from pipeline.params.baseline import Baseline
from pipeline.params.candidates import Candidate
from pipeline.params.compare import Compare
from pipeline.params.data import Data
from pipeline.params.evaluation import Evaluation
from pipeline.params.reading import Strict
from pipeline.params.rows.families import families
from pipeline.params.splits import Splits
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
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
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

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed stands twice; give each seed once")
        return seeds

    def candidates(self) -> list[Candidate]:
        """Everything that competes, in the order of params.yaml."""
        classical = [Candidate("classical", model=model) for model in self.baseline.models]
        probes = [
            Candidate("classical", model=f"{model}-{backbone}", backbone=backbone)
            for model in self.baseline.probes
            for backbone in self.finetune.backbones
        ]
        networks = [
            Candidate(name, model=architecture)
            for name, family in families().items()
            if family.architectures
            for architecture in self.named_in(family.section)
        ]
        finetuned = [
            Candidate("finetune", model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy)
            for backbone in self.finetune.backbones
            for strategy in self.finetune.strategies
        ]
        return classical + probes + networks + finetuned

    def named_in(self, section: str) -> list[str]:
        """The names in a list of params.yaml, such as `cnn` or `finetune.backbones`."""
        found: Any = self
        for key in section.split("."):
            found = getattr(found, key)
        return list(found)

    def studied(self) -> list[Candidate]:
        """The points of the data-size study, in the order of params.yaml; the whole of the data is not among them."""
        named, study = {candidate.name: candidate for candidate in self.candidates()}, self.study
        return [replace(named[name], training_share=share) for name in study.candidates for share in study.fractions]
