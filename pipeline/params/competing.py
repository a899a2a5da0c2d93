"""Which candidates compete: the lists of params.yaml that name them, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from pipeline.params.schema.families import families
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, read_value
from pipeline.params.schema.vocabulary import Name
from pipeline.params.training.candidates import CLASSICAL, FINETUNE, Candidate


@dataclass(frozen=True)
class Lists:
    """The names in the lists of params.yaml.

    Attributes:
        models: classical models, each by itself.
        probes: classical models, each on every backbone.
        scratch: of each family that is trained from scratch, the names of its architectures.
        backbones: each is fine-tuned by every strategy.
        strategies: techniques of fine-tuning.
    """

    models: Sequence[str]
    probes: Sequence[str]
    scratch: Mapping[str, Sequence[str]]
    backbones: Sequence[str]
    strategies: Sequence[str]

    def candidates(self) -> list[Candidate]:
        """Everything that competes, in the order of params.yaml."""
        classical = [Candidate(CLASSICAL, model=model) for model in self.models]
        probes = [
            Candidate(CLASSICAL, model=f"{model}-{backbone}", backbone=backbone)
            for model in self.probes
            for backbone in self.backbones
        ]
        networks = [Candidate(family, model=name) for family, names in self.scratch.items() for name in names]
        finetuned = [
            Candidate(FINETUNE, model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy)
            for backbone in self.backbones
            for strategy in self.strategies
        ]
        return [*classical, *probes, *networks, *finetuned]


def read_candidates() -> list[Candidate]:
    """Everything that competes by params.yaml.

    Raises:
        ParamsError: see `read_section`.
    """
    return Lists(
        models=_names("baseline.models"),
        probes=_names("baseline.probes"),
        scratch={name: _names(family.section) for name, family in families().items() if family.architectures},
        backbones=_names("finetune.backbones"),
        strategies=_names("finetune.strategies"),
    ).candidates()


def points_of(candidates: Sequence[Candidate], studied: Sequence[str], shares: Sequence[float]) -> list[Candidate]:
    """The points of the data-size study; the whole of the data is not among them.

    Args:
        candidates: everything that competes.
        studied: names of those that are studied.
        shares: of each seed's training examples.

    Raises:
        ParamsError: one is studied that does not compete.
    """
    named = {candidate.name: candidate for candidate in candidates}
    if unknown := [name for name in studied if name not in named]:
        raise ParamsError(f"{PARAMS_FILE}: study.candidates: {unknown[0]!r} does not compete; name one that does")
    return [replace(named[name], training_share=share) for name in studied for share in shares]


def _names(key: str) -> list[str]:
    return read_value(key, TypeAdapter(list[Name]))
