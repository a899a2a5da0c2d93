"""Which files are asked about: what was named, and the photos in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.operations.predicting.files import list_files, photos_among
from pipeline.operations.predicting.photos import PredictError


def test_a_table_is_a_list_of_photos_where_it_is_named_and_none_where_it_lies_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    table = tmp_path / "metadata.csv"
    table.write_text("photo,taken\nb.jpg,2020\n", encoding="utf-8")
    assert photos_among(list_files([tmp_path]), [tmp_path]) == [tmp_path / "a.jpg"]
    assert photos_among(list_files([table]), [table]) == [tmp_path / "b.jpg"]
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(PredictError, match="holds tables alone; name the table itself"):
        photos_among(list_files([tmp_path]), [tmp_path])
