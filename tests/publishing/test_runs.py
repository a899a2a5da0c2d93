"""What is kept of a finished run, and what pages make of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from publishing import depths, notes, results, runs, stages

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- results.*?-->"
COLUMNS = {"backbone": None, "technique": None, "low": 0.5, "high": 0.75, "p_best": 0.4, "shift": 0.1}
COST = {
    "commit": "0123456789abcdef",
    "dirty": False,
    "host": {"cores": 2, "cpu": "a processor", "memory_bytes": 8e9},
    "versions": {"python": "3.11", "numpy": "2.0"},
    "seeds": {"0": {"ended": "2026-01-02T03:04:05"}, "1": {"ended": "2026-01-03T03:04:05"}},
}


@pytest.fixture()
def checkout(tmp_path: Path) -> Path:
    """Of two candidates that are compared."""
    verdict: dict[str, Any] = {"summary": ["Use logistic."], "shown": "Shown.", "recommended": "classical-logistic"}
    verdict |= {"expected_regret": 0.0123, "at_most_behind": 0.045}
    by_loss = {"score": "log_loss", "recommended": "cnn-lecture", "winner": "cnn-lecture", "changes_the_advice": True}
    by_f1 = by_loss | {"score": "macro_f1", "recommended": "classical-logistic", "changes_the_advice": False}
    verdict |= {"other_scores": {"sentence": "By log loss.", "scores": [by_loss, by_f1]}}
    _write(tmp_path / "comparison/verdict.json", verdict)
    _write(tmp_path / "data/prepared/dataset.json", {"source": {"name": "groceries"}, "sizes": {"test": 661}})
    rows = []
    for rank, (name, seconds) in enumerate({"classical-logistic": 2.0, "cnn-lecture": 64.0}.items(), start=1):
        row = {"rank": rank, "candidate": name, "family": name.split("-")[0], "cost_seconds": seconds, **COLUMNS}
        rows.append(
            row | {"test_accuracy": 0.7 - rank / 10, "expected_regret": 0.01, "at_most_behind": 0.02, "overfit": 0}
        )
        _write(tmp_path / "results" / name / "cost.json", COST)
    pd.DataFrame(rows).to_csv(tmp_path / "comparison/ranking.csv", index=False)
    judged = {"against": "classical", "difference": -0.1, "difference_low": -0.2, "difference_high": -0.01}
    scratch = {"claim": "images", "group": "scratch", "value": 0.5, "verdict": "contradicted", **judged}
    claims = pd.DataFrame([{"claim": "images", "group": "classical", "value": 0.6}, scratch])
    claims.to_csv(tmp_path / "comparison/claims.csv", index=False)
    return tmp_path


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_run_is_kept_with_its_circumstances(checkout: Path) -> None:
    run = runs.collect(checkout)
    assert results.circumstances(run) == (
        "commit 0123456789, 2026-01-03, 2 cores of a processor, 8 GB (python 3.11); 2 candidates with 2 seeds each"
    )
    assert [(row["candidate"], row["score"]) for row in run["ranking"]] == [
        ("classical-logistic", 0.6),
        ("cnn-lecture", 0.5),
    ]
    assert run["score"] == "accuracy" and run["ranking"][0]["backbone"] is None and run["techniques"] == []


def test_pages_tell_what_is_kept(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS", tmp_path / "kept")
    monkeypatch.setattr(runs, "ROOT", tmp_path)
    assert runs.main([str(checkout)]) == 0
    text = results.readme_table()
    assert text.startswith("> Use logistic.")
    assert "| advised, and the best without a pretrained network: `classical-logistic` | 0.600 (0.500 to 0.750)" in text
    assert "| the best network from scratch: `cnn-lecture` | 0.500 (0.500 to 0.750) | 64 s |" in text
    best = "`classical-logistic` 0.600 (0.500 to 0.750) | `cnn-lecture` 0.500 (0.500 to 0.750)"
    assert (
        f"| `groceries`, 661 test examples | {best} | `classical-logistic` | 1.2 points, at most 4.5 |"
        in results.studies_page()
    )
    by_score = "| `groceries` | `classical-logistic` | macro_f1 | log_loss: `cnn-lecture` |"
    assert by_score in results.studies_page()
    row = "0.600 | 0.500, contradicted (-0.200 to -0.010 against classical) |  |"
    tables = notes.tables_of(runs.read_run("groceries"))
    assert f"| Deep learning suits images. | accuracy on images | {row}" in tables[", claims"]


FORKED = """\
process 7: pipeline folders
process 7 ended: status 0, 0.9 processor seconds
process 8: pipeline probe --model logistic --backbone vgg16
process 9 ended: status 0, 3.0 processor seconds
process 8 ended: status 0, 28.1 processor seconds
process 10: pipeline evaluate --candidate classical-logistic-vgg16
process 11: pipeline.operations.following.preliminary classical-logistic-vgg16
process 11 ended: status 0, 1.8 processor seconds
process 10 ended: status 0, 99.6 processor seconds
process 12: pipeline cnn --architecture lecture
process 12 ended: status 1, 3.3 processor seconds
process 13: pipeline evaluate --candidate cnn-lecture
process 13 ended: status 0, 5.0 processor seconds
"""


def test_what_stages_took_is_read_where_a_candidate_was_trained_and_evaluated(tmp_path: Path) -> None:
    notes_of_forks = tmp_path / "forked.log"
    assert runs.stage_seconds(notes_of_forks) == {}
    notes_of_forks.write_text(FORKED, encoding="utf-8")
    probe = {"classical-logistic-vgg16": {"trained": 28.1, "evaluated": 99.6}}
    assert runs.stage_seconds(notes_of_forks) == probe
    shown = stages.table_of({"short": {"stages": {}}, "long": {"stages": probe}})
    assert shown.splitlines()[-1] == "| `classical-logistic-vgg16` |  |  | 28 | 100 |"


def test_what_is_advised_has_a_row_though_another_is_the_best_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"candidate": f"finetune-{name}-full", "family": "finetune", "backbone": name, "cost_seconds": 60.0}
        | {"score": 0.6, "low": 0.5, "high": 0.7}
        for name in ("vgg16", "resnet50")
    ]
    run = {"summary": ["Use resnet50."], "recommended": "finetune-resnet50-full", "ranking": rows}
    monkeypatch.setattr(results, "read_run", lambda name: run)
    assert [line.split("|")[1].strip() for line in results.readme_table().splitlines()[-2:]] == [
        "advised: `finetune-resnet50-full`",
        "the best, fine-tuned: `finetune-vgg16-full`",
    ]


def test_the_notes_perceptron_stands_beside_the_best_classical_models() -> None:
    names = ["classical-svm", "mlp-wide", "classical-knn", "mlp-lecture", "classical-majority"]
    rows = [{"candidate": name, "family": name.split("-")[0], "score": 0.5, "low": 0.4, "high": 0.6} for name in names]
    assert notes.flowers_of({"sizes": {"test": 37}, "ranking": rows}).splitlines() == [
        "| of 37 test flowers | test accuracy (95 % interval) |",
        "| --- | --- |",
        "| `classical-svm` | 0.500 (0.400 to 0.600) |",
        "| `classical-knn` | 0.500 (0.400 to 0.600) |",
        "| `mlp-lecture` | 0.500 (0.400 to 0.600) |",
    ]


@pytest.mark.parametrize("page", ["from-the-notes.md", "how-to/competitors.md"])
def test_typed_figures_of_studies_are_those_that_their_files_expect(page: str) -> None:
    text = re.sub(f"(?s){BEGIN}.*?{results.END}", "", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    expected = " ".join(file.read_text(encoding="utf-8") for file in (ROOT / "studies").glob("*.yaml"))
    typed, known = (set(re.findall(r"0\.\d{2,5}(?!\d)", figures)) for figures in (text, expected))
    assert typed and not typed - known


def test_runs_of_other_data_and_of_earlier_versions_are_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(checkout / "data/prepared/dataset.json", {"source": None, "sizes": {"test": 1}})
    assert runs.main([str(checkout)]) == 1
    assert "the last run was not of groceries" in capsys.readouterr().err
    _write(checkout / "comparison/verdict.json", {"answer": "Use logistic."})
    assert runs.main([str(checkout)]) == 1
    assert "is of an earlier version; run it anew" in capsys.readouterr().err


def test_a_checkout_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runs.main([str(tmp_path)]) == 1
    assert f"no run in {tmp_path} is finished; `make repro` makes one" in capsys.readouterr().err


def test_what_fine_tuned_candidates_reached_on_validation_examples_is_kept(checkout: Path) -> None:
    seeds = [{"best_phase": phase, "val_loss": 0.25, "val_accuracy": 0.9} for phase in (1, 2)]
    for name, phases in (("finetune-vgg16-full", [{}]), ("finetune-vgg16-frozen_layers", [{}, {}])):
        _write(checkout / "results" / name / "trial.json", {"seeds": seeds, "phases": phases})
    kept = {"val_loss": [0.25, 0.25], "val_accuracy": [0.9, 0.9]}
    assert runs.validation_of(checkout, ["finetune-vgg16-full", "finetune-vgg16-frozen_layers"]) == {
        "finetune-vgg16-full": kept | {"opened_nothing": 0},
        "finetune-vgg16-frozen_layers": kept | {"opened_nothing": 1},
    }


@pytest.mark.parametrize(("full", "behind"), [([0.25, 0.26, 0.25], "`resnet50-full`"), ([0.1, 0.5, 0.05], "none")])
def test_a_technique_is_behind_one_that_trains_less_where_that_is_no_luck_of_the_seeds(
    full: list[float], behind: str
) -> None:
    losses = dict(zip(depths.TECHNIQUES, ([0.3, 0.31, 0.32], [0.2, 0.21, 0.2], [0.21, 0.2, 0.21], full), strict=True))
    names = {technique: f"finetune-resnet50-{technique}" for technique in losses}
    rows = [{"family": "finetune", "backbone": "resnet50"}, {"family": "finetune", "backbone": "vgg16"}]
    row = {"val_accuracy": [0.9] * 3, "opened_nothing": 2}
    told = depths.tables(
        {"ranking": rows, "validation": {names[one]: row | {"val_loss": losses[one]} for one in losses}}
    )
    assert f"by more than the luck of seeds: {behind}." in told and "`vgg16`" not in told
    assert ("Its four epochs" in told) == (behind != "none")
    assert "| frozen_layers | 0.203 | −0.107 (−0.135 to −0.078) | 0.900 | 2 of 3 seeds |" in told
