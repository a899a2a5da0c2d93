"""A class is what stands in the file, to the letter; a number that cannot be read leaves its row out, told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.tables.ready_rows import Rows

Prepared = Callable[..., Rows]


def rows(*values: object, times: int = 30) -> str:
    """Each value so many times, beside a measure."""
    cells = [(number * len(values) + place, value) for number in range(times) for place, value in enumerate(values)]
    return "x,y\n" + "\n".join(f'{(17 * row) % 101 / 7:.4f},"{value}"' for row, value in cells) + "\n"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["4006381", "4006382", "4006383"], ["4006381", "4006382", "4006383"]),
        (["007", "010"], ["007", "010"]),
        (["12345678901234567", "12345678901234568"], ["12345678901234567", "12345678901234568"]),
        (["0", "1", "2", "OTHER"], ["0", "1", "2", "OTHER"]),
        (["None", "Apnea", "Insomnia"], ["Apnea", "Insomnia", "None"]),
        (["+", "-"], ["+", "-"]),
        (["NA", "EU", "AS"], ["AS", "EU", "NA"]),
        (["10", "9", "2"], ["2", "9", "10"]),
        (["1.0", "0.0"], ["0", "1"]),  # as programs write whole numbers where some are missing
        (["-1", "1"], ["-1", "1"]),
        (["$5", "1,5"], ["$5", "1,5"]),
        (["1e5", "2e5"], ["1e5", "2e5"]),
        (["TRUE", "FALSE"], ["FALSE", "TRUE"]),
        (["inf", "nan"], ["inf", "nan"]),
    ],
)
def test_classes_are_written_as_they_are(prepared: Prepared, values: list[str], names: list[str]) -> None:
    found = prepared(rows(*values))
    assert found.class_names == names and not found.quarantined
    assert sum(found.counts("development").values()) + sum(found.counts("test").values()) == 30 * len(values)


def test_a_class_that_could_mean_missing_is_told(prepared: Prepared) -> None:
    assert "'None' is a class; data.missing lists" in prepared(rows("None", "Apnea")).notes.facts[0]


def test_words_that_the_user_lists_are_no_class(prepared: Prepared) -> None:
    found = prepared(rows("None", "Apnea", "Insomnia"), missing=["None"])
    assert found.class_names == ["Apnea", "Insomnia"] and len(found.quarantined) == 30
    assert found.notes.missing == {"y": {"None": 30}}
    assert any("'None' (30) counts as missing, and these rows are left out" in doubt for doubt in found.notes.doubts)


@pytest.mark.parametrize(
    "values", [("Yes", "yes", "No"), ("New York", "New  York", "Rome"), ("1", "1.0", "2"), ("Straße", "STRASSE", "Weg")]
)
def test_classes_that_differ_in_spelling_alone_are_refused_with_their_counts(
    prepared: Prepared, values: tuple[str, ...]
) -> None:
    with pytest.raises(TableError) as refusal:
        prepared(rows(*values))
    for value in values[:2]:
        assert f"{value!r} (30 rows)" in str(refusal.value)
    assert "give them one name" in str(refusal.value)


def test_numbers_are_hardly_classes_unless_the_user_says_so(prepared: Prepared) -> None:
    codes = rows("250.01", "401.9", "428")
    with pytest.raises(TableError, match=r"hardly classes; set data.task to regression, or say that they are names"):
        prepared(codes)
    assert prepared(codes, columns={"y": "category"}).class_names == ["250.01", "401.9", "428"]


def numbers(*values: Any) -> str:
    return "x;y\n" + "\n".join(f"{(17 * row) % 101 / 7:.4f};{value}" for row, value in enumerate(values)) + "\n"


def test_a_regression_reads_its_numbers_as_people_write_them(prepared: Prepared) -> None:
    found = prepared(numbers(*(f"{number}.{number:03d},5 €" for number in range(1, 61))), task="regression")
    assert sorted(found.targets) == [1000 * number + number + 0.5 for number in range(1, 61)]


def test_a_row_whose_number_cannot_be_read_is_left_out_by_its_value(prepared: Prepared) -> None:
    found = prepared(numbers(*range(58), "NA", "about 7"), task="regression")
    assert [row.reason for row in found.quarantined] == [
        "has no target: 'NA' is no number",
        "has no target: 'about 7' is no number",
    ]
    assert any("'NA' (1), 'about 7' (1) counts as missing" in doubt for doubt in found.notes.doubts)
    listed = prepared(numbers(*range(58), "NA", "about 7"), task="regression", missing=["NA", "about 7"])
    assert listed.notes.missing == {"y": {"NA": 1, "about 7": 1}}


def test_a_column_of_parquet_that_holds_whole_numbers_names_classes_by_their_digits() -> None:
    from pathlib import Path

    from pipeline.datasets.tables.rows import prepare_rows
    from pipeline.params.data import Data

    settings = Data(fetch=[], path="x", image_size=96, test_fraction=0.25, limit=None, seed=0, target="y")
    frame = pd.DataFrame({"x": [(17 * row) % 101 / 7 for row in range(60)], "y": [4006381.0, 4006382.0] * 30})
    assert prepare_rows(frame, Path("t"), settings).class_names == ["4006381", "4006382"]


def test_a_title_above_the_header_is_suspected(prepared: Prepared) -> None:
    with pytest.raises(
        TableError, match=r"columns: My flowers \(the first line has to be the header: is there a title"
    ):
        prepared("My flowers,\n" + rows("a", "b"))
