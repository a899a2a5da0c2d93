"""What every stage that trains a network does with it, pretrained or not: one trial for each seed, and their record.

No stage of its own: `finetune`, `cnn`, `mlp` and `recurrent` say which network and how it is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.datasets.prepared import Prepared
from pipeline.datasets.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.params.candidates import Candidate
from pipeline.params.strategies import Strategy
from pipeline.params.training import Training
from pipeline.stages.assembly.trial_settings import TrialSettings
from pipeline.tracking.live import follow_trial
from pipeline.training.activations import ActivationStore
from pipeline.training.batches import Examples
from pipeline.training.precision import choose_precision
from pipeline.training.record import CandidateRecord
from pipeline.training.trainer import Trainer


def train_trials(
    candidate: Candidate,
    params: TrialSettings,
    data: Prepared,
    recipe: Strategy,
    training: Training,
    build: Callable[[str], Network],
    fingerprint: str,
    parameters: Mapping[str, Any],
) -> None:
    """One trial for each seed, on the candidate's share of its training split; writes results/<candidate>/.

    Args:
        recipe: the phases it is trained in.
        training: that section of params.yaml with the candidate's own values.
        build: makes the network, given "float32" or "mixed_bfloat16".
        fingerprint: the candidate's (see `fingerprints.fingerprint`).
        parameters: what the candidate is told beside `training`.
    """
    head = head_for(data.task, len(data.class_names))
    precision = choose_precision(training.precision, recipe, build, training.batch_size, head.task.loss)
    share = candidate.training_share
    record = CandidateRecord(
        candidate,
        task=data.task,
        fingerprint=fingerprint,
        parameters={
            **parameters,
            "precision": precision,
            "splits": params.splits.model_dump(),
            "training": training.model_dump(),
            "training_share": share,
        },
        keep_gb=params.keep.trials_gb,
    )
    record.train(
        params.seeds,
        make_trainer=lambda: make_trainer(params, training, data, build(precision), recipe, share),
        split=lambda seed: split_development(data, params.splits.validation_fraction, seed, share),
        measure=Stopwatch,
        follow=lambda seed: follow_trial(params.tracking, record.identity(seed)),
    )
    record.write(params.seeds, circumstances())


def make_trainer(
    params: TrialSettings, training: Training, data: Prepared, network: Network, recipe: Strategy, share: float
) -> Trainer:
    """All that is needed to train the network by the strategy's phases, with any seed."""
    head = head_for(data.task, len(data.class_names))
    return Trainer(
        network,
        Examples(data.inputs, head.targets(data.labels), data.sha256),
        recipe,
        head.task,
        training,
        ActivationStore(data.inputs, data.sha256, params.keep.activations_gb, augmentation=training.augmentation),
        train_size=round(len(data.labels) * (1 - params.splits.validation_fraction) * share),
    )
