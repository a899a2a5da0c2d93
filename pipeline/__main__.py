"""The command line: one command for each stage of dvc.yaml, and those around the graph.

    python -m pipeline                       # the list of commands
    python -m pipeline check
    python -m pipeline finetune --backbone resnet50 --strategy full

DVC calls the stages; a person calls the others. The table of commands stands in commands/table.py. A command's module
is imported only when it runs, so that the list needs neither TensorFlow nor MLflow.
"""

from __future__ import annotations

import getpass
import importlib
import logging
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

from pipeline.forking.client import run_forked

if __name__ == "__main__" and (forked := run_forked("pipeline", sys.argv[1:])) is not None:
    sys.exit(forked)  # before anything is imported that takes longer than this

try:
    from pipeline.commands.names import SHARE, closest, has_network
    from pipeline.commands.parsing import PROGRAM, read_arguments
    from pipeline.commands.table import OPERATIONS, Command, commands, stages
    from pipeline.configuration.loading import load_params
    from pipeline.configuration.syntax import syntax_fault
    from pipeline.dvc_command import UNWATCHED
    from pipeline.dvc_full_disk import refuse_full_disk
    from pipeline.forking.libraries import import_keras_quietly, uncollected
    from pipeline.forking.messages import FORKED
    from pipeline.ground.files import read_json
    from pipeline.ground.locks import hold
    from pipeline.ground.paths import DATASET
    from pipeline.ground.system_faults import memory_limit, tell_failure
    from pipeline.ownership import refuse_damaged_weights, refuse_foreign_files
    from pipeline.params.competing import read_candidates
    from pipeline.params.schema.reading import PARAMS_FILE, ParamsError
    from pipeline.scores.faults import refuse_unfit_score
except ImportError as missing:
    old = tuple(sys.version_info) < (3, 11)
    if not (old or isinstance(missing, ModuleNotFoundError)):
        raise
    reason = f"is Python {sys.version_info[0]}.{sys.version_info[1]}" if old else f"lacks {missing.name}"
    sys.exit(
        f"kiyas: {sys.executable} {reason}: use `.venv/bin/python -m pipeline`, or `. .venv/bin/activate` first; "
        "`make setup` makes .venv"
    )

PATIENCE = 180  # seconds for a preliminary ranking, which takes a few, and more where other work keeps the machine busy
# Bytes of address space without which NumPy's threads wait for ever, or a library cannot be loaded half-way through.
NEEDED, NEEDED_BY_NETWORKS = 2 * 2**30, 3 * 2**30
BEFORE_EXAMPLES = ("folders", "fetch", "prepare", "backbone", "weights")  # stages that run before there are any, or may
STOPPED = 128 + signal.SIGINT  # the exit status after Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        print(command_list())
        return 0
    _refuse_unknown_command(given[0])
    command = commands()[given[0]]
    _quieten()
    _name_user()
    try:
        options = read_arguments(command, given[1:])
        _log_to(sys.stderr if options.get("as_json") else sys.stdout)
        if command.room == "stages":
            params = load_params()  # the whole of it, whatever the stage needs
            refuse_foreign_files(fetches=bool(params.data.fetch))
            if command.name not in BEFORE_EXAMPLES and DATASET.is_file():
                refuse_unfit_score(params.compare, read_json(DATASET), PARAMS_FILE)  # else `compare` does, in the end
        uses_keras = _uses_keras(command, options)
        _refuse_small_memory(NEEDED_BY_NETWORKS if uses_keras else NEEDED)
        if "DVC_STAGE" in os.environ:
            refuse_full_disk()
            if backbone := _backbone_of(command, options):
                refuse_damaged_weights(backbone)
        with uncollected():
            if uses_keras:
                _import_keras()
            module = importlib.import_module(f"pipeline.{command.room}.{command.module}")
        with _alone(command):
            status: int | None = module.run(**options)
        if not status and command.name in ("evaluate", "compare") and "DVC_STAGE" in os.environ:
            _renew_preliminary_ranking(options.get("candidate"))
    except (ParamsError, ValueError, OSError, MemoryError, sqlite3.Error) as error:  # the last one is DVC's
        if os.environ.get("KIYAS_DEBUG"):
            raise
        broken = syntax_fault(PARAMS_FILE) if isinstance(error, ParamsError) else None
        tell_failure(command.name, ValueError(broken) if broken else error)
        return 1
    except KeyboardInterrupt:
        if os.environ.get("KIYAS_DEBUG"):
            raise
        print(f"kiyas {command.name}: stopped", file=sys.stderr)
        return STOPPED
    return status or 0


def command_list() -> str:
    """What stands there when nothing is asked for."""

    def rows(commands: tuple[Command, ...]) -> str:
        width = shutil.get_terminal_size().columns - 1
        return "\n".join(
            textwrap.fill(f"  {command.name:<10} {command.purpose}", width, subsequent_indent=" " * 13)
            for command in commands
        )

    return (
        f"usage: {PROGRAM} COMMAND [--help]\n\n"
        "Kıyas answers: which model should I train?\n"
        "Begin with `start PATH`; the answer ends up in comparison/report.html.\n\n"
        f"around the graph:\n{rows(OPERATIONS)}\n\n"
        f"stages of the graph, which `dvc repro` runs:\n{rows(stages())}"
    )


def _refuse_unknown_command(word: str) -> None:
    if word not in commands():
        like = closest(word, list(commands()))
        rest = f"; did you mean {like!r}?" if like else f"\n\n{command_list()}"
        _exit_with(f"there is no command {word!r}{rest}")


def _exit_with(message: str) -> NoReturn:
    print(f"kiyas: {message}", file=sys.stderr)
    sys.exit(2)


def _refuse_small_memory(needed: int) -> None:
    """
    Raises:
        MemoryError: this process may use less memory than its libraries take.
    """
    limit = memory_limit()
    if limit is not None and limit < needed:
        raise MemoryError(f"this shell allows {limit / 2**30:.1f} GB, and {needed / 2**30:.0f} GB are needed")


@contextmanager
def _alone(command: Command) -> Iterator[None]:
    """A stage that DVC starts waits for the same stage of a run whose `dvc` was killed: its child goes on writing."""
    stage = os.environ.get("DVC_STAGE")
    if command.room != "stages" or stage is None:
        yield
        return
    with hold(pathlib.Path(".kiyas/stages", f"{stage}.lock"), f"{stage} of an earlier run is still at work"):
        yield


def _uses_keras(command: Command, options: dict[str, Any]) -> bool:
    candidate = options.get("candidate")
    if command.trains == "champion" and all(os.path.exists(file) for file in options["files"]):  # else refused at once
        candidate = _candidate_of(None)
        if command.name == "label-next" and any(pathlib.Path("results").glob("*/models/*.keras")):
            return True  # it asks other trained models beside the champion
    if command.trains == "model":
        candidate = _candidate_of(options["name"])
    return command.trains == "network" or (candidate is not None and has_network(candidate))


def _backbone_of(command: Command, options: dict[str, Any]) -> str | None:
    """The backbone whose weights a stage learns from."""
    if command.name in ("probe", "finetune"):
        return str(options["backbone"])
    if command.name == "growth":
        return next((one.backbone for one in read_candidates() if one.name == options["candidate"]), None)
    return None


def _candidate_of(model: str | None) -> str | None:
    """The candidate that a registered version is; None where it is not here: the command itself says so.

    Args:
        model: the version's number, or a candidate; None: the champion.
    """
    from pipeline.champions.log import ChampionError, current, read_log
    from pipeline.champions.versions import read_champion

    if model is not None and not model.isdigit():
        return model
    try:
        version = current(read_log()) if model is None else int(model)
        return read_champion(version).candidate if version else None
    except ChampionError:
        return None


def _import_keras() -> None:
    """TensorFlow's advice against tracing more than one graph is left out: one for each phase and block is wanted."""
    logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    import_keras_quietly()


def _renew_preliminary_ranking(evaluated: str | None) -> None:
    """After each evaluation that DVC runs; `compare` ends it. Whatever happens here, the stage has succeeded."""
    if evaluated is None:
        importlib.import_module("pipeline.operations.following.answer").PRELIMINARY.unlink(missing_ok=True)
        return
    evaluations = list(pathlib.Path("evaluation").glob("*/metrics.json"))
    if SHARE.search(evaluated) or len(evaluations) < 2:  # a point of the data-size study does not compete
        return
    if os.environ.get(UNWATCHED):  # a retraining, which decides by itself
        return
    sys.stdout.flush()
    command = [sys.executable, "-m", "pipeline.forking.client", "pipeline.operations.following.preliminary", evaluated]
    try:
        environment = {name: value for name, value in os.environ.items() if name != FORKED}
        done = subprocess.run(
            command, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", timeout=PATIENCE, env=environment
        )
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1] if done.returncode else None
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        logging.getLogger("kiyas").info("no preliminary ranking yet: %s", reason)


def _log_to(stream: TextIO) -> None:
    """Messages stand beside what a command prints, but not among JSON."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=stream)
    logging.getLogger("kiyas").setLevel(logging.INFO)


def _name_user() -> None:
    """A user whom this system does not know by name, as in a container: DVC names its folders after the user."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"user-{os.getuid()}"


def _quieten() -> None:
    """No start-up noise from TensorFlow, no usage reports from DVC or MLflow."""
    for key, value in {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }.items():
        os.environ.setdefault(key, value)


if __name__ == "__main__":
    sys.exit(main())
