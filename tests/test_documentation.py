"""README and docs/: links lead somewhere, derived pages are as the code has them, and every example can be typed."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

import publishing.__main__ as publishing
from pipeline.__main__ import main
from pipeline.commands.parsing import PROGRAM, parser_of
from pipeline.commands.table import commands
from pipeline.configuration.loading import load_params
from pipeline.operations.planning import speeds
from pipeline.operations.planning.speeds import Speeds
from pipeline.operations.starting import proposal
from pipeline.params.schema.reading import read_yaml
from publishing import parameters
from publishing.files import files

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").glob("*.md"))]
TARGETS = re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
FOLDERS = {"results/<candidate>", "evaluation/<candidate>"}  # marks that a folder is there
PROMPT = re.compile(r"^(\$ |\.venv/bin/)")
OTHERS = {"git", "dvc", "mlflow", "make", "curl", "python", "nice", "cd", "export", "pip", "gh", "aws"}


def examples(language: str) -> list[Any]:
    """Every fenced block of this language, by its page and line."""
    found = []
    for page in PAGES:
        document = Document(page.read_text(encoding="utf-8"), str(page))
        for region in FencedCodeBlockLexer(language)(document):
            line = document.text[: region.start].count("\n") + 1
            found.append(pytest.param(str(region.lexemes["source"]), id=f"{page.relative_to(ROOT)}:{line}"))
    return found


def typed(block: str) -> list[str]:
    """The lines of a block that a person types: of a block with prompts those behind one, else all commands."""
    lines = block.replace("\\\n", " ").splitlines()
    prompted = [PROMPT.sub("", line) for line in lines if line.startswith("$ ")]
    return prompted or [
        line for line in (PROMPT.sub("", line) for line in lines) if line.startswith((PROGRAM, "make "))
    ]


def test_readme_can_be_read_in_one_go() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150


def test_pages_that_follow_from_something_else_are_as_it_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert publishing.main(["--check"]) == 0, capsys.readouterr().out


def test_a_key_that_nothing_explains_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(parameters, "_meanings", lambda model: {})
    with pytest.raises(parameters.UnexplainedKeyError, match=r"data\.path: say what it means in the docstring of Data"):
        parameters.page()


def test_every_out_of_the_graph_is_described() -> None:
    described = " ".join(file.path for file in files())
    outs = {
        re.sub(r"^(results|evaluation)/[^/]*", r"\1/<candidate>", out if isinstance(out, str) else next(iter(out)))
        for stage in read_yaml(ROOT / "dvc.yaml")["stages"].values()
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]
    }
    own = {out for out in outs if out.startswith(("comparison/", "results/", "evaluation/"))} - FOLDERS
    assert own and [out for out in sorted(own) if out not in described] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_there_are(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: there is no such file"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{target}: {file.name} has no such heading"


def anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site/reference/parameters.html").is_file()


@pytest.mark.parametrize("block", examples(r"|console|text|bash|sh"))
def test_commands_are_understood(block: str) -> None:
    """By the parser of the command itself, or as a target of the Makefile."""
    for line in typed(block):
        words = shlex.split(line.split(" | ")[0].split(" > ")[0], comments=True)
        if line.startswith(PROGRAM):
            name, *arguments = words[3:] or ["help"]
            if "COMMAND" not in words and name != "help":
                assert name in commands(), f"{line}: there is no command {name}"
                parser_of(commands()[name]).parse_args(arguments)
        elif words and words[0] == "make":
            unknown = [word for word in words[1:] if "=" not in word and word not in TARGETS]
            assert unknown == [], f"{line}: the Makefile has no target {unknown}"
        else:
            assert not words or words[0] in OTHERS, f"{line}: {words[0]} is not explained"


@pytest.mark.parametrize("block", examples("python"))
def test_python_can_be_run_up_to_its_imports(block: str) -> None:
    tree = ast.parse(block)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, type_ignores=[]), "example", "exec"), {})


@pytest.mark.parametrize("block", examples("yaml"))
def test_yaml_fits_params_yaml(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laid over it, as a reader would paste it; a place of the reader's is one that there is."""
    photos = tmp_path / "photos"
    for name in ("apple", "pear"):
        (photos / name).mkdir(parents=True)
    table = tmp_path / "patients.csv"
    table.touch()
    block = block.replace("/where/your/photos/are", str(photos)).replace("/where/it/is/patients.csv", str(table))
    pasted = YAML(typ="safe", pure=True).load(block)
    params = laid_over(read_yaml(ROOT / "params.yaml"), pasted)
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    monkeypatch.chdir(tmp_path)
    load_params(tmp_path / "params.yaml")


def laid_over(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: laid_over(below.get(key), value) for key, value in above.items()}


@pytest.mark.parametrize("page", ["docs/tutorial.md", "docs/how-to/start.md"])
def test_start_answers_as_its_pages_show(
    page: str, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's Python makes the data, then each `start` is typed anew; times are of a machine, "…" is what is cut."""
    monkeypatch.setattr(proposal, "measure_speeds", lambda params: Speeds())
    monkeypatch.setattr(speeds, "processor_flags", lambda: set())
    text = (ROOT / page).read_text(encoding="utf-8")
    for region in FencedCodeBlockLexer("python")(Document(text, page)):
        exec(compile(str(region.lexemes["source"]), page, "exec"), {})
    shown = 0
    for region in FencedCodeBlockLexer("|console")(Document(text, page)):
        command, *expected = str(region.lexemes["source"]).splitlines()
        if command.startswith("$ python -m pipeline start"):
            shutil.copy(ROOT / "params.yaml", "params.yaml")
            Path("params.before-start.yaml").unlink(missing_ok=True)  # every example begins afresh
            assert main(shlex.split(command)[4:]) == 0
            printed = capsys.readouterr().out
            expected = [line for line in expected if "and is left out; data.columns:" not in line]  # a warning
            shown += compare_lines(printed, expected)
    assert shown > 0


def compare_lines(printed: str, expected: list[str]) -> int:
    """How many lines were compared: all that the page shows, in their order, however they are broken."""
    text, position = without_times(" ".join(printed.split())), 0
    for line in expected:
        parts = re.split("(…)", without_times(" ".join(line.split())))
        found = re.compile("".join(".*?" if part == "…" else re.escape(part) for part in parts)).search(text, position)
        assert found, f"{line!r} is not in:\n{printed}"
        position = found.end()
    return len(expected)


def without_times(line: str) -> str:
    return re.sub(r"\d+( to \d+)? (min|minutes?|s|seconds?|h|hours?)\b", "TIME", line)
