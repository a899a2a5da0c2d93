"""dvc.lock is the file that DVC would have written, whichever way its stages were noted, and never half of it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc.dvcfile import Lockfile
from dvc.repo import Repo

from pipeline.dvc_lock_file import note_stages_quickly

LOCK_FILE = Path("dvc.lock")
NAMES = ["first", "second", "finetune@resnet50-full", "last"]
DIGEST = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"  # too long for the line that names it
PARAMS = {
    "depth": {"of": {"many": {"keys": {"sha256": DIGEST}}}},
    "none": None,
    "list": [1, "two", 3.5],
    "text": "a: b",
}

Change = Callable[[], None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    write_params(PARAMS)
    write_stages(NAMES)
    return tmp_path


def write_params(params: object) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def write_stages(names: list[str]) -> None:
    stages = {
        name.replace("@", "-"): {"cmd": f"echo {name} > {place}.txt", "params": [*PARAMS], "outs": [f"{place}.txt"]}
        for place, name in enumerate(names)
    }
    stages["each"] = {"foreach": ["resnet50-full", "x"], "do": {"cmd": "echo ${item}", "params": ["depth"]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")


def reproduce() -> None:
    with Repo() as repo:
        repo.reproduce()


def forget_one() -> None:
    write_stages(NAMES[1:])


@pytest.mark.parametrize(
    "change",
    [
        lambda: write_params(PARAMS | {"none": {"sha256": DIGEST}}),
        lambda: write_params(PARAMS | {"depth": 1}),
        lambda: write_stages([*NAMES, "one more"]),
        lambda: write_stages([NAMES[2], "instead", NAMES[0]]),
        lambda: write_stages(["n" * 150]),  # YAML has another way of writing so long a key
    ],
)
def test_the_file_is_the_one_that_dvc_writes(change: Change, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reproduce()
    begun = LOCK_FILE.read_bytes()
    twin = project.with_name(f"{project.name}-twin")
    shutil.copytree(project, twin)
    change()
    reproduce()
    assert LOCK_FILE.read_bytes() != begun, "something must be due"
    monkeypatch.chdir(twin)
    with monkeypatch.context() as patch:
        patch.setattr(Lockfile, "dump_stages", Lockfile.dump_stages)  # put back behind the block
        note_stages_quickly()
        change()
        reproduce()
    assert LOCK_FILE.read_bytes() == (project / LOCK_FILE).read_bytes()


@pytest.fixture
def quickly(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lockfile, "dump_stages", Lockfile.dump_stages)
    note_stages_quickly()
    reproduce()


@pytest.mark.usefixtures("quickly")
def test_a_kill_while_the_file_is_written_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LOCK_FILE.read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    write_params(PARAMS | {"depth": 1})
    with pytest.raises(KeyboardInterrupt):
        reproduce()
    assert LOCK_FILE.read_bytes() == before


@pytest.mark.usefixtures("quickly")
def test_a_stage_that_is_as_it_was_leaves_the_file_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    written = LOCK_FILE.stat()
    with Repo() as repo:
        repo.reproduce(force=True, single_item=True, targets=["first"])
    assert (LOCK_FILE.stat().st_ino, LOCK_FILE.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("added", ["datasets: []\n", "# a note\n", "  # the last one\n"])
def test_a_file_that_is_not_as_dvc_leaves_it_is_left_to_dvc(added: str) -> None:
    with LOCK_FILE.open("a", encoding="utf-8") as file:
        file.write(added)
    write_stages([*NAMES, "one more"])
    reproduce()
    assert added in LOCK_FILE.read_text(encoding="utf-8")
    assert "one more" in yaml.safe_load(LOCK_FILE.read_text(encoding="utf-8"))["stages"]


@pytest.mark.usefixtures("quickly")
def test_a_stage_behind_which_stands_one_with_a_long_name_takes_nothing_of_it() -> None:
    write_stages([NAMES[0], "n" * 150, NAMES[3]])
    reproduce()
    write_params(PARAMS | {"none": 0})
    with Repo() as repo:
        repo.reproduce(targets=["first"])
    assert {"first", "n" * 150, "last"} <= {*yaml.safe_load(LOCK_FILE.read_text(encoding="utf-8"))["stages"]}


@pytest.mark.usefixtures("quickly")
def test_where_dvcs_own_folder_is_on_another_disk_the_file_is_written_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(Path, "replace", elsewhere)
    write_stages([*NAMES, "one more"])
    reproduce()
    assert "one more" in yaml.safe_load(LOCK_FILE.read_text(encoding="utf-8"))["stages"]
    assert not Path(".dvc/tmp/dvc.lock.new").exists()


@pytest.mark.usefixtures("quickly")
def test_a_link_stays_one(project: Path) -> None:
    elsewhere = project / "elsewhere.lock"
    os.replace(LOCK_FILE, elsewhere)
    LOCK_FILE.symlink_to(elsewhere)
    write_stages([*NAMES, "one more"])
    reproduce()
    assert LOCK_FILE.is_symlink() and "one more" in elsewhere.read_text(encoding="utf-8")
