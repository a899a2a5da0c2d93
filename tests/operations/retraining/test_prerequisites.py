"""What a retraining asks of its surroundings: data that can be had, and on a passing machine a memory elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.dvc_command import VersioningError, keep, reproduce
from pipeline.operations.retraining import prerequisites
from pipeline.operations.retraining.prerequisites import PrerequisiteError, bring_data, refuse_forgetful_runner
from pipeline.operations.retraining.publishing import commit
from pipeline.params.schema.backbones import BackboneFile
from tests.starts import dvc

ROOT = Path(__file__).resolve().parents[3]
DATA = Path("data/accepted/batch/photos/x.txt")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty git and DVC repository, as the current directory."""
    made = tmp_path / "repository"
    made.mkdir()
    monkeypatch.chdir(made)
    for name in ("GITHUB_ACTIONS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for command in (
        ["git", "init", "--quiet", "--initial-branch=main"],
        ["git", "config", "user.name", "Test"],
        ["git", "config", "user.email", "test@example.org"],
    ):
        subprocess.run(command, check=True, capture_output=True)
    dvc(made, "init", "--quiet")
    shutil.copy(ROOT / ".gitignore", made)  # DVC sees no pointer in a folder that it takes for ignored
    return made


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def accept_batch() -> None:
    DATA.parent.mkdir(parents=True)
    DATA.write_text("a photo\n", encoding="utf-8")
    keep(Path("data/accepted/batch"))


def test_a_runner_that_keeps_nothing_is_refused_by_what_it_lacks(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refuse_forgetful_runner()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(PrerequisiteError, match=r"a DVC remote .* and a tracking server"):
        refuse_forgetful_runner()
    dvc(Path(), "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    with pytest.raises(PrerequisiteError, match=r"needs a tracking server"):
        refuse_forgetful_runner()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    with pytest.raises(PrerequisiteError):
        refuse_forgetful_runner()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    refuse_forgetful_runner()


def test_in_a_fresh_clone_the_batches_come_from_the_remote_or_the_remote_is_asked_for(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_batch()
    dvc(Path(), "remote", "add", "storage", str(tmp_path / "remote"))
    dvc(Path(), "push", "--remote", "storage")
    git("add", ".")
    git("commit", "--quiet", "--message", "A batch")
    subprocess.run(["git", "clone", "--quiet", str(repository), str(tmp_path / "clone")], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    with pytest.raises(PrerequisiteError, match=r"batch\.dvc.*`dvc remote add --default storage URL`"):
        bring_data()
    dvc(Path(), "remote", "default", "storage")
    bring_data()
    assert DATA.read_text(encoding="utf-8") == "a photo\n"


def test_what_git_keeps_is_committed_alone_and_pushed_after_the_data(repository: Path, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    git("remote", "add", "origin", str(tmp_path / "origin.git"))
    git("add", ".")
    git("commit", "--quiet", "--message", "First")
    dvc(Path(), "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    accept_batch()
    (repository / "draft.txt").write_text("mine\n", encoding="utf-8")
    git("add", "draft.txt")
    commit("Retraining: a new batch", push=True)
    assert git("show", "--name-only", "--format=%s", "HEAD").split("\n\n") == [
        "Retraining: a new batch",
        "data/accepted/batch.dvc\n",
    ]
    assert git("ls-remote", "origin", "main").split()[0] == git("rev-parse", "HEAD").strip()
    assert any((tmp_path / "remote").rglob("*"))
    assert "A  draft.txt" in git("status", "--short")
    before = git("rev-parse", "HEAD")
    commit("Nothing happened", push=False)
    assert git("rev-parse", "HEAD") == before


@pytest.mark.usefixtures("code_elsewhere")
def test_a_stage_that_fails_is_told_with_the_end_of_what_it_said(repository: Path) -> None:
    (repository / "dvc.yaml").write_text(
        "stages:\n  breaks:\n    cmd: echo so it goes && exit 3\n    deps: [.gitignore]\n", encoding="utf-8"
    )
    with pytest.raises(VersioningError, match=r"(?s)`dvc repro breaks` failed:.*so it goes"):
        reproduce(["breaks"], repository / "log.txt")
    assert "so it goes" in (repository / "log.txt").read_text(encoding="utf-8")


def test_in_a_fresh_clone_the_files_of_own_backbones_that_compete_come_too(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {"preprocessing": "none", "blocks": ["low", "high"]}
    rows = {name: BackboneFile.model_validate({"file": f"{name}.keras", **blocks}) for name in ("mine", "other")}
    monkeypatch.setattr(prerequisites, "row_names", lambda table: ["vgg16", *rows])
    monkeypatch.setattr(prerequisites, "load_backbone", lambda name: rows.get(name))
    Path("params.yaml").write_text("finetune: {backbones: [vgg16, mine, unknown]}\n", encoding="utf-8")
    for name in rows:
        file = Path(f"data/backbones/{name}.keras")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a network\n", encoding="utf-8")
        dvc(Path(), "add", "--quiet", str(file))
    git("add", ".")
    git("commit", "--quiet", "--message", "Own backbones")
    dvc(Path(), "remote", "add", "--default", "storage", str(tmp_path / "remote"))
    dvc(Path(), "push", "data/backbones/mine.keras.dvc")
    git("commit", "--quiet", "--all", "--message", "A remote")
    subprocess.run(["git", "clone", "--quiet", str(repository), str(tmp_path / "clone")], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    bring_data()
    assert [file.name for file in Path("data/backbones").glob("*.keras")] == ["mine.keras"]
