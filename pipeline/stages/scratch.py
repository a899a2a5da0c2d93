"""What the stages of networks trained from scratch share: one network, no part of it pretrained, once for each seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.datasets.splits import split_development
from pipeline.evaluation.cost import Stopwatch, circumstances
from pipeline.models.columns import Layout
from pipeline.models.heads import Head, head_for
from pipeline.models.row_inputs import STANDARDISED, UNITS, adapt
from pipeline.params import Candidate, Params, Phase, Strategy, Training, TrainingChanges, load_params
from pipeline.tracking.live import follow_trial
from pipeline.training.activations import ActivationStore
from pipeline.training.fitting import Examples, Trainer
from pipeline.training.network import Network
from pipeline.training.precision import choose_precision
from pipeline.training.record import CandidateRecord
from pipeline.trials import fingerprint

if TYPE_CHECKING:
    import keras


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
    params, data = load_params(), load_prepared(DEVELOPMENT)
    head = head_for(data.task, len(data.class_names))
    whole = Phase(train="all", epochs=row.epochs, learning_rate=row.learning_rate)
    recipe, build = Strategy(phases=[whole]), partial(make_network, data, head)
    training = params.training.changed_by(row.training)
    precision = choose_precision(training.precision, recipe, build, training.batch_size, head.loss)
    record = CandidateRecord(
        candidate,
        task=data.task,
        fingerprint=fingerprint(candidate.family, {"architecture": candidate.model}, candidate.training_share),
        parameters={
            "architecture": row.model_dump(),
            **data.described_inputs(),
            "precision": precision,
            "splits": params.splits.model_dump(),
            "training": training.model_dump(),
            "training_share": candidate.training_share,
        },
        keep_gb=params.keep.trials_gb,
    )
    fraction, share = params.splits.validation_fraction, candidate.training_share
    record.train(
        params.seeds,
        make_trainer=lambda: make_trainer(params, training, data, build(precision), recipe, share),
        split=lambda seed: split_development(data, fraction, seed, share),
        measure=Stopwatch,
        follow=lambda seed: follow_trial(params.tracking, record.identity(seed)),
    )
    record.write(params.seeds, circumstances())


def network_of_rows(model: keras.Model, layout: Layout) -> Network:
    """A network of rows: what stands before and behind its trained layers learns from each seed's training rows."""
    trained = [layer for layer in model.layers if layer.name not in (STANDARDISED, UNITS)]
    return Network(model, blocks=[trained], head=[], fresh=trained, adapt=partial(adapt, model, layout))


def make_trainer(
    params: Params, training: Training, data: Prepared, network: Network, recipe: Strategy, share: float
) -> Trainer:
    head = head_for(data.task, len(data.class_names))
    return Trainer(
        network,
        Examples(data.inputs, head.targets(data.labels), data.sha256),
        recipe,
        head.loss,
        training,
        ActivationStore(data.inputs, data.sha256, params.keep.activations_gb, augmentation=training.augmentation),
        train_size=round(len(data.labels) * (1 - params.splits.validation_fraction) * share),
        score=head.score,
    )
