"""The whole of params.yaml, and what competes by it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import create_model

from pipeline.params.baseline import Baseline
from pipeline.params.compare import ENSEMBLE, Compare
from pipeline.params.competing import Lists, points_of
from pipeline.params.data import Data
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.families import Family, families
from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Name
from pipeline.params.study import DataSizes, TuningSection
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.splits import Seeds, Splits
from pipeline.params.training.strategies import Finetune, Strategy
from pipeline.params.upkeep.keep import Keep
from pipeline.params.upkeep.retrain import Retrain
from pipeline.params.upkeep.scale import Scale
from pipeline.params.upkeep.tracking import Tracking


class Params(Strict):
    """All sections save those of the families that are trained from scratch, which `params_class` adds."""

    data: Data
    splits: Splits
    seeds: Seeds
    baseline: Baseline
    finetune: Finetune
    strategies: dict[Name, Strategy]
    training: Training
    evaluation: Evaluation
    compare: Compare
    tuning: TuningSection
    study: DataSizes
    keep: Keep
    tracking: Tracking
    retrain: Retrain
    scale: Scale = Scale()

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

    def architectures_of(self, family: Family) -> Mapping[str, Any]:
        """What each name means that a family trained from scratch may use; nothing for the others."""
        return getattr(self, family.architectures) if family.architectures else {}

    def devices_of(self, candidate: Candidate) -> int:
        """How many devices its trainings share; 1 of what is no network."""
        return self.training_of(candidate).devices if families()[candidate.family].network else 1

    def training_of(self, candidate: Candidate) -> Training:
        """What a network's trainings go by: `training`, with its strategy's or its architecture's own values."""
        rows: Mapping[str, Any] = self.architectures_of(families()[candidate.family])
        own = self.strategies[candidate.technique] if candidate.technique else rows[candidate.model]
        return self.training.changed_by(own.training)

    def studied(self) -> list[Candidate]:
        """The points of the data-size study, in the order of params.yaml; the whole of the data is not among them."""
        return points_of(self.candidates(), self.study.candidates, self.study.fractions)


def trained_families() -> dict[str, Family]:
    """Those whose candidates a stage trains; ensembles are made of these."""
    return {name: family for name, family in families().items() if name != ENSEMBLE}


@cache
def params_class() -> type[Params]:
    """`Params` with two sections for each family that is trained from scratch: who competes, and what names mean.

    The rows of models/families.yaml name the sections, and the class that an architecture is read as. It stands beside
    what builds the network, on a floor above that of the sections.
    """
    sections: dict[str, Any] = {}
    for family in families().values():
        if family.architectures and family.architecture:
            module, _, name = family.architecture.rpartition(".")
            architecture: Any = getattr(importlib.import_module(module), name)
            sections[family.section] = (list[Name], ...)
            sections[family.architectures] = (dict[Name, architecture], ...)
    return create_model("Params", __base__=Params, **sections)
