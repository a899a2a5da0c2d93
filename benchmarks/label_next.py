"""Accuracy against the number of labels: chosen as `label-next` chooses, by uncertainty alone, and at random.

    python -m benchmarks.label_next                                            # fashion_mnist, edges and colours
    python -m benchmarks.label_next --source cifar10 --size 64 --features resnet50
    python -m benchmarks.label_next --copies 10 --step 25 --rounds 6           # ten photos of each thing in the pool

A pool of a source's labelled photos plays the unlabelled ones. Features of all photos are computed once: edges and
colours, or what a frozen backbone makes of them. On these a linear classifier learns, as the probe `logistic` does: the
contenders are SEEDS of it, each with its own draw of training and validation examples, and calibrated on the latter.
It begins with some labels drawn at random. Then each round takes `step` more, by three rules that begin alike: that of
`label-next` (the same code), the same weights without spreading out, and chance. Each repetition draws its own half of
the pool and its own first labels. Accuracy is that on the source's test photos, mean over the contenders.

Results stand in benchmarks/results/label_next.json; `python -m publishing` writes them into docs/results/label-next.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from threadpoolctl import threadpool_limits

from benchmarks.record import record
from benchmarks.workspaces import begin_workspace, get_weights, prepare_source, write_overlay
from pipeline.evaluation.measures.calibration import fit_temperature, scale
from pipeline.ground.files import read_json
from pipeline.operations.labelling.choice import choose, weigh

RESULTS = Path(__file__).parent / "results/label_next.json"
WORKSPACE = Path("workspaces/benchmark-label-next")
RULES = ("label-next", "uncertainty", "random")
SEEDS = 3
VALIDATION = 0.2  # of the labels
STRENGTH = 0.01  # C of the linear classifier, on standardised features
SIDE = 64  # pixels that a backbone is built for to take its weights, which fit any side
NOISE = 0.02  # of a copy, in standard deviations of each feature

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def main() -> None:
    options = parse(sys.argv[1:])
    root = Path.cwd()
    features, labels, test_features, test_labels = prepared_features(options)
    study = Study(options, features, labels, test_features, test_labels)
    curves: dict[str, list[list[float]]] = {rule: [] for rule in RULES}
    with threadpool_limits(1):
        for repetition in range(options.repeats):
            for rule in RULES:
                curves[rule].append(study.curve(rule, repetition))
            print(repetition, {rule: [round(value, 3) for value in curves[rule][-1]] for rule in RULES}, flush=True)
    add_result(root / RESULTS.relative_to(RESULTS.parents[2]), options, curves)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--source", default="fashion_mnist", help="a named source of photos")
    parser.add_argument("--features", default="hog_colour", help="hog_colour, or a backbone")
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--limit", type=int, default=4000, help="photos a split at most; 0: all")
    parser.add_argument("--copies", type=int, default=1, help="nearly equal photos of each thing in the pool")
    parser.add_argument("--first", type=int, default=100, help="labels drawn at random at the beginning")
    parser.add_argument("--step", type=int, default=50, help="labels a round")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=20)
    return parser.parse_args(arguments)


def labels_by_round(asked: dict[str, Any]) -> list[int]:
    """How many labels there are at the beginning and after each round."""
    return [asked["first"] + asked["step"] * number for number in range(asked["rounds"] + 1)]


class Study:
    """One source's features, and how accuracy grows on them.

    Args:
        features: (N, F) of the pool; labels: (N,) class numbers; test_features and test_labels likewise.
    """

    def __init__(
        self, options: argparse.Namespace, features: Floats, labels: Rows, test_features: Floats, test_labels: Rows
    ) -> None:
        self.asked, self.features, self.labels = vars(options), features, labels
        self.test_features, self.test_labels = test_features, test_labels
        self.classes = int(max(labels.max(), test_labels.max())) + 1

    def curve(self, rule: str, repetition: int) -> list[float]:
        """Accuracy at the beginning and after each round; pool and first labels are the same for every rule."""
        features, labels = self._pool(repetition)
        random = np.random.default_rng((repetition, RULES.index(rule)))
        chosen = np.random.default_rng((repetition, 100)).permutation(len(labels))[: self.asked["first"]]
        accuracies = []
        for number in range(self.asked["rounds"] + 1):
            contenders = [self._fit(features[chosen], labels[chosen], seed) for seed in range(SEEDS)]
            accuracies.append(self._accuracy(contenders))
            if number == self.asked["rounds"]:
                return accuracies
            free = np.setdiff1d(np.arange(len(labels)), chosen)
            picked = self._pick(rule, contenders, features[free], random)
            chosen = np.concatenate([chosen, free[picked]])
        return accuracies

    def _pool(self, repetition: int) -> tuple[Floats, Rows]:
        """Half of the photos; where there are copies, fewer of them, each with copies that differ by a little noise."""
        random, copies = np.random.default_rng((repetition, 200)), self.asked["copies"]
        rows = random.permutation(len(self.labels))[: len(self.labels) // 2]
        if copies == 1:
            return self.features[rows], self.labels[rows]
        rows = np.repeat(rows[: len(rows) // copies], copies)
        noise = random.normal(0, NOISE, (len(rows), self.features.shape[1])) * self.features.std(axis=0)
        return self.features[rows] + noise, self.labels[rows]

    def _fit(self, features: Floats, labels: Rows, seed: int) -> tuple[Pipeline, float]:
        """A classifier and its temperature."""
        order = np.random.default_rng(seed).permutation(len(labels))
        validation, training = np.split(order, [round(VALIDATION * len(order))])
        model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000))
        model.fit(features[training], labels[training])
        return model, fit_temperature(labels[validation], self._probabilities(model, features[validation]))

    def _probabilities(self, model: Pipeline, features: Floats) -> Floats:
        """(N, classes), of all classes, whichever it has learned."""
        probabilities = np.zeros((len(features), self.classes))
        probabilities[:, model.classes_] = model.predict_proba(features)
        return probabilities

    def _accuracy(self, contenders: list[tuple[Pipeline, float]]) -> float:
        right = [(model.predict(self.test_features) == self.test_labels).mean() for model, _ in contenders]
        return round(float(np.mean(right)), 5)

    def _pick(
        self, rule: str, contenders: list[tuple[Pipeline, float]], features: Floats, random: np.random.Generator
    ) -> Rows:
        step = self.asked["step"]
        if rule == "random":
            return random.permutation(len(features))[:step]
        answers = [np.asarray(scale(self._probabilities(model, features), at), np.float64) for model, at in contenders]
        weights = weigh(np.stack(answers))
        if rule == "uncertainty":
            return np.argsort(-weights, kind="stable")[:step]
        return choose(lambda rows: np.asarray(normalize(features[rows])), weights, step).rows


def prepared_features(options: argparse.Namespace) -> tuple[Floats, Rows, Floats, Rows]:
    """Of development and test, computed in a process of its own, in a workspace of its own; kept there."""
    workspace = WORKSPACE / options.source
    kept = workspace / f"{options.features}-{options.size}-{options.limit}.npz"
    if not kept.is_file():
        begin_workspace(workspace)
        code = f"from benchmarks.label_next import keep_features; keep_features({vars(options)!r}, {kept.name!r})"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=workspace)
    with np.load(kept) as arrays:
        return arrays["development"], arrays["labels"], arrays["test"], arrays["test_labels"]


def keep_features(asked: dict[str, Any], name: str) -> None:
    """Fetch and prepare the source, then write the features of both splits."""
    from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared

    overlay = {
        "data.fetch": [asked["source"]],
        "data.limit": asked["limit"] or None,
        "data.image_size": asked["size"],
        "finetune.backbones": [],
        "tracking.enabled": False,
    }
    write_overlay(overlay)
    prepare_source(asked["source"])
    transform = transformer(asked["features"])
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    seen, seen_test = transform(development.images), transform(test.images)
    np.savez(name, labels=development.labels, test_labels=test.labels, development=seen, test=seen_test)


def transformer(name: str) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """From photos to features."""
    if name == "hog_colour":
        from pipeline.models.features.photos import HogColour

        return HogColour().transform
    from pipeline.ground.paths import WEIGHTS
    from pipeline.models.backbone_files.stored import with_architecture
    from pipeline.models.networks.backbones import build_pooled, load_pretrained_weights
    from pipeline.models.networks.pooled import PooledFeatures
    from pipeline.params.schema.backbones import load_backbone

    weights = WEIGHTS / f"{name}.weights.h5"
    get_weights(name)
    row = with_architecture(load_backbone(name), weights)
    body, _ = build_pooled(row, SIDE)
    load_pretrained_weights(row, body, weights)
    return PooledFeatures(row.model_dump(), body.get_weights()).transform


def add_result(path: Path, options: argparse.Namespace, curves: dict[str, list[list[float]]]) -> None:
    measured = dict(read_json(path)["measured"]) if path.exists() else {}
    bursts = f", {options.copies} photos of each thing" if options.copies > 1 else ""
    measured[f"{options.source}{bursts}"] = {"asked": vars(options), "accuracy": curves}
    record(path, {"measured": measured})


if __name__ == "__main__":
    main()
