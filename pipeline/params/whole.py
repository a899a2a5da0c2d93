"""The whole of params.yaml, and what competes by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, field_validator

from pipeline.params.candidates import Candidate
from pipeline.params.data import Data, Splits
from pipeline.params.families import families
from pipeline.params.measures import Compare, DataSizes, Evaluation
from pipeline.params.networks import Architecture, Finetune, MlpArchitecture, RecurrentArchitecture, Strategy, Training
from pipeline.params.reading import Strict
from pipeline.params.upkeep import Keep, Retrain, Tracking, Tuning
from pipeline.params.vocabulary import Name


class Baseline(Strict):
    """Classical models: each of `models` by itself, each of `probes` on each backbone of `finetune.backbones`."""

    models: list[Name]
    probes: list[Name]
    folds: Annotated[int, Field(ge=2, le=20)]


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
