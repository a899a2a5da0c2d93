"""Made-up photos that a classical model can tell apart."""

from __future__ import annotations

import numpy as np
import pytest

COLOURS = [(200, 60, 60), (60, 200, 60), (60, 60, 200)]


@pytest.fixture(scope="session")
def photos() -> tuple[np.ndarray, np.ndarray]:
    """48 noisy photos, (48, 40, 40, 3), of three colours, and their labels; a few wear a colour that is not theirs."""
    random = np.random.default_rng(7)
    labels = np.arange(48, dtype=np.int64) % 3
    worn = np.where(np.arange(48) % 10 == 9, (labels + 1) % 3, labels)
    images = np.array(COLOURS)[worn][:, None, None, :] + random.normal(0, 40, (48, 40, 40, 3))
    return images.clip(0, 255).astype(np.uint8), labels
