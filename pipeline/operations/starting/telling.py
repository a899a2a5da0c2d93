"""What `start` says, a head and a sentence a line."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path

from pipeline.operations.starting.params_file import as_yaml
from pipeline.operations.starting.proposal import Proposal
from pipeline.operations.starting.seeing.sight import Sight
from pipeline.params.schema.families import families

INDENT, WIDEST = 12, 10_000


def tell_sight(sight: Sight) -> None:
    _tell("found", sight.called)
    for line in sight.lines:
        _tell("", line)


def tell_proposal(proposal: Proposal) -> None:
    params, choice = proposal.params, proposal.choice
    candidates = params.candidates()
    _tell("proposed", f"{len(candidates)} candidates, each with seeds {', '.join(map(str, params.seeds))}")
    for name in families():
        names = [candidate.model for candidate in candidates if candidate.family == name]
        if names:
            _tell(f"  {name}", ", ".join(names))
    for line in proposal.lines:
        _tell("", line)
    if proposal.minutes is not None:
        _tell("time", f"about {_minutes(proposal.minutes)} on this machine")
    for what, more in choice.left_out if choice else []:
        _tell("left out", f"{what}: would take about {_minutes(more)} more")


def tell_nothing_to_change() -> None:
    _tell("params.yaml", "says all of this already, and stays as it is")
    _tell_next()


def tell_written(proposal: Proposal, kept: Path) -> None:
    """
    Args:
        kept: the file as it was.
    """
    _tell("params.yaml", f"is written; as it was it is kept in {kept}")
    for key, (before, after) in proposal.changes.items():
        _tell("", f"{key}: {as_yaml(before)} → {as_yaml(after)}")
    _tell_next()


def _tell_next() -> None:
    _tell("next", "make repro (or `dvc repro`); `python -m pipeline check` says what it will run")


def _minutes(number: float) -> str:
    if number < 1:
        return "a minute"
    return f"{number:.0f} minutes" if number < 120 else f"{number / 60:.1f} hours"


def _tell(head: str, text: str) -> None:
    """Wrapped to the terminal; into a file or a pipe as one line."""
    width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else WIDEST
    print(textwrap.fill(f"{head:<{INDENT}}{text}", width, subsequent_indent=" " * INDENT, break_on_hyphens=False))
