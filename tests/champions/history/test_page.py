"""champions/history.html: what was decided, why, with which scores, drift and looks; one page by itself."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from pipeline.__main__ import main
from pipeline.champions.by_hand import promote_by_hand, roll_back
from pipeline.champions.history.facts import gather
from pipeline.champions.history.page import HISTORY, render, write_history
from pipeline.champions.integrity import keeping
from pipeline.champions.log import CHAMPIONS, LOG, Entry, append, read_log
from pipeline.champions.versions import Champion, folder_of, registered_versions
from pipeline.comparison.statistics.paired_tests import spent_alpha
from pipeline.dvc_command import keep
from pipeline.ground.files import write_json

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120_000  # milliseconds: a browser on a busy machine is slow
DRIFT = {"new": 40, "reference": 200, "labels": 0.4, "outputs": 0.0004, "furthest": "pear", "distance": 0.4}
ROWS = {
    "new": 60,
    "reference": 300,
    "columns": {"age": {"size": 0.5, "p_value": 1e-6, "of_categories": False}},
    "target": {"size": 0.1, "p_value": 0.3, "of_categories": True},
    "champion": {"new": 60, "value": 0.7, "before": 0.9, "p_value": 1e-4, "of_classes": True},
}


def version(number: int, day: str, accuracy: float) -> Champion:
    champion = Champion(
        version=number,
        candidate="classical-logistic_table",
        family="classical",
        seed=0,
        fingerprint=f"print {number}",
        task="binary",
        class_names=["ill", "well"],
        image_size=None,
        data="data",
        metrics={"test_accuracy": accuracy},
        interval=[accuracy - 0.05, accuracy + 0.04],
        registered=f"2026-{day}T06:00:00.000+00:00",
    )
    write_json(folder_of(number) / "champion.json", asdict(champion))
    return champion


def look(number: int, champion: float, challenger: float) -> dict[str, Any]:
    return {
        "score": "accuracy",
        "champion_score": champion,
        "challenger_score": challenger,
        "difference": challenger - champion,
        "low": challenger - champion - 0.02,
        "high": challenger - champion + 0.02,
        "p_adjusted": 0.2 if challenger < champion + 0.03 else 1e-5,
        "examples": 300,
        "look": number,
        "alpha": spent_alpha(0.05, number),
    }


@pytest.fixture
def decided(checkout: Path) -> list[Entry]:
    """Two versions, three decisions of the first half of a year."""
    version(1, "01-05", 0.80)
    version(2, "03-02", 0.91)
    days = ("01-05", "02-02", "03-02", "04-06")
    numbers = [
        {},
        {**look(1, 0.80, 0.81), "drift": {**DRIFT, "accuracy": 0.3, "new_accuracy": 0.78, "reference_accuracy": 0.8}},
        look(2, 0.79, 0.91),
        {**look(3, 0.90, 0.90), "drift": ROWS},
    ]
    events = [("promoted", 1, 1), ("kept", None, 1), ("promoted", 2, 2), ("asked", None, 2)]
    for day, (event, about, champion), measured in zip(days, events, numbers, strict=True):
        moment, why = f"2026-{day}T06:00:00.000+00:00", [f"Because of {day} & <b>more</b>."]
        append(Entry(moment, event, about, champion, "data", why, None, measured))  # type: ignore[arg-type]
    return read_log()


def test_it_gathers_versions_looks_and_drift_with_what_was_spent(decided: list[Entry]) -> None:
    history = gather(decided, registered_versions())
    assert history.champion and (history.champion.version, history.champion.value) == (2, 0.91)
    assert [(look.number, look.champion_version, look.event) for look in history.looks] == [
        (1, 1, "kept"),
        (2, 1, "promoted"),
        (3, 2, "asked"),
    ]
    assert history.looks[-1].spent == pytest.approx(sum(spent_alpha(0.05, number) for number in (1, 2, 3)))
    assert history.looks[-1].allowed == pytest.approx(0.05)
    photos, rows = history.drifts
    assert (photos.value, photos.before, dict(photos.shifts)["looks"]) == (0.78, 0.8, 0.0004)
    assert (rows.new, rows.before_count, rows.shifts[0]) == (60, 300, ("age", 1e-6))


def test_looks_of_more_than_a_year_ago_are_not_counted_as_spent(decided: list[Entry]) -> None:
    later = replace(decided[-1], time="2027-03-20T06:00:00.000+00:00")
    history = gather([*decided[:-1], later], registered_versions())
    assert history.looks[-1].spent == pytest.approx(spent_alpha(0.05, 3))


def test_it_escapes_what_the_log_says_and_names_versions_that_are_not_here(decided: list[Entry]) -> None:
    page = render(gather(decided, registered_versions()[1:]))
    assert "Because of 04-06 &amp; &lt;b&gt;more&lt;/b&gt;." in page and "<b>more" not in page
    assert "Not on disk here, and so not shown: 1" in page
    assert page.index("A person was asked on 2026-04-06") < page.index("Because of 04-06")


def test_it_is_made_anew_whenever_something_is_decided_by_hand(decided: list[Entry]) -> None:
    write_history()
    assert "Version 2, classical-logistic_table, is the champion." in HISTORY.read_text(encoding="utf-8")
    roll_back()
    write_history()
    page = HISTORY.read_text(encoding="utf-8")
    assert "Version 1, classical-logistic_table, is the champion." in page and "A person went back" in page
    promote_by_hand(2)
    write_history()
    assert "A person promoted version 2" in HISTORY.read_text(encoding="utf-8")


def test_a_clone_that_lacks_it_or_has_an_older_one_makes_it(decided: list[Entry]) -> None:
    assert main(["champions"]) == 0 and f'content="{decided[-1].time}"' in HISTORY.read_text(encoding="utf-8")
    before = HISTORY.stat().st_ino
    assert main(["champions"]) == 0 and HISTORY.stat().st_ino == before
    roll_back()
    assert main(["champions"]) == 0 and "A person went back" in HISTORY.read_text(encoding="utf-8")


def test_dvc_does_not_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / ".dvcignore", ".dvcignore")
    for file in (LOG, HISTORY):
        write_json(file, file.name)
    Repo.init(no_scm=True).close()
    keep(CHAMPIONS)
    assert list(keeping._added()) == [LOG.name]


def test_a_browser_shows_it_on_desk_and_phone_without_errors_or_requests(decided: list[Entry], browser: Any) -> None:
    write_history()
    told: list[str] = []
    for width in (1200, 390):
        context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=width > 500)
        view = context.new_page()
        view.set_default_timeout(PATIENCE)
        view.on("console", lambda message: told.append(message.text))
        view.on("request", lambda request: told.append(request.url))
        view.goto(HISTORY.resolve().as_uri())
        assert view.locator("h1").is_visible() and view.locator("svg[role=img]").count() == 2
        assert [view.locator(f"#{key} tbody tr").count() for key in ("scores", "decisions", "looks", "drift")] == [
            2,
            4,
            3,
            2,
        ]
        for section in view.locator("section").all():
            box = section.bounding_box()
            assert box["x"] + box["width"] <= width
        context.close()
    assert [text for text in told if not text.startswith(("data:", HISTORY.resolve().as_uri()))] == []
