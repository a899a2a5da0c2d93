"""`splits` and `seeds`: which examples a trial learns from, and what else each seed draws."""

from __future__ import annotations

from pipeline.params.reading import Strict
from pipeline.params.vocabulary import Fraction


class Splits(Strict):
    """
    Attributes:
        validation_fraction: the share of development that each seed sets aside, stratified.
    """

    validation_fraction: Fraction
