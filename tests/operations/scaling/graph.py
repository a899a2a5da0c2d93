"""A checkout in miniature whose stages take no time, with what a node needs of this project, and a remote."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.operations.planning.due import graph_state
from pipeline.operations.scaling.commit import clean_commit
from pipeline.operations.scaling.driver import OrderMaker, order_maker
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.params.upkeep.scale import Scale
from tests.starts import dvc

ROOT = Path(__file__).resolve().parents[3]
NODE_SIDE = (
    "pipeline/__init__.py",
    "pipeline/credentials.py",
    "pipeline/ground/__init__.py",
    "pipeline/ground/dvc_cache.py",
    "pipeline/ground/files.py",
    "pipeline/operations/__init__.py",
    "pipeline/operations/scaling/__init__.py",
    "pipeline/operations/scaling/on_nodes/__init__.py",
    "pipeline/operations/scaling/on_nodes/handover.py",
    "pipeline/operations/scaling/on_nodes/shard_stages.py",
    "pipeline/operations/scaling/on_nodes/worker.py",
)
# `train` notes each start in a folder outside; `slow` waits there for a sign, `fail` fails.
STAGES = """
stages:
  data:
    cmd: python -c "open('data.txt', 'w').write('1 2 3')"
    outs: [data.txt]
  train:
    matrix:
      name: [quick, slow, fail]
    cmd: python train.py ${item.name}
    deps: [data.txt, train.py]
    outs: ['model-${item.name}.txt']
  evaluate:
    matrix:
      name: [quick, slow, fail]
    cmd: python -c "open('score-${item.name}.txt', 'w').write(open('model-${item.name}.txt').read() + ' scored')"
    deps: ['model-${item.name}.txt']
    outs: ['score-${item.name}.txt']
"""
TRAIN = """
import os, pathlib, sys, time
name, outside = sys.argv[1], pathlib.Path({outside!r})
print("training", name, flush=True)
(outside / f"started-{{name}}-{{os.getpid()}}").touch()
while name == "slow" and not (outside / "go").exists():
    time.sleep(0.05)
if name == "fail":
    sys.exit("no luck here")
pathlib.Path(f"model-{{name}}.txt").write_text(pathlib.Path("data.txt").read_text() + name)
"""


def write_checkout(folder: Path, outside: Path) -> None:
    """Committed, with `data` made and pushed to a remote beside it."""
    for name in NODE_SIDE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    outside.mkdir()
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "train.py").write_text(TRAIN.format(outside=str(outside)))
    (folder / ".gitignore").write_text("/*.txt\n__pycache__\n/.kiyas\n")
    git(folder, "init", "-q", "-b", "main")
    dvc(folder, "init", "-q")
    dvc(folder, "remote", "add", "-q", "--default", "storage", str(outside / "remote"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    dvc(folder, "repro", "-q", "data")
    dvc(folder, "push", "-q", "data")


def tasks_of(*names: str) -> list[Task]:
    """Of the checkout that is the current directory."""
    inputs = graph_state(names).inputs
    return [Task(name, 1.0, Resources(1.0), inputs[name]) for name in names]


def orders(checkout: Path, cache: Path) -> OrderMaker:
    return order_maker(checkout, clean_commit(checkout), Scale(cache=str(cache)), server=None)


def lock_of(folder: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"])


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
