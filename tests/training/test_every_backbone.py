"""Every strategy that ships fits every backbone; tests/operations/checking/test_candidate.py trains them."""

from __future__ import annotations

import pytest

from pipeline.configuration.loading import load_params
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.rows import row_names


@pytest.mark.parametrize("strategy", load_params().strategies)
def test_every_strategy_that_ships_can_be_cut_for_every_backbone(strategy: str) -> None:
    phases = load_params().strategies[strategy].phases
    for backbone in row_names("backbones.yaml"):
        blocks = len(load_backbone(backbone).blocks)
        for phase in phases:
            kind, _, number = phase.train.partition(" ")
            assert kind in {"head", "all"} or 1 <= int(number) <= blocks, (backbone, phase.train)
