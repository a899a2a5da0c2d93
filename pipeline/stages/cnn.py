"""cnn@{architecture}: the convolutional network of the lecture, trained from scratch, once for each seed.

    python -m pipeline cnn --architecture lecture
    dvc repro cnn@lecture

Reads data/prepared/development; the test split is not among its inputs. Writes results/cnn-<architecture>/.
"""

from __future__ import annotations

from functools import partial

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.datasets.splits import draw_validation
from pipeline.evaluation.cost import Stopwatch, circumstances
from pipeline.models.cnn import build_cnn
from pipeline.models.heads import Head, head_for
from pipeline.params import Architecture, Candidate, Params, Phase, Strategy, Training, load_params
from pipeline.tracking.live import follow_trial
from pipeline.training.activations import ActivationStore
from pipeline.training.fitting import Examples, Trainer
from pipeline.training.network import Network
from pipeline.training.precision import choose_precision
from pipeline.training.record import CandidateRecord
from pipeline.trials import fingerprint


def run(architecture: str) -> None:
    train_candidate(Candidate("cnn", model=architecture))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    params, architecture, data = load_params(), candidate.model, load_prepared(DEVELOPMENT)
    row, head = params.architectures[architecture], head_for(data.task, len(data.class_names))
    training = params.training.changed_by(row.training)
    whole = Phase(train="all", epochs=row.epochs, learning_rate=row.learning_rate)
    recipe, build = Strategy(phases=[whole]), partial(make_network, row, data, head)
    precision = choose_precision(training.precision, recipe, build, training.batch_size, head.loss)
    record = CandidateRecord(
        candidate,
        task=data.task,
        fingerprint=fingerprint("cnn", {"architecture": architecture}, candidate.training_share),
        parameters={
            "architecture": row.model_dump(),
            "image_size": data.image_size,
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
        split=lambda seed: draw_validation(data.labels, fraction, seed, share=share),
        measure=Stopwatch,
        follow=lambda seed: follow_trial(params.tracking, record.identity(seed)),
    )
    record.write(params.seeds, circumstances())


def make_network(architecture: Architecture, data: Prepared, head: Head, precision: str) -> Network:
    """The network with nothing pretrained: one block, all of it new for each seed."""
    model = build_cnn(architecture, data.image_size, head, precision)
    return Network(model, blocks=[model.layers], head=[], fresh=model.layers)


def make_trainer(
    params: Params, training: Training, data: Prepared, network: Network, recipe: Strategy, share: float
) -> Trainer:
    head = head_for(data.task, len(data.class_names))
    return Trainer(
        network,
        Examples(data.images, head.targets(data.labels), data.sha256),
        recipe,
        head.loss,
        training,
        ActivationStore(data.images, data.sha256, params.keep.activations_gb, augmentation=training.augmentation),
        train_size=round(len(data.labels) * (1 - params.splits.validation_fraction) * share),
    )
