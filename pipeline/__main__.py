"""The command line: one command for each stage of dvc.yaml, and those around the graph.

    python -m pipeline                       # the list of commands
    python -m pipeline check
    python -m pipeline finetune --backbone resnet50 --strategy full

DVC calls the stages; a person calls the others. The table of commands stands in commands/table.py. A command's module
is imported only when it runs, so that the list needs neither TensorFlow nor MLflow.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from typing import Any, NoReturn

try:
    from pipeline.commands.names import closest, has_network, refuse_unknown
    from pipeline.commands.table import OPERATIONS, Command, commands, stages
    from pipeline.configuration.loading import load_params
    from pipeline.ownership import refuse_foreign_files
    from pipeline.params.schema.reading import ParamsError
except ImportError as missing:
    old = tuple(sys.version_info) < (3, 11)
    if not (old or isinstance(missing, ModuleNotFoundError)):
        raise
    reason = f"is Python {sys.version_info[0]}.{sys.version_info[1]}" if old else f"lacks {missing.name}"
    sys.exit(
        f"kiyas: {sys.executable} {reason}: use `.venv/bin/python -m pipeline`, or `. .venv/bin/activate` first; "
        "`make setup` makes .venv"
    )

PROGRAM = "python -m pipeline"


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help"):
        print(command_list())
        return 0
    _refuse_unknown_command(given[0])
    command, options = commands()[given[0]], vars(_parser(commands()[given[0]]).parse_args(given[1:]))
    _quieten()
    _log_to_stdout()
    try:
        if command.room == "stages":
            params = load_params()  # the whole of it, whatever the stage needs
            refuse_foreign_files(fetches=bool(params.data.fetch))
        _refuse_unknown_names(command, options)
        if _uses_keras(command, options):
            _import_keras_quietly()
        status: int | None = importlib.import_module(f"pipeline.{command.room}.{command.name}").run(**options)
    except (ParamsError, ValueError, OSError) as error:
        if os.environ.get("KIYAS_DEBUG"):
            raise
        print(f"kiyas {command.name}: {error}", file=sys.stderr)
        return 1
    return status or 0


def command_list() -> str:
    """What stands there when nothing is asked for."""

    def rows(commands: tuple[Command, ...]) -> str:
        return "\n".join(f"  {command.name:<10} {command.purpose}" for command in commands)

    return (
        f"usage: {PROGRAM} COMMAND [--help]\n\n"
        "Kıyas answers: which model should I train?\n"
        "Start with `check`; the answer ends up in comparison/report.html.\n\n"
        f"around the graph:\n{rows(OPERATIONS)}\n\n"
        f"stages of the graph, which `dvc repro` runs:\n{rows(stages())}"
    )


def _parser(command: Command) -> argparse.ArgumentParser:
    purpose = command.purpose[0].upper() + command.purpose[1:] + "."
    parser = argparse.ArgumentParser(prog=f"{PROGRAM} {command.name}", description=purpose)
    for argument in command.arguments:
        parser.add_argument(argument.flag, help=argument.meaning, **argument.options)
    return parser


def _refuse_unknown_command(word: str) -> None:
    if word not in commands():
        like = closest(word, list(commands()))
        _exit_with(f"there is no command {word!r}{f'; did you mean {like!r}?' if like else ''}\n\n{command_list()}")


def _exit_with(message: str) -> NoReturn:
    print(f"kiyas: {message}", file=sys.stderr)
    sys.exit(2)


def _refuse_unknown_names(command: Command, options: dict[str, Any]) -> None:
    for argument in command.arguments:
        if argument.known and options[argument.name] is not None:
            refuse_unknown(argument.flag, options[argument.name], argument.meaning, argument.known())


def _uses_keras(command: Command, options: dict[str, Any]) -> bool:
    candidate = options.get("candidate")
    return command.trains == "network" or (candidate is not None and has_network(candidate))


def _import_keras_quietly() -> None:
    """TensorFlow greets from C++ before any logging can be set; what it raises still comes through.

    Its advice against tracing more than one graph is left out: one for each phase and block is what training wants.
    """
    logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        importlib.import_module("keras")
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _log_to_stdout() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("kiyas").setLevel(logging.INFO)


def _quieten() -> None:
    """No start-up noise from TensorFlow, no usage reports from DVC or MLflow."""
    for key, value in {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }.items():
        os.environ.setdefault(key, value)


if __name__ == "__main__":
    sys.exit(main())
