"""`compare`: how candidates are judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Fraction


class Compare(Strict):
    confidence: Fraction
    margin: Fraction
    resamples: Annotated[int, Field(ge=100)]
