"""README and docs/: links lead somewhere, derived pages are as the code has them, and every example can be typed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dvc.cli.parser import get_main_parser
from ruamel.yaml import YAML

import publishing.__main__ as publishing
from pipeline.__main__ import main
from pipeline.commands.parsing import parser_of
from pipeline.commands.table import commands
from pipeline.configuration.loading import load_params
from pipeline.operations.planning import speeds
from pipeline.operations.planning.speeds import Speeds
from pipeline.operations.starting import proposal
from pipeline.params.schema.reading import read_yaml
from publishing.reference import parameters
from publishing.reference.files import files
from tests.documented import (
    NOT_RUN,
    PAGES,
    PROGRAM,
    ROOT,
    RUN,
    SCHEDULE,
    SHELL,
    START,
    blocks,
    of_place,
    place_of,
    reason_of,
    typed,
)
from tests.operations.starting.conftest import Rows, write_photo, write_table

TARGETS = re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
FOLDERS = {"results/<candidate>", "evaluation/<candidate>"}  # marks that a folder is there
LANGUAGES = {*SHELL, "text", "python", "yaml", "json"}
# Pages whose Python is executed, and the test that does so.
PYTHON = {
    "docs/tutorial.md": "tests/test_tutorial.py",
    "docs/how-to/start.md": "below",
    "docs/how-to/mlflow.md": "tests/test_end_to_end.py",
    "docs/how-to/own-backbone.md": "tests/operations/checking/test_own_backbone.py",
    "docs/how-to/export.md": "tests/operations/exporting/test_export.py",
}


def examples(language: str) -> list[Any]:
    """Every fenced block of this language, by its page and line."""
    return [pytest.param(block.source, id=f"{block.page}:{block.line}") for block in blocks(language)]


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
        re.sub(
            r"^(results|evaluation)/(ensemble-soup-)?[^/]*",
            r"\1/\2<candidate>",
            out if isinstance(out, str) else next(iter(out)),
        )
        for stage in read_yaml(ROOT / "dvc.yaml")["stages"].values()
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]
    }
    own = {out for out in outs if out.startswith(("comparison/", "results/", "evaluation/"))} - FOLDERS
    as_of_all = {out: out.replace("ensemble-soup-", "") for out in own}  # a soup has the files of a candidate, too
    assert own and [out for out, of_all in as_of_all.items() if out not in described and of_all not in described] == []


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


def test_every_page_is_in_the_site_and_linked_on_its_first_page() -> None:
    docs = ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")}
    nav = re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(nav) == sorted(pages)
    linked = set(re.findall(r"\]\((.+?\.md)\)", (docs / "index.md").read_text(encoding="utf-8")))
    assert pages - linked - {"index.md"} == set()
    assert {page.name for page in (ROOT / "deploy").glob("*.md")} <= {Path(page).name for page in pages}


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


def test_blocks_say_what_they_are() -> None:
    assert [f"{block.page}:{block.line}" for block in blocks() if block.language not in LANGUAGES] == []


def test_each_command_is_run_by_a_test_or_it_is_said_why_not() -> None:
    commands_typed = typed()
    assert len(commands_typed) > 80
    unsorted = {one: page for one, page in commands_typed.items() if not place_of(one) and not reason_of(one)}
    assert unsorted == {}, "say in tests/documented.py where they are run, or why not"
    patterns = [*NOT_RUN, *(pattern for of_one in RUN.values() for pattern in of_one)]
    assert [one for one in patterns if not any(re.fullmatch(one, command) for command in commands_typed)] == []


def test_every_test_that_a_reason_names_is_there() -> None:
    names = {
        name for reason in NOT_RUN.values() for name in re.findall(r"tests/[\w/]+(?:\.py)?|\btest_\w+\.py", reason)
    }
    assert len(names) > 20
    assert [name for name in names if not (ROOT / name).exists() and not [*(ROOT / "tests").rglob(name)]] == []


@pytest.mark.parametrize("command", [one for one in typed() if re.match("dvc [a-z]+( |$)", one)])
def test_commands_of_dvc_are_understood(command: str) -> None:
    """By DVC's own parser; one that stands alone in running text has no arguments there."""
    words = shlex.split(command.partition(" && ")[0])[1:]
    if len(words) > 1:
        get_main_parser().parse_args(words)
    else:
        with pytest.raises(SystemExit) as ended:
            get_main_parser().parse_args([*words, "--help"])
        assert ended.value.code == 0


@pytest.mark.parametrize("command", [one for one in typed() if one.startswith(PROGRAM)])
def test_commands_are_understood(command: str) -> None:
    """By the parser of the command itself; N is any number."""
    name, *arguments = shlex.split(re.sub(r"\bN\b", "3", command.partition(" && ")[0]))[3:] or ["help"]
    if name not in ("help", "--help", "COMMAND"):
        assert name in commands(), f"there is no command {name}"
        if arguments or name not in ("fetch", "weights", "sign"):  # named alone in running text
            parser_of(commands()[name]).parse_args(arguments)


@pytest.mark.parametrize("command", [one for one in typed() if one.startswith("make ")])
def test_make_runs_commands_that_there_are(command: str, tmp_path: Path) -> None:
    """What a target would run, by `make --dry-run` in a folder without anything else."""
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    words = shlex.split(command)
    assert [word for word in words[1:] if "=" not in word and word not in TARGETS] == []
    dry = subprocess.run(["make", "--dry-run", *words[1:]], cwd=tmp_path, capture_output=True, text=True)
    assert dry.returncode == 0, dry.stderr
    for line in re.findall(r"^\S*python -m pipeline (.+)$", dry.stdout, re.MULTILINE):
        name, *arguments = shlex.split(line)
        parser_of(commands()[name]).parse_args(arguments)


def test_make_start_hands_on_all_that_start_takes(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    given = ["DATA=my photos", "TARGET=kind", "LABELS=list.csv", "MINUTES=30", "PREFER=balanced"]
    words = ["make", "--dry-run", "start", *given, "OPTIONS=--group tree --no-measuring"]
    dry = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = re.findall(r"python -m pipeline start (.+)$", dry.stdout, re.MULTILINE)
    read = vars(parser_of(commands()["start"]).parse_args(shlex.split(line)))
    asked = {"path": "my photos", "target": "kind", "labels": "list.csv", "minutes": 30.0, "prefer": "balanced"}
    assert {key: read[key] for key in (*asked, "group", "no_measuring")} == asked | {
        "group": "tree",
        "no_measuring": True,
    }


def test_python_of_every_page_is_executed() -> None:
    assert {block.page for block in blocks("python")} == PYTHON.keys()


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
    monkeypatch.setattr(proposal, "measure_speeds", lambda *_, **__: Speeds())
    monkeypatch.setattr(speeds, "bfloat16_instructions", lambda: None)
    for block in blocks("python"):
        if block.page == page:
            exec(compile(block.source, page, "exec"), {})
    shown = 0
    for command, expected in (each for block in blocks("console") if block.page == page for each in block.commands()):
        if place_of(command) == START:
            type_start(command)
            printed = capsys.readouterr().out
            expected = [line for line in expected if "and is left out; data.columns:" not in line]  # a warning
            shown += compare_lines(printed, expected)
    assert shown > 0


def type_start(command: str) -> None:
    """As if params.yaml were as it comes."""
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    Path("params.before-start.yaml").unlink(missing_ok=True)
    assert main(shlex.split(command)[3:]) == 0, command


def test_every_start_of_the_pages_writes_params_yaml(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On data of the reader's that are made up here: photos in folders with a table beside them, tables, a series."""
    monkeypatch.setattr(proposal, "measure_speeds", lambda *_, **__: Speeds())
    monkeypatch.setenv("HOME", str(checkout))
    for number in range(32):
        write_photo(Path(f"photos/{'ab'[number % 2]}/{number}.png"), number)
    rows = [[f"{'ab'[number % 2]}/{number}.png", "ab"[number % 2]] for number in range(32)]
    write_table(Path("photos/labels.csv"), "file,diagnosis", rows)
    ages: Rows = [[row[0], f"{20 + 1.5 * number:.1f}"] for number, row in enumerate(rows)]
    write_table(Path("photos/numbers.csv"), "file,age", ages)
    numbers: Rows = [[number % 7, number * 37 % 101 / 4, "ab"[number % 2]] for number in range(60)]
    write_table(Path("patients.csv"), "visits,age,outcome", numbers)
    write_table(Path("rows.csv"), "rooms,price,place", numbers)
    weeks = [date(2020, 1, 6) + timedelta(weeks=number) for number in range(60)]
    write_table(Path("sales.csv"), "week,units", [[week, number * 37 % 101 / 4] for number, week in enumerate(weeks)])
    shown_with_answer = {command for block in blocks("console") for command, _ in block.commands()}
    kinds = {}
    for command in of_place(START):
        if command not in shown_with_answer:
            type_start(command)
            kinds[command.removeprefix(f"{PROGRAM} start").strip()] = load_params().data.kind
    assert kinds.pop("") == "images"  # on the data that comes with it
    assert kinds == {
        "~/photos": "images",
        "~/photos --labels labels.csv --target diagnosis": "images",
        "patients.csv --target outcome": "table",
        "sales.csv --target units --time week --window 12": "series",
        "photos": "images",
        "photos --labels labels.csv": "images",
        "photos --labels numbers.csv --target age": "images",
        "rows.csv --target price --minutes 30": "table",
    }


def test_every_schedule_of_the_pages_is_written(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in of_place(SCHEDULE):
        assert main(shlex.split(command)[3:]) == 0
    files = [".kiyas/schedule/kiyas-retrain.timer", ".kiyas/schedule/crontab", ".github/workflows/retrain.yml"]
    assert all(Path(file).is_file() for file in files)


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
