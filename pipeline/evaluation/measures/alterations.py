"""In which ways test photos are altered to see what a model's answer hangs on: shifted, mirrored, corrupted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.measures.corruptions import corrupt, corruption_faults
from pipeline.params.evaluation import Robustness
from pipeline.params.schema.reading import ParamsError

Images = NDArray[np.uint8]  # raw RGB, (N, S, S, 3)

SHIFT, MIRROR = "shift", "mirror"


@dataclass(frozen=True)
class Alteration:
    """One way, such as `shift_4`, `mirror`, `gaussian_noise_3`.

    Attributes:
        kind: shift, mirror, or a corruption.
        strength: pixels of a shift, severity of a corruption; 0 for mirror.
    """

    kind: str
    strength: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.strength}" if self.strength else self.kind

    @property
    def moves_only(self) -> bool:
        """Whether every pixel is still there, somewhere else."""
        return self.kind in (SHIFT, MIRROR)

    def of(self, images: Images, first: int = 0) -> Images:
        """The altered images; always the same for the same ones in the same order.

        Args:
            first: the place of the first of them among all, a multiple of four where they are not all.
        """
        if self.kind == SHIFT:
            return shifted(images, self.strength)
        return mirrored(images) if self.kind == MIRROR else corrupt(images, self.kind, self.strength, first)


def chosen_alterations(settings: Robustness, side: int) -> list[Alteration]:
    """What params.yaml asks for, in its order.

    Args:
        side: of the photos, in pixels. Shifts wrap around: a shift by more than half a side equals a smaller one the
            other way, and one by a whole side changes nothing. These are left out.

    Raises:
        ParamsError: it names a corruption that does not exist.
    """
    if faults := list(corruption_faults(settings.corruptions, Path("params.yaml"))):
        raise ParamsError("\n".join(faults))
    shifts = [Alteration(SHIFT, pixels) for pixels in settings.shifts if pixels <= side // 2]
    corruptions = [Alteration(kind, severity) for kind in settings.corruptions for severity in settings.severities]
    return [*shifts, *([Alteration(MIRROR)] if settings.mirror else []), *corruptions]


def shifted(images: Images, pixels: int) -> Images:
    """Every photo moved by that many pixels: left, right, up and down in turn.

    What leaves on one side comes in on the other, as in Zhang 2019 for CIFAR-10: nothing of the photo is lost, and
    nothing is invented to fill the gap, so a model that looks at colours alone must give the same answer.
    """
    moved = np.empty_like(images)
    for turn, (axis, sign) in enumerate(((2, -1), (2, 1), (1, -1), (1, 1))):
        moved[turn::4] = np.roll(images[turn::4], sign * pixels, axis=axis)
    return moved


def mirrored(images: Images) -> Images:
    return np.ascontiguousarray(images[:, :, ::-1])
