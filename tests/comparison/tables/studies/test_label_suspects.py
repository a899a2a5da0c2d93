"""Planted label errors are found by predictions of models that never trained on them."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline import trials
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.page import render
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.comparison.tables.studies.label_suspects import find_suspects
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import write_json
from pipeline.params.compare import Compare

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
PLANTED = 12


@pytest.fixture
def compared(workplace: Path, simulation: SimpleNamespace) -> tuple[list[Measured], Facts]:
    """Three candidates, of which two are far better, on labels that are right."""
    names = {"classical-majority", "finetune-vgg16-full", "finetune-resnet50-full"}
    truths = [truth for truth in simulation.default_truths() if truth.candidate.name in names]
    candidates = simulation.write(truths, seeds=(0, 1, 2), test=300, development=300)
    measured = read_measurements(candidates)
    return measured, simulation.facts_of(measured, SETTINGS)


def plant(measured: list[Measured], simulation: SimpleNamespace) -> dict[str, set[str]]:
    """Give some examples of each split another label, the same for all candidates, while what candidates say is that
    of the true one, give or take some doubt; returns the ids of those examples."""
    classes = len(simulation.CLASSES)
    rng = np.random.default_rng(5)
    planted: dict[str, set[str]] = {"development": set(), "test": set()}
    truths: dict[str, int] = {}
    for one in measured:
        path = trials.evaluation_folder(one.name) / "predictions.parquet"
        rows = pd.read_parquet(path)
        if not truths:
            truths = dict(zip(rows["example"], rows["label"], strict=True))
            judged = rows[rows["split"] != "train"]
            for home, part in (("test", judged["split"] == "test"), ("development", judged["split"] == "val")):
                planted[home] = set(rng.choice(judged[part]["example"].unique(), PLANTED, replace=False))
        true = rows["example"].map(truths).to_numpy()
        noise = rng.dirichlet(np.ones(classes), len(rows)).astype(np.float32) * 0.3
        noise[np.arange(len(rows)), true] += 0.7
        rows[[f"p_{number}" for number in range(classes)]] = noise
        wrong = rows["example"].isin(planted["test"] | planted["development"])
        rows["label"] = np.where(wrong, (true + 3) % classes, true)
        rows.to_parquet(path, index=False)
    return planted


def test_most_planted_label_errors_are_found_in_both_splits_and_hardly_anything_else(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    planted = plant(measured, simulation)
    suspects = find_suspects(measured, facts.comparison, simulation.CLASSES)
    for home, wrong in planted.items():
        found = suspects.table[suspects.table["split"] == home]
        assert len(wrong & set(found["example"])) >= 0.75 * PLANTED
        assert len(set(found["example"]) - wrong) <= 1
        named = found[found["example"].isin(wrong)]
        truth = [simulation.CLASSES[(simulation.CLASSES.index(name) - 3) % 14] for name in named["label"]]
        assert named["suggested"].tolist() == truth and (named["agreeing"] == 1).all()


def test_development_comes_first_and_of_each_split_the_least_credible_label(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    plant(measured, simulation)
    table = find_suspects(measured, facts.comparison, simulation.CLASSES).table
    assert list(dict.fromkeys(table["split"])) == ["development", "test"]
    assert all(part["label_probability"].is_monotonic_increasing for _, part in table.groupby("split"))


def test_how_often_the_judges_are_right_is_told(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    plant(measured, simulation)
    suspects = find_suspects(measured, facts.comparison, simulation.CLASSES)
    assert suspects.right["test"] == pytest.approx(1 - PLANTED / 300, abs=0.01)
    assert suspects.right["development"] == pytest.approx(1 - PLANTED / suspects.judged["development"], abs=0.01)


def test_only_candidates_that_may_be_the_best_judge_and_only_what_they_did_not_train_on(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    suspects = find_suspects(measured, facts.comparison, simulation.CLASSES)
    assert "classical-majority" not in suspects.judges and suspects.judges
    validated = measured[0].predictions.query("split == 'val'")["example"].nunique()
    assert suspects.judged == {"development": validated, "test": 300} and validated < 300


def test_where_nothing_beats_the_floor_nobody_judges(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    floor = [one for one in measured if one.name == "classical-majority"]
    suspects = find_suspects(floor, facts.comparison, simulation.CLASSES)
    assert suspects.judges == [] and suspects.table.empty


def test_where_numbers_are_predicted_there_are_no_labels_to_doubt(compared: tuple[list[Measured], Facts]) -> None:
    measured, facts = compared
    assert find_suspects(measured, facts.comparison, []).judges == []


def test_the_page_lists_them(compared: tuple[list[Measured], Facts], simulation: SimpleNamespace) -> None:
    measured, facts = compared
    planted = plant(measured, simulation)
    suspects = find_suspects(measured, facts.comparison, simulation.CLASSES)
    page = render(Material(measured, facts, decide(facts), SETTINGS, {}, suspects=suspects))
    section = page[page.index('<section id="suspects">') :].partition("</section>")[0]
    assert sum(example in section for example in planted["test"] | planted["development"]) >= 18
    assert '<section id="suspects">' not in render(Material(measured, facts, decide(facts), SETTINGS, {}))


def test_a_suspected_photo_is_shown_where_a_judge_kept_it(
    compared: tuple[list[Measured], Facts], simulation: SimpleNamespace
) -> None:
    measured, facts = compared
    plant(measured, simulation)
    suspects = find_suspects(measured, facts.comparison, simulation.CLASSES)
    first = suspects.table.query("split == 'development'")["example"].iloc[0]
    figures = trials.evaluation_folder(suspects.judges[-1]) / "figures"
    (figures / "doubted-0.jpg").write_bytes(b"its pixels")
    entries = [{"file": "doubted-0.jpg", "example": first, "split": "development"}]
    write_json(figures / "doubted.json", entries)
    page = render(Material(measured, facts, decide(facts), SETTINGS, {}, suspects=suspects))
    row = page[page.index('<section id="suspects">') :].partition("</section>")[0].partition(f"<b>{first}</b>")[0]
    photo = base64.b64encode(b"its pixels").decode()
    assert row.rpartition("<tr>")[2].count(f'src="data:image/jpeg;base64,{photo}"') == 1
