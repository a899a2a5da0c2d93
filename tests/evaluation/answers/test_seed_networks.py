"""Networks of several seeds, loaded: what each says alone, with no more of them built than differs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.evaluation.answers import seed_networks
from pipeline.evaluation.answers.models import load_network
from pipeline.evaluation.answers.seed_networks import load_split
from tests.evaluation.answers.networks import BLOCKS, IMAGES, change, network, never, saved


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that a whole network is built of from now on."""
    files: list[str] = []

    def recorded(path: Path) -> keras.Model:
        files.append(path.name)
        return load_network(path)

    monkeypatch.setattr(seed_networks, "load_network", recorded)
    monkeypatch.setattr(seed_networks, "load_models", lambda paths, read: [recorded(path) for path in paths])
    return files


@pytest.mark.parametrize(
    ("differing", "cut", "whole"), [("head", "pool", 1), ("block2_bn", "block1_out", 1), ("block1_conv", None, 3)]
)
def test_each_says_what_it_says_alone_though_only_what_differs_is_built(
    differing: str, cut: str | None, whole: int, built: list[str], tmp_path: Path
) -> None:
    models = [network(0), network(1), change(network(2), differing)]
    models[0].get_layer("block2_conv").trainable = False  # as after another phase
    first, split = load_split(saved(models, tmp_path), BLOCKS, never)
    assert (split.prefix.layers[-1].name if split.prefix else None) == cut
    assert len(built) == whole
    images = IMAGES.astype(np.float32)
    below = split.prefix(images, training=False) if split.prefix else images
    np.testing.assert_array_equal(first(images, training=False), models[0](images, training=False))
    for rest, model in zip(split.rests, models, strict=True):
        np.testing.assert_allclose(rest(below, training=False), model(images, training=False), rtol=1e-6)


def test_a_block_that_something_bypasses_is_no_place_to_cut(tmp_path: Path) -> None:
    paths = saved([network(seed, bypass=True) for seed in (0, 1)], tmp_path)
    assert load_split(paths, ["block1_out", "block2_out"], never)[1].prefix.layers[-1].name == "block1_out"


def test_networks_of_other_layers_are_all_built(built: list[str], tmp_path: Path) -> None:
    models = [network(0), network(1)]
    models[1].get_layer("block2_bn").epsilon = 0.5
    _, split = load_split(saved(models, tmp_path), BLOCKS, never)
    assert split.prefix.layers[-1].name == "block1_out"
    assert built == ["seed-0.keras", "seed-1.keras"]
