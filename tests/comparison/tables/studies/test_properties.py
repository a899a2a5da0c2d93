"""Properties beyond accuracy: known values come out, with intervals that hold them, and only what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.report.examples.panel_plots import patches_picture, reliability_picture
from pipeline.comparison.report.examples.robustness_plots import robustness_pictures
from pipeline.comparison.statistics.calibration import calibration_quantity
from pipeline.comparison.statistics.variation.units import single_examples
from pipeline.comparison.tables.measurements import ComparisonError, Measured, read_measurements
from pipeline.comparison.tables.studies.properties import measure_properties, properties_table
from pipeline.ground.files import read_json, write_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import evaluation_folder

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=400)
EXAMPLES = [f"{number:03d}.jpg" for number in range(100)]


def write_altered(candidate: Candidate, clean: int, corrupted: int, same: int, pixels: str = "aa") -> None:
    """The first `clean` of 100 photos are right as they are, the first `corrupted` when corrupted, and so on."""
    counts = {
        "clean_correct": clean,
        "contrast_1_correct": corrupted,
        "contrast_5_correct": corrupted,
        "shift_4_correct": clean,
        "shift_4_same": same,
    }
    rows = [
        {"measure": measure, "seed": 0, "example": example, "value": float(place < count)}
        for measure, count in counts.items()
        for place, example in enumerate(EXAMPLES)
    ]
    folder = evaluation_folder(candidate.name)
    pd.DataFrame(rows).to_parquet(folder / "measures.parquet", index=False)
    section = {
        "seed": 0,
        "pixels": pixels,
        "clean_accuracy": clean / 100,
        "accuracy": {"shift_4": clean / 100, "contrast_1": corrupted / 100, "contrast_5": corrupted / 100},
        "consistency": {"shift_4": same / 100},
    }
    write_json(folder / "metrics.json", read_json(folder / "metrics.json") | {"robustness": section})


def properties(measured: list[Measured]) -> pd.DataFrame:
    table = properties_table(measure_properties(measured, SETTINGS), SETTINGS.confidence)
    return table.set_index(["property", "candidate"])


def test_without_measures_there_is_nothing_to_tell(small: list[Candidate]) -> None:
    measured = read_measurements(small)
    assert measure_properties(measured, SETTINGS) == []
    assert robustness_pictures(measured) == reliability_picture(measured) == []
    assert patches_picture(measured, of_classes=True) == []
    assert properties_table([], 0.95).columns.tolist() == ["property", "candidate", "family", "value", "low", "high"]


def test_shares_come_out_as_they_were_measured_inside_their_intervals(small: list[Candidate]) -> None:
    write_altered(small[0], clean=80, corrupted=40, same=90)
    write_altered(small[2], clean=50, corrupted=50, same=70)
    found = properties(read_measurements(small))
    name, other = small[0].name, small[2].name
    expected = {"shift_consistency": 0.9, "corrupted_accuracy": 0.4, "corrupted_degradation": 0.5}
    for key, value in expected.items():
        assert found.loc[(key, name), "value"] == pytest.approx(value)
        assert found.loc[(key, name), "low"] < value < found.loc[(key, name), "high"]
    assert found.loc[("corrupted_degradation", other), "value"] == pytest.approx(0)
    assert set(found.index.get_level_values("candidate")) == {name, other}, "the others were not measured"


def test_whole_groups_of_photos_are_drawn_where_they_come_in_groups(small: list[Candidate]) -> None:
    """Ten photos of each of ten things: what is shown of one of them is shown of all."""
    write_altered(small[0], clean=80, corrupted=40, same=90)
    (single,) = read_measurements(small[:1])
    rows = pd.DataFrame({"seed": 0, "split": "test", "example": EXAMPLES, "label": 0, "predicted": 0})
    grouped = replace(single, predictions=rows.assign(group=np.arange(100) // 10))
    widths = [
        (found := properties([one]).loc[("corrupted_accuracy", one.name)])["high"] - found["low"]
        for one in (single, grouped)
    ]
    assert widths[1] > 2 * widths[0]


def test_a_ratio_is_as_sure_as_its_paired_examples_allow(small: list[Candidate]) -> None:
    """Where corrupted and clean photos are right together, their ratio is sure, however few are right."""
    write_altered(small[0], clean=30, corrupted=30, same=90)
    found = measure_properties(read_measurements(small), SETTINGS)
    ratio = next(one for one in found if one.key == "corrupted_degradation")
    assert np.abs(ratio.quantity.draws).max() < 1e-12


def test_candidates_that_saw_other_pixels_are_refused_by_name(small: list[Candidate]) -> None:
    write_altered(small[0], clean=80, corrupted=40, same=90)
    write_altered(small[2], clean=80, corrupted=40, same=90, pixels="bb")
    with pytest.raises(ComparisonError, match=rf"{small[2].name}.*robustness\.pixels"):
        measure_properties(read_measurements(small), SETTINGS)


def test_the_stage_to_run_again_is_the_one_that_measures_a_probe(workplace: Path, simulation: SimpleNamespace) -> None:
    probe = Candidate("classical", "logistic-vgg16", "vgg16")
    truths = [simulation.Truth(one, 0.5, 0.6, 1.0, 100) for one in (Candidate("classical", "majority"), probe)]
    for candidate, pixels in zip(simulation.write(truths, seeds=(0, 1), test=120), ("aa", "bb"), strict=True):
        write_altered(candidate, clean=80, corrupted=40, same=90, pixels=pixels)
    with pytest.raises(ComparisonError, match="`dvc repro --force evaluate-probe@logistic-vgg16`"):
        measure_properties(read_measurements([truth.candidate for truth in truths]), SETTINGS)


def test_candidates_that_were_measured_on_other_photos_are_refused(small: list[Candidate]) -> None:
    for candidate in small[:2]:
        write_altered(candidate, clean=80, corrupted=40, same=90)
    path = evaluation_folder(small[1].name) / "measures.parquet"
    rows = pd.read_parquet(path)
    rows[rows["example"] != EXAMPLES[3]].to_parquet(path, index=False)
    with pytest.raises(ComparisonError, match=r"measures\.parquet"):
        measure_properties(read_measurements(small), SETTINGS)


def test_figures_tell_the_families_means(small: list[Candidate], workplace: Path) -> None:
    for candidate, same in zip(small, (100, 90, 80, 60, 40), strict=True):
        write_altered(candidate, clean=60, corrupted=30, same=same)
    shifts, corruptions = robustness_pictures(read_measurements(small))
    assert "classical 90.0 %, cnn 80.0 %, finetune 50.0 %" in shifts.svg, "the floor is no attempt"
    assert "contrast: classical 30.0 %" in corruptions.svg


def test_reliability_is_drawn_for_those_that_have_it(small: list[Candidate]) -> None:
    told = [{"confidence": 0.9, "accuracy": 0.5, "count": 60}, {"confidence": 0.6, "accuracy": 0.5, "count": 40}]
    scaled = [{"confidence": 0.5, "accuracy": 0.5, "count": 100}]
    path = evaluation_folder(small[2].name) / "figures" / "reliability.json"
    write_json(path, {"before": told, "after": scaled})
    (picture,) = reliability_picture(read_measurements(small))
    assert "lecture: 78.0 % sure, 50.0 % right; scaled 50.0 % sure" in picture.svg


@pytest.mark.parametrize("sure", [0.6, 0.9])
def test_calibration_error_is_what_the_model_is_too_sure_by(sure: float) -> None:
    """Always `sure`, and right in 60 of 100: the error is the difference, less what noise of 600 examples may add."""
    right = (np.arange(600) % 10 < 6).astype(float)[None, None, :].repeat(2, axis=1)
    quantity = calibration_quantity(np.full(right.shape, sure), right, single_examples(600), resamples=500, bins=15)
    noise = np.sqrt(sure * (1 - sure) / 600)
    expected = 0.0 if sure > 0.6 else -1.5 * noise  # where nothing is seen, as much is taken off as noise brings
    assert quantity.means == pytest.approx([sure - 0.6 + expected], abs=1e-6)
    reach = np.quantile(quantity.draws, [0.025, 0.975])
    assert (reach[0] > 0.1) == (sure == 0.9)
    assert np.ptp(reach) < 0.1
