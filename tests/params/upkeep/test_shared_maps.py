"""Maps below a backbone's uppermost block are worth keeping where a candidate is trained right above them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.params.upkeep.shared_maps import maps_are_shared


def compete(strategy: str, precision: str) -> None:
    yaml = YAML()
    params = yaml.load(Path("params.yaml"))
    params["finetune"] = {"backbones": ["vgg16"], "strategies": ["feature_extractor", strategy]}
    params["training"]["precision"] = precision
    yaml.dump(params, Path("params.yaml"))


@pytest.mark.parametrize(
    ("strategy", "precision", "shared"),
    [
        ("frozen_layers", "float32", True),
        ("frozen_layers", "auto", True),
        ("frozen_layers", "mixed_bfloat16", False),
        ("feature_extractor", "float32", False),
        ("full", "float32", False),
        ("frozen_layers_2", "float32", False),
    ],
)
def test_they_are_where_one_trains_the_uppermost_block_alone_in_this_precision(
    strategy: str, precision: str, shared: bool, checkout: Path
) -> None:
    compete(strategy, precision)
    assert maps_are_shared("vgg16", "float32", blocks=5) is shared


@pytest.mark.parametrize("backbone", ["resnet50", None])
def test_they_are_not_where_no_candidate_has_this_backbone(backbone: str | None, checkout: Path) -> None:
    compete("frozen_layers", "float32")
    assert maps_are_shared(backbone, "float32", blocks=5) is False
