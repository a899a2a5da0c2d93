"""champions/<version>/: a version is complete or absent, and a lost log is never taken for an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.log import (
    CHAMPIONS,
    LOG,
    POINTER,
    ChampionError,
    Entry,
    append,
    current,
    read_log,
    undecided,
)
from pipeline.champions.versions import Champion, add_version, current_champion, folder_of, registered_versions
from pipeline.ground.paths import WORKSPACE_MARK


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def filled(folder: Path, version: int) -> Champion:
    (folder / "model").mkdir()
    (folder / "model" / "MLmodel").write_text(f"model {version}", encoding="utf-8")
    return Champion(
        version, "cnn-lecture", "cnn", 0, f"print {version}", "binary", ["a", "b"], 8, "data", {}, [0.0, 1.0], "now"
    )


def test_the_first_version_is_the_champion_and_the_next_waits_for_a_decision() -> None:
    add_version(filled, "data")
    add_version(filled, "data")
    log = read_log()
    assert [(entry.event, entry.version, entry.champion) for entry in log] == [
        ("promoted", 1, 1),
        ("registered", 2, 1),
    ]
    assert (current(log), undecided(log)) == (1, 2)
    assert current_champion().version == 1


def test_a_version_that_could_not_be_written_leaves_nothing_and_the_next_takes_its_number() -> None:
    add_version(filled, "data")

    def fail(folder: Path, version: int) -> Champion:
        filled(folder, version)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        add_version(fail, "data")
    assert [one.version for one in registered_versions()] == [1]
    assert add_version(filled, "data").version == 2
    assert sorted(path.name for path in CHAMPIONS.iterdir()) == ["1", "2", "log.jsonl"]


def test_a_version_that_the_log_never_came_to_speak_of_does_not_count() -> None:
    """As after a kill between the renamed folder and the log's new line."""
    add_version(filled, "data")
    before = LOG.read_bytes()
    add_version(filled, "data", "promoted")
    LOG.write_bytes(before)
    assert [one.version for one in registered_versions()] == [1]
    assert current_champion().version == 1
    assert add_version(filled, "data", "promoted").version == 2
    assert current_champion().version == 2


def test_a_lost_log_is_not_taken_for_an_empty_one_and_no_model_is_removed() -> None:
    add_version(filled, "data")
    POINTER.touch()
    LOG.unlink()
    with pytest.raises(ChampionError, match="dvc checkout --force champions"):
        add_version(filled, "data")
    assert folder_of(1).is_dir()


def test_a_version_in_the_place_of_another_is_not_taken_for_it() -> None:
    add_version(filled, "data")
    add_version(filled, "data", "promoted")
    (folder_of(2) / "champion.json").write_bytes((folder_of(1) / "champion.json").read_bytes())
    with pytest.raises(ChampionError, match=r"champions/2: holds version 1; `dvc checkout --force champions`"):
        current_champion()


def test_a_champion_that_is_not_on_disk_is_named_with_the_remedy() -> None:
    append(Entry("now", "promoted", 3, 3, "data", ["First."]))
    with pytest.raises(ChampionError, match=r"champions/3.*dvc pull champions"):
        current_champion()


def test_where_there_is_no_champion_the_message_says_what_makes_one_in_this_very_place(tmp_path: Path) -> None:
    with pytest.raises(ChampionError, match="there is no champion yet; `make repro` makes the first one, or `r"):
        current_champion()
    POINTER.write_text("outs: []", encoding="utf-8")
    with pytest.raises(ChampionError, match="there is no champion yet; `dvc pull champions` first"):
        current_champion()
    WORKSPACE_MARK.parent.mkdir()
    WORKSPACE_MARK.touch()
    with pytest.raises(ChampionError, match="no champion here; a study's workspace never registers"):
        current_champion()
