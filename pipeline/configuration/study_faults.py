"""What may be wrong with the data-size study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.params.schema.reading import did_you_mean


def study_faults(params: Params, path: Path) -> Iterator[str]:
    """Candidates that do not compete, what stands twice, and half a study."""
    study, names = params.study, [candidate.name for candidate in params.candidates()]
    for name in study.candidates:
        if name not in names:
            yield f"{path}: study.candidates: {name!r} does not compete{did_you_mean(name, names)}"
    for key, values in study.model_dump().items():
        for value in dict.fromkeys(values):
            if values.count(value) > 1:
                yield f"{path}: study.{key}: {value!r} stands twice; name each once"
    for key, values in study.model_dump(exclude={"left_out"}).items():
        if not values and (study.candidates or study.fractions):
            yield f"{path}: study.{key} is empty; a data-size study needs candidates and fractions, or neither"
