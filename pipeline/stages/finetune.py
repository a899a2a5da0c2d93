"""finetune@{backbone}-{strategy}: a pretrained backbone, trained by one strategy, once for each seed.

    python -m pipeline finetune --backbone resnet50 --strategy gradual_unfreezing
    dvc repro finetune@resnet50-gradual_unfreezing

Reads data/prepared/development and data/weights/<backbone>.weights.h5; the test split is not among its inputs.
Writes results/finetune-<backbone>-<strategy>/.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.datasets.splits import split_development
from pipeline.evaluation.cost import Stopwatch, circumstances
from pipeline.models.finetuned import build_finetuned
from pipeline.models.heads import head_for
from pipeline.params import Candidate, Params, Strategy, Training, load_backbone, load_params
from pipeline.tracking.live import follow_trial
from pipeline.training.activations import ActivationStore
from pipeline.training.fitting import Examples, Trainer
from pipeline.training.network import Network
from pipeline.training.precision import choose_precision
from pipeline.training.record import CandidateRecord
from pipeline.trials import fingerprint


def run(backbone: str, strategy: str) -> None:
    train_candidate(Candidate("finetune", model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    backbone, strategy = candidate.model.split("-")
    params, row, data = load_params(), load_backbone(backbone), load_prepared(DEVELOPMENT)
    recipe, head = params.strategies[strategy], head_for(data.task, len(data.class_names))
    training = params.training.changed_by(recipe.training)
    build = partial(make_network, training, data, backbone, recipe)
    precision = choose_precision(training.precision, recipe, build, training.batch_size, head.loss)
    record = CandidateRecord(
        candidate,
        task=data.task,
        fingerprint=fingerprint("finetune", {"backbone": backbone, "strategy": strategy}, candidate.training_share),
        parameters={
            "backbone": backbone,
            "blocks": [*row.blocks[:-1], "pool"],
            "image_size": data.image_size,
            "precision": precision,
            "splits": params.splits.model_dump(),
            "strategy": recipe.model_dump(),
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


def make_network(training: Training, data: Prepared, backbone: str, recipe: Strategy, precision: str) -> Network:
    """The backbone under a new head: with its ImageNet weights, or all of it new for each seed."""
    pretrained = recipe.weights == "imagenet"
    assert data.image_size is not None
    model, blocks, head_layers = build_finetuned(
        load_backbone(backbone),
        data.image_size,
        head_for(data.task, len(data.class_names)),
        training.head_dropout,
        Path(f"data/weights/{backbone}.weights.h5") if pretrained else None,
        precision,
    )
    fresh = head_layers if pretrained else model.layers
    return Network(model, blocks, head_layers, fresh=fresh, freeze_batch_norm=recipe.batch_norm == "frozen")


def make_trainer(
    params: Params, training: Training, data: Prepared, network: Network, recipe: Strategy, share: float
) -> Trainer:
    """All that is needed to train the network by the strategy's phases, with any seed."""
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
