"""Whether examples without labels look to the champion like those that it was measured on, and read like them.

Each output of the champion is compared by the Kolmogorov-Smirnov distance, which Rabanser, Günnemann and Lipton (2019)
found to detect shift best, and each column of a table as row_drift.py compares it; Bonferroni's correction is for all
of them. Without labels, other shares of the classes move the outputs as well: they cannot be told apart here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import listed
from pipeline.operations.retraining.row_drift import NEGLIGIBLE, Shift, moved, moved_words, number_shift


@dataclass(frozen=True)
class InputDrift:
    """What was found.

    Attributes:
        noun: what one example is called.
        outputs: of what the champion says, by class; of numbers by "predicted".
        columns: of the columns of a table, by name; empty for photos.
        unseen: {column: how many examples have a category that was never seen}.
    """

    noun: str
    outputs: Mapping[str, Shift]
    columns: Mapping[str, Shift] = field(default_factory=dict)
    unseen: Mapping[str, int] = field(default_factory=dict)

    def alarms(self, level: float) -> list[str]:
        """A sentence for what has drifted, with its size; differences that matter to nobody are not told."""
        sentences = []
        level /= self._kinds
        if found := moved(self.outputs, level):
            sentences.append(f"The champion answers otherwise than before: {moved_words(found)}.")
        if found := moved(self.columns, level):
            where = f"in these {self.noun}s than in the prepared data of today"
            told = f"Columns are distributed otherwise {where}: {moved_words(found)}"
            strange = [f"{self.unseen[name]} of {name!r}" for name in found if name in self.unseen]
            sentences.append(f"{told}{f'; never seen were {listed(strange)}' if strange else ''}.")
        return sentences

    def least_visible(self, level: float, new: int, before: int) -> float | None:
        """The smallest Kolmogorov-Smirnov distance of an output that raises an alarm; None where none does.

        By the limit of its distribution (Smirnov 1948), which is a little too strict where examples are few.

        Args:
            level: retrain.drift_level.
            new, before: how many examples are compared, one of each group.
        """
        share = level / self._kinds / max(len(self.outputs), 1)
        distance = float(np.sqrt(-np.log(share / 2) / 2 * (new + before) / max(new * before, 1)))
        return None if distance > 1 else max(distance, NEGLIGIBLE)

    @property
    def _kinds(self) -> int:
        """How many of outputs and columns there are: they share the level."""
        return bool(self.outputs) + bool(self.columns)

    def numbers(self) -> dict[str, Any]:
        """All that was measured, as plain data."""
        measured = {name: getattr(self, name) for name in ("outputs", "columns")}
        plain = {part: {name: asdict(shift) for name, shift in shifts.items()} for part, shifts in measured.items()}
        return {**plain, "unseen_categories": dict(self.unseen)}


def output_drift(new: NDArray[np.floating], before: NDArray[np.floating], names: list[str]) -> dict[str, Shift]:
    """Of each of the champion's outputs; of two classes one of them is enough, since the other mirrors it.

    Args:
        new: (N, classes), or (N, 1) numbers.
        before: (M, classes) likewise.
        names: of the outputs.
    """
    places = [1] if len(names) == 2 else range(len(names))
    parts = [part.astype(np.float64) for part in (new, before)]
    return {names[place]: number_shift(*(part[:, place] for part in parts)) for place in places}
