"""Say whether params.yaml can be run, and what would be, without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.operations.checking.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.operations.checking.own_data import describe_own_data
from pipeline.ownership import refuse_foreign_files
from pipeline.params.rows.families import families


def run() -> None:
    """Check params.yaml with everything that it names, then print one line for each part of the run.

    Raises:
        ParamsError: one line for each fault.
        FolderError, TableError: nothing can be learned from the user's own data as it is.
        ForeignFilesError: files that the pipeline did not write lie where it would delete them.
    """
    params = load_params()
    refuse_foreign_files(fetches=bool(params.data.fetch), by_content=True)
    if not params.data.fetch:
        refuse_what_dvc_cannot_take(Path(params.data.path))
    own_data = [] if params.data.fetch else describe_own_data(params.data)
    for line in _plan(params, own_data):
        print(line)


def _plan(params: Params, own_data: list[str]) -> Iterator[str]:
    data, candidates, seeds = params.data, params.candidates(), len(params.seeds)
    source = f"{data.fetch[0]} (fetched into {data.path})" if data.fetch else data.path
    called = "photos" if data.kind == "images" else "rows"
    limit = f"all {called}" if data.limit is None else f"at most {data.limit} {called} a split"
    yield "params.yaml can be run"
    yield f"data        {source}, {limit}, {_told_kind(params)}"
    yield from (f"{'':<12}{line}" for line in own_data)
    trials = _counted(len(candidates) * seeds, "trial")
    yield f"candidates  {len(candidates)}, each with {_counted(seeds, 'seed')}: {trials}"
    for name, family in families().items():
        names = [candidate.model for candidate in candidates if candidate.family == name]
        if names or data.kind in family.kinds:
            yield f"{name:<12}{', '.join(names) or 'none'}"
    if points := params.studied():
        yield f"growth      {', '.join(point.name for point in points)}: {_counted(len(points) * seeds, 'trial')} more"
    tracking = params.tracking
    yield f"MLflow      {f'experiment {tracking.experiment}' if tracking.enabled else 'off'}"


def _told_kind(params: Params) -> str:
    data = params.data
    if data.kind == "images":
        return f"{data.image_size}×{data.image_size} pixels"
    if data.kind == "series":
        return f"a series: {data.target} from its last {data.window} values, in the order of {data.time}"
    return f"a table: {data.task} of {data.target}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
