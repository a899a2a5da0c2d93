"""The figures that stand in sentences of README and docs/, each from the file of a run or of a benchmark.

What was measured once, with a version that kept no file of it, is in benchmarks/results/recorded.json, with its commit,
its day and, where there is one, its command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.ground.files import read_json
from pipeline.operations.planning.words import duration
from publishing.measurements.kept import rows_of
from publishing.paths import DOCS, RESULTS, ROOT
from publishing.runs import DEFAULT, read_run
from publishing.sentences import Sentence

Row = Mapping[str, Any]
ALONE = (2, "independent")  # seeds, and how luck is taken, of the comparisons with ensembles that a sentence tells


def readme() -> list[Sentence]:
    sizes, candidates = _default()
    covered = [row["coverage"] for row in (*_worlds().values(), *_real().values()) if row["coverage"] is not None]
    experiments = sum(row["repeats"] for row in _real().values())
    times = read_json(RESULTS / "against_keras_guide.json")["planned"]["grid"]["ratio"]
    return [
        Sentence("On {} photos of fruit and vegetables, which it downloads, {} candidates", [f"{sizes:,}", candidates]),
        Sentence(
            "without `make start`: {} candidates, {} h {} min on two cores",
            [candidates, *_hours_minutes("took_seconds")],
        ),
        Sentence("- **{} in 100** of the 95 % intervals", [f"{100 * median(covered):.0f}"]),
        Sentence("and in {} small experiments on real data", [f"{experiments:,}"]),
        Sentence("- **{} times** as fast", [f"{times:.0f}"]),
    ]


def turkish_summary() -> list[Sentence]:
    photos, candidates = _default()
    numbers = [f"{photos:,}".replace(",", "."), candidates, *_hours_minutes("took_seconds")]
    return [Sentence("{} fotoğrafta {} aday, iki çekirdekte {} saat {} dakika", numbers)]


def plan_and_progress() -> list[Sentence]:
    times = [part for key in ("seconds", "low", "high") for part in _hours_minutes("forecast", key)]
    return [Sentence("time about {} h {} min, {} h {} min to {} h {} min", times)]


def why_believe_it() -> list[Sentence]:
    worlds, real = _worlds(), _real()
    one, unsteady, sharp, two = (worlds[name] for name in ("one_seed", "one_seed_unsteady", "accuracy_99", "two_seeds"))
    best = next(row for row in rows_of("who_is_best") if (row["seeds"], row["draws"]) == ALONE)
    gains = [worlds[f"growth_{law}"]["gain_coverage"] for law in ("no_floor", "flat", "floor_25", "steep")]
    return [
        Sentence(
            "Where they vary by one, {} to {} points were told of {}, where they vary by three (*one seed unsteady*) "
            '{} to {} of {}. Intervals and limits ("at most") assume three points, and cover {} where that is so.',
            [*_one_seed(one), *_one_seed(unsteady), f"{unsteady['coverage']:.3f}"],
        ),
        Sentence("({} where it was {}, with two seeds)", [f"{best['said']:.2f}", f"{best['was']:.2f}"]),
        Sentence(
            "a true lead of five points is promised in {} and found in {}:",
            [f"{sharp['told_power']:.3f}", f"{sharp['found_power']:.3f}"],
        ),
        Sentence("with two seeds {} points are told where {} are true", _points(two, "told_regret", "true_regret")),
        Sentence(
            "is held by the intervals in {} (no floor), {} (a flat law), {} (floors of 0.25, 0.30 and 0.36) and {} (a "
            "steep law above a floor)",
            [f"{share:.3f}" for share in gains],
        ),
        Sentence(
            "of weekly retraining among equals, {} % promoted one",
            _points(worlds["year_of_looks"], "false_promotions", digits=0),
        ),
        Sentence(
            "The regret that is told is {}, {} and {} times the true one, with standard errors of {}, {} and {},",
            [
                *(f"{row['told_regret'] / row['true_regret']:.1f}" for row in real.values()),
                *(f"{row['told_error'] / row['true_regret']:.2f}" for row in real.values()),
            ],
        ),
        Sentence(
            "and {} points more on randhie",
            [f"{100 * (real['randhie']['true_regret'] - real['randhie']['leader_regret']):.2f}"],
        ),
    ]


def from_the_notes() -> list[Sentence]:
    recorded = _recorded()
    growth, ablations, remedies = (recorded[name] for name in ("growth", "ablations", "regularisers"))
    first, last = ((growth["svm_hog"][end], growth["feature_extractor"][end]) for end in (0, -1))
    return [
        Sentence(
            "with {} photos an SVM on gradients had {} and with {} photos {}, a feature extractor on ResNet50 {} "
            "and {}.",
            [
                *(str(growth["photos"][0]), f"{first[0]:.3f}"),
                *(str(growth["photos"][-1]), f"{last[0]:.3f}"),
                *(f"{first[1]:.3f}", f"{last[1]:.3f}"),
            ],
        ),
        Sentence(
            "ReLU {}, tanh {}, sigmoid {}, which is no better than guessing; before training, with sigmoid, the "
            "gradient at the lowest convolution is {} of that at the highest.",
            [*_scores(ablations, "relu", "tanh", "sigmoid"), f"{ablations['sigmoid_gradient']:.5f}"],
        ),
        Sentence(
            "without any {} with a gap of {}, with all of them {} with {}, which is shown to be better. Of each alone "
            "augmentation does most ({});",
            _scores(remedies, "bare", "bare_gap", "all_of_them", "all_of_them_gap", "augmentation"),
        ),
        Sentence(
            "{} with links, {} (guessing) without, a difference that is not shown once corrected for all {} pairs.",
            [*_scores(ablations, "with_links", "without_links"), str(ablations["pairs"])],
        ),
        Sentence(
            "resnet50 has {} with ImageNet's weights and {} with random ones, on {} photos.",
            [*_scores(ablations, "imagenet", "random"), str(ablations["photos"])],
        ),
    ]


def competitors() -> list[Sentence]:
    recorded = _recorded()
    growth, ablations, remedies = (recorded[name] for name in ("growth", "ablations", "regularisers"))
    return [
        Sentence("On {} of the default photos, at {} pixels", [str(ablations["photos"]), str(ablations["pixels"])]),
        Sentence("shown to matter ({} against {})", _scores(ablations, "relu", "sigmoid")),
        Sentence("had {} with residual links and {}, which", _scores(ablations, "with_links", "without_links")),
        Sentence(
            "better ({} against {}) and halve the gap between training and test ({} against {}); of each alone "
            "augmentation does most ({}),",
            _scores(remedies, "all_of_them", "bare", "all_of_them_gap", "bare_gap", "augmentation"),
        ),
        Sentence(
            "with {}, {}, {} and {} photos resnet50 feature_extractor is right on {}, {}, {} and {}, svm_hog on {}, "
            "{}, {} and {}. Twice the labels would bring the first {} points ({} to {}), at least {} more are worth "
            "having",
            [
                *(str(photos) for photos in growth["photos"]),
                *(f"{score:.3f}" for score in (*growth["feature_extractor"], *growth["svm_hog"])),
                *_points(growth, "gain", "gain_low", "gain_high", digits=1),
                f"{growth['more_labels']:,}",
            ],
        ),
    ]


def fine_tuning() -> list[Sentence]:
    views = _recorded()["views"]
    losses = [f"{views[key]:.2f}" for key in ("loss_with_views", "loss_without")]
    return [
        Sentence(
            "had a test accuracy of {} against {} without, and a validation loss of {} against {} (one seed).",
            [*_scores(views, "with_views", "without"), *losses],
        )
    ]


def photos() -> list[Sentence]:
    rays, silhouettes = (_recorded()["duplicates"][name] for name in ("pneumonia", "fashion_mnist"))
    return [
        Sentence(
            "of {} X-rays (`pneumonia`) {} pairs hash alike, and the {} that are the same are found; of {} silhouettes "
            "(`fashion_mnist`) {} pairs, and {} are the same garment, {} of them in training and in test.",
            [f"{found:,}" for found in (*rays.values(), *silhouettes.values())],
        )
    ]


def export() -> list[Sentence]:
    files = _recorded()["exports"]
    return [
        Sentence("On the {} test photos of `groceries`", [str(files["photos"])]),
        Sentence(
            "at most {} apart from float32, while bfloat16 by itself moved probabilities by up to {} (InceptionV3: {} "
            "classes)",
            [f"{files['apart']:.6f}", f"{files['bfloat16_apart']:.3f}", str(files["bfloat16_classes"])],
        ),
    ]


def another_score() -> list[Sentence]:
    rule = _recorded()["thresholds"]
    least = min(row["coverage"] for row in rows_of("score_calibration"))
    return [
        Sentence(
            "on {} of them balanced accuracy was {}, against {} on new ones, and {} by fifths.",
            [str(rule["examples"]), *(f"{rule[key]:.2f}" for key in ("on_them", "on_new_ones", "by_fifths"))],
        ),
        Sentence("hold the truth by every score in at least {} of cases", [f"{least:.2f}"]),
    ]


def tables_and_series() -> list[Sentence]:
    worlds = _recorded()["numbers"]
    return [
        Sentence(
            "comparisons of {} candidates with {} test examples and {} seeds, 95 % intervals of a single RMSE held the "
            "truth in {} %, of differences in {} %, and {} % of comparisons of equals called any two different. With "
            "heavy-tailed errors (t, 4 degrees) it was {} %, {} % and {} %:",
            [
                *(str(worlds[key]) for key in ("candidates", "examples", "seeds")),
                *_points(worlds, "own", "differences", digits=1),
                *_points(worlds, "false", digits=0),
                *_points(worlds, "heavy_own", "heavy_differences", digits=1),
                *_points(worlds, "heavy_false", digits=0),
            ],
        )
    ]


def ensembles() -> list[Sentence]:
    too_large = [row["told"] / row["true"] for row in rows_of("ensembles")]
    soup = rows_of("soups_on_runs")[0]
    return [
        Sentence(
            "with 2, 3 and 5 seeds {} to {} times as large as it is,",
            [f"{min(too_large):.2f}", f"{max(too_large):.2f}"],
        ),
        Sentence("Of one ResNet50 on {} photos", [str(soup["development"])]),
        Sentence("Only {} validation examples said whether they compete", [str(soup["shared"])]),
    ]


SENTENCES: dict[Path, Callable[[], list[Sentence]]] = {
    ROOT / "README.md": readme,
    ROOT / "README.tr.md": turkish_summary,
    DOCS / "from-the-notes.md": from_the_notes,
    DOCS / "explanation/fine-tuning.md": fine_tuning,
    DOCS / "explanation/why-believe-it.md": why_believe_it,
    DOCS / "how-to/another-score.md": another_score,
    DOCS / "how-to/competitors.md": competitors,
    DOCS / "how-to/ensembles.md": ensembles,
    DOCS / "how-to/export.md": export,
    DOCS / "how-to/photos.md": photos,
    DOCS / "how-to/plan-and-progress.md": plan_and_progress,
    DOCS / "how-to/tables-and-series.md": tables_and_series,
}


def _recorded() -> dict[str, Any]:
    recorded: dict[str, Any] = read_json(RESULTS / "recorded.json")
    return recorded


def _default() -> tuple[int, str]:
    """How many photos the default run had, and how many candidates."""
    run = read_run(DEFAULT)
    return run["sizes"]["development"] + run["sizes"]["test"], str(len(run["ranking"]))


def _hours_minutes(*keys: str) -> list[str]:
    """A time of the default run, as `plan` writes it."""
    value: Any = read_json(RESULTS / "default_run.json")
    for key in keys:
        value = value[key]
    return re.findall(r"\d+", duration(value))


def _worlds() -> dict[str, Row]:
    return {row["world"]: row for row in rows_of("verdict_calibration")}


def _real() -> dict[str, Row]:
    return {row["world"]: row for row in rows_of("verdict_on_real_data")}


def _one_seed(row: Row) -> list[str]:
    """What is told where seeds vary little and where they vary much, and what is true."""
    return _points(row, "told_if_steady", "told_regret", "true_regret")


def _points(row: Row, *keys: str, digits: int = 2) -> list[str]:
    """Shares as hundredths."""
    return [f"{100 * row[key]:.{digits}f}" for key in keys]


def _scores(row: Row, *keys: str) -> list[str]:
    return [f"{row[key]:.3f}" for key in keys]
