"""Named sources: the official files and the package give the same photos, and nothing else passes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from pipeline.datasets.sources import photos as sources
from pipeline.datasets.sources.formats import Photos
from pipeline.datasets.sources.photos import SOURCES, SourceError, checked


def photos(*shades: int) -> Photos:
    for number, shade in enumerate(shades):
        yield f"train/Pear/{number}.png", np.full((2, 2, 3), shade, np.uint8)


def test_photos_of_a_known_content_pass_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="cifar10: the photos have SHA-256") as raised:
        list(checked("cifar10", photos(1, 2)))
    known = re.findall("[0-9a-f]{64}", str(raised.value))[0]
    row = SOURCES["cifar10"]
    monkeypatch.setitem(sources.SOURCES, "cifar10", replace(row, content=known))
    assert len(list(checked("cifar10", photos(1, 2)))) == 2
    for others in (photos(1, 3), photos(2, 1), photos(1)):
        with pytest.raises(SourceError, match="nothing was written"):
            list(checked("cifar10", others))


def test_a_source_that_has_an_official_file_is_checked_by_its_content() -> None:
    """Its package and its official files differ in form, so that only the photos can be compared."""
    assert {name for name, row in SOURCES.items() if row.official} == {"cifar10", "cat_dog_bird", "fashion_mnist"}
    assert all(row.content for row in SOURCES.values() if row.official)
