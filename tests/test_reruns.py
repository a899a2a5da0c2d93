"""What reruns what: `dvc status` names the stages whose results a change can alter, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.params.upkeep import __name__ as UPKEEP

ROOT = Path(__file__).resolve().parents[1]
MODELS = ["majority", "svm_hog"]
POINT = "finetune-vgg16-full-0.5"  # of the data-size study
TRAININGS = {
    "baseline@majority",
    "baseline@svm_hog",
    "probe@logistic-vgg16",
    "cnn@lecture",
    "finetune@vgg16-full",
    f"growth@{POINT}",
}
EVALUATIONS = {
    "evaluate-classical@majority",
    "evaluate-classical@svm_hog",
    "evaluate-probe@logistic-vgg16",
    "evaluate-cnn@lecture",
    "evaluate-finetune@vgg16-full",
    f"evaluate-growth@{POINT}",
}
Change = Callable[[str], str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout in which every stage has just run, as far as DVC can tell: what they make is made up."""
    from dvc.repo import Repo

    folder = tmp_path_factory.mktemp("reruns")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable in ("DVC_NO_ANALYTICS", "DO_NOT_TRACK"):
            patch.setenv(variable, "1")
        for name in ("dvc.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(ROOT / name, name)
        shutil.copytree(ROOT / "pipeline", "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
        write_params(MODELS)
        subprocess.run(["git", "init", "--quiet"], check=True)
        with Repo.init() as repo:
            make_up(repo)
            repo.commit(force=True)
        yield folder


def write_params(models: list[str]) -> None:
    """One candidate or two of each kind that photos have."""
    yaml = YAML()
    content = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["baseline"] |= {"models": models, "probes": ["logistic"]}
    content["finetune"] |= {"backbones": ["vgg16"], "strategies": ["full"]}
    content["study"] |= {"candidates": ["finetune-vgg16-full"], "fractions": [0.5]}
    yaml.dump(content, Path("params.yaml"))


def make_up(repo) -> None:  # type: ignore[no-untyped-def]
    """A file for each output of a stage, and for each dependency that none makes."""
    for stage in repo.index.stages:
        for part in [*stage.outs, *stage.deps]:
            path = Path(part.fs_path)
            if not path.exists() and not path.is_relative_to(Path.cwd() / "pipeline"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("made up", encoding="utf-8")


def stages_to_run() -> set[str]:
    from dvc.repo import Repo

    with Repo() as repo:
        return {name.removeprefix("dvc.yaml:") for name in repo.status()}


@contextmanager
def changed(*files: str, change: Change) -> Iterator[None]:
    """Some files with another content, for a while."""
    before = {file: Path(file).read_text(encoding="utf-8") for file in files}
    try:
        for file, text in before.items():
            after = change(text)
            assert after != text
            write(file, after)
        yield
    finally:
        for file, text in before.items():
            write(file, text)


def write(file: str, text: str) -> None:
    """DVC takes a file of the same size and time for the same."""
    Path(file).write_text(text, encoding="utf-8")
    times = os.stat(file)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 1))


def reworded(text: str) -> str:
    """The first docstring begins with another word."""
    return text.replace('"""', '"""Truly: ', 1)


def test_nothing_runs_again_where_nothing_changed(done: Path) -> None:
    assert stages_to_run() == set()


def test_what_changes_no_result_of_what_competes_runs_nothing_again(done: Path) -> None:
    """Words about upkeep, another amount of disk, another server, a new backbone: not even all of them together."""

    def upkeep(text: str) -> str:
        return text.replace("trials_gb: 20", "trials_gb: 1").replace("experiment: kiyas", "experiment: other")

    def other_backbone(text: str) -> str:
        return text + "\nother:\n" + "\n".join(text.split("\nvgg16:\n")[1].split("\n\n")[0].splitlines())

    files = [file.relative_to(ROOT).as_posix() for file in sorted((ROOT / UPKEEP.replace(".", "/")).glob("[!_]*.py"))]
    assert len(files) > 3
    with (
        changed(*files, change=reworded),
        changed("params.yaml", change=upkeep),
        changed("pipeline/models/backbones.yaml", change=other_backbone),
    ):
        assert stages_to_run() == set()


def test_another_learning_rate_runs_that_strategy_and_its_study(done: Path) -> None:
    def change(text: str) -> str:
        return text.replace("epochs: 4, learning_rate: 1e-4, schedule", "epochs: 4, learning_rate: 2e-4, schedule", 1)

    with changed("params.yaml", change=change):
        assert stages_to_run() == {"finetune@vgg16-full"}
    with changed("results/finetune-vgg16-full/trial.json", change=lambda text: text + "anew"):
        assert {f"growth@{POINT}", "evaluate-finetune@vgg16-full", "compare"} <= stages_to_run()


def test_a_new_corruption_runs_evaluation_alone(done: Path) -> None:
    with changed("pipeline/evaluation/measures/corruptions.py", change=lambda text: f"{text}\n\nNEW = 'frost'\n"):
        assert stages_to_run() == EVALUATIONS


def test_a_new_classical_estimator_runs_its_own_candidate_alone(done: Path) -> None:
    row = "\nextra_hog:\n  features: hog_colour\n  estimator: ExtraTreesClassifier\n"
    with changed("pipeline/models/classical.yaml", change=lambda text: text + row), new_model("extra_hog"):
        assert stages_to_run() == {"baseline@extra_hog", "evaluate-classical@extra_hog", "compare"}


@contextmanager
def new_model(name: str) -> Iterator[None]:
    write_params([*MODELS, name])
    try:
        yield
    finally:
        write_params(MODELS)


def test_an_own_file_reaches_its_backbones_candidates_by_way_of_what_identifies_it(done: Path) -> None:
    """Whatever changes in data/backbones runs what takes seconds; the rest follows where that comes out otherwise."""
    steps = {
        "data/backbones": {"backbone@vgg16"},
        "data/.backbones/vgg16": {"backbone@vgg16", "weights@vgg16"},
        "data/weights/vgg16.weights.h5": {"weights@vgg16", "probe@logistic-vgg16", "finetune@vgg16-full"},
    }
    for file, stages in steps.items():
        with changed(file, change=lambda text: text + "anew"):
            assert stages_to_run() == stages


@pytest.mark.parametrize("file", ["pipeline/scores/score.py", "pipeline/floors.py", "pipeline/params/compare.py"])
def test_how_candidates_are_ranked_is_a_matter_of_the_comparison_alone(file: str, done: Path) -> None:
    with changed(file, change=reworded):
        assert stages_to_run() == {"compare"}


def test_words_about_a_family_are_a_matter_of_the_comparison_alone(done: Path) -> None:
    with changed(
        "pipeline/models/families.yaml", change=lambda text: text.replace("plural: CNNs", "plural: Small CNNs")
    ):
        assert stages_to_run() == {"compare"}


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("pipeline/params/training/strategies.py", TRAININGS | EVALUATIONS | {"compare"}),
        ("pipeline/params/baseline.py", {"baseline@majority", "baseline@svm_hog", "probe@logistic-vgg16"}),
        ("pipeline/models/networks/cnn.py", {"cnn@lecture"}),
        ("pipeline/params/evaluation.py", EVALUATIONS),
        ("pipeline/params/data.py", {"fetch@groceries", "prepare", "compare"}),
    ],
)
def test_what_a_section_or_a_row_may_say_concerns_the_stages_that_read_it(
    file: str, stages: set[str], done: Path
) -> None:
    with changed(file, change=reworded):
        assert stages_to_run() == stages
