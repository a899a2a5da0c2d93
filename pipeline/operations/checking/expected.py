"""About how long a plan will take: seconds that were measured once, scaled to its photos, seeds and candidates.

The measured ones are those of the default comparison (732 photos to learn from at 96×96 pixels, two cores without a
GPU; README has the table). Backbones without figures count as a ResNet50. What is kept from earlier runs is not looked
at, and early stopping may end much sooner, so this is an order of magnitude.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.configuration.whole import Params
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.families import family_named
from pipeline.params.training.candidates import CLASSICAL, Candidate
from pipeline.params.training.strategies import Phase

SIDE = 96  # pixels, of the photos that were measured
PASS = {"vgg16": 0.048, "resnet50": 0.027, "inceptionv3": 0.014}  # seconds to train all of it on one photo once
PLAIN = 0.027  # of any other backbone
SCRATCH = 0.0025  # of a small CNN
FROZEN = 1 / 3  # of that, to only pass a photo through
CLASSICAL_FIT = 0.009  # seconds a photo, of a classical model with its cross-validation; they grow with the pixels less
START = 15.0  # seconds of each stage, before and after its work
EVALUATED = 45.0  # seconds that a candidate is measured, with the altered photos of the default
SPREAD = (0.6, 2.0)  # times this, between fast and slow machines


def expected_minutes(params: Params, examples: int) -> tuple[float, float]:
    """From a fast machine to a slow one; both have two cores and no GPU.

    Args:
        examples: how many photos there are.
    """
    learnt = examples * (1 - params.data.test_fraction)
    if params.data.limit is not None:
        learnt = min(learnt, params.data.limit)
    area = (params.data.image_size / SIDE) ** 2
    candidates = [*params.candidates(), *params.studied()]
    seconds = sum(_seconds_of(candidate, params, learnt, area) for candidate in candidates)
    return SPREAD[0] * seconds / 60, SPREAD[1] * seconds / 60


def _seconds_of(candidate: Candidate, params: Params, learnt: float, area: float) -> float:
    """To train one candidate with all its seeds, and to measure it."""
    seeds, photos = len(params.seeds), learnt * candidate.training_share
    evaluated = EVALUATED * max(area, 1.0) + START
    if candidate.backbone is None and candidate.family == CLASSICAL:
        return evaluated + START + seeds * photos * CLASSICAL_FIT
    trained = photos * (1 - params.splits.validation_fraction) * area
    if candidate.backbone is None:
        epochs = params.architectures_of(family_named(candidate.family))[candidate.model].epochs
        return evaluated + START + seeds * trained * epochs * SCRATCH
    once = PASS.get(candidate.backbone, PLAIN)
    frozen = photos * area * once * FROZEN  # kept, and so paid once for all seeds
    if candidate.technique is None:
        return evaluated + START + frozen + seeds * photos * CLASSICAL_FIT
    deep = _passes(params.strategies[candidate.technique].phases, len(load_backbone(candidate.backbone).blocks))
    return evaluated + START + frozen + seeds * trained * once * deep


def _passes(phases: Sequence[Phase], blocks: int) -> float:
    """How many times all of the network is trained on each photo; the head alone costs next to nothing."""
    return sum(phase.epochs * _share(phase.train, blocks) for phase in phases)


def _share(train: str, blocks: int) -> float:
    if train == "head":
        return 0.0
    return min(int(train.split()[1]) / blocks, 1.0) if train.startswith("top") else 1.0
