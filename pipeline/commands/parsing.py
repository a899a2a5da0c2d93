"""A command line, read: what is missing or mistyped is answered with the names that there are."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from pipeline.commands.names import refuse_unknown
from pipeline.commands.table import Command

PROGRAM = "python -m pipeline"
MISSING = "the following arguments are required: "  # as argparse puts it; what is missing follows


def read_arguments(command: Command, given: Sequence[str]) -> dict[str, Any]:
    """What stands behind a command's name, by the name of the argument.

    Raises:
        SystemExit: the line does not fit the command; what does was printed.
        ParamsError: an argument names something that there is not, or params.yaml does not say what there is.
    """
    options = vars(parser_of(command).parse_args(given))
    for argument in command.arguments:
        if argument.known and options[argument.name] is not None:
            refuse_unknown(argument.flag, options[argument.name], argument.meaning, argument.known())
    return options


def parser_of(command: Command) -> argparse.ArgumentParser:
    """What reads a command's arguments, and says what they are."""
    return _Parser(command)


class _Parser(argparse.ArgumentParser):
    """Of one command; where an argument is missing that is to be one of certain names, it lists them."""

    def __init__(self, command: Command) -> None:
        purpose = command.purpose[0].upper() + command.purpose[1:] + "."
        super().__init__(prog=f"{PROGRAM} {command.name}", description=purpose)
        self.command = command
        for argument in command.arguments:
            self.add_argument(argument.flag, help=argument.meaning, **argument.options)

    def error(self, message: str) -> NoReturn:
        missing = message.removeprefix(MISSING).split(", ") if message.startswith(MISSING) else []
        lists = [_list_of(flag, self.command) for flag in missing]
        print(
            "\n".join([self.format_usage().rstrip(), f"kiyas {self.command.name}: {message}", *lists]), file=sys.stderr
        )
        sys.exit(2)


def _list_of(flag: str, command: Command) -> str:
    """What an argument is to be, and the names that it can have."""
    argument = next(one for one in command.arguments if flag in (one.flag, one.options.get("metavar")))
    if argument.known is None:
        return f"{flag} is {argument.meaning}"
    names = ", ".join(argument.known())
    width = shutil.get_terminal_size().columns - 1
    listed = textwrap.fill(names or "none", width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return f"{flag} is {argument.meaning}:\n{listed}"
