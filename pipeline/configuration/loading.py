"""params.yaml as a whole: read, checked against the rows that it names and the folder that it reads."""

from __future__ import annotations

from pathlib import Path

from pipeline.configuration.faults import cross_faults
from pipeline.configuration.whole import Params, params_class
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, parse, read_yaml


def load_params(path: Path = PARAMS_FILE) -> Params:
    """The whole of params.yaml, checked against the rows that it names and the folder that it reads.

    Raises:
        ParamsError: one line for each fault, naming file, key, value and remedy.
    """
    params = parse(params_class(), read_yaml(path), str(path))
    faults = list(cross_faults(params, path))
    if faults:
        raise ParamsError("\n".join(faults))
    return params
