"""What a newcomer is given to walk with is what `start` takes it for."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import newcomer
from benchmarks.newcomer import DATA
from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.operations.planning import speeds
from pipeline.operations.planning.speeds import Speeds
from pipeline.operations.starting import proposal


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("photos in folders", "photos, one sub-folder a class"),
        ("photos by CSV", "photos, labelled by a table"),
        ("table", "a table, numbers of price"),
        ("series", "a series, sold in the order of day"),
    ],
)
def test_start_takes_each_for_what_it_is(
    name: str, seen: str, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proposal, "measure_speeds", lambda *_, **__: Speeds())
    monkeypatch.setattr(speeds, "bfloat16_instructions", lambda: None)
    monkeypatch.setattr(newcomer, "PHOTOS", 10)
    assert main(["start", *DATA[name]()]) == 0
    said = capsys.readouterr().out
    assert seen in said, said
    kinds = {"photos in folders": "images", "photos by CSV": "images"}
    assert load_params().data.kind == kinds.get(name, name)
