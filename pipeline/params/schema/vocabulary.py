"""Words and ranges that several sections of params.yaml share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Activation = Literal["relu", "tanh", "sigmoid", "elu", "selu", "gelu", "linear"]
Kind = Literal["images", "table", "series"]
