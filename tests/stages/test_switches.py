"""Each switch under `evaluation` in params.yaml takes its own part away, and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.comparison.tables.studies.properties import RECIPES
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, write_prepared
from pipeline.ground.files import read_json, write_json
from pipeline.ground.paths import DATASET, PREPARED
from pipeline.stages import baseline, compare, evaluate
from pipeline.trials import evaluation_folder

ROOT = Path(__file__).resolve().parents[2]

FOUND = "logistic_hog"  # is looked at; the other one only gives the comparison something to compare with
MODELS = ["majority", FOUND]
CANDIDATE = f"classical-{FOUND}"
OTHER_SCORES = re.compile(r'<section id="scores">.*?</section>', re.DOTALL)  # some have the name of a measure
TITLES = {recipe.key: recipe.title for recipe in RECIPES}
SHIFTED, MIRRORED = {"shift_4_consistency"}, {"mirror_consistency"}
CORRUPTED = {"contrast_accuracy", "corrupted_accuracy", "corrupted_degradation"}
EXPLAINED = {"deletion_area", "insertion_area", "explanation_gain", "own_explanation_gain"}
PICTURES = {"explained-0.jpg", "explained-1.jpg"}


@dataclass(frozen=True)
class Switch:
    """What is set to what, and what is then missing in metrics.json, figures/ and properties.csv."""

    place: tuple[str, ...]
    off: Any
    sections: frozenset[str] | set[str] = frozenset()
    means: frozenset[str] | set[str] = frozenset()
    figures: frozenset[str] | set[str] = frozenset()
    properties: frozenset[str] | set[str] = frozenset()
    words: tuple[str, ...] = ()


SWITCHES = [
    Switch(("thumbnails",), 0, figures={f"thumb-{number}.jpg" for number in range(6)}),
    Switch(("mistakes",), 0, figures={"mistakes.jpg", "mistakes.csv"}, words=("mistakes.jpg",)),
    Switch(
        ("calibration",),
        False,
        sections={"calibration"},
        means={"temperature", "test_ece_scaled", "test_brier_scaled"},
        figures={"reliability.json"},
        properties={"test_ece", "test_ece_scaled", "test_brier", "test_brier_scaled"},
        words=("temperature",),
    ),
    Switch(
        ("robustness", "examples"),
        0,
        sections={"robustness"},
        means=SHIFTED | MIRRORED | CORRUPTED,
        properties={"shift_consistency", "mirror_consistency", "corrupted_accuracy", "corrupted_degradation"},
        words=("ImageNet-C",),
    ),
    Switch(("robustness", "shifts"), [], means=SHIFTED, properties={"shift_consistency"}),
    Switch(("robustness", "mirror"), False, means=MIRRORED, properties={"mirror_consistency"}),
    *(
        Switch(("robustness", key), [], means=CORRUPTED, properties={"corrupted_accuracy", "corrupted_degradation"})
        for key in ("corruptions", "severities")
    ),
    Switch(
        ("explanations", "examples"),
        0,
        sections={"explanations"},
        means=EXPLAINED,
        figures={*PICTURES, "explanations.json"},
        properties={"explanation_gain", "own_explanation_gain"},
        words=("permutation importance",),
    ),
    Switch(("explanations", "pictures"), 0, figures=PICTURES),
]
PICTURES_ALONE = [switch for switch in SWITCHES if switch.figures and not switch.means]


@dataclass(frozen=True)
class Found:
    """What evaluation leaves."""

    metrics: dict[str, Any]
    figures: set[str]
    measures: pd.DataFrame


@dataclass(frozen=True)
class Compared:
    """What the comparison leaves."""

    properties: pd.DataFrame
    page: str


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two trained candidates, in the current directory."""
    folder = tmp_path_factory.mktemp("switches")
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    shutil.copy(ROOT / "dvc.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_params()
        write_photos()
        for model in MODELS:
            baseline.run(model)
        yield


@pytest.fixture(scope="module")
def everything(trained: None) -> tuple[Found, Compared]:
    """With nothing switched off."""
    return evaluated_with(), compared()


def write_params(*switches: Switch) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["seeds"], content["tracking"]["enabled"] = [0, 4], False
    content["baseline"] |= {"models": MODELS, "probes": [], "folds": 2}
    content["cnn"], content["finetune"]["backbones"], content["compare"]["resamples"] = [], [], 200
    chosen = content["evaluation"]
    chosen |= {"batch_size": 16, "latency_images": 2, "thumbnails": 6}
    chosen["robustness"] |= {"examples": 9, "shifts": [4], "corruptions": ["contrast"], "severities": [5]}
    chosen["explanations"] |= {"examples": 6, "grid": 2, "steps": 2, "pictures": 2}
    for switch in switches:
        section = chosen[switch.place[0]] if len(switch.place) > 1 else chosen
        assert switch.place[-1] in section
        section[switch.place[-1]] = switch.off
    yaml.dump(content, Path("params.yaml"))


def write_photos() -> None:
    """Colours that overlap, so that some photos are mistaken."""
    random, classes = np.random.default_rng(3), ["fig", "kiwi", "lime"]
    for folder, count in ((DEVELOPMENT, 60), (TEST, 18)):
        labels = np.arange(count) % 3
        images = 60 * np.eye(3)[labels][:, None, None] + random.normal(100, 60, (count, 1, 1, 3))
        images = images + random.normal(0, 30, (count, 24, 24, 3))
        ids = [f"{folder.name}/{classes[label]}/{row:03d}.jpg" for row, label in enumerate(labels)]
        write_prepared(folder, images.clip(0, 255).astype(np.uint8), np.arange(count), labels, ids, classes)
    facts = {"task": "multiclass", "class_names": classes, "image_size": 24, "source": {"path": "photos"}}
    facts["counts"] = {part: dict.fromkeys(classes, count // 3) for part, count in (("development", 60), ("test", 18))}
    facts |= {"sizes": {"development": 60, "test": 18}, "hashes": {"development": "a", "test": "b"}}
    write_json(DATASET, facts | {"test_split": "given", "quarantined": 0})
    (PREPARED / "quarantine.csv").write_text("example,reason,duplicate_of,split,class_name\n", encoding="utf-8")


def evaluated_with(*switches: Switch, models: Sequence[str] = MODELS) -> Found:
    """
    Args:
        models: those that what follows looks at.
    """
    write_params(*switches)
    for model in models:
        shutil.rmtree(evaluation_folder(f"classical-{model}"), ignore_errors=True)
        evaluate.run(f"classical-{model}")
    folder = evaluation_folder(CANDIDATE)
    return Found(
        read_json(folder / "metrics.json"),
        {file.name for file in (folder / "figures").iterdir()},
        pd.read_parquet(folder / "measures.parquet"),
    )


def compared() -> Compared:
    """What is said of the evaluations as they are."""
    compare.run()
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    return Compared(pd.read_csv("comparison/properties.csv"), OTHER_SCORES.sub("", page))


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: ".".join(switch.place))
def test_what_is_switched_off_is_missing_and_all_else_stays_as_it_was(
    switch: Switch, everything: tuple[Found, Compared]
) -> None:
    """In the comparison too; what only pictures hang on leaves it the same numbers, and is looked at there together."""
    before, told = everything
    pictured = switch in PICTURES_ALONE  # nothing is compared then
    found = evaluated_with(switch, models=[FOUND] if pictured else MODELS)
    assert set(before.metrics) - set(found.metrics) == switch.sections
    assert set(before.metrics["mean"]) - set(found.metrics["mean"]) == switch.means
    assert found.metrics["mean"].items() <= before.metrics["mean"].items()
    assert found.metrics["seeds"] == before.metrics["seeds"]
    missing = before.figures - found.figures
    assert {name for name in missing if not name.startswith("doubted-")} == switch.figures
    assert any(name.startswith("doubted-") for name in missing) == (switch.place == ("thumbnails",))
    if pictured:
        pd.testing.assert_frame_equal(found.measures, before.measures)
    else:
        assert_left_out(compared(), told, switch)


def test_a_comparison_without_pictures_lacks_what_each_of_their_switches_takes_away(
    everything: tuple[Found, Compared],
) -> None:
    evaluated_with(*PICTURES_ALONE)
    assert_left_out(compared(), everything[1], *PICTURES_ALONE)


def assert_left_out(after: Compared, before: Compared, *switches: Switch) -> None:
    properties = {key for switch in switches for key in switch.properties}
    remaining = before.properties[~before.properties["property"].isin(properties)]
    pd.testing.assert_frame_equal(after.properties, remaining.reset_index(drop=True))
    for told in (*(TITLES[key] for key in properties), *(word for switch in switches for word in switch.words)):
        assert told in before.page and told not in after.page
    assert after.page.rstrip().endswith("</html>") and CANDIDATE in after.page
