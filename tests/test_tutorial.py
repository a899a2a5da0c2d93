"""The tutorial, typed as it stands, with the two classical candidates that it comes out with: what it shows comes out.

Its other candidates change what is said of the advised one's rivals, and take minutes. In place of `plan` and `repro`,
which the end-to-end test types, the stages run one after the other in this process, which takes a fifth of the time.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.ground.files import read_json
from pipeline.ground.paths import VERDICT
from pipeline.operations.study import merge
from pipeline.params.schema.reading import read_yaml
from tests.documented import PROGRAM, ROOT, TUTORIAL, blocks, of_place, place_of
from tests.test_end_to_end import Workspace

PAGE = "docs/tutorial.md"
SHRUNK: dict[str, Any] = {
    "baseline": {"models": ["majority", "logistic_table"]},
    "mlp": [],
    "tuning": {"search": None},
    "tracking": {"enabled": False},
}


STAGES = ["folders", "prepare"]
for model in SHRUNK["baseline"]["models"]:
    STAGES += [f"baseline --model {model}", f"evaluate --candidate classical-{model}"]
BY_STAGES = {"python -m pipeline plan": [], "python -m pipeline repro": [*STAGES, "compare"]}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """{command: what it prints}, of the page's commands in their order, then of those that other pages add."""
    workspace = Workspace(tmp_path_factory.mktemp("tutorial"))
    with contextlib.chdir(workspace.folder), pytest.MonkeyPatch.context() as patch:
        for name, value in workspace.environment.items():
            patch.setenv(name, value)
        shutil.copy(ROOT / "params.yaml", "params.yaml")
        for block in blocks("python"):
            if block.page == PAGE:
                exec(compile(block.source, PAGE, "exec"), {})
        shutil.copy("new.csv", "patients.csv")
        yield type_all()


def type_all() -> dict[str, str]:
    printed: dict[str, str] = {}
    for command in dict.fromkeys([*of_page(), *of_place(TUTORIAL)]):
        for stage in BY_STAGES.get(command, []):
            answer(f"{PROGRAM} {stage}")
        if command not in BY_STAGES:
            printed[command] = answer(command)
        if " start " in command:
            shrink()
    return printed


def of_page() -> list[str]:
    return [command for block in blocks("console") if block.page == PAGE for command, _ in block.commands()]


def answer(command: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(shlex.split(command)[3:]) == 0, f"{command}:\n{said.getvalue()}"
    return said.getvalue()


def shrink() -> None:
    content = merge(read_yaml(Path("params.yaml")), SHRUNK)
    with Path("params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)


def shown(language: str, beginning: str) -> str:
    """The page's block of a language that begins so, in one line."""
    (text,) = [block.source for block in blocks(language) if block.page == PAGE and block.source.startswith(beginning)]
    return " ".join(text.split())


def test_the_answer_is_that_of_the_page(answers: dict[str, str]) -> None:
    """But for the interval, which rests on what all candidates together say of the examples."""
    sentence = shown("text", "Use logistic_table").partition(" (95 %")[0]
    assert sentence.endswith("of unseen examples")
    assert read_json(VERDICT)["answer"].startswith(sentence)


def test_what_is_advised_is_registered_as_the_page_shows(answers: dict[str, str]) -> None:
    block = next(block for block in blocks("console") if block.page == PAGE and "pipeline enrol" in block.source)
    ((command, expected), *_) = block.commands()
    assert answers[command].splitlines() == expected


def test_new_rows_are_answered_as_the_page_shows(answers: dict[str, str]) -> None:
    expected = json.loads(shown("json", '{"champion"'))
    for file in ("new.csv", "patients.csv"):
        told = json.loads(answers[f"python -m pipeline predict {file} --json"])
        assert told["champion"].items() >= expected["champion"].items()
        (first,) = expected["predictions"]
        assert len(told["predictions"]) == 3
        assert told["predictions"][0]["file"] == file
        for key in ("row", "predicted"):
            assert told["predictions"][0][key] == first[key]
        assert told["predictions"][0]["probability"] == pytest.approx(first["probability"], abs=1e-3)


def test_the_page_types_nothing_else() -> None:
    assert all(place_of(command) for command in of_page())
