"""A bare `dvc repro` loses nothing that somebody laid into a folder that a stage fills; through DVC itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from pipeline.ownership import FILLED
from pipeline.stages import folders
from tests.conftest import ROOT

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

MAKING = "from pipeline.stages import folders; folders.run()"  # what `python -m pipeline folders` does, and sooner
# What `python -m pipeline folders` does, without the time that it takes to start.
COMMAND = (
    "python -c 'from pipeline.ownership import refuse_foreign_files; from pipeline.stages import folders; "
    "refuse_foreign_files(False); folders.run()'"
)
README = (folders.VIEWS / folders.README).as_posix()
OWN = [
    "data/prepared/development/images.npy",
    "data/prepared/development/schema.json",
    "data/prepared/test/examples.parquet",
    "results/cnn-lecture/models/seed-3.keras",
    "results/classical-forest/models/seed-12.skops",
    "evaluation/cnn-lecture/figures/confusion_3.svg",
    "evaluation/cnn-lecture/figures/thumbnails.jpg",
]
FOREIGN = [
    "data/prepared/development/notes.txt",
    "data/prepared/test/my copy/examples.parquet",
    "results/cnn-lecture/models/seed-3 (best).keras",
    "results/classical-forest/models/old/seed-3.skops",
    "evaluation/cnn-lecture/figures/Talk.svg",
    "evaluation/cnn-lecture/figures/confusion.pptx",
]


@pytest.fixture
def repo(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    """The stages before all others, and one behind it that makes every file of OWN out of `content`."""
    from dvc.repo import Repo

    yaml = YAML(typ="safe", pure=True)
    first = yaml.load(Path("dvc.yaml"))["stages"]
    stages = {name: first[name] | {"cmd": COMMAND} for name in ("folders", "folders-foreign")}
    made = " && ".join(f"mkdir -p {Path(name).parent} && cp content {name}" for name in OWN)
    outs = sorted({str(Path(name).parent) for name in OWN})
    stages["all"] = {"cmd": f"{made} && echo run >> log", "deps": ["content", README], "outs": outs}
    yaml.dump({"stages": stages}, Path("dvc.yaml"))
    shutil.copy(ROOT / ".dvcignore", ".dvcignore")
    shutil.copy(ROOT / ".gitignore", ".gitignore")
    Path("content").write_text("first")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["git", "init", "--quiet"], check=True)
    with Repo.init() as made_repo:
        yield made_repo


def test_a_bare_run_of_dvc_loses_nothing(repo: Repo) -> None:
    from dvc.exceptions import ReproductionError

    assert names(repo.reproduce()) == ["folders", "folders-foreign", "all"]
    assert repo.reproduce() == [] and repo.status() == {}
    for name in FOREIGN:
        mine = Path(name)
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("irreplaceable")
        assert "folders-foreign" in repo.status(), "DVC would not run the stage that refuses it"
        if name == FOREIGN[2]:
            with pytest.raises(ReproductionError, match="folders-foreign"):
                repo.reproduce()
            assert mine.read_text() == "irreplaceable"
        mine.unlink()
    Path("evaluation/cnn-lecture/figures/.figure.77.svg").touch()  # left by a run that was killed
    assert "folders-foreign" not in repo.status()


def test_what_ran_once_is_had_back_and_folders_that_were_deleted_are_made_again(repo: Repo) -> None:
    repo.reproduce()
    for content, folder in (("second", "results"), ("first", "data/prepared")):
        Path("content").write_text(content)
        shutil.rmtree(folder)
        assert names(repo.reproduce()) == ["folders", "all"]
        assert repo.status() == {}
    assert Path("log").read_text().count("run") == 2
    shutil.rmtree(folders.VIEWS)
    assert "folders-foreign" in repo.status()


def names(stages: list[PipelineStage]) -> list[str]:
    return [stage.name for stage in stages]


def test_every_folder_that_stages_fill_is_seen_through_a_link(checkout: Path) -> None:
    folders.run()
    folders.run()
    links = [view for view in folders.VIEWS.iterdir() if view.is_symlink()]
    views = {view.resolve().relative_to(checkout.resolve()).as_posix() for view in links}
    assert all(any(pattern.startswith(f"{view}/") for view in views) for pattern in FILLED)
    assert len(views) == len({pattern.rpartition("/")[0].removesuffix("/*") for pattern in FILLED})


def test_all_that_has_folders_runs_behind_it() -> None:
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert README in stages["prepare"]["deps"] and README in stages["folders-foreign"]["outs"][0]
    filling = [name for name, stage in stages.items() if any(is_folder(out) for out in stage.get("outs", []))]
    assert "cnn" in filling and "evaluate-cnn" in filling
    prepared = {"data/prepared/development", "data/prepared/test"}
    assert all(name == "prepare" or prepared & set(stages[name]["deps"]) for name in filling)


def is_folder(out: object) -> bool:
    return isinstance(out, str) and not Path(out).suffix
