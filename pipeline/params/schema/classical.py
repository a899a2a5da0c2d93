"""Classical models: the rows of models/classical.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.rows import read_row
from pipeline.params.schema.vocabulary import Kind


class ClassicalModel(Strict):
    """A scikit-learn estimator on one kind of features, and the grid that cross-validation searches.

    models/classical.yaml explains each key.
    """

    features: Literal["none", "pixels", "hog_colour", "pooled", "columns", "last"]
    estimator: str
    scale: bool = False
    scale_target: bool = False
    calibrated: bool = False
    settings: dict[str, Any] = {}
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}
    learned: list[str] = []

    @field_validator("estimator")
    @classmethod
    def _only_a_dummy_needs_no_features(cls, estimator: str, info: ValidationInfo) -> str:
        if info.data.get("features") == "none" and estimator not in ("DummyClassifier", "DummyRegressor"):
            raise ValueError("needs features to learn from; set features to pixels, hog_colour, pooled or columns")
        return estimator

    def described(self) -> dict[str, Any]:
        """What decides a result, as plain data; `learned` only says where to count."""
        return self.model_dump(exclude={"learned"})

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of data that the features are of."""
        if self.features == "none":
            return ("images", "table", "series")
        if self.features == "columns":
            return ("table", "series")
        return ("series",) if self.features == "last" else ("images",)


def load_classical(name: str) -> ClassicalModel:
    """The row of one classical model in models/classical.yaml."""
    return read_row(ClassicalModel, "classical.yaml", name)
