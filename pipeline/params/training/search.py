"""`tuning.search`: by which settings every network is brought to its best, and how much trying them may cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, field_validator

from pipeline.params.schema.reading import Strict, read_value
from pipeline.params.schema.vocabulary import Count, Positive
from pipeline.params.training.strategies import Schedule

KnownRecipe = Literal["fastai", "ulmfit", "bit", "lp_ft"]
Decay = Annotated[float, Field(ge=0, lt=1)]
BlockDecay = Annotated[float, Field(ge=1, allow_inf_nan=False)]


class Search(Strict):
    """The same for every network: each tries its own recipe first, then changes of it.

    The phases that a change of the rate, the length or the schedule is of are the main ones: those that train more than
    the head, or all of a strategy that trains the head alone.

    Attributes:
        settings: how many each network tries at most, its recipe among them.
        trainings: what trying them may cost beside the trials themselves, in trainings of one seed by the recipe. It is
            counted in epochs, each weighed by its arithmetic, so that the clock decides nothing.
        learning_rates: times the recipe's.
        head_epochs: of the head phase before the main ones, beside the recipe's.
        layer_decays: of pretrained backbones, beside the recipe's.
        weight_decays: of AdamW, beside the recipe's.
        epochs: times the recipe's.
        schedules: of the learning rate, beside the recipe's.
        recipes: known good ones (see training/tuning/settings.py).
        seed: draws what is tried after these.
    """

    settings: int
    trainings: Annotated[float, Field(allow_inf_nan=False)]
    learning_rates: list[Positive] = [3.0, 0.3]
    head_epochs: list[Count] = [1, 5]
    layer_decays: list[BlockDecay] = [1.0, 2.6]
    weight_decays: list[Decay] = [1e-4, 1e-2]
    epochs: list[Positive] = [0.5, 2.0]
    schedules: list[Schedule] = ["constant", "cosine", "one_cycle"]
    recipes: list[KnownRecipe] = ["fastai", "ulmfit", "bit", "lp_ft"]
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("settings")
    @classmethod
    def _something_beside_the_recipe(cls, settings: int) -> int:
        if settings < 2:
            raise ValueError("leaves nothing to try beside the recipe; use at least 2, or set tuning.search to null")
        return settings

    @field_validator("trainings")
    @classmethod
    def _one_training_at_least(cls, trainings: float) -> float:
        if trainings < 1:
            raise ValueError(
                "the recipe and what is best beside it are both trained to their end, which takes one training more; "
                "use at least 1, or set tuning.search to null"
            )
        return trainings


def read_search() -> Search | None:
    """`tuning.search` of params.yaml; None: networks are trained by their recipes as these stand.

    Raises:
        ParamsError: see `read_section`.
    """
    adapter: TypeAdapter[Search | None] = TypeAdapter(Search | None)
    return read_value("tuning.search", adapter)
