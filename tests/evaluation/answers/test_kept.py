"""Arrays that are kept within a limit, maps in what room the others leave."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.answers import kept
from pipeline.evaluation.answers.kept import KeptArrays, KeptMaps

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


def test_what_is_no_longer_used_gives_way_to_maps_and_maps_to_what_is_used_after_them(tmp_path: Path) -> None:
    limit = 4.5 * ONE * GB
    keep(KeptArrays(limit, tmp_path), "of", "earlier", "weeks", "all")
    in_order(tmp_path)
    maps = KeptMaps(limit, ["network"], tmp_path)
    assert maps.fits(2 * ONE)
    keep(maps, 1, 2)
    assert kept_of(maps, 1, 2) == [True, True], "the set does not push out its own beginning"
    in_order(tmp_path)
    keep(KeptArrays(limit, tmp_path), *range(4))
    assert kept_of(maps, 1) == [False] and held(tmp_path) <= 4.5 * ONE


def test_a_set_of_maps_stays_while_photos_and_rows_are_made_beside_it(tmp_path: Path) -> None:
    limit = 8.5 * ONE * GB
    keep(KeptArrays(limit, tmp_path), *range(8))
    for _ in range(2):
        in_order(tmp_path)
        others, maps = KeptArrays(limit, tmp_path), KeptMaps(limit, ["network"], tmp_path)
        found = []
        for number in range(4):
            keep(others, f"photos {number}")
            found += kept_of(maps, number)
    assert found == [True] * 4 and held(tmp_path) <= 8.5 * ONE


def test_the_maps_of_a_network_in_use_stay_and_those_of_another_go(tmp_path: Path) -> None:
    limit = 4.5 * ONE * GB
    keep(KeptMaps(limit, ["first"], tmp_path), 1, 2)
    in_order(tmp_path)
    keep(KeptMaps(limit, ["second"], tmp_path), 1, 2)
    in_order(tmp_path)
    first = KeptMaps(limit, ["first"], tmp_path)  # used again: it is no longer the oldest
    keep(first, 3)
    assert kept_of(first, 1, 2, 3) == [True, True, True]
    assert len(list(tmp_path.glob("maps-*.npy"))) == 4 and held(tmp_path) <= 4.5 * ONE


@pytest.mark.parametrize(("arrays", "worth_it"), [(2, True), (3, False)])
def test_a_set_of_maps_may_take_half_of_the_limit(arrays: int, worth_it: bool, tmp_path: Path) -> None:
    assert KeptMaps(4 * ONE * GB, ["network"], tmp_path).fits(arrays * ONE) is worth_it


def test_what_another_process_removes_at_the_last_moment_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, mark = KeptArrays(1, tmp_path), kept.mark_used
    keep(store, "photos")

    def lose(file: Path) -> None:
        mark(file)
        file.unlink(missing_ok=True)

    monkeypatch.setattr(kept, "mark_used", lose)
    np.testing.assert_array_equal(store.get(["photos"], lambda: array(2)), array(2))


def test_a_file_that_goes_while_room_is_made_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeptArrays(2.5 * ONE * GB, tmp_path)
    keep(store, 1, 2)
    lost, stat = min(tmp_path.glob("*.npy")), Path.stat

    def vanishing(file: Path, **how: Any) -> os.stat_result:
        if file == lost:
            file.unlink(missing_ok=True)
        return stat(file, **how)

    monkeypatch.setattr(Path, "stat", vanishing)
    keep(store, 3)
    assert not lost.exists() and len(list(tmp_path.glob("*.npy"))) == 2
