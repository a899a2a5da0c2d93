"""What the benchmark of tuning wrote keeps what docs/how-to/tuning.md says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tuning import GRID, accuracies, summary
from pipeline.ground.files import read_json
from publishing.measurements import tuning

MEASURED = read_json(Path(__file__).parents[2] / "benchmarks/results/tuning.json")


def networks(source: str) -> list[dict[str, object]]:
    return [entry for entry in MEASURED[source]["candidates"].values() if entry["chosen"] != GRID]


@pytest.mark.parametrize("source", MEASURED)
def test_nothing_became_worse_on_the_validation_data_that_chose(source: str) -> None:
    for entry in networks(source):
        before, after = entry["validation_loss"]
        assert after <= before
        assert after == before or entry["chosen"] != "recipe"


@pytest.mark.parametrize("source", MEASURED)
def test_every_network_tried_several_settings_within_the_budget(source: str) -> None:
    asked = MEASURED[source]["asked"]
    for entry in networks(source):
        assert 2 < entry["settings_tried"] <= asked["settings"]


def test_a_row_has_both_sides_their_difference_and_the_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.tuning.difference", lambda before, after: [0.25, 0.0, 0.5])
    side = {"validation": {"val_loss": 0.5, "val_accuracy": 0.75}, "best_phases": [1, 2], "seconds": 30.0}
    tuning = {"settings_tried": 4, "chosen": "rate ×3", "changes": {"learning_rate": 3.0}}
    before = side | {"right": [[1, 0, 1, 0], [0, 0, 1, 1]], "tuning_seconds": 0.0, "tuning": {}}
    row = summary(before, before | {"right": [[1, 1, 1, 0], [1, 0, 1, 1]], "tuning_seconds": 10.0, "tuning": tuning})
    assert row["test_accuracy"] == [[0.5, 0.5], [0.75, 0.75]]
    assert (row["share"], row["difference"], row["chosen"]) == (0.25, [0.25, 0.0, 0.5], "rate ×3")
    assert accuracies([[1, 1], [0, 1]]) == [1.0, 0.5]


@pytest.mark.parametrize(
    ("seconds", "told"), [(20.0, "20 % of their training: 25 %"), (50.0, "50 % of their training: 100 %")]
)
def test_the_page_tells_how_much_more_it_takes_and_whether_that_is_within_the_aim(
    seconds: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"limit": 0, "size": 96, "seeds": [0], "settings": 8, "trainings": 1.5}
    row = {"settings_tried": 4, "chosen": "recipe", "changes": {}, "difference": [0.0, 0.0, 0.0]}
    row |= {key: [0.5, 0.5] for key in ("validation_loss", "validation_accuracy")} | {"test_accuracy": [[0.5], [0.5]]}
    network = row | {"tuning_seconds": seconds, "share": seconds / 100}
    ran = {"commit": "0123456789", "changed": False, "machine": "a machine", "date": "2026-01-02"}
    content = {"groceries": {"asked": asked, "ran": ran, "candidates": {"cnn-lecture": network}}}
    monkeypatch.setattr(tuning, "read_json", lambda path: content)
    assert told in tuning.page() and ("not met here" in tuning.page()) == (seconds > 25)
