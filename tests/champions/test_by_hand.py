"""A person promotes a version, keeps the champion, or goes back to the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.by_hand import promote_by_hand, roll_back
from pipeline.champions.log import ChampionError, current, open_question, previous, read_log
from pipeline.champions.versions import add_version, current_champion
from tests.champions.test_versions import filled


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_rolling_back_goes_one_champion_back_each_time_and_ends_at_the_first() -> None:
    add_version(filled, "data")
    add_version(filled, "data", "promoted")
    add_version(filled, "data", "promoted")
    assert roll_back().champion == 2
    assert roll_back().champion == 1
    with pytest.raises(ChampionError, match="no earlier champion"):
        roll_back()
    assert current_champion().version == 1
    assert len(read_log()) == 5


def test_without_a_champion_there_is_nothing_to_go_back_to() -> None:
    with pytest.raises(ChampionError, match="there is no champion yet, and so none to go back to; `make repro`"):
        roll_back()


def test_after_a_rollback_the_next_promotion_is_what_a_rollback_undoes() -> None:
    add_version(filled, "data")
    add_version(filled, "data", "promoted")
    roll_back()
    add_version(filled, "data", "promoted")
    assert previous(read_log()) == 1


def test_a_person_can_promote_what_is_registered_and_nothing_else() -> None:
    add_version(filled, "data")
    add_version(filled, "data")
    with pytest.raises(ChampionError, match="never registered"):
        promote_by_hand(7)
    with pytest.raises(ChampionError, match="the champion already"):
        promote_by_hand(1)
    assert promote_by_hand(2).champion == 2
    assert read_log()[-1].numbers == {"batches": []}, "a person has weighed no batch"
    assert previous(read_log()) == 1


def test_a_person_who_was_asked_can_keep_the_champion() -> None:
    add_version(filled, "data")
    add_version(filled, "data", "asked", ["Slower."])
    assert open_question(read_log())
    assert (promote_by_hand(1).event, current(read_log())) == ("kept", 1)
    assert open_question(read_log()) is None
