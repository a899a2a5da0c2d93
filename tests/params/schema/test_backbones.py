"""A row of a backbone of one's own says where its file is, and its models have names that TensorFlow takes."""

from __future__ import annotations

import pytest

from pipeline.params.schema.backbones import BackboneFile
from pipeline.params.schema.reading import ParamsError, parse
from tests.own_backbone import NAME, ROW


@pytest.mark.parametrize("file", ["/etc/net.keras", "../net.keras", "a/../../net.keras"])
def test_a_row_names_a_file_within_the_folder(file: str) -> None:
    with pytest.raises(ParamsError, match=r"mine.file = .*leads out of data/backbones; put the file there"):
        parse(BackboneFile, ROW | {"file": file}, "backbones.yaml", (NAME,))


def test_another_format_is_refused_with_how_to_convert_it() -> None:
    with pytest.raises(ParamsError, match=r"only .keras files can be checked .* save it with `model.save"):
        parse(BackboneFile, ROW | {"file": "net.h5"}, "backbones.yaml", (NAME,))
