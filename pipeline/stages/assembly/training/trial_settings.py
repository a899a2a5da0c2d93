"""What every trial is told by params.yaml, whatever its family."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.params.schema.reading import read_section
from pipeline.params.training.splits import Splits, read_seeds
from pipeline.params.upkeep.keep import Keep
from pipeline.params.upkeep.tracking import Tracking


@dataclass(frozen=True)
class TrialSettings:
    """The sections of params.yaml that every trial reads; `keep` and `tracking` change no result."""

    seeds: list[int]
    splits: Splits
    keep: Keep
    tracking: Tracking


def read_trial_settings() -> TrialSettings:
    """
    Raises:
        ParamsError: a section is not there, or does not fit.
    """
    return TrialSettings(
        seeds=read_seeds(),
        splits=read_section("splits", Splits),
        keep=read_section("keep", Keep),
        tracking=read_section("tracking", Tracking),
    )
