"""Memory and disk of each stage."""

from __future__ import annotations

from pipeline.configuration.whole import Params
from pipeline.models.backbone_files.archive import stored_parameters
from pipeline.operations.planning.expansion import Stage, trains_blocks
from pipeline.operations.planning.sizes import Sizes
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.training.candidates import CLASSICAL, Candidate

MB = 1e6
FLOAT = 4  # bytes of a weight
TRAINED = 4 * FLOAT  # of one that is trained: itself, its gradient, two moments
PYTHON, FITTED, TENSORFLOW, PROBED = 0.3e9, 0.9e9, 1.1e9, 1.8e9  # bytes of a process, with what it reads
DEEP = 0.6e9  # bytes of a batch's activations, where blocks are trained, at 96×96 pixels
SIDE = 96


def memory_of(stage: Stage, params: Params) -> float:
    """Bytes of resident memory, roughly, at its highest."""
    candidate = stage.candidate
    if candidate is None:
        return PYTHON if stage.part in ("folders", "fetch", "backbone") else FITTED
    if candidate.family == CLASSICAL:
        return PROBED if candidate.backbone else FITTED
    area = (params.data.image_size / SIDE) ** 2 if params.data.kind == "images" else 0.0
    deep = DEEP * area if trains_blocks(candidate, params) or stage.part in ("evaluate", "soup") else 0.0
    trained = _parameters(candidate) * TRAINED if trains_blocks(candidate, params) else 0.0
    return TENSORFLOW + deep + trained + (_soups(candidate, params) if stage.part == "soup" else 0.0)


def _soups(candidate: Candidate, params: Params) -> float:
    """The networks of all seeds, the first one whole, and soups of all seeds and of all but each in turn, which answer
    together, each with folded copies of its weights: 2 (S + 1)."""
    return 3 * (len(params.seeds) + 1) * model_bytes(candidate)


def disk_of(stage: Stage, params: Params, sizes: Sizes) -> float:
    """Bytes that it leaves, the cache's links not counted twice."""
    data = params.data
    if stage.part == "prepare":
        is_photo = data.kind == "images"
        return (sizes.development + sizes.test) * (data.image_size**2 * 3 if is_photo else 200)
    if stage.backbone:
        return weight_bytes(stage.backbone)
    if stage.candidate and stage.part == "train":
        return max(MB, len(params.seeds) * model_bytes(stage.candidate))
    if stage.candidate and stage.part == "soup":
        return max(MB, model_bytes(stage.candidate))
    return MB


def weight_bytes(backbone: str) -> float:
    return _count(backbone) * FLOAT


def model_bytes(candidate: Candidate) -> float:
    """Of one seed's model, where it holds a backbone; without one, models are small."""
    return _parameters(candidate) * FLOAT


def _parameters(candidate: Candidate) -> float:
    """Of the backbone that its models hold; those of other models are small, and so are probes' own."""
    if candidate.backbone is None or candidate.technique is None:
        return 0.0
    return _count(candidate.backbone)


def _count(backbone: str) -> int:
    """How many numbers its weights are."""
    row = load_backbone(backbone)
    return stored_parameters(row) if isinstance(row, BackboneFile) else row.weights.parameters
