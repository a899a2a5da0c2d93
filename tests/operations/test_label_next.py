"""What to label next: from a folder or a table to a file that a person fills in and `retrain` takes."""

from __future__ import annotations

import base64
import html
import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.__main__ import _uses_keras, main
from pipeline.champions.versions import Champion
from pipeline.commands.table import commands
from pipeline.datasets.accepted import ACCEPTED
from pipeline.operations import label_next
from pipeline.operations.labelling import contact_sheet
from pipeline.operations.retraining.intake.batches import accepted_batches
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.retraining.intake.labelled_photos import _photo
from pipeline.operations.retraining.intake.sources import fetch_into_incoming
from pipeline.params.data import Data
from publishing.reference.files import files
from tests.operations.conftest import COLOURS, paint, save
from tests.operations.retraining.intake.test_photos import settings, take  # noqa: F401

(COLUMNS,) = (list(file.keys) for file in files() if file.path == "label-next/label-next.csv")  # as documented


def between(share: float, number: int, spread: float = 12) -> np.ndarray:
    """A photo of neither blue nor red: `share` of it is red."""
    return (paint("blue", number, spread) * (1 - share) + paint("red", number, spread) * share).astype(np.uint8)


@pytest.fixture
def shelf(settings: Data, champion: Champion) -> Path:  # noqa: F811
    """Nine clear photos, three that are hard to tell, two that are known, and a text that calls itself a photo."""
    folder = Path("shelf").absolute()
    for colour in COLOURS:
        for number in range(100, 103):
            save(folder / colour / f"{number}.png", paint(colour, number))
    for number in range(3):
        save(folder / f"hard{number}.png", between(0.45 + 0.05 * number, 200 + number))
    save(folder / "known.png", paint("red", 3))
    save(folder / "known-too.png", paint("green", 4))
    save(folder / "twice.png", paint("blue", 100))
    (folder / "notes.jpg").write_text("no photo", encoding="utf-8")
    return folder


def proposed(folder: str = "label-next") -> pd.DataFrame:
    return pd.read_csv(Path(folder) / "label-next.csv")


def test_what_is_hard_to_tell_comes_first_and_what_is_known_is_left_out_and_counted(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label-next", str(shelf), "--number", "50"]) == 0
    said, told = capsys.readouterr()
    assert "16 photos, 1 cannot be read, 2 repeat photos that are known, 1 repeat another one of them; 12 can" in said
    assert f"{shelf}/notes.jpg: is not a picture of a known kind" in told
    assert "--number 50: there are no more than 12, so all of them are proposed" in said
    table = proposed()
    assert list(table.columns) == COLUMNS
    assert {Path(file).name for file in table["file"][:3]} == {"hard0.png", "hard1.png", "hard2.png"}
    assert table["label"].isna().all() and table["rank"].tolist() == list(range(1, 13))
    assert table["reason"][0].startswith("unsure: ") and table["reason"][11].startswith("sure of ")
    assert not Path(".kiyas/label-next").exists()


def test_what_has_a_label_that_waits_is_not_proposed_again(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / "l.csv").write_text("file,label\nhard0.png,red\n", encoding="utf-8")
    fetch_into_incoming(str(shelf / "l.csv"))
    (shelf / "l.csv").unlink()
    assert main(["label-next", str(shelf)]) == 0
    assert "1 have a label that waits for the next retraining; 11 can" in capsys.readouterr().out
    assert not proposed()["file"].str.endswith("hard0.png").any()


def test_six_proposals_are_not_six_photos_of_one_thing(shelf: Path) -> None:
    """Ten that are no copies, of which the model is less sure than of any other."""
    for number in range(10):
        save(shelf / f"burst{number}.png", between(0.5, 300 + number, spread=1))
    assert main(["label-next", str(shelf), "--number", "6", "--output", "out"]) == 0
    table = proposed("out")
    burst = table["file"].str.contains("burst")
    assert len(table) == 6 and 1 <= burst.sum() <= 2
    assert burst[0] and "others like it" in table["reason"][0]


def test_labels_that_are_filled_in_are_taken_in_and_never_sealed_as_test(
    shelf: Path,
    settings: Data,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["label-next", str(shelf), "--number", "8"]) == 0
    table = proposed().astype({"label": object})
    table.loc[:5, "label"] = ["red", "blue", "red", "green", "blue", "red"]
    table.to_csv("label-next/label-next.csv", index=False)
    assert main(["label-next", str(shelf)]) == 1  # what somebody has filled in is not written over
    assert "label-next/label-next.csv: has 6 labels that somebody filled in" in capsys.readouterr().err
    brought = fetch_into_incoming("label-next/label-next.csv")
    assert len(brought) == 6 and {place.split("/")[0] for place in brought} == {"red", "blue", "green"}
    for colour in COLOURS:
        for number in range(400, 408):
            save(INCOMING / colour / f"{number}.png", paint(colour, number))
    take(settings)
    (batch,) = accepted_batches()
    chosen = [file.relative_to(batch).parts[1] for file in batch.rglob("label-next/*.png")]
    assert chosen == ["train"] * 6
    assert len(list(batch.rglob("test/*/*.png"))) == 6  # a quarter of the others
    assert not any(INCOMING.rglob("*.png"))


def test_a_batch_of_chosen_photos_alone_has_no_test(shelf: Path, settings: Data) -> None:  # noqa: F811
    pd.DataFrame({"file": ["hard0.png", "hard1.png"], "label": ["red", "blue"]}).to_csv(shelf / "l.csv", index=False)
    fetch_into_incoming(str(shelf / "l.csv"))
    take(settings)
    assert len(list(ACCEPTED.rglob("train/*/label-next/*.png"))) == 2
    assert not any(ACCEPTED.rglob("test/*/*"))


def test_a_corrected_label_replaces_the_earlier_one(shelf: Path) -> None:
    for label in ("red", "blue"):
        (shelf / "l.csv").write_text(f"file,label\nhard0.png,{label}\n", encoding="utf-8")
        (place,) = fetch_into_incoming(str(shelf / "l.csv"))
    assert place.startswith("blue/") and len(list(INCOMING.rglob("*.png"))) == 1


def test_what_is_typed_while_photos_are_read_stays_and_so_does_what_was_read(
    shelf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path("label-next/label-next.csv")

    def propose(*arguments: Any) -> Any:
        table.parent.mkdir()
        table.write_text("file,label\na.png,red\n", encoding="utf-8")
        return _propose(*arguments)

    _propose = label_next._propose
    monkeypatch.setattr(label_next, "_propose", propose)
    assert main(["label-next", str(shelf)]) == 1
    assert "has 1 label that somebody filled in" in capsys.readouterr().err
    assert table.read_text(encoding="utf-8") == "file,label\na.png,red\n"
    assert any(Path(".kiyas/label-next").iterdir())


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("file,label\n,red\n", "row 1: column 'file' is empty"),
        ("file,label\ngone.png,red\n", "row 1: column 'file': "),
        ("file,label\nred/100.png,../red\n", "row 1: column 'label': '../red' is no name of a class"),
        ("file,label\nred/100.png,\n", "column 'label' is empty in all 1 rows; fill some in"),
        ("file,label\nred/100.png,red\nnotes.jpg,red\n", "row 2: column 'file': "),  # a private file would be pushed
        ("file,label\nred/100.png,red\n./red/100.png,blue\n", "row 2: column 'label': "),
        ("photo,label\nred/100.png,red\n", "has no column 'file'; a table of labelled photos has file and label"),
    ],
)
def test_a_table_that_cannot_be_taken_in_is_named_with_its_row(shelf: Path, table: str, says: str) -> None:
    (shelf / "l.csv").write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{shelf}/l.csv: {says}")):
        fetch_into_incoming(str(shelf / "l.csv"))
    assert not any(INCOMING.rglob("*.png"))


def test_the_contact_sheet_shows_photos_in_their_order_and_executes_nothing(shelf: Path) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    shutil.move(shelf / "hard1.png", shelf / name)
    assert main(["label-next", str(shelf), "--number", "12"]) == 0
    page = Path("label-next/contact-sheet.html").read_text(encoding="utf-8")
    assert name not in page and html.escape(name) in page and "<script" not in page
    assert "default-src 'none'" in page
    shown = re.findall(r'<span class="rank">(\d+)</span> <a href="file://([^"]+)">([^<]+)</a>', page)
    assert [html.unescape(text) for *_, text in shown] == [Path(file).name for file in proposed()["file"]]
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    first = Image.open(io.BytesIO(base64.b64decode(pictures[0])))
    assert len(pictures) == 12 and first.size == (contact_sheet.SIDE, contact_sheet.SIDE)


def test_the_contact_sheet_has_a_bounded_number_of_photos(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "MOST_SHOWN", 4)
    assert main(["label-next", str(shelf)]) == 0
    page = Path("label-next/contact-sheet.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 4 and "The first 4 of 12 photos" in page
    assert len(proposed()) == 12


def test_a_name_like_a_formula_still_leads_to_its_photo(shelf: Path) -> None:
    name = "=cmd|' calc'!A1.png"
    shutil.move(shelf / "hard1.png", shelf / name)
    assert main(["label-next", str(shelf), "--number", "12"]) == 0
    (file,) = [file for file in proposed()["file"] if file.endswith("A1.png")]
    assert file.startswith("/") and Path(file).is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere"], 1, "kiyas label-next: nowhere: there is no such file or folder"),
        (["empty"], 1, "kiyas label-next: empty: holds no file; name photos, or a folder with photos"),
        (["shelf/notes.jpg"], 1, "shelf/notes.jpg: holds no photo that can be read (is not a picture of a known kind)"),
        (["shelf/known.png"], 1, "shelf/known.png: holds nothing that needs a label"),
        (["shelf", "--number", "0"], 2, "argument --number: '0' is no number above 0"),
        (["shelf", "--number", "-3"], 2, "argument --number: '-3' is no number above 0"),
        (["shelf", "--number", "2.5"], 2, "argument --number: '2.5' is no whole number"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(
    shelf: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], code: int, says: str
) -> None:
    Path("empty").mkdir()
    try:
        status = main(["label-next", *arguments])
    except SystemExit as exit:
        status = int(str(exit.code))
    said = capsys.readouterr().err
    assert status == code and says in said and "Traceback" not in said
    assert not Path("label-next").exists()


def test_networks_that_are_asked_beside_the_champion_need_the_memory_of_networks(shelf: Path) -> None:
    command = commands()["label-next"]
    assert not _uses_keras(command, {"files": [str(shelf)]})
    network = Path("results/cnn/models/seed-0.keras")
    network.parent.mkdir(parents=True)
    network.touch()
    assert _uses_keras(command, {"files": [str(shelf)]})


def test_without_a_champion_it_says_how_to_get_one(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(checkout / "a.png", paint("red", 1))
    assert main(["label-next", "a.png"]) == 1
    assert "there is no champion yet" in capsys.readouterr().err


def test_a_photo_is_found_by_the_name_that_a_spreadsheet_would_compute(tmp_path: Path) -> None:
    for name in ("=SUM(1).jpg", "'=quoted(1).jpg"):
        (tmp_path / name).touch()
    assert _photo(tmp_path, "'=SUM(1).jpg") == tmp_path / "=SUM(1).jpg"
    assert _photo(tmp_path, "'=quoted(1).jpg") == tmp_path / "'=quoted(1).jpg"
