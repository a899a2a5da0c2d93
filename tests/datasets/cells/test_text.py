"""Which texts name the same thing."""

from __future__ import annotations

import pytest

from pipeline.datasets.cells.text import spelled_alike


@pytest.mark.parametrize(
    "names",
    [
        ["Yes", "yes"],
        ["New York", "New  York", "new\u00a0york"],
        ["3", "3.0"],
        ["İstanbul", "istanbul"],
        ["KIZ", "kız"],
        ["Straße", "STRASSE"],
    ],
)
def test_names_that_differ_in_spelling_alone_are_one_group(names: list[str]) -> None:
    assert spelled_alike([*names, "another"]) == [sorted(names)]


def test_letters_that_differ_are_no_matter_of_case() -> None:
    assert spelled_alike(["kır", "kir", "3", "3.5"]) == []  # countryside, dirt
    assert spelled_alike(["kır", "kir", "KIR"]) == [["KIR", "kir"], ["KIR", "kır"]]
