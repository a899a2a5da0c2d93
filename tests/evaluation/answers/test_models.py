"""Saved models are loaded as what they are, and carry no code."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from pipeline.evaluation.answers.models import load_models, load_network
from tests.evaluation.answers.networks import never, saved
from tests.faults.test_damaged_files import refusals


def test_a_network_that_carries_code_is_not_loaded(tmp_path: Path) -> None:
    image = keras.Input((12, 12, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image))
    with pytest.raises(ValueError, match=r"safe_mode|unsafe"):
        load_models(saved([model], tmp_path), never)


def test_a_network_that_is_cut_off_or_has_another_bit_is_named_and_not_used(tmp_path: Path) -> None:
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, keras.layers.Dense(4)(image))
    (file,) = saved([model], tmp_path)
    assert refusals(file, lambda: load_network(file), flips=6) >= 6
