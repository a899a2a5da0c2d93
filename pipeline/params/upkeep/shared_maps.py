"""Which maps of a backbone are worth keeping in evaluation: those that several of the competing candidates ask for."""

from __future__ import annotations

from pipeline.params.schema.reading import read_section
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Finetune, Strategy
from pipeline.trained_blocks import prefix_length


def maps_are_shared(backbone: str | None, precision: str, blocks: int) -> bool:
    """Whether a competing candidate asks for the maps below a backbone's uppermost block.

    That is one with this backbone, in this precision, which trains no lower block. The answer decides what is kept, and
    no result.

    Args:
        backbone: None where there is none.
        precision: "float32" or "mixed_bfloat16".
        blocks: how many the backbone has.

    Raises:
        ParamsError: see `read_section`.
    """
    finetune, training = read_section("finetune", Finetune), read_section("training", Training)
    for name in finetune.strategies if backbone in finetune.backbones else []:
        strategy = read_section(f"strategies.{name}", Strategy)
        frozen = min(prefix_length(phase.train, blocks) for phase in strategy.phases)
        own_precision = training.changed_by(strategy.training).precision
        if frozen == blocks - 1 and own_precision in (precision, "auto"):
            return True
    return False
