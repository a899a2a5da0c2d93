from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.operations import prune
from pipeline.params.schema.reading import ParamsError, read_yaml
from tests.tracking.simulated import simulate, small_params

LEFTOVERS = [
    "results/finetune-resnet50-lp_ft/trial.json",
    "results/finetune-resnet50-lp_ft/models/seed-0.keras",
    "evaluation/finetune-resnet50-lp_ft/metrics.json",
    "evaluation/finetune-resnet50-lp_ft/figures/confusion.svg",
    "evaluation/finetune-resnet50-lp_ft/measures.parquet",
    "data/weights/vgg16.weights.h5",
]
KEPT = [
    "results/.gitignore",
    "results/notes.txt",
    "results/my-own-folder/trial.json",
    "data/weights/resnet50.weights.h5",
    "data/weights/readme.txt",
    "data/raw/train/Apple/0001.jpg",
    "comparison/techniques.csv",
]


@pytest.fixture
def disk(checkout: Path) -> Path:
    """Two candidates of the parameters, what earlier parameters left, and what the pipeline never wrote."""
    simulate(small_params())
    for name in LEFTOVERS + KEPT:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(name, encoding="utf-8")
    return checkout


def test_leftovers_go_and_everything_else_stays(disk: Path) -> None:
    before = _files(disk)
    prune.run(dry_run=False)
    assert before - _files(disk) == set(LEFTOVERS)
    assert not (disk / "results" / "finetune-resnet50-lp_ft").exists()
    assert not (disk / "evaluation" / "finetune-resnet50-lp_ft").exists()


def test_every_out_of_a_candidates_stages_is_one_of_the_pipelines_own_files() -> None:
    outs: dict[Path, set[str]] = {home: set() for home in prune.OWN_FILES}
    for stage in read_yaml(Path("dvc.yaml"))["stages"].values():
        for out in [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]:
            path = Path(out if isinstance(out, str) else next(iter(out)))
            if path.parent.parent in outs and "${" in path.parent.name:
                outs[path.parent.parent].add(path.name)
    assert outs == {home: set(names) for home, names in prune.OWN_FILES.items()}


def test_it_says_what_it_removes_and_how_that_comes_back(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prune.run(dry_run=False)
    said = capsys.readouterr().out
    assert "removing results/finetune-resnet50-lp_ft/models" in said
    assert "removing data/weights/vgg16.weights.h5" in said
    assert "dvc repro" in said


def test_a_dry_run_names_the_same_and_removes_nothing(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _files(disk)
    prune.run(dry_run=True)
    would = [line.removeprefix("would remove ") for line in capsys.readouterr().out.splitlines()[:-1]]
    assert _files(disk) == before
    prune.run(dry_run=False)
    removed = [line.removeprefix("removing ") for line in capsys.readouterr().out.splitlines()[:-1]]
    assert would == removed


def test_it_says_what_that_frees_and_what_dvc_s_cache_still_holds(
    disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, model = Path("data/weights/vgg16.weights.h5"), Path("results/finetune-resnet50-lp_ft/models/seed-0.keras")
    for path, size in ((weights, 3_000_000), (model, 5_000_000)):
        path.write_bytes(bytes(size))
    cached = disk / "cached"
    cached.hardlink_to(model)  # as DVC links its cache
    for dry, verb in ((True, "would be"), (False, "are")):
        prune.run(dry_run=dry)
        assert f"(3 MB {verb} free; 5 MB more with `dvc gc --workspace`" in capsys.readouterr().out


def test_a_persons_file_beside_leftovers_stays_and_is_mentioned(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = disk / "results" / "finetune-resnet50-lp_ft" / "notes.txt"
    notes.write_text("keep me", encoding="utf-8")
    prune.run(dry_run=False)
    assert _files(disk / "results" / "finetune-resnet50-lp_ft") == {"notes.txt"}
    assert "keeping results/finetune-resnet50-lp_ft" in capsys.readouterr().out


def test_what_a_link_points_to_is_never_removed(disk: Path) -> None:
    elsewhere = disk / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "trial.json").write_text("{}", encoding="utf-8")
    (disk / "results" / "cnn-linked").symlink_to(elsewhere)
    models = disk / "results" / "cnn-gone" / "models"
    models.parent.mkdir()
    models.symlink_to(elsewhere)
    prune.run(dry_run=False)
    assert (elsewhere / "trial.json").is_file()
    assert (disk / "results" / "cnn-linked").is_symlink()
    assert not models.parent.exists()


def test_points_of_a_data_size_study_go_when_the_study_is_over(disk: Path) -> None:
    point = disk / "results" / "finetune-resnet50-full-0.1" / "trial.json"
    point.parent.mkdir()
    point.write_text("{}", encoding="utf-8")
    params, yaml = Path("params.yaml"), YAML(typ="safe")
    over = yaml.load(params.read_text(encoding="utf-8"))
    study = {"candidates": ["finetune-resnet50-full"], "fractions": [0.1]}
    yaml.dump(over | {"study": study}, params)
    prune.run(dry_run=False)
    assert point.is_file()
    yaml.dump(over, params)
    prune.run(dry_run=False)
    assert not point.exists()


def test_a_second_prune_finds_nothing(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prune.run(dry_run=False)
    capsys.readouterr()
    prune.run(dry_run=False)
    assert capsys.readouterr().out == "nothing to prune: everything on disk belongs to params.yaml\n"


def test_faulty_parameters_remove_nothing(disk: Path) -> None:
    before = _files(disk)
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(text.replace("resnet50", "resnet51"), encoding="utf-8")
    with pytest.raises(ParamsError):
        prune.run(dry_run=False)
    assert {file for file in _files(disk) if file != "params.yaml"} == before - {"params.yaml"}


def _files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
