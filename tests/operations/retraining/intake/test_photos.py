"""New photos: looked at through the gate of `prepare`, split once and for all, stored complete or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.accepted import ACCEPTED
from pipeline.datasets.photos.listing import list_batches
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.ground.files import read_json
from pipeline.operations.retraining.intake import batches
from pipeline.operations.retraining.intake.batches import accept, accepted_batches, clear_accepted, remove_parts
from pipeline.operations.retraining.intake.incoming import INCOMING, IncomingError
from pipeline.operations.retraining.intake.photos import Newcomer, look_at_incoming, pixels_of, why_refused
from pipeline.params.data import Data
from pipeline.stages import prepare
from tests.operations.conftest import COLOURS, SIDE, paint, save


@pytest.fixture
def settings(checkout: Path) -> Data:
    """A folder of thirty photos, prepared."""
    for colour in COLOURS:
        for number in range(10):
            save(checkout / "photos" / colour / f"{number}.png", paint(colour, number))
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["data"] |= {"fetch": [], "path": "photos", "image_size": SIDE}
    content["finetune"] = {"backbones": [], "strategies": []}
    content["baseline"]["probes"] = []
    yaml.dump(content, Path("params.yaml"))
    ACCEPTED.mkdir(parents=True)
    prepare.run()
    return load_params().data


def drop(first: int, each: int) -> None:
    for colour in COLOURS:
        for number in range(first, first + each):
            save(INCOMING / colour / f"{number}.png", paint(colour, number))


def take(settings: Data) -> Path:
    return ACCEPTED / accept(look_at_incoming(settings), 0.25, 0, {})


def test_photos_of_one_thing_are_sealed_together_or_not_at_all(settings: Data) -> None:
    for colour in COLOURS:
        for number in range(40):
            save(INCOMING / colour / f"tree {number // 10}" / f"{number}.png", paint(colour, 100 + number))
    photos = take(settings) / "photos"
    sides = {side: {path.parent for path in (photos / side).rglob("*.png")} for side in ("train", "test")}
    things = {side: {folder.relative_to(photos / side) for folder in folders} for side, folders in sides.items()}
    assert len(things["test"]) >= len(COLOURS) and not things["test"] & things["train"]
    prepare.run()
    sealed = load_prepared(TEST)
    in_batch = np.array(["tree" in example for example in sealed.example_ids])
    assert sealed.groups is not None
    assert len(np.unique(sealed.groups[in_batch])) == len(things["test"]), "each counts once"
    assert len(np.unique(sealed.groups[~in_batch])) == (~in_batch).sum()


def test_of_one_thing_alone_nothing_is_sealed(settings: Data) -> None:
    for number in range(20):
        save(INCOMING / "red/tree" / f"{number}.png", paint("red", 100 + number))
    assert not list((take(settings) / "photos").glob("test/**/*.png"))
    prepare.run()
    known, sealed = load_prepared(DEVELOPMENT).groups, load_prepared(TEST).groups
    assert known is not None and sealed is not None, "test photos count as groups of their own"
    assert len(np.unique(sealed)) == len(sealed) and not set(known) & set(sealed)


def test_photos_of_12_bits_are_shown_as_bright_as_they_are_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    INCOMING.mkdir(parents=True)
    values = np.tile(np.linspace(0, 4095, SIDE).astype(np.uint16), (SIDE, 1))
    Image.fromarray(values).save(INCOMING / "grey.png")
    (pixels,) = pixels_of([Newcomer("grey.png", "red", "")], SIDE, 4095)
    assert pixels.max() == 255 and pixels.mean() > 100


def test_an_empty_inbox_holds_nothing(settings: Data) -> None:
    assert look_at_incoming(settings).newcomers == []


def test_a_newcomer_that_repeats_or_contradicts_what_is_known_is_the_one_that_goes(settings: Data) -> None:
    drop(100, 2)
    save(INCOMING / "red/again.png", paint("red", 3))
    save(INCOMING / "green/wrong.png", paint("red", 4))
    (INCOMING / "blue/broken.png").write_bytes(b"\x89PNG")
    faults = {one.path: one.fault for one in look_at_incoming(settings).newcomers if one.fault}
    assert faults == {
        "blue/broken.png": "is not a picture of a known kind",
        "green/wrong.png": "the same picture came earlier under another label",
        "red/again.png": "the same picture came earlier",
    }
    batch = look_at_incoming(settings)
    assert [one.path for one in batch.unusable] == ["blue/broken.png", "green/wrong.png"]
    assert batch.counts() == {"blue": 2, "green": 2, "red": 2}


def test_a_batch_is_split_once_and_sealed_examples_never_change_sides(settings: Data) -> None:
    before = {split: set(ids_of(split)) for split in ("development", "test")}
    drop(100, 8)
    folder = take(settings)
    assert len(list((folder / "photos/test").rglob("*.png"))) == 6
    prepare.run()
    drop(200, 8)
    take(settings)
    prepare.run()
    after = {split: set(ids_of(split)) for split in ("development", "test")}
    assert before["development"] < after["development"] and before["test"] < after["test"]
    assert len(after["test"] - before["test"]) == 12
    assert after["development"].isdisjoint(after["test"])


def test_what_was_left_out_is_stored_beside_the_batch_with_its_reason(settings: Data) -> None:
    drop(100, 4)
    save(INCOMING / "red/again.png", paint("red", 3))
    folder = take(settings)
    assert (folder / "quarantine/red/again.png").is_file()
    told = read_json(folder / "batch.json")
    assert told["left_out"] == {"red/again.png": "the same picture came earlier"}
    assert told["counts"] == {"blue": 4, "green": 4, "red": 4}
    assert not any(INCOMING.rglob("*.png"))


def test_the_name_of_a_batch_tells_its_content_whatever_the_order_of_its_files(settings: Data) -> None:
    drop(100, 4)
    first = look_at_incoming(settings).content
    shutil.rmtree(INCOMING)
    drop(102, 2)
    drop(100, 2)
    assert look_at_incoming(settings).content == first
    drop(104, 1)
    assert look_at_incoming(settings).content != first


def test_killed_before_the_batch_was_whole_it_is_not_there_and_its_files_still_wait(
    settings: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(100, 4)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", interrupt)
        take(settings)
    assert accepted_batches() == [] and list_batches() == []
    assert len(list(INCOMING.rglob("*.png"))) == 12
    remove_parts()
    assert not list(ACCEPTED.parent.glob(".accepting-*"))


def test_killed_before_the_inbox_was_cleared_the_next_call_clears_it(
    settings: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(100, 4)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "clear_accepted", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take(settings)
    save(INCOMING / "red/100.png", paint("red", 999))  # another photo under a name that was accepted
    clear_accepted()
    assert [path.relative_to(INCOMING).as_posix() for path in INCOMING.rglob("*.png")] == ["red/100.png"]


def test_a_class_that_was_never_seen_needs_a_person(settings: Data) -> None:
    drop(100, 4)
    save(INCOMING / "purple/1.png", paint("red", 500))
    refusal = why_refused(look_at_incoming(settings), list(COLOURS), 0.1)
    assert len(refusal) == 1 and "never seen: purple" in refusal[0]


def test_a_batch_with_too_many_broken_files_is_refused_by_the_first_of_them(settings: Data) -> None:
    drop(100, 4)
    (INCOMING / "blue/100.png").write_bytes(b"")
    batch = look_at_incoming(settings)
    assert why_refused(batch, list(COLOURS), 0.1) == []
    refusal = why_refused(batch, list(COLOURS), 0.05)
    assert "1 of 12 photos in data/incoming are unusable, such as blue/100.png: is empty" in refusal[0]


def test_a_file_outside_of_any_class_folder_is_refused_by_name(settings: Data) -> None:
    INCOMING.mkdir()
    (INCOMING / "loose.jpg").write_bytes(b"x")
    with pytest.raises(IncomingError, match=r"data/incoming/loose\.jpg: lies in no class folder"):
        look_at_incoming(settings)


def test_a_name_that_cannot_be_kept_is_refused_before_anything_is_taken_in(settings: Data) -> None:
    drop(100, 2)
    os.rename(INCOMING / "blue/100.png", INCOMING / "blue/\udcfe.png")
    with pytest.raises(
        IncomingError, match=r"data/incoming: 'blue/\\udcfe\.png' has a name that is not UTF-8.*rename it"
    ):
        look_at_incoming(settings)


def test_what_file_managers_leave_is_no_photo(settings: Data) -> None:
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "@eaDir/100.png"):
        (INCOMING / name).parent.mkdir(parents=True, exist_ok=True)
        (INCOMING / name).write_bytes(b"system")
    assert look_at_incoming(settings).total == 0
    save(INCOMING / "blue/100.png", paint("blue", 100))
    batch = look_at_incoming(settings)
    assert (batch.total, batch.usable_count) == (1, 1)


def test_a_batch_that_only_its_pointer_is_here_of_stops_prepare(settings: Data) -> None:
    """Else `dvc repro` in a fresh clone would quietly train without it."""
    (ACCEPTED / "2026-03-02-abc.dvc").write_text("outs: []\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"2026-03-02-abc\.dvc: the batch that it names is not here.*dvc pull"):
        prepare.run()


def ids_of(split: str) -> list[str]:
    import numpy as np

    return [str(one) for one in np.load(f"data/prepared/{split}/example_ids.npy")]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt
