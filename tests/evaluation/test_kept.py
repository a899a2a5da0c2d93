"""Arrays that are kept within a limit, maps in what room the others leave."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.kept import MAPS, KeptArrays, KeptMaps

GB = 1e-9
ONE = 1000 * 4 + 128  # bytes of an array on disk, its header included


def array(value: float = 1.0) -> np.ndarray:
    return np.full(1000, value, np.float32)


def keep(store: KeptArrays, *names: Any) -> None:
    for name in names:
        store.get([name], array)


def in_order(folder: Path) -> None:
    """Makes what is kept so far older than what comes, whatever the clock resolves."""
    long_ago = time.time() - 1000
    for number, file in enumerate(sorted(folder.rglob("*.npy"), key=lambda file: file.stat().st_mtime_ns)):
        os.utime(file, (long_ago + number, long_ago + number))


def held(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.npy"))


def kept_of(store: KeptMaps, *names: Any) -> list[bool]:
    def made() -> np.ndarray:
        missing.append(True)
        return array()

    found = []
    for name in names:
        missing: list[bool] = []
        store.get([name], made)
        found.append(not missing)
    return found


def test_maps_are_found_again_by_the_same_network_alone(tmp_path: Path) -> None:
    np.testing.assert_array_equal(KeptMaps(1, ["a"], tmp_path).get(["photos"], lambda: array(1)), array(1))
    np.testing.assert_array_equal(KeptMaps(1, ["a"], tmp_path).get(["photos"], lambda: array(2)), array(1))
    np.testing.assert_array_equal(KeptMaps(1, ["b"], tmp_path).get(["photos"], lambda: array(2)), array(2))


def test_maps_give_way_to_other_arrays_and_never_push_them_out(tmp_path: Path) -> None:
    rows, maps = KeptArrays(3.5 * ONE * GB, tmp_path), KeptMaps(3.5 * ONE * GB, ["network"], tmp_path)
    keep(rows, "photos")
    in_order(tmp_path)
    keep(maps, 1, 2, 3)
    assert kept_of(maps, 3, 2) == [True, True] and len(list(tmp_path.glob("*.npy"))) == 1
    in_order(tmp_path)
    keep(rows, "more", "still more")
    assert len(list(tmp_path.glob("*.npy"))) == 3 and not list((tmp_path / MAPS).glob("*.npy"))
    keep(maps, 4)
    assert len(list(tmp_path.glob("*.npy"))) == 3 and held(tmp_path) <= 3.5 * ONE


def test_the_maps_of_a_network_in_use_stay_and_those_of_another_go(tmp_path: Path) -> None:
    limit = 4.5 * ONE * GB
    keep(KeptMaps(limit, ["first"], tmp_path), 1, 2)
    in_order(tmp_path)
    keep(KeptMaps(limit, ["second"], tmp_path), 1, 2)
    in_order(tmp_path)
    first = KeptMaps(limit, ["first"], tmp_path)  # used again: it is no longer the oldest
    keep(first, 3)
    assert kept_of(first, 1, 2, 3) == [True, True, True]
    assert len(list((tmp_path / MAPS).glob("*.npy"))) == 4 and held(tmp_path) <= 4.5 * ONE


@pytest.mark.parametrize(("arrays", "worth_it"), [(2, True), (3, False)])
def test_a_set_of_maps_may_take_half_of_the_limit(arrays: int, worth_it: bool, tmp_path: Path) -> None:
    assert KeptMaps(4 * ONE * GB, ["network"], tmp_path).fits(arrays * ONE) is worth_it
