"""What `start` says, a head and a sentence a line."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path

from pipeline.operations.planning.words import duration, duration_range, size
from pipeline.operations.starting.params_file import as_yaml
from pipeline.operations.starting.proposal import Proposal
from pipeline.operations.starting.seeing.seen_data import SeenData
from pipeline.params.schema.families import families

INDENT, WIDEST = 12, 10_000


def tell_seen_data(seen: SeenData) -> None:
    _tell("found", seen.called)
    for line in seen.lines:
        _tell("", line)


def tell_proposal(proposal: Proposal) -> None:
    params, run = proposal.params, proposal.run
    candidates, data = params.candidates(), params.data
    pixels_said = f", photos of {data.image_size}×{data.image_size} pixels" if data.kind == "images" else ""
    _tell("proposed", f"{len(candidates)} candidates, each with seeds {', '.join(map(str, params.seeds))}{pixels_said}")
    for name in families():
        if names := [candidate.model for candidate in candidates if candidate.family == name]:
            _tell(f"  {name}", ", ".join(names))
    for line in proposal.lines:
        _tell("", line)
    _tell("time", f"about {duration(run.seconds)} on this machine ({duration_range(run.low, run.high)})")
    if search := params.tuning.search:
        _tell(
            "",
            f"of it about {duration(proposal.tuning_seconds)} for trying up to {search.settings} settings of each "
            "network on validation data (tuning.search: null leaves that out)",
        )
    if proposal.larger:
        pixels, total = proposal.larger
        _tell(
            "",
            f"with photos of {pixels}×{pixels} pixels (--image-size {pixels}) about {duration(total.seconds)}, and "
            f"{size(total.disk)} of disk in place of {size(run.disk)}",
        )
    for position, (what, more) in enumerate(proposal.choice.left_out if proposal.choice else []):
        _tell("" if position else "left out", f"{what}: about {duration(60 * more)} more")


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
    _tell("next", "make repro; `python -m pipeline plan` says what that runs, and for how long")


def _tell(head: str, text: str) -> None:
    """Wrapped to the terminal; into a file or a pipe as one line."""
    width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else WIDEST
    print(textwrap.fill(f"{head:<{INDENT}}{text}", width, subsequent_indent=" " * INDENT, break_on_hyphens=False))
