"""Seconds of a stage by the work that it is and the speed of the machine.

The figures were fitted to three runs on the reference machine: `study quick` (280 photos of 75 pixels), a comparison of
six candidates (280 of 96) and `study cat_dog_bird` (600 photos). Each part of a stage is counted for itself, so that
photos, size, phases and seeds scale what they change, and the start of a process stays.
"""

from __future__ import annotations

from pipeline.operations.planning.speeds import NetworkSpeed, Speeds
from pipeline.operations.planning.work import Work, altered_photos, explained_photos
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.candidates import CLASSICAL, Candidate

# Seconds of a stage beside its work: DVC's own, Python's start and imports, writing and hashing what comes out.
FOLDERS, FETCHED, PLAIN, NETWORK, PROBE, EVALUATED, COMPARED = 3.0, 8.0, 5.0, 8.0, 13.0, 10.0, 5.0
DOWNLOAD = 60.0  # seconds of a source or of weights, by a usual connection
READ = 0.004  # seconds to read, check and resize a photo
# Times the quickest step that was measured: a training gathers its batches, measures its epochs, and has neighbours. In
# the default comparison VGG16, ResNet50 and InceptionV3 took 1.2 to 1.4 times as long as their quickest steps.
SUSTAINED = 1.25
HEAD = 0.0004  # seconds to train a head on one kept feature
SEED = 0.8  # seconds of a seed beside its training: its model saved, its training split predicted
# Seconds a photo, seed and fold to fit every setting of a classical model; as in the default comparison's seven, of
# CLASSES classes and LEARNT photos. Boosting grows a tree a class (one of two); an SVM's time grows with the square.
FIT = 0.0009
FITS = {"majority": 0.0, "forest": 0.0057, "boosting": 0.0065, "logistic_pixels": 0.0016, "svm": 0.0009, "knn": 0.0004}
CLASSES, LEARNT = 14, 585
PROBE_FIT = 0.0035  # the same on a backbone's features
ROW_FIT = 0.0003  # the same of a table, a row
ENGINEERED = 0.0013  # seconds of a photo's engineered features (HOG and colours)
COMPARED_PAIR = 0.004  # seconds of a pair of candidates in `compare`, at 10,000 resamples


def training_seconds(work: Work, speeds: Speeds) -> float:
    """A training stage from start to end."""
    candidate = work.candidate
    if candidate.family == CLASSICAL and candidate.backbone is None:
        return (PLAIN + _fits(work)) * speeds.slowness
    if candidate.technique is None and candidate.backbone:
        speed = speeds.of(candidate.backbone, work.side)
        return (PROBE + _fits(work)) * speeds.slowness + speed.start + work.developed * speed.forward
    speed = speeds.of(candidate.backbone or candidate.whole, work.side)
    return NETWORK * speeds.slowness + speed.start + network_seconds(work, speed, speeds.slowness)


def network_seconds(work: Work, speed: NetworkSpeed, slowness: float) -> float:
    """What all seeds of a network take, without the start of the process. Tracing a whole network counts twice."""
    tracings = sum(2 if part == "all" else 1 for part, _ in work.deep_phases)
    total = work.seeds * SEED * slowness + tracings * speed.start
    for part, epochs in work.phases:
        if part == "head":
            each = work.learnt * HEAD * slowness
        else:
            trained, passed = _trained_share(part, work.candidate, speed)
            each = SUSTAINED * work.learnt * trained + work.validated * passed
        total += (work.seeds + work.tuning) * epochs * each
    if work.candidate.backbone and not all(part == "all" for part, _ in work.phases):
        total += work.developed * (1 + work.views) * speed.forward  # what stays frozen is computed once for all seeds
    return total


def evaluation_seconds(work: Work, evaluation: Evaluation, speeds: Speeds, shares_work: bool) -> float:
    """An evaluation stage from start to end.

    Args:
        shares_work: whether an earlier stage has already passed the photos through the same frozen backbone, or
            computed the same engineered features.
    """
    candidate, is_photo = work.candidate, work.side is not None
    altered, explained = altered_photos(evaluation, work), explained_photos(evaluation, work)
    asked = altered + explained
    if candidate.family == CLASSICAL and candidate.backbone is None:
        each = ENGINEERED if is_photo and not shares_work else 0.0002 if is_photo else 0.0
        return (PLAIN + each * asked) * speeds.slowness
    speed = speeds.of(candidate.backbone or candidate.whole, work.side)
    start = (EVALUATED if is_photo else NETWORK) * speeds.slowness + speed.start
    if candidate.backbone and not work.deep_phases:
        passed = 0 if shares_work else altered + work.tested
        return start + (passed + explained) * speed.forward
    share = max((_trained_share(part, candidate, speed)[1] for part, _ in work.deep_phases), default=speed.forward)
    answered = work.seeds * (work.developed + work.tested)
    return start + answered * share + asked * speed.forward


def soup_seconds(work: Work, speeds: Speeds) -> float:
    """Of the mean of the weights of a fine-tuned candidate's seeds: it answers on all examples, and on test examples
    once more without each seed, where these are three or more."""
    candidate = work.candidate
    speed = speeds.of(candidate.backbone or candidate.whole, work.side)
    start = EVALUATED * speeds.slowness + speed.start
    if not work.deep_phases:
        return start
    share = max(_trained_share(part, candidate, speed)[1] for part, _ in work.deep_phases)
    without = work.seeds if work.seeds > 2 else 0
    return start + share * (work.developed + (1 + without) * work.tested)


def comparison_seconds(candidates: int, resamples: int, slowness: float) -> float:
    pairs = candidates * (candidates - 1) / 2
    return (COMPARED + COMPARED_PAIR * pairs * resamples / 10_000) * slowness


def _fits(work: Work) -> float:
    """Seconds of all fits of a classical model, its cross-validation included."""
    name = work.candidate.model
    if work.side is None:
        each = 0.0 if name in FITS and not FITS[name] else ROW_FIT
    elif work.candidate.backbone:
        each = PROBE_FIT
    else:
        each = next((seconds for key, seconds in FITS.items() if name.startswith(key)), FIT)
        if name.startswith("boosting"):
            each *= _trees(work) / CLASSES
        if name.startswith("svm"):
            each *= work.learnt / LEARNT
    return work.seeds * work.learnt * work.folds * each


def _trees(work: Work) -> int:
    """How many trees each step of boosting grows: one a class, one of two and of a number; as measured where nobody
    knows how many classes there are."""
    if load_classical(work.candidate.model).estimator.endswith("Regressor"):
        return 1
    return CLASSES if work.classes is None else work.classes if work.classes > 2 else 1


def _trained_share(part: str, candidate: Candidate, speed: NetworkSpeed) -> tuple[float, float]:
    """Seconds to train on one photo, and to pass one through what is not kept."""
    if part == "all" or candidate.backbone is None:
        return speed.train, speed.forward
    blocks = len(load_backbone(candidate.backbone).blocks)
    word, number = part.split()
    if word == "block":  # all above a block is passed through too, there and back
        above = (blocks - int(number) + 1) / blocks
        return speed.train * above, speed.forward * above
    depth = (int(number) - 1) / max(1, blocks - 1)  # 0: the uppermost block alone, 1: all of them
    trained = speed.top + max(0.0, speed.train - speed.top) * min(depth, 1.0)
    return trained, speed.forward * min(1.0, int(number) / blocks)
