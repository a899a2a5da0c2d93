"""What the benchmark of tuning wrote keeps what docs/how-to/tuning.md says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ground.files import read_json

MEASURED = read_json(Path(__file__).parents[2] / "benchmarks/results/tuning.json")


@pytest.mark.parametrize("source", MEASURED)
def test_nothing_became_worse_on_the_validation_data_that_chose(source: str) -> None:
    for entry in MEASURED[source]["candidates"].values():
        before, after = entry["validation_loss"]
        assert after <= before
        assert after == before or entry["chosen"] != "recipe"


@pytest.mark.parametrize("source", MEASURED)
def test_every_network_tried_several_settings_within_the_budget(source: str) -> None:
    asked = MEASURED[source]["asked"]
    for entry in MEASURED[source]["candidates"].values():
        assert 2 < entry["settings_tried"] <= asked["settings"]
