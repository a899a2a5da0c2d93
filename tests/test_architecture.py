"""The walls of the house: floors, rooms that say what they may import, folders that can be read; who needs no Keras."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from ruamel.yaml import YAML

from pipeline.commands.table import OPERATIONS
from pipeline.operations.derived.floors import ARCHITECTURE, floors, with_floors

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pipeline"
ROOMS = sorted(file.parent.relative_to(PACKAGE).as_posix() for file in PACKAGE.rglob("__init__.py"))
FOLDERS = sorted(path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__")
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
MOST_FILES = 14
HEAVY = ["tensorflow", "keras"]
STARTED = [
    "--help",
    "pipeline.params",
    "pipeline.stages.prepare",
    "pipeline.operations.track",
    "pipeline.stages.compare",
]
IMPORTS = f"""
import contextlib, importlib, json, runpy, sys
loaded = {{}}
for name in {STARTED}:
    if name == "--help":
        sys.argv = ["pipeline", name]
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(None):
            runpy.run_module("pipeline", run_name="__main__")
    else:
        importlib.import_module(name)
    loaded[name] = [package for package in {HEAVY} if package in sys.modules]
print(json.dumps(loaded))
"""


def test_imports_go_downwards_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def test_the_page_of_the_architecture_has_the_floors_of_the_contract() -> None:
    page = (ROOT / ARCHITECTURE).read_text(encoding="utf-8")
    assert with_floors(page) == page, "run `python -m pipeline graph --write`"
    named = re.findall(r"^\| (\d+) \| `(\w+)` \| .{9,} \|$", page, flags=re.MULTILINE)
    height = len(floors())
    assert named == [(str(height - depth), room) for depth, rooms in enumerate(floors()) for room in rooms]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_one_docstring_that_says_what_it_may_import(room: str) -> None:
    docstring, *rest = ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")).body
    assert not rest or room == "."  # where TensorFlow is told something before anything loads it
    assert isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    allowed, imported = may_import(room), imported_rooms(room)
    walled = {name: files for name, files in imported.items() if not any(name_in(name, place) for place in allowed)}
    assert not walled, f"pipeline/{room}/__init__.py does not say that it may import {walled}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_folder_reads_like_a_table_of_contents(folder: Path) -> None:
    files = {path.name for path in folder.iterdir() if path.is_file()}
    if folder.name == "stages":  # dvc.yaml is its table of contents
        files -= {f"{stage.partition('-')[0]}.py" for stage in STAGES}
    if folder.name == "operations":  # and commands/table.py is that of the commands around the graph
        files -= {f"{command.module}.py" for command in OPERATIONS}
    assert len(files) <= MOST_FILES, sorted(files)


@pytest.mark.parametrize(("command", "most"), [("finetune", 9), ("evaluate", 12), ("compare", 9), ("retrain", 10)])
def test_a_way_through_the_code_is_short_and_leads_through_what_the_command_imports(command: str, most: int) -> None:
    text = (ROOT / ARCHITECTURE).read_text(encoding="utf-8")
    (way,) = re.findall(rf"^\*\*{command}\*\*.*\n((?:\d+\. .*\n)+)", text, flags=re.MULTILINE)
    files = re.findall(r"^\d+\. `(\S+\.py)`", way, flags=re.MULTILINE)
    assert files[0] in (f"pipeline/stages/{command}.py", f"pipeline/operations/{command}.py")
    modules = [file.removesuffix(".py").replace("/", ".") for file in files]
    assert len(modules) <= most
    assert set(modules[1:]) <= imports().find_upstream_modules(modules[0]), "the command never imports it"


@pytest.fixture(scope="module")
def heavy_packages() -> dict[str, list[str]]:
    """{what has been started: which of HEAVY a fresh interpreter has loaded by then}, one after the other."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("started", STARTED)
def test_help_and_what_does_not_train_start_without_tensorflow(
    heavy_packages: dict[str, list[str]], started: str
) -> None:
    assert heavy_packages[started] == []


def may_import(room: str) -> set[str]:
    """The rooms that a room's docstring names: "May import params, files and datasets.photos."."""
    text = " ".join((PACKAGE / room / "__init__.py").read_text(encoding="utf-8").split())
    said = re.search(r"\bMay import ([\w., ]+?)\.(?: |\"\"\"|$)", text)
    assert said, f"pipeline/{room}/__init__.py lacks a sentence such as 'May import params and files.'"
    names = set(re.split(r",? and |, ", said[1])) - {"nothing of this project"}
    if "the floors below" in names:
        depth = next(depth for depth, rooms in enumerate(floors()) if room.split("/")[0] in rooms)
        names = names - {"the floors below"} | {below for rooms in floors()[depth + 1 :] for below in rooms}
    absent = [name for name in names if not exists(name)]
    assert not absent, f"pipeline/{room}/__init__.py names {absent}: there is no such room"
    return names


def exists(name: str) -> bool:
    path = PACKAGE / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported_rooms(room: str) -> dict[str, set[str]]:
    """What the modules right inside a room import of other rooms, without `pipeline.`, and which modules do so.

    A room may always import the rooms inside it.
    """
    here = ".".join(["pipeline", *room.split("/")]) if room != "." else "pipeline"
    found: dict[str, set[str]] = {}
    for file in (PACKAGE / room).glob("*.py"):
        module = here if file.stem == "__init__" else f"{here}.{file.stem}"
        for target in imports().find_modules_directly_imported_by(module):
            if not name_in(target, here):
                found.setdefault(target.removeprefix("pipeline."), set()).add(file.name)
    return found


def name_in(name: str, place: str) -> bool:
    """Whether a dotted name is a place or lies inside it."""
    return name == place or name.startswith(f"{place}.")


@functools.cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", cache_dir=None)
