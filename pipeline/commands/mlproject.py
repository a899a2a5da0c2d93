"""MLproject, written from the table of commands: an entry point for each, and `main`, which runs the whole graph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.commands.table import Argument, Command, commands

MLPROJECT = Path("MLproject")
HEAD = """\
# mlflow run . --env-manager local -e main          one entry point for each command, and main: all of the graph
#
# Written by `python -m pipeline graph --write` from pipeline/commands/table.py.
#
# `local` takes the environment that is active, else .venv (made by `make setup`), else the system's python; without
# it, MLflow makes an environment of its own from python_env.yaml.
# `mlflow run` also leaves a run of its own in the experiment Default (another: --experiment-name): the entry point, its
# parameters, when it ran and how it ended. The trials are not inside it: they stand in the experiment of params.yaml.
name: kiyas

python_env: python_env.yaml

entry_points:
"""
# An entry point is one shell command with nothing around it, so each finds the environment for itself.
IN_ENVIRONMENT = '[ "$VIRTUAL_ENV" ] || PATH="$PWD/.venv/bin:$PATH"; '
MAIN = "python -m pipeline check && dvc repro && python -m pipeline track"


def mlproject() -> str:
    """The content of MLproject."""
    entries = [_entry("main", MAIN, [])]
    entries += [_of_command(command) for command in commands().values()]
    return HEAD + "\n".join(entries)


def _of_command(command: Command) -> str:
    asked = [argument for argument in command.arguments if argument.required or argument.optional_name]
    said = command.entry_point or " ".join([command.name, *map(_in_command_line, asked)])
    parameters = [_parameter(argument) for argument in asked]
    return _entry(command.name, f"python -m pipeline {said}", parameters, command.note)


def _in_command_line(argument: Argument) -> str:
    value = f"{{{_mlflow_name(argument)}}}"
    return f"{argument.flag} {value}" if argument.flag.startswith("-") else value


def _parameter(argument: Argument) -> str:
    default = f"{{type: {argument.kind}, default: {argument.default}}}" if argument.default else argument.kind
    return f"      {_mlflow_name(argument)}: {default}\n"


def _mlflow_name(argument: Argument) -> str:
    """In the singular: `mlflow run` gives one value to each parameter."""
    return argument.name.removesuffix("s") if argument.options.get("nargs") else argument.name


def _entry(name: str, command: str, parameters: Iterable[str], note: str | None = None) -> str:
    listed = "".join(parameters)
    return (
        (f"  # {note}\n" if note else "")
        + f"  {name}:\n"
        + (f"    parameters:\n{listed}" if listed else "")
        + f"    command: '{IN_ENVIRONMENT}{command}'\n"
    )
