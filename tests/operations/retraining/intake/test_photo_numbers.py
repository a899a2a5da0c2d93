"""New photos with numbers: what their tables name is taken in, and nothing that lies elsewhere is touched."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.configuration.loading import load_params
from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.ground.files import write_json
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake import sources
from pipeline.operations.retraining.intake.batches import accept, clear_accepted, remove_from_incoming
from pipeline.operations.retraining.intake.incoming import INCOMING, IncomingError
from pipeline.operations.retraining.intake.photo_numbers import NumberBatch, _one_of_each_group, look_at_numbers
from pipeline.operations.retraining.intake.sources import fetch_into_incoming
from pipeline.stages import prepare
from tests.drawn import SIDE, write_discs
from tests.operations.retraining.table_life import in_checkout, set_up


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty discs, prepared."""
    made = tmp_path_factory.mktemp("study")
    labels = {"file": "labels.csv", "path": "file", "label": "size", "group": "scene"}
    set_up(made, {"path": "discs", "labels": labels, "task": "regression", "image_size": SIDE}, ["mean"])
    write_discs(made / "discs", range(40)).to_csv(made / "discs/labels.csv", sep=";", index=False)
    with in_checkout(made):
        ACCEPTED.mkdir(parents=True)
        prepare.run()
    return made


@pytest.fixture(autouse=True)
def here(study: Path) -> Iterator[None]:
    with in_checkout(study):
        yield
        shutil.rmtree(INCOMING, ignore_errors=True)
        shutil.rmtree(ACCEPTED)
        ACCEPTED.mkdir()


def bring(table: pd.DataFrame, name: str = "more.csv") -> NumberBatch:
    INCOMING.mkdir(parents=True, exist_ok=True)
    table.to_csv(INCOMING / name, sep=";", index=False)
    return look_at_numbers(load_params().data)


def row(file: str, scene: str = "") -> dict[str, str]:
    return {"file": file, "size": "3,5", "scene": scene}


def take(batch: NumberBatch) -> Path:
    return ACCEPTED / accept(batch, 0.25, 0, {})


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_lies_outside_is_named_and_neither_copied_nor_removed(study: Path) -> None:
    table = write_discs(INCOMING, range(100, 110))
    (study / "mine.png").write_bytes((study / "discs/003.png").read_bytes())
    (INCOMING / "away.png").symlink_to(study / "mine.png")
    (INCOMING / "stray.png").symlink_to(study / "mine.png")
    strangers = [row("../../discs/003.png"), row(str(study / "mine.png")), row("away.png")]
    batch = bring(pd.concat([table, pd.DataFrame(strangers)]))
    folder = take(batch)
    assert set(batch.left_out) == {"../../discs/003.png", str(study / "mine.png"), "away.png", "stray.png"}
    assert (study / "discs/003.png").is_file() and (study / "mine.png").is_file()
    assert everything_in(folder / "quarantine") == []
    assert len(everything_in(folder / "photos")) == 11


def test_a_batch_that_was_accepted_with_a_path_out_of_the_folder_removes_nothing_there(study: Path) -> None:
    INCOMING.mkdir(parents=True)
    file = study / "discs/003.png"
    write_json(ACCEPTED / "2026-01-01-old/batch.json", {"files": {"../../discs/003.png": hash_path(file)}})
    clear_accepted()
    assert file.is_file()
    with pytest.raises(IncomingError, match="lies outside data/incoming"):
        remove_from_incoming(["../../discs/003.png"])
    assert file.is_file()


def test_a_table_that_is_a_link_is_refused(study: Path) -> None:
    INCOMING.mkdir(parents=True)
    (INCOMING / "more.csv").symlink_to(study / "discs/labels.csv")
    with pytest.raises(IncomingError, match=r"more\.csv: is a link; put the table itself there"):
        look_at_numbers(load_params().data)


def test_names_whose_letters_are_taken_apart_come_in_with_their_groups(study: Path) -> None:
    table = write_discs(INCOMING, range(100, 104))
    apart = unicodedata.normalize("NFD", "ä.png")
    os.rename(INCOMING / "100.png", INCOMING / apart)
    table.loc[0, ["file", "scene"]] = ["ä.png", "-12 (left)"]
    (INCOMING / unicodedata.normalize("NFD", "ö.png")).write_bytes(b"no picture")
    batch = bring(pd.concat([table, pd.DataFrame([row("ö.png"), row("ö.png")])]))
    assert [newcomer.path for newcomer in batch.usable] == ["101.png", "102.png", "103.png", apart]
    assert batch.groups[apart] == "-12 (left)"
    folder = take(batch)
    assert not list(INCOMING.rglob("*.png"))
    labels = pd.read_csv(folder / "photos/labels.csv", index_col="path")
    assert labels.loc[labels.index.str.endswith(apart), "group"].tolist() == ["-12 (left)"]
    write_discs(INCOMING, range(110, 112))
    table = pd.concat([table, write_discs(INCOMING, range(110, 112))])
    assert bring(table, unicodedata.normalize("NFD", "ölçü.csv")).left_out == {}


def test_a_table_may_list_the_photos_of_the_study_and_what_file_managers_write_is_no_photo(study: Path) -> None:
    table = pd.concat([pd.read_csv(study / "discs/labels.csv", sep=";"), write_discs(INCOMING, range(100, 106))])
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "@eaDir/100.png"):
        (INCOMING / name).parent.mkdir(exist_ok=True)
        (INCOMING / name).write_bytes(b"system")
    batch = bring(table)
    assert (batch.left_out, len(batch.usable), batch.why_refused(0.1)) == ({}, 6, [])
    assert set(batch.files) == {"more.csv", *(f"{number}.png" for number in range(100, 106))}


def test_a_new_photo_with_the_name_of_a_known_one_is_not_overlooked(study: Path) -> None:
    write_discs(INCOMING, range(100, 103))
    os.rename(INCOMING / "100.png", INCOMING / "003.png")
    batch = bring(pd.DataFrame([{"file": "003.png", "size": "", "scene": ""}]))
    assert batch.left_out["003.png"] == "has no label"


@pytest.mark.parametrize(
    ("written", "numbers"),
    [(["1.614", "2.350"], [1614.0, 2350.0]), (["3,5", "1.614,25"], [3.5, 1614.25]), (["3.5", "12.25"], [3.5, 12.25])],
)
def test_numbers_are_read_as_the_study_writes_them_unless_that_is_shown_to_be_otherwise(
    study: Path, written: list[str], numbers: list[float]
) -> None:
    """The study's have decimal commas."""
    table = write_discs(INCOMING, range(200, 202))
    batch = bring(table.assign(size=written))
    assert sorted(batch.numbers.tolist()) == numbers


def test_known_numbers_are_thinned_as_new_ones_are(study: Path) -> None:
    development = load_prepared(DEVELOPMENT)
    assert development.groups is not None
    scenes = len(np.unique(development.groups))
    assert len(_one_of_each_group(development)) == scenes < len(development.labels)


def test_a_table_that_grows_takes_the_place_of_the_one_that_waits_and_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "run_dvc", lambda _, source, target: str(shutil.copytree(source, target)))
    shop = tmp_path / "shop"
    for last in (105, 107):
        write_discs(shop, range(100, last)).to_csv(shop / "labels.csv", sep=";", index=False)
        fetch_into_incoming(str(shop), has_classes=False)
    assert len(look_at_numbers(load_params().data).usable) == 7
    write_discs(shop, range(103, 110)).to_csv(shop / "labels.csv", sep=";", index=False)
    with pytest.raises(IncomingError, match="which lacks some of its rows; give it a name of its own"):
        fetch_into_incoming(str(shop), has_classes=False)
