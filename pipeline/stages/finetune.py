"""finetune@{backbone}-{strategy}: a pretrained backbone, trained by one strategy, once for each seed.

    python -m pipeline finetune --backbone resnet50 --strategy gradual_unfreezing
    dvc repro finetune@resnet50-gradual_unfreezing

Reads data/prepared/development and data/weights/<backbone>.weights.h5; the test split is not among its inputs.
Writes results/finetune-<backbone>-<strategy>/.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline.datasets.store.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.ground.fingerprints import fingerprint
from pipeline.ground.paths import WEIGHTS
from pipeline.models.backbone_files.stored import with_architecture
from pipeline.models.networks.backbones import block_ends
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Strategy
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.stages.assembly.training.network_trials import train_trials


def run(backbone: str, strategy: str) -> None:
    train_candidate(Candidate("finetune", model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    data = load_prepared(DEVELOPMENT)
    train_trials(plan_candidate(candidate, data), data)


def plan_candidate(candidate: Candidate, data: Prepared, weights_folder: Path | None = WEIGHTS) -> NetworkPlan:
    """Which network, and how it is trained on these data.

    Args:
        weights_folder: holds the file with the backbone's pretrained weights; None: random ones take their place.
    """
    backbone, technique = str(candidate.backbone), str(candidate.technique)
    weights = (weights_folder or WEIGHTS) / f"{backbone}.weights.h5"
    row = with_architecture(load_backbone(backbone), weights)
    strategy = read_section(f"strategies.{technique}", Strategy)
    training = read_section("training", Training).changed_by(strategy.training)

    size, head = data.images.shape[1], head_for(data.task, len(data.class_names))
    build = partial(
        build_finetuned,
        row,
        size,
        head,
        training.head_dropout,
        weights if weights_folder else None,
        batch_norm=strategy.batch_norm,
        begins_anew=strategy.weights == "random",
    )
    names = {"backbone": backbone, "strategy": technique}
    described = {"backbone": backbone, "blocks": block_ends(row), "image_size": size, "strategy": strategy.model_dump()}
    return NetworkPlan(
        candidate,
        head,
        build,
        strategy,
        training,
        fingerprint=fingerprint("finetune", names, candidate.training_share),
        parameters=described,
    )
