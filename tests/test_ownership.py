"""What the pipeline did not write is never deleted: not by a stage, nor by DVC before it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from pipeline import __main__ as command_line
from pipeline import ownership
from pipeline.__main__ import main
from pipeline.commands import table
from pipeline.commands.mlproject import MAIN
from pipeline.ground.files import DamagedFileError
from pipeline.operations import check
from pipeline.ownership import (
    FETCHED,
    ForeignFilesError,
    md5,
    record_fetched,
    refuse_damaged_results,
    refuse_damaged_weights,
    refuse_foreign_files,
)
from pipeline.params.training.candidates import Candidate
from tests.conftest import ROOT
from tests.tracking.simulated import small_params

if TYPE_CHECKING:
    from dvc.repo import Repo


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a file into an empty checkout."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    return write


def test_what_fetch_has_put_there_is_known_by_its_content(put: Callable[[str, str], Path]) -> None:
    put("data/raw/train/a.jpg", "a")
    put("data/raw/.DS_Store", "left by the system")
    record_fetched({"train/a.jpg": md5(b"a")})
    refuse_foreign_files(fetches=True, by_content=True)
    put("data/raw/train/a.jpg", "my own picture under that name")
    refuse_foreign_files(fetches=True)
    with pytest.raises(ForeignFilesError, match=r"data/raw/train/a\.jpg: not written by the pipeline"):
        refuse_foreign_files(fetches=True, by_content=True)


def test_dvc_record_is_not_read_where_all_is_known_without_it(put: Callable[[str, str], Path]) -> None:
    """Every stage begins with this look, and the record of a large grid takes seconds to read."""
    put("dvc.lock", "not: [valid")
    put("data/raw/a.jpg", "a")
    put("results/cnn-lecture/models/seed-0.keras", "a network")
    record_fetched({"a.jpg": md5(b"a")})
    refuse_foreign_files(fetches=True, by_content=True)


@pytest.mark.parametrize("configured", [None, "../elsewhere"])
def test_what_dvc_has_recorded_is_known_too(put: Callable[[str, str], Path], configured: str | None) -> None:
    put("data/raw/iris.csv", "a")
    put("dvc.lock", "schema: '2.0'\nstages:\n  fetch@iris:\n    outs:\n    - {path: data/raw, md5: abcd.dir}\n")
    put(".dvc/config", "" if configured is None else f"[cache]\n    dir = {configured}\n")
    cache = ".dvc/cache" if configured is None else "elsewhere"
    listing = [{"md5": md5(b"a"), "relpath": "iris.csv"}]
    put(f"{cache}/files/md5/ab/cd.dir", json.dumps(listing))
    refuse_foreign_files(fetches=True, by_content=True)
    put("data/raw/notes.txt", "mine")
    with pytest.raises(ForeignFilesError, match=r"data/raw/notes\.txt: not written"):
        refuse_foreign_files(fetches=True)
    refuse_foreign_files(fetches=False)


@pytest.mark.parametrize(
    ("own", "foreign"),
    [
        ("data/prepared/development/images.npy", "data/prepared/development/notes.txt"),
        ("data/prepared/test/examples.parquet", "data/prepared/test/my copy/examples.parquet"),
        ("results/cnn-lecture/models/seed-3.keras", "results/cnn-lecture/models/seed-3 (best).keras"),
        ("evaluation/cnn-lecture/figures/confusion.svg", "evaluation/cnn-lecture/figures/Talk.pptx"),
    ],
)
def test_every_folder_that_a_stage_fills_is_looked_into(
    put: Callable[[str, str], Path], own: str, foreign: str
) -> None:
    put(own, "x")
    put(str(Path(own).with_name(".part-of-a-killed-run")), "x")
    refuse_foreign_files(fetches=True)
    put(foreign, "mine")
    with pytest.raises(ForeignFilesError) as refusal:
        refuse_foreign_files(fetches=False)
    assert str(refusal.value).startswith(f"{foreign}: not written by the pipeline")


def test_links_count_and_many_are_counted(put: Callable[[str, str], Path], tmp_path: Path) -> None:
    put("data/raw/x", "x").unlink()
    for number in range(7):
        Path(f"data/raw/{number}").symlink_to(tmp_path)
    with pytest.raises(ForeignFilesError, match="data/raw/4 and 2 more: "):
        refuse_foreign_files(fetches=True)


def test_check_and_every_stage_refuse(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small_params()
    mine = checkout / "data/raw/mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("irreplaceable")
    with pytest.raises(ForeignFilesError, match=r"data/raw/mine\.csv"):
        check.run()
    from pipeline.__main__ import main

    assert main(["compare"]) == 1
    assert "kiyas compare: data/raw/mine.csv: not written by the pipeline" in capfd.readouterr().err


@pytest.fixture
def repo(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    """A checkout that fetches iris, with DVC and git."""
    from dvc.repo import Repo

    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml"))
    content["data"] |= {"fetch": ["iris"], "target": "species"}
    content["baseline"] |= {"models": ["majority"], "probes": []}
    content["cnn"], content["finetune"]["backbones"] = [], []
    yaml.dump(content, Path("params.yaml"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KIYAS_OFFLINE", "1")
    subprocess.run(["git", "init", "--quiet"], check=True)
    with Repo.init() as made:
        yield made


def test_dvc_deletes_nothing_beside_or_in_place_of_a_fetched_source(
    repo: Repo, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through DVC itself, which empties a stage's folders before it runs the stage."""
    from dvc.exceptions import ReproductionError

    def refused(file: Path) -> None:
        content = file.read_text()
        with pytest.raises(ReproductionError):
            repo.reproduce("fetch@iris")
        assert f"{file}: not written by the pipeline" in capfd.readouterr().err
        assert file.read_text() == content

    mine, iris = Path("data/raw/mine.csv"), Path("data/raw/iris.csv")
    mine.parent.mkdir(parents=True)
    mine.write_text("irreplaceable")
    refused(mine)
    mine.unlink()
    repo.reproduce("fetch@iris")
    assert list(Path("data/raw").iterdir()) == [iris]
    mine.write_text("laid beside it")
    refused(mine)
    mine.unlink()
    iris.unlink()
    iris.write_text("my own flowers")
    refused(iris)


def test_the_record_stands_where_dvc_and_git_do_not_look() -> None:
    assert ownership.RECORD.parts[0] == ".kiyas"


def test_whatever_runs_the_graph_looks_first() -> None:
    for commands in ((ROOT / "Makefile").read_text(encoding="utf-8").splitlines(), MAIN.split(" && ")):
        runs = [number for number, command in enumerate(commands) if "dvc repro" in command and command[0] != "#"]
        assert runs and all("python -m pipeline check" in commands[number - 1] for number in runs)


def test_only_the_folder_whose_stage_empties_it_is_kept_from_dvc() -> None:
    """DVC keeps no run cache of a stage with a persistent out: an earlier model would have to be trained again."""
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    persistent = {
        path
        for name, stage in stages.items()
        if not name.startswith("folders")  # they fill none: DVC has nothing of them to keep
        for out in stage.get("outs", [])
        if isinstance(out, dict)
        for path, options in out.items()
        if options.get("persist")
    }
    assert persistent == {FETCHED.as_posix()}


def test_dvc_restores_no_earlier_run_of_a_stage_with_a_persistent_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, DVC has learned it: then every folder of a stage can be spared as data/raw is."""
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    for persist, runs in (("false", 2), ("true", 3)):
        out, log = Path(f"persist-{persist}"), Path(f"{persist}.log")
        Path("dvc.yaml").write_text(
            f"stages:\n  {out}:\n    cmd: echo run >> {log}; mkdir -p {out}; cp in {out}/copy\n"
            f"    deps: [in]\n    outs: [{{{out}: {{persist: {persist}}}}}]\n"
        )
        for content in ("first", "second", "first"):
            Path("in").write_text(content)
            with Repo() as repo:
                repo.reproduce()
        assert (out / "copy").read_text() == "first"
        assert log.read_text().count("run") == runs


def test_a_result_with_a_flipped_bit_is_named_though_dvc_does_not_see_it(put: Callable[[str, str], Path]) -> None:
    names = "results/one/trial.json", "evaluation/one/metrics.json", "results/two/a"
    files = {name: put(name, "0.75") for name in names}
    outs = [{"path": name, "md5": md5(file)} for name, file in files.items()]
    YAML(typ="safe").dump({"stages": {"train": {"outs": outs}}}, Path("dvc.lock"))
    refuse_damaged_results({"one", "two"})
    files["results/two/a"].write_text("0.85")
    refuse_damaged_results({"one"})
    files["evaluation/one/metrics.json"].write_text("0.85")
    with pytest.raises(DamagedFileError, match=r"evaluation/one/metrics\.json: is not what its stage wrote"):
        refuse_damaged_results({"one"})


def test_weights_with_a_flipped_bit_are_named_before_a_stage_learns_from_them(
    put: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 has no checksums: they load as other numbers."""
    weights, copy = Path("data/weights/vgg16.weights.h5"), Path(".dvc/cache/files/md5/ab/cdef")
    put(weights.as_posix(), "0.75")
    refuse_damaged_weights("vgg16")
    outs = [{"path": weights.as_posix(), "md5": md5(weights)}]
    YAML().dump({"stages": {"weights@vgg16": {"outs": outs}}}, Path("dvc.lock"))
    refuse_damaged_weights("vgg16")
    copy.parent.mkdir(parents=True)
    copy.hardlink_to(weights)
    weights.write_text("0.85")
    told = f"{weights}: is not what its stage wrote, by the hash in dvc.lock; DVC's copy has the same damage, so delete"
    with pytest.raises(DamagedFileError, match=re.escape(f"{told} {copy}, then delete {weights}, and what makes it")):
        refuse_damaged_weights("vgg16")

    trained: list[str] = []
    params = SimpleNamespace(data=SimpleNamespace(fetch=[]))
    monkeypatch.setattr(command_line, "load_params", lambda: params)
    monkeypatch.setattr(command_line, "read_arguments", lambda command, given: {"backbone": "vgg16", "strategy": "a"})
    monkeypatch.setattr(command_line, "_import_keras", lambda: None)
    monkeypatch.setattr("pipeline.stages.finetune.run", lambda **names: trained.append(names["backbone"]))
    monkeypatch.setenv("DVC_STAGE", "finetune@vgg16-a")
    assert (main(["finetune"]), trained) == (1, [])
    monkeypatch.delenv("DVC_STAGE")
    assert (main(["finetune"]), trained) == (0, ["vgg16"]), "weights made by hand may be newer than what DVC recorded"


def test_a_point_of_the_data_size_study_learns_from_its_candidates_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = [Candidate("cnn", "lecture"), Candidate("finetune", "vgg16-full", backbone="vgg16", technique="full")]
    monkeypatch.setattr(command_line, "read_candidates", lambda: candidates)
    known = {
        one.name: command_line._backbone_of(table.commands()["growth"], {"candidate": one.name}) for one in candidates
    }
    assert known == {"cnn-lecture": None, "finetune-vgg16-full": "vgg16"}
    assert command_line._backbone_of(table.commands()["evaluate"], {"candidate": "finetune-vgg16-full"}) is None
