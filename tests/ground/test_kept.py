"""Arrays that are kept within a limit, sets of them as long as they are in use."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.ground import kept
from pipeline.ground.files import HOST
from pipeline.ground.kept import KeptArrays, facts_of_layers, hash_array

GB = 1e-9
ONE = 1000 * 4 + 128  # bytes of an array on disk, its header included


def array(value: float = 1.0) -> np.ndarray:
    return np.full(1000, value, np.float32)


def keep(store: KeptArrays, *keys: Any, prefix: str = "") -> None:
    for key in keys:
        made(store, f"{prefix}{key}")


def made(store: KeptArrays, key: str, value: float = 1.0) -> np.ndarray:
    """What is kept, or else this, in two pieces."""
    values = store.find_or_gather(key, 1000, lambda: (array(value)[rows] for rows in (slice(300), slice(300, None))))
    assert values is not None
    return values


def in_order(folder: Path) -> None:
    """Makes what is kept so far older than what comes, whatever the clock resolves."""
    long_ago = time.time() - 1000
    for number, file in enumerate(sorted(folder.rglob("*.npy"), key=lambda file: file.stat().st_mtime_ns)):
        os.utime(file, (long_ago + number, long_ago + number))


def held(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.npy"))


def are_found(store: KeptArrays, *keys: Any, prefix: str = "") -> list[bool]:
    """Of each key whether it was found; what was not is made."""

    def make() -> list[np.ndarray]:
        missing.append(True)
        return [array()]

    found = []
    for key in keys:
        missing: list[bool] = []
        store.find_or_gather(f"{prefix}{key}", 1000, make)
        found.append(not missing)
    return found


def test_an_array_is_found_again_under_its_key_alone(tmp_path: Path) -> None:
    np.testing.assert_array_equal(made(KeptArrays(tmp_path, 1), "a", 1), array(1))
    np.testing.assert_array_equal(made(KeptArrays(tmp_path, 1), "a", 2), array(1))
    np.testing.assert_array_equal(made(KeptArrays(tmp_path, 1), "b", 2), array(2))


def test_an_array_that_is_filled_on_disk_is_found_with_its_notes(tmp_path: Path) -> None:
    def fill(values: np.ndarray) -> dict[str, float]:
        values[:] = 3
        return {"seconds": 1.5}

    made = KeptArrays(tmp_path, 1).fill("a", (2, 4), np.float32, fill)
    found = KeptArrays(tmp_path, 1).find("a")
    assert found is not None and found.notes == made.notes == {"seconds": 1.5}
    np.testing.assert_array_equal(found.values, np.full((2, 4), 3))
    assert found.values.dtype == made.values.dtype == np.float32


def test_what_fails_while_it_is_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(values: np.ndarray) -> dict[str, float]:
        values[:] = 3
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        KeptArrays(tmp_path, 1).fill("a", (2, 4), np.float32, fail)
    assert not list(tmp_path.iterdir())


def test_of_what_exceeds_the_limit_no_more_than_the_first_piece_is_made(tmp_path: Path) -> None:
    store, pieces = KeptArrays(tmp_path, 0.5 * ONE * GB), iter([array()[:10], array()[10:]])
    assert store.find_or_gather("a", 1000, lambda: pieces) is None
    assert store.find("a") is None and len(list(pieces)) == 1


def test_nothing_is_kept_of_no_rows(tmp_path: Path) -> None:
    assert KeptArrays(tmp_path, 1.0).find_or_gather("a", 0, list) is None
    assert not list(tmp_path.iterdir())


def test_half_made_arrays_of_killed_processes_go_with_the_next_one_and_those_of_other_hosts_stay(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    (tmp_path / f".a.{HOST}-{ended.pid}.npy").touch()
    theirs, living = (tmp_path / f".a.{mark}.npy" for mark in (f"{HOST}2-{ended.pid}", f"{HOST}-{os.getppid()}"))
    for file in (theirs, living):
        file.touch()
    made(KeptArrays(tmp_path, 1.0), "b")
    assert set(tmp_path.iterdir()) == {theirs, living, tmp_path / "b.json", tmp_path / "b.npy"}


def test_notes_go_with_their_array(tmp_path: Path) -> None:
    store = KeptArrays(tmp_path, 1.5 * ONE * GB)
    for key in ("a", "b"):
        store.fill(key, (1000,), np.float32, lambda values: {"seconds": 1})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.json", "b.npy"]


def test_what_is_no_longer_used_gives_way_to_a_set_and_the_set_to_what_is_used_after_it(tmp_path: Path) -> None:
    store = KeptArrays(tmp_path, 4.5 * ONE * GB)
    keep(store, "of", "earlier", "weeks", "all")
    in_order(tmp_path)
    store.renew("maps-")
    keep(store, 1, 2, prefix="maps-")
    assert are_found(store, 1, 2, prefix="maps-") == [True, True], "the set does not push out its own beginning"
    in_order(tmp_path)
    keep(store, *range(4))
    assert are_found(store, 1, prefix="maps-") == [False] and held(tmp_path) <= 4.5 * ONE


def test_a_set_stays_while_other_arrays_are_made_beside_it(tmp_path: Path) -> None:
    store = KeptArrays(tmp_path, 8.5 * ONE * GB)
    keep(store, *range(8))
    for _ in range(2):
        in_order(tmp_path)
        store.renew("maps-")
        found = []
        for number in range(4):
            keep(store, f"photos {number}")
            found += are_found(store, number, prefix="maps-")
    assert found == [True] * 4 and held(tmp_path) <= 8.5 * ONE


def test_the_set_in_use_stays_and_another_goes(tmp_path: Path) -> None:
    store = KeptArrays(tmp_path, 4.5 * ONE * GB)
    keep(store, 1, 2, prefix="first-")
    in_order(tmp_path)
    keep(store, 1, 2, prefix="second-")
    in_order(tmp_path)
    store.renew("first-")  # used again: it is no longer the oldest
    keep(store, 3, prefix="first-")
    assert are_found(store, 1, 2, 3, prefix="first-") == [True, True, True]
    assert len(list(tmp_path.glob("*-*.npy"))) == 4 and held(tmp_path) <= 4.5 * ONE


def test_what_another_process_removes_at_the_last_moment_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, mark = KeptArrays(tmp_path, 1), kept.mark_used
    keep(store, "photos")

    def lose(file: Path) -> None:
        mark(file)
        file.unlink(missing_ok=True)

    monkeypatch.setattr(kept, "mark_used", lose)
    np.testing.assert_array_equal(made(store, "photos", 2), array(2))


def test_an_array_that_another_process_removes_stays_readable(tmp_path: Path) -> None:
    store = KeptArrays(tmp_path, 1)
    values = [made(store, "a"), store.fill("b", (1000,), np.float32, lambda empty: {}).values]
    for file in tmp_path.iterdir():
        file.unlink()
    for of_array, expected in zip(values, (array(), 0 * array()), strict=True):
        np.testing.assert_array_equal(of_array, expected)


def test_a_file_that_goes_while_room_is_made_is_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeptArrays(tmp_path, 2.5 * ONE * GB)
    keep(store, 1, 2)
    lost, stat = min(tmp_path.glob("*.npy")), Path.stat

    def vanishing(file: Path, **how: Any) -> os.stat_result:
        if file == lost:
            file.unlink(missing_ok=True)
        return stat(file, **how)

    monkeypatch.setattr(Path, "stat", vanishing)
    keep(store, 3)
    assert not lost.exists() and len(list(tmp_path.glob("*.npy"))) == 2


def test_arrays_are_told_apart_by_every_value_their_shape_and_their_kind() -> None:
    values = np.arange(3000 * 2, dtype=np.float32).reshape(3000, 2)
    changed = values.copy()
    changed[2999, 1] += 1
    others = [changed, values.reshape(2, 3000), values.astype(np.float64), values[:-1]]
    assert len({hash_array(array) for array in (values, *others)}) == 1 + len(others)
    assert hash_array(values) == hash_array(np.asfortranarray(values))


def test_layers_are_told_apart_by_weights_and_configuration_and_not_by_order_or_what_is_trained() -> None:
    layers = [keras.layers.Dense(2, name=name, kernel_initializer="ones") for name in ("a", "b")]
    for layer in layers:
        layer.build((None, 3))
    facts = facts_of_layers(layers)
    layers[0].trainable = False
    assert facts_of_layers(layers[::-1]) == facts
    layers[0].activation = keras.activations.relu
    assert facts_of_layers(layers) != facts
    layers[0].activation = keras.activations.linear
    layers[1].set_weights([weight + 1 for weight in layers[1].get_weights()])
    assert facts_of_layers(layers) != facts
