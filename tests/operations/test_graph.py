"""`python -m pipeline graph` finds what differs from the code, and writes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.operations import graph
from pipeline.operations.derived.floors import with_floors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def whole_checkout(checkout: Path) -> Path:
    (checkout / "docs").mkdir()
    for file in ("MLproject", "pyproject.toml", "docs/architecture.md"):
        shutil.copy(ROOT / file, checkout / file)
    return checkout


def test_what_stands_here_is_what_the_code_says(whole_checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert graph.run(write=False) == 0
    assert capsys.readouterr().out.endswith("as the code has it\n")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("dvc.yaml", "      - pipeline/stages/compare.py\n"),
        ("MLproject", "  rollback:\n"),
        ("docs/architecture.md", "| `tracking` |"),
    ],
)
def test_what_differs_is_named_and_written_if_asked(
    file: str, line: str, whole_checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(file)
    before = path.read_text(encoding="utf-8")
    assert line in before
    path.write_text(before.replace(line, "", 1), encoding="utf-8")
    assert graph.run(write=False) == 1
    assert capsys.readouterr().out.startswith(f"{file}: differs")
    assert path.read_text(encoding="utf-8") != before
    assert graph.run(write=True) == 0
    assert path.read_text(encoding="utf-8") == before


def test_a_page_without_a_place_for_the_floors_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_floors("# The architecture\n")
