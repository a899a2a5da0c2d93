"""A checkout of DVC with five stages that take no time: three in a row, and one beside them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.starts import dvc

STAGES = """
stages:
  first:
    cmd: python -c "print('limit of ' + open('params.yaml').read().strip()); open('first.txt', 'w').write('1')"
    params: [limit]
    outs: [first.txt]
  second:
    matrix:
      name: [one, two]
    cmd: python -c "open('second-${item.name}.txt', 'w').write('2')"
    deps: [first.txt]
    outs: ['second-${item.name}.txt']
  failing:
    cmd: python -c "raise SystemExit('no weights here')"
    deps: [first.txt]
    outs: [never.txt]
  killed:
    cmd: python -c "import os; os.kill(os.getpid(), 9)"
    outs: [never-either.txt]
  sleeping:
    cmd: python -c "import pathlib, time; pathlib.Path('asleep').touch(); time.sleep(60)"
    outs: [awake.txt]
"""


def write_checkout(folder: Path) -> None:
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "params.yaml").write_text("limit: 1\n")
    (folder / ".gitignore").write_text("/*.txt\n/asleep\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q")
