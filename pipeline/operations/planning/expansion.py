"""The stages that dvc.yaml makes of params.yaml, in the order in which they are best run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.commands.names import has_network
from pipeline.configuration.whole import Params
from pipeline.params.compare import soup_stage
from pipeline.params.schema.families import families
from pipeline.params.training.candidates import Candidate

Part = Literal["folders", "fetch", "prepare", "backbone", "weights", "train", "evaluate", "soup", "compare"]


@dataclass(frozen=True)
class Stage:
    """One stage of the expanded graph.

    Attributes:
        name: as `dvc repro` takes it, such as "finetune@resnet50-full".
        part: what it does.
        candidate: whom it trains or evaluates, or whose seeds it makes a soup of.
        backbone: whose weights it gets.
    """

    name: str
    part: Part
    candidate: Candidate | None = None
    backbone: str | None = None

    @property
    def uses_keras(self) -> bool:
        """Whether it gets the weights of a network, trains one or asks one."""
        return self.part == "weights" or (self.candidate is not None and has_network(self.candidate.name))


def stages_of(params: Params) -> list[Stage]:
    """Every stage, whether it is due or not: what all need, then each candidate's training and its evaluation.

    The cheapest kinds come first, so that the first candidates can be compared early: classical models (the floor is
    among them), probes, networks from scratch, fine-tuned heads, then whatever trains a backbone's blocks.
    """
    return list(_stages(params))


def candidates_by_cost(params: Params) -> list[Candidate]:
    """Everything that is trained, points of the data-size study last, in the order of `stages_of`."""
    candidates = sorted(params.candidates(), key=lambda candidate: _turn(candidate, params))
    return [*candidates, *params.studied()]


def trains_blocks(candidate: Candidate, params: Params) -> bool:
    """Whether more of a backbone is trained than the head upon it."""
    if candidate.technique is None:
        return False
    return any(phase.train != "head" for phase in params.strategies[candidate.technique].phases)


def _stages(params: Params) -> Iterator[Stage]:
    yield Stage("folders", "folders")
    yield Stage("folders-foreign", "folders")
    for source in params.data.fetch:
        yield Stage(f"fetch@{source}", "fetch")
    yield Stage("prepare", "prepare")
    for backbone in params.finetune.backbones:
        yield Stage(f"backbone@{backbone}", "backbone")
        yield Stage(f"weights@{backbone}", "weights", backbone=backbone)
    for candidate in candidates_by_cost(params):
        yield Stage(training_stage_name(candidate), "train", candidate)
        yield Stage(candidate.evaluation_stage, "evaluate", candidate)
        if candidate.name in params.compare.ensembles.soups:
            yield Stage(soup_stage(candidate.name), "soup", candidate)
    yield Stage("compare", "compare")


def training_stage_name(candidate: Candidate) -> str:
    """What trains it, as `dvc repro` takes it."""
    if candidate.training_share < 1:
        return f"growth@{candidate.name}"
    return f"{candidate.training_stage}@{candidate.model}"


def _turn(candidate: Candidate, params: Params) -> int:
    if candidate.family == "classical":
        return 1 if candidate.backbone else 0
    scratch = families()[candidate.family].architectures is not None
    return 2 if scratch else 3 + trains_blocks(candidate, params)
