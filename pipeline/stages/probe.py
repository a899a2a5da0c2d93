"""probe@{model}-{backbone}: a classical model on what a frozen backbone makes of the photos, once for each seed.

    python -m pipeline probe --model logistic --backbone resnet50
    dvc repro probe@logistic-resnet50

Features of deep learning under a classical model: the bridge between both worlds. Reads data/prepared/development and
data/weights/<backbone>.weights.h5; the test split is not among its inputs.
Writes results/classical-<model>-<backbone>/.
"""

from __future__ import annotations

from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.ground.fingerprints import fingerprint
from pipeline.ground.paths import WEIGHTS
from pipeline.models.backbone_files.stored import with_architecture
from pipeline.models.networks.backbones import build_pooled, load_pretrained_weights
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.network import Network
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.training.classical_trials import ClassicalPlan, Features, fit_trials
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.precision import choose_precision


def run(model: str, backbone: str) -> None:
    train_candidate(Candidate("classical", model=f"{model}-{backbone}", backbone=backbone))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    backbone = str(candidate.backbone)
    data, model = load_prepared(DEVELOPMENT), candidate.row
    store = ActivationStore(data.images, data.sha256, read_section("keep", Keep).activations_gb)
    recipe_hash = fingerprint("probe", {"model": model, "backbone": backbone}, candidate.training_share)
    precision = choose_precision(read_section("training", Training).precision, data.kind)
    features = pooled_features(backbone, store, precision)
    fit_trials(ClassicalPlan(candidate, model, features, recipe_hash, {"precision": precision}), data)


def pooled_features(backbone: str, store: ActivationStore, precision: str) -> Features:
    """What the frozen backbone makes of the store's images, computed once and kept.

    They are the very activations that fine-tuning keeps for the phases that train the head alone, so the backbone
    computes in the same precision.
    """
    weights = WEIGHTS / f"{backbone}.weights.h5"
    row = with_architecture(load_backbone(backbone), weights)
    body, blocks = build_pooled(row, store.images.shape[1], precision)
    load_pretrained_weights(row, body, weights)
    network = Network(body, blocks, head=[], fresh=[])
    network.freeze_all_but("head")
    kept = store.get(network, len(blocks))
    extractor = PooledFeatures(row.model_dump(), body.get_weights(), precision)
    return Features(kept.values, kept.seconds, extractor, body.count_params())
