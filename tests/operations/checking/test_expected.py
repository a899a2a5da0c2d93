"""About how long a plan takes: as long as it took, and longer with more of everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.operations.checking.expected import expected_minutes

EXAMPLES = 976  # of which a quarter is not learned from: as many are learned from as were when it was measured


@pytest.fixture
def params(checkout: Path) -> Params:
    return load_params()


def test_the_default_comparison_takes_as_long_as_it_took(params: Params) -> None:
    least, most = expected_minutes(params, EXAMPLES)
    assert least < 26 + 32 < most  # minutes of training and of the rest, as README has them


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("data", {"image_size": 192}),
        ("finetune", {"strategies": ["full", "feature_extractor", "lp_ft", "frozen_layers", "gradual_unfreezing"]}),
    ],
)
def test_larger_photos_and_more_candidates_take_longer(params: Params, section: str, change: dict[str, object]) -> None:
    more = params.model_copy(update={section: getattr(params, section).model_copy(update=change)})
    assert expected_minutes(more, EXAMPLES) > expected_minutes(params, EXAMPLES)


def test_more_seeds_and_photos_take_longer_and_a_limit_bounds_them(params: Params) -> None:
    default = expected_minutes(params, EXAMPLES)
    assert expected_minutes(params.model_copy(update={"seeds": [0, 1, 2, 3]}), EXAMPLES) > default
    assert expected_minutes(params, 2 * EXAMPLES) > default
    limited = params.model_copy(update={"data": params.data.model_copy(update={"limit": 100})})
    assert expected_minutes(limited, 2 * EXAMPLES) == expected_minutes(limited, EXAMPLES) < default
