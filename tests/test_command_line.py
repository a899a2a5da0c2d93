"""`python -m pipeline`: the list of commands, and a plain answer for every name that nothing has."""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

import pytest

from pipeline import __main__ as command_line_module
from pipeline.__main__ import main
from pipeline.commands.table import Argument, Command, commands
from pipeline.ground.files import write_json
from pipeline.ground.locks import hold
from pipeline.ground.paths import DATASET

ROOT = Path(__file__).resolve().parents[1]
NAMED = [(command, argument) for command in commands().values() for argument in command.arguments if argument.known]
WITHOUT_TENSORFLOW = """
import contextlib, io, json, sys
from pipeline.__main__ import main
answers = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = main(arguments)
    answers.append([status, said.getvalue(), any(name in sys.modules for name in ("keras", "tensorflow", "sklearn"))])
print(json.dumps(answers))
"""


def needed(command: Command) -> list[Argument]:
    """The arguments that a command does not run without, and that name something."""
    return [argument for argument in command.arguments if argument.known and argument.required]


def name_of(part: object) -> str | None:
    return getattr(part, "name", None)


def write_a_study_of_data_sizes() -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    text = text.replace("  candidates: []", "  candidates: [cnn-lecture]").replace("fractions: []", "fractions: [0.1]")
    Path("params.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_without_a_command_the_list_of_commands_is_shown(
    arguments: list[str], width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines if re.match(r"  \w", line)) == sorted(commands())
    assert max(map(len, lines)) < width


@pytest.mark.parametrize("command", [command for command in commands().values() if needed(command)], ids=name_of)
def test_a_missing_name_is_answered_with_the_list_of_those_that_there_are(
    checkout: Path, capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    write_a_study_of_data_sizes()
    with pytest.raises(SystemExit) as ended:
        main([command.name])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(line in said for line in (f"usage: python -m pipeline {command.name} ", f"kiyas {command.name}: "))
    for argument in needed(command):
        listed = said.partition(f"{argument.flag} is {argument.meaning}:\n")[2]
        assert argument.known and set(argument.known()) <= set(re.split(r",?\s+", listed))


def test_a_command_that_there_is_not_is_answered_with_the_likeliest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["finetun"])
    assert ended.value.code == 2
    assert "there is no command 'finetun'; did you mean 'finetune'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_module_whose_run_takes_its_arguments(name: str) -> None:
    command = commands()[name]
    run = importlib.import_module(f"pipeline.{command.room}.{command.module}").run
    assert list(inspect.signature(run).parameters) == [argument.name for argument in command.arguments]


@pytest.mark.parametrize(("command", "argument"), NAMED, ids=name_of)
def test_an_unknown_name_ends_in_one_line(
    checkout: Path, capsys: pytest.CaptureFixture[str], command: Command, argument: Argument
) -> None:
    write_a_study_of_data_sizes()
    assert main(command_line(command, argument, "nothing_like_it")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"kiyas {command.name}: {argument.flag} 'nothing_like_it' is not {argument.meaning}")
    assert len(said.err.splitlines()) == 1


MISSPELT: list[tuple[list[str], str | None]] = [
    (["evaluate", "--candidate", "svm_hog"], "classical-svm_hog"),
    (["finetune", "--backbone", "resnet5", "--strategy", "full"], "resnet50"),
    (["finetune", "--backbone", "resnet50", "--strategy", "fulll"], "full"),
    (["cnn", "--architecture", "lectur"], "lecture"),
    (["growth", "--candidate", "cnn-lectur", "--fraction", "0.1"], None),
    (["check", "--candidate", "resnet50-ful"], "finetune-resnet50-full"),
    (["study", "quik"], "quick"),
    (["schedule", "--cron", "0 3 * * 1", "--kind", "systemdd"], "systemd"),
]


@pytest.fixture(scope="module")
def misspelt() -> list[tuple[int, str, bool]]:
    """Of each command line, one after the other in one process: its exit status, what it says, and whether what takes
    seconds was imported by then."""
    done = run_python("-c", WITHOUT_TENSORFLOW, json.dumps([arguments for arguments, _ in MISSPELT]))
    assert done.returncode == 0, done.stderr
    return [tuple(answer) for answer in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("number", range(len(MISSPELT)), ids=lambda number: MISSPELT[number][0][0])
def test_an_unknown_name_is_answered_before_what_takes_seconds_is_imported(
    misspelt: list[tuple[int, str, bool]], number: int
) -> None:
    (status, said, imported), (_, meant) = misspelt[number], MISSPELT[number]
    assert status == 1 and not imported
    assert f"did you mean {meant!r}?" in said if meant else "did you mean" not in said


def test_the_champion_is_asked_quietly_where_it_is_a_network(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TensorFlow prints before any logging can be set, so Keras is imported with nothing to print to."""
    imported: list[str] = []
    monkeypatch.setattr(command_line_module, "import_keras_quietly", lambda: imported.append("quietly"))
    for champion, quiet in (("cnn-lecture", ["quietly"]), ("classical-svm_hog", []), (None, [])):
        monkeypatch.setattr(command_line_module, "_candidate_of", lambda model, champion=champion: champion)
        for command in (["predict", "params.yaml"], ["export", "--format", "onnx"]):
            imported.clear()
            assert main(command) == 1  # no champion is on disk here
            assert imported == quiet
    assert "Traceback" not in capsys.readouterr().err


def test_keras_is_imported_without_what_it_needs_for_plots_and_wrappers() -> None:
    """It takes a third of the time of a stage's start; what a stage itself imports is there afterwards."""
    code = "import sys\nfrom pipeline.forking.libraries import import_keras_quietly\nimport_keras_quietly()\n"
    code += "print([name in sys.modules for name in ('keras', 'sklearn', 'matplotlib')])\n"
    code += "import pandas, sklearn, matplotlib"
    done = run_python("-c", code)
    assert (done.returncode, done.stdout) == (0, "[True, False, False]\n"), done.stderr


def test_no_garbage_is_looked_for_while_a_commands_libraries_are_imported(
    monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    collected: dict[str, bool] = {}
    load = importlib.import_module

    def watched(name: str, package: str | None = None) -> object:
        collected[name] = gc.isenabled()
        return load(name, package)

    monkeypatch.setattr(command_line_module.importlib, "import_module", watched)
    gc.unfreeze()  # what the collection of the tests has frozen
    try:
        assert main(["rollback"]) == 1
        assert collected["pipeline.operations.rollback"] is False
        assert gc.isenabled() and gc.get_freeze_count()
    finally:
        gc.freeze()


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["predict", "nothing.jpg"], "nothing.jpg: there is no such file or folder"),
        (
            ["rollback"],
            "champions/log.jsonl: there is no champion yet, and so none to go back to; "
            "`make repro` makes the first one, or `retrain`",
        ),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    checkout: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], answer: str
) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr().err == f"kiyas {arguments[0]}: {answer}\n"


@pytest.mark.parametrize(("arguments", "stream"), [(["plan"], "stdout"), (["plan", "--json"], "stderr")])
def test_messages_stand_beside_json_and_not_in_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], stream: str
) -> None:
    streams: list[object] = []
    monkeypatch.setattr(logging, "basicConfig", lambda **settings: streams.append(settings["stream"]))
    monkeypatch.setattr(importlib.import_module("pipeline.operations.plan"), "run", lambda **_: None)
    assert main(arguments) == 0
    assert streams == [getattr(sys, stream)]


def test_photos_are_looked_for_before_a_retraining_begins(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["retrain", "--from", "nothing"])
    assert "argument --from: there is no file or folder 'nothing'" in capsys.readouterr().err
    assert not Path("champions").exists()


@pytest.mark.parametrize("arguments", [["baseline", "--model", "majority"], ["evaluate", "--candidate", "cnn-lecture"]])
def test_a_score_that_does_not_fit_the_prepared_examples_is_refused_before_anything_is_trained(
    checkout: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(re.sub(r"(?m)^  score:.*$", "  score: auroc", text), encoding="utf-8")
    counts = {"development": {"a": 9, "b": 9}, "test": {"a": 5, "b": 0}}
    write_json(DATASET, {"task": "binary", "class_names": ["a", "b"], "counts": counts})
    assert main(arguments) == 1
    refusal = "params.yaml: compare.score = auroc: no test example is of class 'b', so nothing can be told from it; add"
    assert capsys.readouterr().err.startswith(f"kiyas {arguments[0]}: {refusal}")
    assert main(["folders"]) == 0, "which is of whatever examples come"


@pytest.mark.parametrize("arguments", [["check"], ["evaluate", "--candidate", "cnn-lecture"], ["cnn"]])
def test_what_is_not_yaml_is_answered_with_file_and_line(
    checkout: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    Path("params.yaml").write_text("data: {}\nseeds: [0, 1\ncnn: []\n", encoding="utf-8")
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"kiyas {arguments[0]}: params.yaml, line 3: is not YAML: expected ',' or ']'")
    assert line.endswith("that began in line 2. It reads: cnn: []")


def test_another_python_is_told_in_one_sentence_which_one_to_use(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    done = run_python("-m", "pipeline", "check", python=tmp_path / "bare/bin/python")
    assert done.returncode == 1
    assert "use `.venv/bin/python -m pipeline`" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def command_line(command: Command, wrong: Argument, value: str) -> list[str]:
    """A command with all that it needs, one name of which is wrong."""
    line = [command.name]
    for argument in command.arguments:
        if argument.required or argument is wrong:
            known = argument.known() if argument.known else []
            given = value if argument is wrong else next(iter(known), "1")
            line += [argument.flag, given] if argument.flag.startswith("-") else [given]
    return line


def run_python(*arguments: str, python: Path = Path(sys.executable)) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([python, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_python_that_is_too_old_is_told_so_too() -> None:
    python, version = old_python()
    done = run_python("-m", "pipeline", "check", python=python)
    assert done.returncode == 1
    assert done.stderr == (
        f"kiyas: {python} is Python {version}: use `.venv/bin/python -m pipeline`, or `. .venv/bin/activate` first; "
        "`make setup` makes .venv\n"
    )


def old_python() -> tuple[Path, str]:
    """One that is installed here and too old for this project, and its version."""
    for version in ("3.10", "3.9", "3.8"):
        installed = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
        for python in filter(None, installed):
            if run_python("-c", "", python=Path(python)).returncode == 0:
                return Path(python), version
    pytest.skip("no older Python is installed here")


def test_a_process_that_reads_photos_imports_no_tables() -> None:
    """Each such process imports the command line and what reads a chunk; pandas would cost it most of a second."""
    imports = "import sys, pipeline.__main__, pipeline.datasets.photos.chunks; print('pandas' in sys.modules)"
    assert run_python("-c", imports).stdout == "False\n"


def test_a_stage_waits_for_the_same_stage_of_a_run_whose_dvc_was_killed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    order: list[str] = []
    monkeypatch.setenv("DVC_STAGE", "folders")
    monkeypatch.setattr("pipeline.stages.folders.run", lambda: order.append("stage"))
    stage = threading.Thread(target=main, args=(["folders"],))
    with hold(checkout / ".kiyas/stages/folders.lock"):
        stage.start()
        while "folders of an earlier run is still at work; waiting for it to end" not in caplog.text:
            time.sleep(0.02)
            assert stage.is_alive()
        order.append("orphan")
    stage.join()
    assert order == ["orphan", "stage"]


def test_ctrl_c_is_answered_in_a_line_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.delenv("KIYAS_DEBUG", raising=False)
    monkeypatch.setattr(command_line_module, "_refuse_small_memory", interrupt)
    assert main(["status"]) == 130
    assert capsys.readouterr().err == "kiyas status: stopped\n"
    monkeypatch.setenv("KIYAS_DEBUG", "1")
    with pytest.raises(KeyboardInterrupt):
        main(["status"])
