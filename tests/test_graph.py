"""dvc.yaml says what the stages really depend on: their code, their parameters, and no test split before evaluation."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from pathlib import Path
from typing import Any

import grimp
import pytest

from pipeline.configuration.whole import params_class
from pipeline.operations.derived.code_deps import UNITS
from pipeline.params.schema.families import families
from pipeline.params.schema.reading import read_yaml

ROOT = Path(__file__).resolve().parents[1]
GRAPH: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")["stages"]
NOT_TRAINING = {"folders", "folders-foreign", "fetch", "prepare", "backbone", "weights", "compare"}
TRAINING = [name for name in GRAPH if name not in NOT_TRAINING and not name.startswith("evaluate-")]
# With these changed, or left out, results stay the same.
MODULES_OF_NO_RESULT = ("pipeline.__main__", "pipeline.tracking", "pipeline.params.upkeep")
SECTIONS_OF_NO_RESULT = {"keep", "retrain", "scale", "tracking"}


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_depends_on_the_code_that_it_imports(stage: str) -> None:
    named, imported = code_deps(stage), import_closure(module_of(stage))
    missing = sorted(imported - named)
    needless = sorted(file for file in named - imported if not belongs_to_a_unit(file, imported))
    assert not missing, f"dvc.yaml: {stage}: deps lack {missing}: imported, so a change there would go unnoticed"
    assert not needless, f"dvc.yaml: {stage}: deps name {needless}: not imported, so a change there runs it for nothing"


@pytest.mark.parametrize("stage", GRAPH)
def test_a_stage_names_the_parameters_that_it_reads(stage: str) -> None:
    read = sections_read(module_of(stage)) - SECTIONS_OF_NO_RESULT
    unnamed, needless = read - sections_named(stage), sections_named(stage) - read
    assert not unnamed, f"dvc.yaml: {stage}: params lack {sorted(unnamed)}, which its code reads"
    assert not needless, f"dvc.yaml: {stage}: params name {sorted(needless)}, which its code does not read"


def test_every_section_of_params_yaml_reaches_a_stage() -> None:
    named = set().union(*(sections_named(stage) for stage in GRAPH))
    assert named == set(params_class().model_fields) - SECTIONS_OF_NO_RESULT


@pytest.mark.parametrize("stage", [*TRAINING, "weights", "fetch"])
def test_no_training_stage_sees_the_test_split(stage: str) -> None:
    deps = [dep for dep in GRAPH[stage]["deps"] if dep.startswith("data/prepared")]
    assert deps == (["data/prepared/development"] if stage in TRAINING else [])


def test_only_evaluation_reads_the_test_split() -> None:
    readers = {name for name, stage in GRAPH.items() if "data/prepared/test" in stage["deps"]}
    assert readers == {name for name in GRAPH if name.startswith("evaluate")}


def test_a_point_of_the_data_size_study_depends_on_the_fingerprint_of_its_candidate() -> None:
    """It stands for code and parameters of the stage that trains the point, which growth imports by its name."""
    assert "results/${item.candidate}/trial.json" in GRAPH["growth"]["deps"]


def test_the_picture_of_the_graph_is_one_and_names_stages_that_there_are() -> None:
    """`dvc dag` draws a box for each candidate, so README and the architecture have a picture without them."""
    pages = ("README.md", "docs/architecture.md", "docs/explanation/fine-tuning.md")
    readme, *others = (picture_in(ROOT / page) for page in pages)
    assert all(other == readme for other in others)
    named = set(re.findall(r"[a-z]+(?=[@ ])", readme.replace("evaluate-{family}", "evaluate")))
    stages = {name.partition("-")[0] for name in GRAPH}
    assert {"prepare", "backbone", "weights", "finetune", "evaluate"} <= named <= stages


def picture_in(page: Path) -> str:
    """The block that draws the graph."""
    blocks = page.read_text(encoding="utf-8").split("```")[1::2]
    (picture,) = (block for block in blocks if "─> prepare" in block)
    return picture


def test_git_ignores_all_that_the_stages_make() -> None:
    """Else DVC would write a .gitignore of its own, and a run would leave the checkout changed."""
    outs = [re.sub(r"\$\{.*?\}", "x", out) for stage in GRAPH.values() for out in outs_of(stage)]
    command = ["git", "check-ignore", "--no-index", *outs]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert sorted(ignored) == sorted(outs)


def belongs_to_a_unit(file: str, imported: set[str]) -> bool:
    """Whether a file lies in a folder that is depended on as one, and of which the stage imports something."""
    units = [unit for unit in UNITS if file.startswith(f"{unit}/")]
    return any(other.startswith(f"{unit}/") for unit in units for other in imported)


def outs_of(stage: dict[str, Any]) -> list[str]:
    entries = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def module_of(stage: str) -> str:
    command = re.match(r"python -m pipeline (\w+)", GRAPH[stage]["cmd"])
    assert command, f"dvc.yaml: {stage}: cmd runs no sub-command of the pipeline"
    return f"pipeline.stages.{command[1]}"


def code_deps(stage: str) -> set[str]:
    """The Python files among a stage's deps, folders expanded."""
    paths = [ROOT / dep for dep in GRAPH[stage]["deps"] if dep.startswith("pipeline/")]
    absent = [path.relative_to(ROOT).as_posix() for path in paths if not path.exists()]
    assert not absent, f"dvc.yaml: {stage}: deps name {absent}: not there"
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return {file.relative_to(ROOT).as_posix() for file in files if has_code(file)} - ignored_by_dvc()


def ignored_by_dvc() -> set[str]:
    """The files that .dvcignore names one by one."""
    lines = (ROOT / ".dvcignore").read_text(encoding="utf-8").splitlines()
    return {line.lstrip("/") for line in lines if line.endswith(".py")}


def import_closure(module: str) -> set[str]:
    """The files of all that a module imports, at its top or inside functions, directly or not."""
    seen, waiting = set(), {module}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        found = imports().find_modules_directly_imported_by(current) | imported_by_name(current)
        waiting |= {name for name in found if not name.startswith(MODULES_OF_NO_RESULT)} - seen
    packages = {name.rpartition(".")[0] for name in seen}  # importing a.b runs a/__init__.py too
    packages.discard("pipeline")  # which kernels TensorFlow takes: rounding, as another processor's
    return {file.relative_to(ROOT).as_posix() for file in map(file_of, seen | packages) if has_code(file)}


def imported_by_name(module: str) -> set[str]:
    """The modules that a module names in a string, such as the types that skops may build: they are imported by it."""
    nodes = ast.walk(ast.parse(file_of(module).read_text(encoding="utf-8")))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    dotted = [text for text in texts if re.fullmatch(r"pipeline(\.\w+)+", text)]
    return {name for text in dotted for name in (text, text.rpartition(".")[0]) if name in imports().modules}


@functools.cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", exclude_type_checking_imports=True, cache_dir=None)


def file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def has_code(file: Path) -> bool:
    """False for a package's `__init__.py` that is nothing but its docstring."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return file.name != "__init__.py" or any(not isinstance(node, ast.Expr) for node in body)


def sections_named(stage: str) -> set[str]:
    """The sections of params.yaml under a stage's `params`."""
    return {entry.split(".")[0] for entry in GRAPH[stage].get("params", []) if isinstance(entry, str)}


def sections_read(module: str) -> set[str]:
    """The sections of params.yaml that are read by a stage's code, wherever it stands."""
    if module == "pipeline.stages.growth":
        return set()  # which points there are is its matrix; what one is, its candidate's trial.json says
    read: set[str] = set()
    for file in import_closure(module):
        read |= sections_read_in(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        if file == "pipeline/params/competing.py":
            read |= {family.section.split(".")[0] for family in families().values()}
    return read & set(params_class().model_fields)


def sections_read_in(tree: ast.Module) -> set[str]:
    """What a module asks `read_section` and `read_value` for, or takes from an object named `params`."""
    read = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("read_section", "read_value", "_names"):
            key = ast.unparse(node.args[0]).lstrip("f")
            read.add(re.split(r"[.{]", key.strip("'\""))[0])
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("params", "load_params()"):
            read.add(node.attr)
    return read
