"""finetune@{backbone}-{strategy}: a pretrained backbone, trained by one strategy, once for each seed.

    python -m pipeline finetune --backbone resnet50 --strategy gradual_unfreezing
    dvc repro finetune@resnet50-gradual_unfreezing

Reads data/prepared/development and data/weights/<backbone>.weights.h5; the test split is not among its inputs.
Writes results/finetune-<backbone>-<strategy>/.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.datasets.prepared import DEVELOPMENT, load_prepared
from pipeline.fingerprints import fingerprint
from pipeline.models.networks.backbones import block_ends
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.params.candidates import Candidate
from pipeline.params.reading import read_section
from pipeline.params.rows.backbones import load_backbone
from pipeline.params.strategies import Strategy
from pipeline.params.training import Training
from pipeline.stages.assembly.network_trials import train_trials
from pipeline.stages.assembly.trial_settings import read_trial_settings


def run(backbone: str, strategy: str) -> None:
    train_candidate(Candidate("finetune", model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    backbone, strategy = candidate.model.split("-")
    data = load_prepared(DEVELOPMENT)
    assert data.image_size is not None
    recipe = read_section(f"strategies.{strategy}", Strategy)
    training = read_section("training", Training).changed_by(recipe.training)
    train_trials(
        candidate,
        read_trial_settings(),
        data,
        recipe,
        training,
        build=partial(
            build_finetuned,
            load_backbone(backbone),
            data.image_size,
            head_for(data.task, len(data.class_names)),
            training.head_dropout,
            Path(f"data/weights/{backbone}.weights.h5") if recipe.weights == "imagenet" else None,
            batch_norm=recipe.batch_norm,
        ),
        fingerprint=fingerprint("finetune", {"backbone": backbone, "strategy": strategy}, candidate.training_share),
        parameters={
            "backbone": backbone,
            "blocks": block_ends(load_backbone(backbone)),
            "image_size": data.image_size,
            "strategy": recipe.model_dump(),
        },
    )
