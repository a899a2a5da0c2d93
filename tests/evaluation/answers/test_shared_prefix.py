"""Where networks of several seeds are cut: behind the last block up to which they are the same."""

from __future__ import annotations

import keras
import pytest

from pipeline.evaluation.answers.shared_prefix import split_off_prefix
from tests.evaluation.answers.networks import BLOCKS, change, network


def cut_of(models: list[keras.Model], cuts: list[str] = BLOCKS) -> str | None:
    prefix = split_off_prefix(models, cuts).prefix
    return prefix.layers[-1].name if prefix else None


@pytest.mark.parametrize(
    ("differing", "expected"),
    [("head", "pool"), ("block2_conv", "block1_out"), ("block2_bn", "block1_out"), ("block1_conv", None)],
)
def test_the_cut_lies_behind_the_last_block_below_which_all_weights_agree(differing: str, expected: str | None) -> None:
    assert cut_of([network(0), network(1), change(network(2), differing)]) == expected


def test_statistics_of_batch_normalisation_are_weights_too() -> None:
    moving_mean = 2
    assert cut_of([network(0), change(network(1), "block2_bn", weight=moving_mean)]) == "block1_out"


def test_a_block_that_something_bypasses_is_no_place_to_cut() -> None:
    models = [network(seed, bypass=True) for seed in (0, 1)]
    assert cut_of(models, ["block2_out"]) is None, "the pooling reads the output of block 1, too"
    assert cut_of(models, ["block1_out", "block2_out"]) == "block1_out"
    assert cut_of(models) == "pool"


def test_what_was_trainable_when_a_model_was_saved_does_not_matter() -> None:
    models = [network(0), network(1)]
    models[0].get_layer("block2_bn").trainable = False
    assert cut_of(models) == "pool"


def test_one_model_alone_is_cut_where_it_may_be() -> None:
    assert cut_of([network(0)], BLOCKS[:2]) == "block2_out"
    assert cut_of([network(0)], []) is None


def test_without_anything_in_common_the_whole_models_remain() -> None:
    models = [network(0), change(network(1), "block1_conv")]
    assert split_off_prefix(models, BLOCKS).rests == models
