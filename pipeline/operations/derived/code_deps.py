"""The code that each stage of dvc.yaml depends on: whatever its module imports, directly or not.

Left out are the command line, tracking and the sections of params.yaml in params/upkeep/, with which results stay the
same (tests show it). A folder all of whose code
is imported stands for its files, and so does each of UNITS where anything in it is imported: their files are small and
change together, so a list of them would make dvc.yaml longer and hardly any run shorter.
Needs the development extra, since `grimp` reads the imports.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.params.schema.reading import read_yaml

if TYPE_CHECKING:
    import grimp

DVC_FILE = Path("dvc.yaml")
PACKAGE = Path("pipeline")
UNITS = (
    "pipeline/comparison",
    "pipeline/datasets/store",
    "pipeline/evaluation/costs",
    "pipeline/ground",
    "pipeline/models/features",
    "pipeline/params/schema",
    "pipeline/params/training",
    "pipeline/stages/assembly/evaluating",
    "pipeline/stages/assembly/training",
)
OF_NO_RESULT = ("pipeline.__main__", "pipeline.tracking", "pipeline.params.upkeep")


def with_code_deps(text: str) -> str:
    """dvc.yaml with each stage's deps of code replaced; comments, order of stages and all else stay as they are."""
    stages = read_yaml(DVC_FILE)["stages"]
    lines, written, stage, inside = text.split("\n"), [], "", False
    for line in lines:
        if named := re.fullmatch(r"  ([\w-]+):", line):
            stage = named[1]
        if inside and not line.startswith("      - "):
            inside = False
        if not (inside and line.startswith(f"      - {PACKAGE}/")):
            written.append(line)
        if line == "    deps:" and stage in stages:
            inside = True
            written += [f"      - {dep}" for dep in code_deps(module_of(stages[stage]["cmd"]))]
    return "\n".join(written)


def module_of(command: str) -> str:
    """
    Args:
        command: a stage's `cmd`, such as "python -m pipeline cnn --architecture lecture".
    """
    return f"pipeline.stages.{command.split()[3]}"


def code_deps(module: str) -> list[str]:
    """Files, and folders that stand for all of their files, that a module's result can depend on; sorted."""
    return sorted(set(_as_folders(import_closure(module))))


def import_closure(module: str) -> set[str]:
    """The files with code of all that a module imports, at its top or inside functions, directly or not."""
    seen, waiting = set(), {module}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        found = _imports().find_modules_directly_imported_by(current) | _imported_by_name(current)
        waiting |= {name for name in found if not name.startswith(OF_NO_RESULT)} - seen
    packages = {name.rpartition(".")[0] for name in seen}  # importing a.b runs a/__init__.py too
    packages.discard(PACKAGE.name)  # it tells TensorFlow which kernels to take: rounding, as another processor's
    return {file.as_posix() for file in map(_file_of, seen | packages) if _has_code(file)}


def _as_folders(files: set[str]) -> Iterable[str]:
    """Replace the files of each folder of which nothing is missing by the folder, the uppermost such folder first."""
    whole = {
        folder
        for folder in {parent for file in files for parent in Path(file).parents if PACKAGE in parent.parents}
        if folder.as_posix() in UNITS
        or {child.as_posix() for child in folder.rglob("*.py") if _has_code(child)} <= files
    }
    for file in files:
        yield next((folder.as_posix() for folder in reversed(Path(file).parents) if folder in whole), file)


def _imported_by_name(module: str) -> set[str]:
    """The modules that a module names in a string, such as the types that skops may build: they are imported by it."""
    dotted = _dotted_names(_file_of(module).read_text(encoding="utf-8"))
    return {name for text in dotted for name in (text, text.rpartition(".")[0]) if name in _imports().modules}


@cache  # stages share most of their modules
def _dotted_names(code: str) -> list[str]:
    nodes = ast.walk(ast.parse(code))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [text for text in texts if re.fullmatch(r"pipeline(\.\w+)+", text)]


@cache
def _imports() -> grimp.ImportGraph:
    import grimp

    return grimp.build_graph("pipeline", exclude_type_checking_imports=True, cache_dir=None)


def _file_of(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _has_code(file: Path) -> bool:
    """False for a package's `__init__.py` that is nothing but its docstring."""
    if file.name != "__init__.py":
        return True
    return any(not isinstance(node, ast.Expr) for node in ast.parse(file.read_text(encoding="utf-8")).body)
