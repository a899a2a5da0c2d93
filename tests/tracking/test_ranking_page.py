"""What a person sees: MLflow's own pages in a browser, on runs that `sync` has written.

Screenshots stay in test-artifacts/, which git ignores.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow.entities import Run

from pipeline.configuration.whole import Params
from pipeline.tracking.store import open_store
from pipeline.tracking.sync import sync
from tests.tracking.servers import TrackingServer
from tests.tracking.simulated import simulate, small_params

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "test-artifacts"
COLUMNS = ["metrics.`test_accuracy`", "tags.`kiyas.interval`", "metrics.`rank`", "tags.`kiyas.relation_to_best`"]
COLUMNS += ["tags.`kiyas.advice`"]
PATIENCE = 120_000  # milliseconds: a busy machine draws slowly


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[tuple[Params, str]]:
    """Simulated results in a store behind a server; gives their parameters and the link to the ranking."""
    folder = tmp_path_factory.mktemp("pages")
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    server = TrackingServer(f"sqlite:///{shutil.copy(empty_store, folder / 'server.db')}", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        params = small_params()
        simulate(params)
        server.start()
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        yield params, sync(params).link
        server.kill()


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE)
    yield page
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    page.close()


def test_the_link_opens_the_candidates_in_the_order_of_their_accuracy_and_a_click_turns_it_round(
    shown: tuple[Params, str], page: Page
) -> None:
    params, link = shown
    ranking = [candidate.name for candidate in params.candidates()]
    page.goto(link)
    _wait_for_order(page, ranking)
    page.get_by_text("Model registry").wait_for()  # stands beside the pages of model training alone
    assistant = page.locator("[data-component-id='mlflow.assistant.chat_panel.close']")  # opens itself in a new browser
    if assistant.count():
        assistant.click()
    places = [_place_on_screen(page, column) for column in COLUMNS]
    assert places == sorted(places)
    assert places[-1] < 1440
    page.locator("[role=columnheader][col-id='metrics.`test_accuracy`']").click()
    _wait_for_order(page, ranking[::-1])


def test_candidates_that_are_picked_are_compared_side_by_side(shown: tuple[Params, str], page: Page) -> None:
    params, link = shown
    names = [candidate.name for candidate in params.candidates()]
    page.goto(link)
    _wait_for_order(page, names)
    for name in names:
        page.get_by_role("row").filter(has_text=name).get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text(f"Comparing {len(names)} Runs").wait_for()
    for name in names:
        assert page.get_by_text(name, exact=True).count() >= 1


DRAWN = """() => {
  const plots = [...document.querySelectorAll('.js-plotly-plot')]
  const curve = plots.find(plot => plot.data && plot.querySelector('.scatterlayer path.js-line'))
  return curve ? curve.data.map(trace => trace.y.length) : null
}"""


def test_a_trials_page_draws_its_curves_over_all_epochs(shown: tuple[Params, str], page: Page) -> None:
    params, link = shown
    run = _run(params, "finetune-resnet50-full seed 1")
    page.goto(f"{link.partition('/runs')[0]}/runs/{run.info.run_id}/model-metrics")
    first = page.locator(".js-plotly-plot").first
    first.locator(".scatterlayer path.js-line").first.wait_for(state="attached")  # no bar, as of a single value
    search = page.get_by_placeholder("Search metric charts")
    search.fill("val_loss")
    curve = page.locator(".js-plotly-plot").filter(has=page.locator(".scatterlayer path.js-line")).first
    curve.wait_for()
    drawn = page.wait_for_function(DRAWN)  # a plot that is drawn anew has no data for a moment
    assert max(drawn.json_value()) == 4


def test_the_comparisons_page_shows_the_report(shown: tuple[Params, str], page: Page) -> None:
    params, link = shown
    run = _run(params, "comparison")
    page.goto(f"{link.partition('/runs')[0]}/runs/{run.info.run_id}/artifacts/report.html")
    page.frame_locator("iframe").get_by_text("Fine-tune.").wait_for()


def _place_on_screen(page: Page, column: str) -> float:
    """Where a column's header ends, in pixels from the left."""
    box = page.locator(f"[role=columnheader][col-id='{column}']").bounding_box()
    assert box
    return box["x"] + box["width"]


def _wait_for_order(page: Page, names: list[str]) -> None:
    """Until the rows of the table are these, from the top."""
    for row, name in enumerate(names):
        page.locator(f"[role=row][row-index='{row}']").filter(has_text=name).first.wait_for()


def _run(params: Params, name: str) -> Run:
    store = open_store(params.tracking.experiment)
    (run,) = store.client.search_runs([store.experiment_id], f"attributes.run_name = '{name}'")
    return run
