"""DVC's own views of the results: what a commit found beside what stands here, as numbers, as plots, as a table."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.ground.files import read_json, write_json
from pipeline.params.schema.reading import read_yaml
from tests.stages.test_compare import simulation
from tests.starts import dvc

ROOT = Path(__file__).resolve().parents[1]
CANDIDATES = ["classical-majority", "classical-svm_hog"]
SUMMARY = Path("comparison/summary.json")
WIDTH = 160  # columns of a wide terminal


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two candidates evaluated, compared and committed; then one of them, the ranking and the margin are others."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("views")
        patch.chdir(folder)
        prepare_checkout(folder)
        run("git", "init", "--quiet")
        dvc(Path(), "init", "--quiet")
        dvc(Path(), "repro", "--quiet", "--single-item", "compare")
        fill_up()
        dvc(Path(), "commit", "--quiet", "--force", *(f"evaluate-{name.replace('-', '@', 1)}" for name in CANDIDATES))
        run("git", "add", ".")
        run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "one")
        change_results(Path("params.yaml"))
        yield folder


def prepare_checkout(folder: Path) -> None:
    for name in ("dvc.yaml", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    yaml = YAML(typ="safe")
    content = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["baseline"] |= {"models": ["majority", "svm_hog"], "probes": []}
    content |= {"cnn": [], "finetune": {"backbones": [], "strategies": []}}
    content["compare"]["resamples"] = 200
    content["tracking"]["enabled"] = False
    yaml.dump(content, folder / "params.yaml")
    made = simulation()
    truths = [truth for truth in made.default_truths() if truth.candidate.name in CANDIDATES]
    made.write_comparison_inputs(truths, test=80, development=100)


def fill_up() -> None:
    """What evaluation reads and writes beside that, so that DVC takes it for done."""
    stage = read_yaml(Path("dvc.yaml"))["stages"]["evaluate-classical"]
    for place in [path for path in [*stage["deps"], *stage["outs"]] if not path.startswith("pipeline")]:
        for model in ("majority", "svm_hog"):
            path = Path(place.replace("${item.model}", model))
            if not path.exists():
                path.write_text("made up", encoding="utf-8")


def change_results(params: Path) -> None:
    summary = read_json(SUMMARY)
    summary["test_accuracy"] = 0.75
    write_json(SUMMARY, summary)
    drawn = pd.read_csv("comparison/plots.csv")
    drawn.loc[0, "score"] = 0.75
    drawn.to_csv("comparison/plots.csv", index=False)
    params.write_text(params.read_text(encoding="utf-8").replace("margin: 0.01", "margin: 0.05"), encoding="utf-8")


def save_experiment(name: str) -> None:
    """The committed state under an experiment's name, as `dvc exp save` leaves it where all stages have run."""
    base = run("git", "rev-parse", "HEAD").strip()
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    saved = run("git", *author, "commit-tree", "HEAD^{tree}", "-p", base, "-m", name).strip()
    run("git", "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", saved)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_metrics_show_fits_a_terminal(changed: Path) -> None:
    shown = dvc(Path(), "metrics", "show")
    assert shown.split()[:2] == ["Path", "candidates"]
    assert SUMMARY.as_posix() in shown
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_metrics_diff_shows_the_score_before_and_after(changed: Path) -> None:
    found = json.loads(dvc(Path(), "metrics", "diff", "HEAD", "--json"))
    assert list(found) == [SUMMARY.as_posix()]
    difference = found[SUMMARY.as_posix()]["test_accuracy"]
    assert difference["new"] == 0.75
    assert difference["diff"] == pytest.approx(0.75 - difference["old"])


def test_the_metrics_of_a_candidate_are_shown_where_they_are_asked_for(changed: Path) -> None:
    shown = dvc(Path(), "metrics", "show", "evaluation/classical-svm_hog/metrics.json", "--json")
    assert "mean" in json.loads(shown)[""]["data"]["evaluation/classical-svm_hog/metrics.json"]["data"]


def test_plots_diff_draws_the_ranking_of_both(changed: Path) -> None:
    drawn: dict[str, Any] = json.loads(dvc(Path(), "plots", "diff", "HEAD", "--json"))
    assert not drawn.get("errors")
    titles = {"Test score", "Training minus test score", "Test score against seconds of training"}
    assert titles <= set(drawn["data"])
    (plot,) = drawn["data"]["Test score"]
    assert plot["revisions"] == ["workspace", "HEAD"]
    values = plot["content"]["data"]["values"]
    assert {(row["rev"], float(row["score"])) for row in values if row["candidate"] == CANDIDATES[1]} >= {
        ("workspace", 0.75)
    }
    assert {row["rev"] for row in values} == {"workspace", "HEAD"}


def test_plots_are_drawn_without_a_network(changed: Path) -> None:
    template = ROOT / ".dvc/plots.html"
    assert template.name in (ROOT / ".dvc/config").read_text(encoding="utf-8")
    dvc(Path(), "plots", "show", "--html-template", str(template), "--out", "shown")
    page = Path("shown/index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link)[^>]*(?:src|href)=", page)
    assert "vegaEmbed('#Test_score'" in page
    assert '"score": "' in page


def test_exp_show_sets_the_parameters_beside_the_measures(changed: Path) -> None:
    rows = {row["rev"]: row["data"] for row in json.loads(dvc(Path(), "exp", "show", "--json"))}
    here = rows.pop("workspace")
    (there,) = rows.values()
    margins = [one["params"]["params.yaml"]["data"]["compare"]["margin"] for one in (here, there)]
    assert margins == [0.05, 0.01]
    score = here["metrics"][SUMMARY.as_posix()]["data"]["test_accuracy"]
    assert score == 0.75 != there["metrics"][SUMMARY.as_posix()]["data"]["test_accuracy"]


def test_exp_show_of_what_changed_fits_a_terminal_and_names_the_experiments(changed: Path) -> None:
    save_experiment("wider-margin")
    shown = dvc(Path(), "exp", "show", "--only-changed").splitlines()
    header = shown[1].split()
    assert header[:2] == ["Experiment", "Created"]
    assert {"test_accuracy", "compare.margin"} <= set(header)
    assert any("[wider-margin]" in line for line in shown)
    assert max(map(len, shown)) <= WIDTH
