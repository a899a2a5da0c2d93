"""The modules of this project that are packed with a served model: whatever answering imports, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

LOADER = "pipeline.champions.answering"  # what MLflow imports and asks to load the model
PACKAGE = Path(__file__).resolve().parents[1]


@cache
def packed_files() -> tuple[str, ...]:
    """Files of the package, relative to it and sorted: LOADER and all that it imports, directly or not.

    Types that a .skops file names count as imported by the module that lists them (models/archive.py): they are found
    by their names while a model is read.
    """
    modules, waiting = set[str](), {LOADER}
    while waiting:
        module = waiting.pop()
        modules.add(module)
        waiting |= set(_imported_by(module)) - modules
    packages = {name.rsplit(".", depth)[0] for name in modules for depth in range(1, name.count(".") + 1)}
    return tuple(sorted(_file_of(name).relative_to(PACKAGE).as_posix() for name in modules | packages))


def _imported_by(module: str) -> Iterator[str]:
    """Modules of the package that a module imports at its top or inside functions, or names in a string."""
    for node in _executed(ast.parse(_file_of(module).read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value.rpartition(".")[0]] if re.fullmatch(r"pipeline(\.\w+)+", node.value) else []
        yield from (name for name in names if name.startswith(f"{PACKAGE.name}.") and _file_of(name).is_file())


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`, which only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from _executed(node)


def _file_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
