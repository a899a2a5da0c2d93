"""params.yaml and the rows of data beside the models, as typed, strict objects.

Everything that a run can be told stands in params.yaml; a wrong key, type or combination is refused
here, before anything runs, with one line for each fault: file, key, value, remedy.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.params.data import ARCHIVES, FETCHED, TABLE_FILES, TABLE_TARGETS, Data, Labels, Splits, tables_in
from pipeline.params.faults import cross_faults
from pipeline.params.measures import Compare, DataSizes, Evaluation, Explanations, Robustness
from pipeline.params.networks import (
    Architecture,
    Augmentation,
    ConvolutionBlock,
    Finetune,
    MlpArchitecture,
    Phase,
    RecurrentArchitecture,
    Strategy,
    Training,
    TrainingChanges,
)
from pipeline.params.reading import Model, ParamsError, Strict, did_you_mean, parse, read_yaml
from pipeline.params.rows import (
    ROWS_FOLDER,
    Backbone,
    BackboneWeights,
    ClassicalModel,
    Package,
    load_backbone,
    load_classical,
    row_names,
)
from pipeline.params.upkeep import Keep, Retrain, Tracking, Tuning
from pipeline.params.vocabulary import (
    FAMILY_KINDS,
    NAIVE,
    Activation,
    Corruption,
    Count,
    Family,
    Fraction,
    Kind,
    Name,
    Positive,
    Share,
)
from pipeline.params.whole import Baseline, Candidate, Params

__all__ = [
    "ARCHIVES",
    "FAMILY_KINDS",
    "FETCHED",
    "NAIVE",
    "PARAMS_FILE",
    "ROWS_FOLDER",
    "TABLE_FILES",
    "TABLE_TARGETS",
    "Activation",
    "Architecture",
    "Augmentation",
    "Backbone",
    "BackboneWeights",
    "Baseline",
    "Candidate",
    "ClassicalModel",
    "Compare",
    "ConvolutionBlock",
    "Corruption",
    "Count",
    "Data",
    "DataSizes",
    "Evaluation",
    "Explanations",
    "Family",
    "Finetune",
    "Fraction",
    "Keep",
    "Kind",
    "Labels",
    "MlpArchitecture",
    "Model",
    "Name",
    "Package",
    "Params",
    "ParamsError",
    "Phase",
    "Positive",
    "RecurrentArchitecture",
    "Retrain",
    "Robustness",
    "Share",
    "Splits",
    "Strategy",
    "Strict",
    "Tracking",
    "Training",
    "TrainingChanges",
    "Tuning",
    "did_you_mean",
    "load_backbone",
    "load_classical",
    "load_params",
    "parse",
    "read_yaml",
    "row_names",
    "tables_in",
]


PARAMS_FILE = Path("params.yaml")


def load_params(path: Path = PARAMS_FILE) -> Params:
    """The whole of params.yaml, checked against the rows that it names and the folder that it reads.

    Raises:
        ParamsError: one line for each fault, naming file, key, value and remedy.
    """
    params = parse(Params, read_yaml(path), str(path))
    faults = list(cross_faults(params, path))
    if faults:
        raise ParamsError("\n".join(faults))
    return params
