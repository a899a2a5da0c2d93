"""champions/: a version is complete or absent, the log is whole, and the champion is what its last line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions import log as champions
from pipeline.champions.log import LOG, Champion, ChampionError, Entry, append, current, previous, read_log, undecided


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
    champions.add_version(filled, "data")
    champions.add_version(filled, "data")
    log = read_log()
    assert [(entry.event, entry.version, entry.champion) for entry in log] == [
        ("promoted", 1, 1),
        ("registered", 2, 1),
    ]
    assert (current(log), undecided(log)) == (1, 2)
    assert champions.current_champion().version == 1


def test_a_decision_on_the_newest_version_settles_it() -> None:
    champions.add_version(filled, "data")
    champions.add_version(filled, "data")
    append(Entry("now", "kept", 2, 1, "data", ["No better."]))
    assert undecided(read_log()) is None


def test_a_version_that_could_not_be_written_leaves_nothing_and_the_next_takes_its_number() -> None:
    champions.add_version(filled, "data")

    def fail(folder: Path, version: int) -> Champion:
        filled(folder, version)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        champions.add_version(fail, "data")
    assert [one.version for one in champions.versions()] == [1]
    assert champions.add_version(filled, "data").version == 2
    assert sorted(path.name for path in champions.CHAMPIONS.iterdir()) == ["1", "2", "log.jsonl"]


def test_a_version_that_the_log_never_came_to_speak_of_does_not_count() -> None:
    """As after a kill between the renamed folder and the log's new line."""
    champions.add_version(filled, "data")
    before = LOG.read_bytes()
    champions.add_version(filled, "data", "promoted")
    LOG.write_bytes(before)
    assert [one.version for one in champions.versions()] == [1]
    assert champions.current_champion().version == 1
    assert champions.add_version(filled, "data", "promoted").version == 2
    assert champions.current_champion().version == 2


def test_a_lost_log_is_not_taken_for_an_empty_one_and_no_model_is_removed() -> None:
    champions.add_version(filled, "data")
    champions.POINTER.touch()
    LOG.unlink()
    with pytest.raises(ChampionError, match="dvc checkout --force champions"):
        champions.add_version(filled, "data")
    assert champions.folder_of(1).is_dir()


def test_adding_a_line_never_writes_into_the_file_that_is_there() -> None:
    """It may share its bytes with DVC's cache."""
    append(Entry("now", "kept", None, None, "data", ["First."]))
    elsewhere = LOG.with_name("linked")
    elsewhere.hardlink_to(LOG)
    append(Entry("now", "kept", None, None, "data", ["Second."]))
    assert [entry.reasons for entry in read_log()] == [["First."], ["Second."]]
    assert elsewhere.read_text(encoding="utf-8").count("\n") == 1


def test_rolling_back_goes_one_champion_back_each_time_and_ends_at_the_first() -> None:
    champions.add_version(filled, "data")
    champions.add_version(filled, "data", "promoted")
    champions.add_version(filled, "data", "promoted")
    assert champions.roll_back().champion == 2
    assert champions.roll_back().champion == 1
    with pytest.raises(ChampionError, match="no earlier champion"):
        champions.roll_back()
    assert champions.current_champion().version == 1
    assert len(read_log()) == 5


def test_after_a_rollback_the_next_promotion_is_what_a_rollback_undoes() -> None:
    champions.add_version(filled, "data")
    champions.add_version(filled, "data", "promoted")
    champions.roll_back()
    champions.add_version(filled, "data", "promoted")
    assert previous(read_log()) == 1


def test_a_person_can_promote_what_is_registered_and_nothing_else() -> None:
    champions.add_version(filled, "data")
    champions.add_version(filled, "data")
    with pytest.raises(ChampionError, match="never registered"):
        champions.promote_by_hand(7)
    with pytest.raises(ChampionError, match="the champion already"):
        champions.promote_by_hand(1)
    assert champions.promote_by_hand(2).champion == 2
    assert previous(read_log()) == 1


def test_a_person_who_was_asked_can_keep_the_champion() -> None:
    champions.add_version(filled, "data")
    champions.add_version(filled, "data", "asked", ["Slower."])
    assert champions.open_question(read_log())
    assert (champions.promote_by_hand(1).event, current(read_log())) == ("kept", 1)
    assert champions.open_question(read_log()) is None


def test_refused_photos_ask_nothing_settle_nothing_and_answer_nothing() -> None:
    champions.add_version(filled, "data")
    refused = Entry("now", "refused", None, 1, "data", ["Unusable."])
    append(refused)
    assert champions.open_question(read_log()) is None
    champions.add_version(filled, "data")
    append(refused)
    assert undecided(read_log()) == 2
    champions.add_version(filled, "data", "asked", ["Slower."])
    append(refused)
    asked = champions.open_question(read_log())
    assert asked and asked.version == 3


def test_a_champion_that_is_not_on_disk_is_named_with_the_remedy() -> None:
    append(Entry("now", "promoted", 3, 3, "data", ["First."]))
    with pytest.raises(ChampionError, match=r"champions/3.*dvc pull champions"):
        champions.current_champion()


def test_a_line_that_cannot_be_read_is_named() -> None:
    append(Entry("now", "kept", None, None, "data", []))
    LOG.write_text(LOG.read_text(encoding="utf-8") + "half a li", encoding="utf-8")
    with pytest.raises(ChampionError, match="line 2"):
        read_log()
