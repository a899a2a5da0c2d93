"""`evaluation`: what is measured of a trained candidate."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Count


class Robustness(Strict):
    """Test photos altered in known ways, shown to the model of the first seed (see evaluation/measures/robustness.py).

    Attributes:
        examples: how many test photos, stratified; 0 switches it off.
        shifts: by how many pixels, wrapped around, more than half a side left out; mirror: left and right exchanged.
        corruptions, severities: kinds (see evaluation/measures/corruptions.py) and strengths (1 to 5).
    """

    examples: Annotated[int, Field(ge=0)] = 0
    shifts: list[Count] = [1, 2, 4, 8, 16]
    mirror: bool = True
    corruptions: list[str] = ["gaussian_noise", "defocus_blur", "contrast", "jpeg_compression"]
    severities: list[Annotated[int, Field(ge=1, le=5)]] = [1, 3, 5]

    @field_validator("shifts", "corruptions", "severities")
    @classmethod
    def _each_stands_once(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) != len(values):
            raise ValueError("something stands twice; name each once")
        return values


class Explanations(Strict):
    """What answers hang on (see evaluation/explanations/explaining.py), of the model of the first seed.

    Attributes:
        examples: how many test photos, stratified, the same for all candidates; 0 switches it off.
        grid: patches a side; steps: in how many steps all patches are taken away.
        pictures: how many of these photos are drawn.
    """

    examples: Annotated[int, Field(ge=0)] = 0
    grid: Annotated[int, Field(ge=2, le=16)] = 5
    steps: Annotated[int, Field(ge=2)] = 5
    pictures: Annotated[int, Field(ge=0)] = 6

    @model_validator(mode="after")
    def _a_step_takes_a_patch(self) -> Explanations:
        if self.steps > self.grid**2:
            raise ValueError(f"{self.steps} steps are more than the {self.grid**2} patches; lower steps or raise grid")
        if self.examples == 1:
            raise ValueError("one photo has no other to exchange patches with; set examples to 2 or more, or to 0")
        return self


class Evaluation(Strict):
    """What is measured on trained candidates, beside accuracy, loss and F1.

    Attributes:
        batch_size: examples that are asked about at a time.
        latency_images: test examples that are timed one by one.
        thumbnails: test photos that are kept for the report; twice as many of each split with a doubted label.
        mistakes: how many of the most confident ones, or of the largest errors of numbers, go on the contact sheet.
        calibration: probabilities before and after temperature scaling.
    """

    batch_size: Count
    latency_images: Count
    thumbnails: Annotated[int, Field(ge=0)]
    mistakes: Annotated[int, Field(ge=0)] = 0
    calibration: bool = False
    robustness: Robustness = Robustness()
    explanations: Explanations = Explanations()
