"""Each page of results, and each file behind one, says with which commit and on which day it was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.record import record_rows, recorded_rows
from pipeline.ground.files import read_json
from publishing.paths import DOCS, RESULTS
from publishing.results import ran

DATED = r"commit [0-9a-f]{7,40}( with changes)?, 20\d\d-\d\d-\d\d"
OTHERWISE = {"recorded", "photo_sizes"}  # of several versions; as a sentence


@pytest.mark.parametrize("page", sorted((DOCS / "results").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_results_names_commit_and_day(page: Path) -> None:
    assert re.search(DATED, page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "file", [file for file in sorted(RESULTS.glob("*.json")) if file.stem not in OTHERWISE], ids=lambda file: file.stem
)
def test_a_file_of_results_has_commit_and_day(file: Path) -> None:
    kept = read_json(file)
    for measured in [kept] if "ran" in kept else kept.values():  # of tuning each source is measured by itself
        assert re.search(DATED, ran(measured["ran"]))


def test_rows_are_kept_with_the_commit_of_this_checkout_wherever_the_benchmark_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record_rows(Path("out/rows.json"), ({"number": number} for number in (1, 2)))
    assert recorded_rows(Path("out/rows.json")) == [{"number": 1}, {"number": 2}]
    assert re.match(DATED, ran(read_json(Path("out/rows.json"))["ran"]))
