"""champions/log.jsonl: it is replaced as a whole, and the champion is what its last line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.log import LOG, ChampionError, Entry, append, news, open_question, read_log, undecided
from pipeline.champions.versions import add_version
from tests.champions.test_versions import filled


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_decision_on_the_newest_version_settles_it() -> None:
    add_version(filled, "data")
    add_version(filled, "data")
    append(Entry("now", "kept", 2, 1, "data", ["No better."]))
    assert undecided(read_log()) is None


def test_adding_a_line_never_writes_into_the_file_that_is_there() -> None:
    """It may share its bytes with DVC's cache."""
    append(Entry("now", "kept", None, None, "data", ["First."]))
    elsewhere = LOG.with_name("linked")
    elsewhere.hardlink_to(LOG)
    append(Entry("now", "kept", None, None, "data", ["Second."]))
    assert [entry.reasons for entry in read_log()] == [["First."], ["Second."]]
    assert elsewhere.read_text(encoding="utf-8").count("\n") == 1


def test_refused_photos_ask_nothing_settle_nothing_and_answer_nothing() -> None:
    add_version(filled, "data")
    refused = Entry("now", "refused", None, 1, "data", ["Unusable."])
    append(refused)
    assert open_question(read_log()) is None
    add_version(filled, "data")
    append(refused)
    assert undecided(read_log()) == 2
    add_version(filled, "data", "asked", ["Slower."])
    append(refused)
    asked = open_question(read_log())
    assert asked and asked.version == 3


def test_a_line_that_cannot_be_read_is_named() -> None:
    append(Entry("now", "kept", None, None, "data", []))
    LOG.write_text(LOG.read_text(encoding="utf-8") + "half a li", encoding="utf-8")
    with pytest.raises(ChampionError, match="line 2"):
        read_log()


def test_data_and_versions_without_a_decision_are_news_and_those_with_one_are_not() -> None:
    assert news(read_log(), "data") == ["There is no champion yet."]
    add_version(filled, "data")
    assert news(read_log(), "data") == []
    assert news(read_log(), "new data") == ["The prepared data are new since the last decision."]
    append(Entry("now", "refused", None, 1, "new data", ["Unusable."]))
    assert news(read_log(), "new data") == ["The prepared data are new since the last decision."]
    add_version(filled, "data")
    assert news(read_log(), "data") == ["Version 2 waits for a decision."]
