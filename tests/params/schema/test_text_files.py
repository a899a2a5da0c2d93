"""Files that people write are UTF-8, and one that is not is refused by its name, its line and what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations.study import load_study
from pipeline.params.schema.reading import ParamsError, read_yaml
from pipeline.params.schema.text_files import EncodingError, read_text


@pytest.mark.parametrize("encoding", ["cp1252", "cp1254", "latin-1"])
def test_the_line_and_what_stands_there_are_told(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes("first: ağaç\r\n".encode() + "second: çay, hot\r\n".encode(encoding))
    with pytest.raises(EncodingError) as refusal:
        read_text(file)
    assert str(refusal.value) == (
        "line 2: is not UTF-8, from byte 0xE7 in 'second: \ufffday, hot' on; save it as UTF-8 (an editor offers it as "
        "the encoding of `Save as`, a spreadsheet as `CSV UTF-8`)"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_called_so(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(("" if encoding == "utf-16" else "\ufeff").encode(encoding) + "a: 1\n".encode(encoding))
    with pytest.raises(EncodingError, match=r"^is UTF-16, not UTF-8; save it as UTF-8"):
        read_text(file)


def test_a_character_cut_off_at_the_end_is_told_too(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes("a: 1\nağ".encode()[:-1])
    with pytest.raises(EncodingError, match=r"^line 2: is not UTF-8, from byte 0xC4 in 'a"):
        read_text(file)


def test_a_byte_order_mark_is_no_part_of_the_text(checkout: Path) -> None:
    before = load_params()
    Path("params.yaml").write_bytes(b"\xef\xbb\xbf" + Path("params.yaml").read_bytes())
    assert load_params() == before


def test_params_of_another_encoding_are_refused_by_name_and_line(checkout: Path) -> None:
    file = Path("params.yaml")
    file.write_bytes("# Ağaçlar\n".encode("cp1254") + file.read_bytes())
    with pytest.raises(ParamsError, match=r"^params\.yaml: line 1: is not UTF-8, .*; save it as UTF-8"):
        load_params()
    file.write_bytes(Path("dvc.yaml").read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(ParamsError, match=r"^params\.yaml: is UTF-16"):
        read_yaml(file)


def test_a_study_of_another_encoding_is_refused_by_name_and_line(checkout: Path) -> None:
    Path("studies").mkdir()
    Path("studies/mine.yaml").write_bytes("description: is it so?\nparams: {data: {path: çay}}\n".encode("cp1254"))
    with pytest.raises(ParamsError, match=r"^studies/mine\.yaml: line 2: is not UTF-8"):
        load_study("mine")
