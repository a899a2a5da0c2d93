"""From a folder to params.yaml: look at what is there, say what is seen, and propose what to compare.

python -m pipeline start photos                                # one sub-folder a class, train/ and test/, or an archive
python -m pipeline start photos --labels labels.csv            # a table that labels them
python -m pipeline start rows.csv --target price --minutes 30  # a table or a series, in the time that there is
"""

from __future__ import annotations

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.photos.folders import FolderError
from pipeline.ground.system_faults import tell_failure
from pipeline.operations.starting.output import tell_nothing_to_change, tell_proposal, tell_seen_data, tell_written
from pipeline.operations.starting.params_file import (
    named_size,
    note_size,
    refuse_edits,
    refuse_running,
    write_params_file,
)
from pipeline.operations.starting.proposal import Proposal, check_proposal, parse_earlier, propose
from pipeline.operations.starting.seeing.looking import look
from pipeline.operations.starting.seeing.start_options import StartError, StartOptions
from pipeline.params.compare import Prefer
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, read_yaml

REFUSED = 2  # the exit status


def run(
    path: str | None = None,
    replace: bool = False,
    target: str | None = None,
    labels: str | None = None,
    minutes: float | None = None,
    prefer: Prefer | None = None,
    task: str | None = None,
    time: str | None = None,
    window: int | None = None,
    group: str | None = None,
    image_size: int | None = None,
    no_measuring: bool = False,
) -> int:
    """Write params.yaml for the data at `path`.

    Args:
        path: a folder, an archive or a table; None: what params.yaml names.
        replace: write over what somebody has changed in params.yaml since the last commit.
        no_measuring: choose by what is known of this machine; else networks are timed first, mostly for half
            a minute each.

    The others are explained in `StartOptions`.

    Returns:
        The exit status: 2 where one sentence says why nothing was written.
    """
    options = StartOptions(target, labels, minutes, prefer, task, time, window, group, image_size, not no_measuring)
    try:
        _start(path, replace, options)
    except (StartError, ParamsError, FolderError, TableError, OSError) as error:
        tell_failure("start", error)
        return REFUSED
    return 0


def _start(path: str | None, replace: bool, options: StartOptions) -> None:
    refuse_running()
    if not replace:
        refuse_edits()
    content = read_yaml(PARAMS_FILE)
    named = parse_earlier(content).data
    seen_data = look(path, options, named, named_size(named.image_size))
    tell_seen_data(seen_data)
    proposal = propose(content, seen_data, options)
    check_proposal(proposal)
    tell_proposal(proposal)
    _write(proposal)
    if proposal.params.data.kind == "images":
        note_size(proposal.params.data.image_size, seen_data.size_is_named)


def _write(proposal: Proposal) -> None:
    if not proposal.changes:
        tell_nothing_to_change()
        return
    kept = write_params_file(proposal.overlay)
    tell_written(proposal, kept)
