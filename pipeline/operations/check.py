"""Say whether params.yaml can be run, and what would be, without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.operations.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.params import Params, load_params


def run() -> None:
    """Check params.yaml with everything that it names, then print one line for each part of the run.

    Raises:
        ParamsError: one line for each fault.
    """
    params = load_params()
    if not params.data.fetch:
        refuse_what_dvc_cannot_take(Path(params.data.path))
    for line in _plan(params):
        print(line)


def _plan(params: Params) -> Iterator[str]:
    data, candidates, seeds = params.data, params.candidates(), len(params.seeds)
    source = f"{data.fetch[0]} (fetched into {data.path})" if data.fetch else data.path
    limit = "all photos" if data.limit is None else f"at most {data.limit} photos a split"
    yield "params.yaml can be run"
    yield f"data        {source}, {limit}, {data.image_size}×{data.image_size} pixels"
    trials = _counted(len(candidates) * seeds, "trial")
    yield f"candidates  {len(candidates)}, each with {_counted(seeds, 'seed')}: {trials}"
    for family in ("classical", "cnn", "finetune"):
        names = [candidate.model for candidate in candidates if candidate.family == family]
        yield f"{family:<12}{', '.join(names) or 'none'}"
    if points := params.studied():
        yield f"growth      {', '.join(point.name for point in points)}: {_counted(len(points) * seeds, 'trial')} more"
    tracking = params.tracking
    yield f"MLflow      {f'experiment {tracking.experiment}' if tracking.enabled else 'off'}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
