"""What is raised of a table, whatever is wrong with it."""

from __future__ import annotations


class TableError(ValueError):
    """A table from which nothing can be learned as it is; the message names file, column, value and remedy."""


def first_line(error: Exception) -> str:
    """A library's message without what follows its first line."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0]
