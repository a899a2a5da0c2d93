"""Settings that change nothing are told, with the one that is in their way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.configuration.without_effect import settings_without_effect
from pipeline.params.compare import Ensembles
from pipeline.params.training.search import Search
from pipeline.params.training.settings import Augmentation, Training, TrainingChanges
from pipeline.params.upkeep.scale import Needs


def changed(params: Params, changes: dict[str, Any]) -> Params:
    """Some keys of some sections otherwise."""
    sections = {
        section: getattr(params, section).model_copy(update=keys) if isinstance(keys, dict) else keys
        for section, keys in changes.items()
    }
    return params.model_copy(update=sections)


def test_all_settings_of_the_default_have_an_effect(checkout: Path) -> None:
    assert list(settings_without_effect(load_params())) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"finetune": {"backbones": [], "strategies": []}},
            "baseline.probes: logistic without effect: finetune.backbones is empty, and each needs one",
        ),
        (
            {"finetune": {"backbones": [], "strategies": ["full"]}, "baseline": {"probes": []}},
            "finetune.strategies: full without effect: finetune.backbones is empty, and each needs one",
        ),
        (
            {"finetune": {"backbones": ["vgg16"], "strategies": []}, "baseline": {"probes": []}},
            "finetune.backbones: vgg16 without effect: finetune.strategies and baseline.probes are both empty",
        ),
        (
            {"compare": {"prefer": "accuracy", "tolerance": 0.02}},
            "compare.tolerance: 0.02 has no effect: with prefer: accuracy none is tolerated",
        ),
        (
            {"data": {"image_size": 20}, "finetune": {"backbones": [], "strategies": []}, "baseline": {"probes": []}},
            "evaluation.robustness.shifts: 16 without effect: shifts wrap around, so photos of 20 pixels are shifted "
            "by 10 at most",
        ),
        (
            {"compare": {"ensembles": Ensembles(of=["cnn-that_left"])}},
            "compare.ensembles.of: cnn-that_left without effect: kinds does not name seeds",
        ),
        (
            {"compare": {"ensembles": Ensembles(kinds=["seeds"], members=3)}},
            "compare.ensembles.members: 3 without effect: kinds does not name greedy",
        ),
        (
            {"compare": {"ensembles": Ensembles(soups=["finetune-vgg16-full"])}},
            "compare.ensembles.soups: finetune-vgg16-full: made, but none competes: kinds does not name soup",
        ),
        (
            {"training": {"devices": 4}, "scale": {"families": {"finetune": Needs(gpus=1), "cnn": Needs(gpus=4)}}},
            "training.devices: 4 without effect on nodes of `fanout`, where scale.families.finetune.gpus = 1: a stage "
            "sees no other card; set both alike",
        ),
        (
            {"cnn": [], "finetune": {"backbones": [], "strategies": []}, "baseline": {"probes": []}}
            | {"training": {"class_weights": "balanced"}},
            "training: without effect: no network competes",
        ),
        (
            {"cnn": [], "finetune": {"backbones": [], "strategies": []}, "baseline": {"probes": []}}
            | {"tuning": {"search": Search(settings=12, trainings=1.5)}},
            "tuning.search: without effect: no network competes",
        ),
        (
            {"tuning": {"search": Search(settings=9, trainings=1.5)}},
            "tuning.search.settings: 9 does not limit classical models, which try their whole grids: knn_hog "
            "(10); with 10 networks may try as many",
        ),
    ],
)
def test_a_setting_without_effect_is_named_with_the_reason(checkout: Path, changes: dict[str, Any], told: str) -> None:
    assert list(settings_without_effect(changed(load_params(), changes))) == [told]


def test_alterations_without_views_are_named(checkout: Path) -> None:
    params = load_params()
    augmentation = params.training.augmentation.model_copy(update={"flip": "horizontal", "rotate": 10.0})
    told = settings_without_effect(changed(params, {"training": {"augmentation": augmentation}}))
    assert list(told) == ["training.augmentation: flip, rotate without effect: views is 0; set it to 8, for example"]


def test_alterations_have_an_effect_where_a_strategy_has_views(checkout: Path) -> None:
    params = load_params()
    augmentation = params.training.augmentation.model_copy(update={"flip": "horizontal"})
    own = TrainingChanges.model_validate({"augmentation": {"views": 4}})
    full = params.strategies["full"].model_copy(update={"training": own})
    strategies = {**params.strategies, "full": full}
    altered = params.model_copy(update={"strategies": strategies})
    assert list(settings_without_effect(changed(altered, {"training": {"augmentation": augmentation}}))) == []


def test_an_own_augmentation_changes_the_keys_that_it_names_alone() -> None:
    common = {"batch_size": 32, "patience": 8, "head_dropout": 0.2, "weight_decay": 1e-4}
    training = Training(**common, augmentation=Augmentation(views=8, flip="horizontal"))
    turned = training.changed_by(TrainingChanges.model_validate({"augmentation": {"rotate": 10}}))
    assert turned.augmentation == Augmentation(views=8, flip="horizontal", rotate=10)
    none = training.changed_by(TrainingChanges.model_validate({"augmentation": {"views": 0}}))
    assert none.augmentation.views == 0
