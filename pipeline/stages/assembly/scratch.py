"""What the stages of networks trained from scratch share: one network, no part of it pretrained, once for each seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.fingerprints import fingerprint
from pipeline.models.networks.heads import Head, head_for
from pipeline.network import Network
from pipeline.params.candidates import Candidate
from pipeline.params.reading import read_section
from pipeline.params.strategies import Phase, Strategy
from pipeline.params.training import Training, TrainingChanges
from pipeline.stages.assembly.network_trials import train_trials
from pipeline.stages.assembly.trial_settings import read_trial_settings


class ScratchArchitecture(Protocol):
    """What every architecture of params.yaml says, whatever its layers."""

    @property
    def epochs(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def training(self) -> TrainingChanges: ...
    def model_dump(self) -> dict[str, Any]: ...


def train_from_scratch(
    candidate: Candidate,
    row: ScratchArchitecture,
    make_network: Callable[[Prepared, Head, str], Network],
) -> None:
    """One trial for each seed, on the candidate's share of the training split; writes results/<candidate>/.

    Args:
        make_network: prepared data, head and precision → the network.
    """
    data = load_prepared(DEVELOPMENT)
    whole = Phase(train="all", epochs=row.epochs, learning_rate=row.learning_rate)
    train_trials(
        candidate,
        read_trial_settings(),
        data,
        Strategy(phases=[whole]),
        read_section("training", Training).changed_by(row.training),
        build=partial(make_network, data, head_for(data.task, len(data.class_names))),
        fingerprint=fingerprint(candidate.family, {"architecture": candidate.model}, candidate.training_share),
        parameters={"architecture": row.model_dump(), **data.described_inputs()},
    )
