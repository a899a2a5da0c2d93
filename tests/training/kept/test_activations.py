"""Kept activations are found again by what they depend on, stay within their bound, and equal the forward pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras import ops

from pipeline.network import Network
from pipeline.training.batches import Examples
from pipeline.training.kept.activations import ActivationStore
from tests.training.conftest import make_network


@pytest.fixture
def network() -> Network:
    return make_network()


@pytest.fixture
def store(tmp_path: Path, examples: Examples) -> ActivationStore:
    return ActivationStore(examples.images, examples.sha256, 1.0, tmp_path / "kept")


def test_they_equal_the_forward_pass(network: Network, store: ActivationStore, examples: Examples) -> None:
    kept = store.get(network, 2)
    below = network.between(0, 2)
    direct = ops.convert_to_numpy(below(examples.images.astype(np.float32), training=False))
    # What is kept has BatchNorm folded, so the last bits differ: by float32 steps of the largest values, not of each.
    np.testing.assert_allclose(kept.values, direct, rtol=1e-4, atol=2e-6 * np.abs(direct).max())


def test_a_second_look_finds_them_and_charges_the_same_seconds(
    network: Network, store: ActivationStore, examples: Examples, tmp_path: Path
) -> None:
    first = store.get(network, 1)
    again = ActivationStore(examples.images, examples.sha256, 1.0, tmp_path / "kept")
    second = again.get(network, 1)
    assert again.seconds_spent == 0
    assert second.seconds == first.seconds > 0


def test_other_weights_or_other_data_are_other_activations(
    network: Network, store: ActivationStore, examples: Examples, tmp_path: Path
) -> None:
    store.get(network, 1)
    layer = network.model.get_layer("a_conv")
    layer.set_weights([weight + 1 for weight in layer.get_weights()])
    store.get(network, 1)
    ActivationStore(examples.images, "other data", 1.0, tmp_path / "kept").get(network, 1)
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 3


def test_the_same_weights_in_layers_that_are_told_otherwise_are_other_activations(
    network: Network, store: ActivationStore, tmp_path: Path
) -> None:
    store.get(network, 1)
    network.model.get_layer("a_bn").epsilon = 0.5
    store.get(network, 1)
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 2


def test_weights_above_the_cut_do_not_matter(network: Network, store: ActivationStore, tmp_path: Path) -> None:
    store.get(network, 1)
    layer = network.model.get_layer("c_conv")
    layer.set_weights([weight + 1 for weight in layer.get_weights()])
    store.get(network, 1)
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 1


def test_what_a_phase_trains_does_not_matter(network: Network, store: ActivationStore, tmp_path: Path) -> None:
    network.freeze_all_but("all")
    store.get(network, 1)
    network.freeze_all_but("head")
    store.get(network, 1)
    assert len(list((tmp_path / "kept").glob("*.npy"))) == 1


def test_a_set_larger_than_the_limit_is_not_kept_and_says_so(
    network: Network, examples: Examples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = ActivationStore(examples.images, examples.sha256, 1e-9, tmp_path / "kept")
    assert not small.fits(network, 1)
    assert "keep.activations_gb" in caplog.text
    assert not (tmp_path / "kept").exists()


def test_the_oldest_go_when_the_bound_is_reached(network: Network, examples: Examples, tmp_path: Path) -> None:
    sizes = {1: 70 * 8 * 8 * 4 * 4, 2: 70 * 4 * 4 * 6 * 4}
    bounded = ActivationStore(examples.images, examples.sha256, (sizes[1] + 200) / 1e9, tmp_path / "kept")
    bounded.get(network, 1)
    first = set((tmp_path / "kept").glob("*.npy"))
    bounded.get(network, 2)
    left = set((tmp_path / "kept").glob("*.npy"))
    assert len(left) == 1
    assert left.isdisjoint(first)


def test_they_go_on_from_a_lower_cut_to_the_same_last_bit(
    network: Network, store: ActivationStore, examples: Examples, tmp_path: Path
) -> None:
    lower = store.get(network, 1)
    spent = store.seconds_spent
    higher = store.get(network, 3)
    own = store.seconds_spent - spent
    alone = ActivationStore(examples.images, examples.sha256, 1.0, tmp_path / "alone").get(network, 3)
    assert (higher.values == alone.values).all()
    assert higher.seconds == pytest.approx(lower.seconds + own)
    assert lower.key in higher.below
    assert alone.key == higher.key


def test_a_lower_cut_is_really_what_they_go_on_from(network: Network, store: ActivationStore, tmp_path: Path) -> None:
    lower = store.get(network, 1)
    kept = np.load(tmp_path / "kept" / f"{lower.key}.npy", mmap_mode="r+")
    kept[:] = 0
    kept.flush()
    assert np.ptp(store.get(network, 2).values, axis=0).max() == 0
