"""What a person has said beside the path, and what they are asked where the data cannot tell."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.params.compare import Prefer

NONE = "none"  # the answer that there is no such column


class StartError(ValueError):
    """Nothing can be proposed for this data; one sentence that says what to do."""


@dataclass(frozen=True)
class StartOptions:
    """The options of `start`; None where nothing was said.

    Attributes:
        target: the column to predict; of a table of labels the column of classes.
        labels: the table that labels the photos, within the path; "none": there is none.
        minutes: that all of it may take.
        prefer: what `compare.prefer` is to be.
        task: "classification" or "regression".
        time: the column that orders a series; "none": it is a plain table.
        window: how many last values a series is predicted from.
        group: the column of what must stay on one side; "none": there is none.
        image_size: pixels a side.
        measuring: whether networks whose speed is not known here are timed before they are chosen by minutes.
    """

    target: str | None = None
    labels: str | None = None
    minutes: float | None = None
    prefer: Prefer | None = None
    task: str | None = None
    time: str | None = None
    window: int | None = None
    group: str | None = None
    image_size: int | None = None
    measuring: bool = True


def can_ask() -> bool:
    return sys.stdin.isatty()


def ask(question: str, choices: Sequence[str], proposal: str | None = None) -> str | None:
    """One of `choices`, by name or number; the proposal where only Enter is pressed.

    Returns:
        None where nobody can be asked: standard input is no terminal.
    """
    if not can_ask():
        return None
    print(question)
    for number, choice in enumerate(choices, start=1):
        print(f"  {number}. {choice}")
    while True:
        answer = _read(f"Name or number{f' (Enter: {proposal})' if proposal else ''}: ")
        if not answer and proposal:
            return proposal
        if answer in choices:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(choices):
            return choices[int(answer) - 1]
        print(f"{answer!r} is none of them.")


def _read(prompt: str) -> str:
    """
    Raises:
        StartError: the person ended the input instead.
    """
    try:
        return input(prompt).strip()
    except EOFError:
        raise StartError("the question was left unanswered, so nothing was written") from None
