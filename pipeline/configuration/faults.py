"""What no single key of params.yaml can tell: names that point nowhere, combinations that cannot run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.data_keys import column_faults, key_faults
from pipeline.configuration.ensemble_faults import ensemble_faults
from pipeline.configuration.model_faults import model_faults
from pipeline.configuration.names import name_faults
from pipeline.configuration.own_data import source_faults
from pipeline.configuration.score_faults import score_faults
from pipeline.configuration.study_faults import study_faults
from pipeline.configuration.tuning_faults import tuning_faults
from pipeline.configuration.whole import Params, trained_families


def cross_faults(params: Params, path: Path) -> Iterator[str]:
    """One line for each fault, naming file, key, value and remedy.

    Args:
        params: the whole of the file, each key of which is well-formed.
        path: the file.
    """
    yield from name_faults(params, path)
    yield from source_faults(params.data, path)
    yield from key_faults(params, path)
    yield from column_faults(params.data, path)
    yield from model_faults(params, path)
    yield from study_faults(params, path)
    yield from score_faults(params, path)
    yield from ensemble_faults(params, path)
    yield from tuning_faults(params, path)
    if not params.candidates():
        lists = ", ".join(family.section for family in trained_families().values())
        yield f"{path}: {lists} are all empty; name at least one candidate"
