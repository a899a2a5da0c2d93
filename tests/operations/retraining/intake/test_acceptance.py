"""What happens to new photos before they are taken in: they wait, are refused, or are accepted with their drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.log import Entry, now
from pipeline.champions.versions import Champion
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.datasets.accepted import ACCEPTED, CHOSEN
from pipeline.ground.files import read_json
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake import acceptance
from pipeline.operations.retraining.intake.acceptance import Intake, take_in, with_unjudged
from pipeline.operations.retraining.intake.incoming import INCOMING
from tests.operations.conftest import COLOURS, paint, save
from tests.operations.retraining.intake.test_photos import drop, settings  # noqa: F401


@pytest.fixture
def params(settings: object, monkeypatch: pytest.MonkeyPatch) -> Params:  # noqa: F811
    """A prepared folder of three colours; DVC is not asked to keep anything."""
    kept: list[Path] = []
    monkeypatch.setattr(acceptance, "keep", kept.append)
    return load_params()


def test_few_photos_of_the_usual_kind_wait_for_more(params: Params, champion: Champion) -> None:
    drop(100, 2)
    taken = take_in(params, ReigningChampion(champion), force=False)
    assert taken.state == "waiting"
    assert "6 new photos wait in data/incoming for more" in taken.reasons[0]
    assert "too few to tell whether they drift" in taken.reasons[0]
    assert len(list(INCOMING.rglob("*.png"))) == 6


def test_few_photos_are_taken_in_when_it_is_asked_for(params: Params, champion: Champion) -> None:
    drop(100, 2)
    taken = take_in(params, ReigningChampion(champion), force=True)
    assert taken.state == "accepted" and taken.batch
    assert (ACCEPTED / taken.batch / "batch.json").is_file()


def test_few_photos_of_another_kind_do_not_wait_and_their_drift_is_told_and_stored(
    params: Params, champion: Champion
) -> None:
    for number in range(15):
        save(INCOMING / "red" / f"{number}.png", paint("green", 300 + number))
    taken = take_in(params, ReigningChampion(champion), force=False)
    assert taken.state == "accepted" and taken.batch
    assert taken.loses_accuracy
    assert any("other shares" in sentence for sentence in taken.drift)
    manifest = read_json(ACCEPTED / taken.batch / "batch.json")
    assert manifest["drift"] == taken.drift
    (checked,) = taken.checked
    assert checked.startswith("On these 15 photos the champion would have been estimated to be right on ")
    assert checked.endswith(
        "it is right on 0.0 %, so the estimate did not hold: by chance, which 5 % of such intervals do, or because "
        "equal inputs have other labels by now, or its probabilities do not hold for such inputs."
    )
    assert manifest["checked"] == taken.checked and manifest["measured"]["drift"]["estimate"]["examples"] == 15


def test_what_was_found_in_a_batch_is_weighed_though_the_retraining_that_accepted_it_was_killed(
    params: Params, champion: Champion
) -> None:
    for number in range(15):
        save(INCOMING / "red" / f"{number}.png", paint("green", 300 + number))
    before = Entry(now(), "kept", None, 1, "", [])
    taken = take_in(params, ReigningChampion(champion), force=False)
    again = take_in(params, ReigningChampion(champion), force=False)
    assert again.state == "nothing" and not again.loses_accuracy
    weighed = with_unjudged(again, [before, Entry(now(), "registered", 2, 1, "", [])])
    assert weighed.state == "nothing" and weighed.loses_accuracy
    assert (weighed.batch, weighed.drift, weighed.checked) == (taken.batch, taken.drift, taken.checked)
    assert weighed.numbers["drift"] == taken.numbers["drift"]
    assert with_unjudged(taken, [before]).numbers == {**taken.numbers, "batches": [taken.batch]}
    both = with_unjudged(Intake("accepted", batch="later", checked=["It held."]), [before])
    assert both.checked == [f"{taken.batch}: {taken.checked[0]}", "later: It held."]
    decided = Entry(now(), "asked", None, 1, "", [])
    assert with_unjudged(again, [before, decided]) == again


def test_a_decision_has_weighed_the_batches_that_it_names_whatever_the_clock_said(
    params: Params, champion: Champion
) -> None:
    for number in range(15):
        save(INCOMING / "red" / f"{number}.png", paint("green", 300 + number))
    taken = take_in(params, ReigningChampion(champion), force=False)
    nothing, ahead = Intake("nothing"), "2999-01-01T00:00:00.000+00:00"
    before = Entry(ahead, "kept", None, 1, "", [], numbers={"batches": []})  # by a clock that was set back since
    assert with_unjudged(nothing, [before]).loses_accuracy
    weighed = with_unjudged(nothing, [before]).numbers
    assert weighed["batches"] == [taken.batch]
    decided = Entry("2000-01-01T00:00:00.000+00:00", "asked", None, 1, "", [], numbers=weighed)
    assert with_unjudged(nothing, [before, decided]) == nothing


def test_no_estimate_is_held_against_photos_that_models_disagreed_on(params: Params, champion: Champion) -> None:
    for number in range(15):
        save(INCOMING / "red" / CHOSEN / f"{number}.png", paint("green", 300 + number))
    taken = take_in(params, ReigningChampion(champion), force=True)
    assert taken.state == "accepted" and taken.checked == []
    assert "estimate" not in taken.numbers["drift"] or taken.numbers["drift"]["estimate"] is None


def test_without_a_champion_enough_photos_are_accepted_and_nothing_is_said_of_drift(params: Params) -> None:
    drop(100, 8)
    taken = take_in(params, None, force=False)
    assert (taken.state, taken.drift, taken.numbers["usable"]) == ("accepted", [], 24)


def test_photos_that_all_repeat_known_ones_are_nothing_new(params: Params, champion: Champion) -> None:
    for colour in COLOURS:
        save(INCOMING / colour / "again.png", paint(colour, 1))
    taken = take_in(params, ReigningChampion(champion), force=False)
    assert taken.state == "nothing"
    assert "repeat known ones" in taken.reasons[0]
