"""`python -m pipeline graph` finds what differs from the code, and writes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.operations import graph
from pipeline.operations.derived.floors import with_floors

ROOT = Path(__file__).resolve().parents[2]
LINES = {  # one of each file that follows from the code
    "dvc.yaml": "      - pipeline/stages/compare.py\n",
    "MLproject": "  rollback:\n",
    "docs/architecture.md": "| `tracking` |",
}


@pytest.fixture
def whole_checkout(checkout: Path) -> Path:
    (checkout / "docs").mkdir()
    for file in ("MLproject", "pyproject.toml", "docs/architecture.md"):
        shutil.copy(ROOT / file, checkout / file)
    return checkout


def test_what_stands_here_is_what_the_code_says(whole_checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert graph.run(write=False) == 0
    assert capsys.readouterr().out.endswith("as the code has it\n")


def test_what_differs_is_named_and_written_if_asked(whole_checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: Path(file).read_text(encoding="utf-8") for file in LINES}
    for file, line in LINES.items():
        assert line in before[file]
        Path(file).write_text(before[file].replace(line, "", 1), encoding="utf-8")
    assert graph.run(write=False) == 1
    told = capsys.readouterr().out
    assert all(f"\n{file}: differs" in f"\n{told}" for file in LINES)
    assert all(Path(file).read_text(encoding="utf-8") != text for file, text in before.items())
    assert graph.run(write=True) == 0
    assert {file: Path(file).read_text(encoding="utf-8") for file in LINES} == before


def test_a_page_without_a_place_for_the_floors_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_floors("# The architecture\n")
