"""What a node leaves behind, what it lets into a clone, and what it makes of a worker that ends without an answer."""

from __future__ import annotations

import ast
import configparser
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from pipeline.operations.scaling import commit as commits
from pipeline.operations.scaling.commit import clean_commit, pack_commit
from pipeline.operations.scaling.on_nodes import node
from pipeline.operations.scaling.on_nodes.worker import read_lock
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import git, orders, tasks_of


def test_what_travels_to_nodes_needs_pythons_own_library_alone() -> None:
    tree = ast.parse(Path(node.__file__).read_text(encoding="utf-8"))
    names = {
        alias.name.split(".")[0] for part in ast.walk(tree) if isinstance(part, ast.Import) for alias in part.names
    }
    names |= {str(part.module).split(".")[0] for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
    assert (node.ARCHIVED, node.BRANCH) == (commits.ARCHIVED, commits.BRANCH)


def test_a_cache_that_holds_too_much_is_emptied_before_the_next_stage(tmp_path: Path) -> None:
    for name in ("clones/a-0/model", "dvc/files/md5/ab/cd", "kept/trials/seed-0"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"0" * 600)
    with node._in_use(tmp_path, limit_gb=1300e-9):
        assert (tmp_path / "dvc").exists()
    with node._in_use(tmp_path, limit_gb=1100e-9):
        assert not (tmp_path / "dvc").exists() and not (tmp_path / "clones").exists()
        assert (tmp_path / "kept/trials/seed-0").exists()  # `keep` bounds it


def test_files_that_clones_link_from_the_cache_count_once(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"0" * 600)
    (tmp_path / "second").hardlink_to(tmp_path / "first")
    assert node._size(tmp_path) == 600


def test_stages_that_run_at_the_same_time_have_clones_of_their_own(tmp_path: Path) -> None:
    with node._free_clone(tmp_path, "p") as first:
        with node._free_clone(tmp_path, "p") as second:
            assert first != second
        with node._free_clone(tmp_path, "p") as third:
            assert third == second  # free again


def test_what_outlived_a_killed_run_in_a_clone_is_ended(tmp_path: Path) -> None:
    with node._free_clone(tmp_path, "p") as clone:
        pass
    orphan = subprocess.Popen(["sleep", "60"], env={node.MARK: str(clone), "PATH": "/usr/bin:/bin"})
    while node.MARK.encode() not in Path(f"/proc/{orphan.pid}/environ").read_bytes():
        time.sleep(0.01)  # it has been started, but the system has not set up its environment yet
    with node._free_clone(tmp_path, "p") as again:
        assert again == clone
        assert orphan.wait(10) == -9


def test_a_clone_holds_the_commit_and_nothing_that_was_not_committed(place: Place, tmp_path: Path) -> None:
    commit, clone = clean_commit(place.checkout), tmp_path / "clone"
    archive = pack_commit(place.checkout, commit)
    with node._scratch(clone) as scratch:
        node._take_commit(clone, commit, archive, scratch)
    (clone / "train.py").write_text("print('changed')")
    (clone / "own.py").write_text("print('mine')")
    (clone / "model-quick.txt").touch()  # ignored by git: an out of an earlier stage
    node._take_commit(clone, commit, archive, scratch)
    assert git(clone, "status", "--porcelain") == "" and git(clone, "rev-parse", "HEAD").strip() == commit
    assert (clone / "model-quick.txt").exists()


def test_what_a_killed_stage_left_in_its_scratch_folder_goes_with_the_next_one(tmp_path: Path) -> None:
    with node._free_clone(tmp_path, "p") as clone:
        left = clone.with_name(f"{clone.name}.scratch") / "order.json"
        left.parent.mkdir()
        left.touch()
        with node._scratch(clone) as scratch:
            assert list(scratch.iterdir()) == [] and scratch.stat().st_mode & 0o777 == 0o700
        assert not left.parent.exists() and left.parent.is_relative_to(tmp_path)


def test_temporary_files_of_a_stage_lie_where_they_are_removed_unless_sockets_would_not_fit(tmp_path: Path) -> None:
    short, long = Path(tempfile.mkdtemp(dir="/tmp")), tmp_path / ("n" * node.LONGEST_TMPDIR)
    try:
        assert node._temporary_folder(short) == {"TMPDIR": str(short / "tmp")} and (short / "tmp").is_dir()
        assert node._temporary_folder(long) == {}
    finally:
        shutil.rmtree(short)


def test_a_clone_has_the_nodes_cache_and_the_drivers_name_for_its_runs(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / ".dvc").mkdir(parents=True)
    node._share(tmp_path / "cache", clone, "name-of-the-driver")
    assert (clone / ".kiyas/checkout").read_text() == "name-of-the-driver"
    config = configparser.ConfigParser()
    config.read(clone / ".dvc/config.local")
    assert config["cache"]["dir"] == str(tmp_path / "cache/dvc")
    assert config["core"]["site_cache_dir"] == str(tmp_path / "cache/dvc-state")


def test_another_commit_than_was_sent_is_never_run(place: Place, tmp_path: Path) -> None:
    archive = pack_commit(place.checkout, clean_commit(place.checkout))
    order = {"stage": "train@quick", "commit": "0" * 40, "project": "p", "cache": str(tmp_path), "cache_gb": 1.0}
    outcome = node.run_stage(order, archive)
    assert outcome["state"] == "broken" and "0" * 40 in outcome["reason"]


def test_other_code_is_kept_out_and_what_the_order_sets_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PYTHONPATH", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    environment = node._environment(tmp_path, {"OMP_NUM_THREADS": None, "KIYAS_UNWATCHED": "1"})
    assert "PYTHONPATH" not in environment and "OMP_NUM_THREADS" not in environment
    assert environment["KIYAS_UNWATCHED"] == "1" and environment[node.MARK] == str(tmp_path)
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))


def test_a_stage_ends_when_what_started_it_is_killed_together_with_its_children(place: Place) -> None:
    """As Ray does it: it kills the children of a process of its own that ends, but not theirs."""
    (task,) = tasks_of("train@slow")
    order = asdict(orders(place.checkout, place.cache)(task, {"data": read_lock()["data"]}))
    archive = pack_commit(place.checkout, order["commit"])
    starter = multiprocessing.get_context("fork").Process(target=node.run_stage, args=(order, archive))
    starter.start()
    wait_until(lambda: place.starts("slow") == 1)
    (stage,) = (int(file.name.rpartition("-")[2]) for file in place.outside.glob("started-slow-*"))
    for process in [psutil.Process(starter.pid), *psutil.Process(starter.pid).children()]:
        process.kill()
    starter.join()
    wait_until(lambda: not psutil.pid_exists(stage))


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def test_a_worker_that_ends_without_an_answer_is_a_broken_node_and_its_log_comes_back(tmp_path: Path) -> None:
    (clone := tmp_path / "clone").mkdir()  # an empty folder: there is no worker in it
    outcome = node._run_worker(clone, {"environment": {}}, tmp_path)
    assert outcome["state"] == "broken" and "before it had an answer" in outcome["reason"]
    assert "No module named" in outcome["log"]
