"""What the stages of networks trained from scratch share: one phase that trains everything, anew for each seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pipeline.datasets.store.prepared import Prepared
from pipeline.ground.fingerprints import fingerprint
from pipeline.models.networks.heads import Head
from pipeline.network import Network
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training, TrainingChanges
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.stages.assembly.training.network_plan import NetworkPlan


class ScratchArchitecture(Protocol):
    """What every architecture of params.yaml says, whatever its layers."""

    @property
    def epochs(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def training(self) -> TrainingChanges: ...
    def model_dump(self) -> dict[str, Any]: ...


def plan_from_scratch(
    candidate: Candidate,
    architecture: ScratchArchitecture,
    head: Head,
    build: Callable[[str], Network],
    data: Prepared,
) -> NetworkPlan:
    """
    Args:
        build: makes the network, given "float32" or "mixed_bfloat16".
    """
    return NetworkPlan(
        candidate,
        head,
        build,
        Strategy(phases=[Phase(train="all", epochs=architecture.epochs, learning_rate=architecture.learning_rate)]),
        read_section("training", Training).changed_by(architecture.training),
        fingerprint(candidate.family, {"architecture": candidate.model}, candidate.training_share),
        parameters={"architecture": architecture.model_dump(), **data.described_inputs()},
    )
