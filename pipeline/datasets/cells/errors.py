"""What is raised of a table, whatever is wrong with it."""

from __future__ import annotations

from typing import Any


class TableError(ValueError):
    """A table from which nothing can be learned as it is; the message names file, column, value and remedy.

    Attributes:
        left_out: the rows of quarantine.csv, as far as they are known.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.left_out: list[Any] = []


def first_line(error: Exception) -> str:
    """A library's message without what follows its first line."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0]
