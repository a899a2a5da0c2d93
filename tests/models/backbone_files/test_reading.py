"""Layers and weights come out of a file as they stand in it, and nothing that the file says is run or read besides."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py
import keras
import numpy as np
import pytest

from pipeline.ground.files import DamagedFileError
from pipeline.models.backbone_files import reading
from pipeline.models.backbone_files.archive import WEIGHTS
from pipeline.models.backbone_files.reading import read_backbone_file
from pipeline.models.backbone_files.stored import read_stored, with_architecture, write_stored
from pipeline.params.schema.backbones import BackboneFile, ReadBackbone, load_backbone
from pipeline.params.schema.reading import ParamsError
from tests.own_backbone import BODY, FILE, NAME, ROW, own_network, put_file, rewritten


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / FILE
    own_network().save(path)
    return path


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(**changes: Any) -> tuple[ReadBackbone, dict[str, list[np.ndarray]]]:
    return read_backbone_file(NAME, BackboneFile.model_validate(ROW | changes))


def test_what_lies_above_the_last_block_is_left_off(saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    row, weights = read()
    assert list(weights) == ["pool", "normed", "inside", "block2_out"]
    assert sum(array.size for arrays in weights.values() for array in arrays) == BODY
    for name, arrays in weights.items():
        for array, expected in zip(arrays, own_network().get_layer(name).get_weights(), strict=True):
            assert np.array_equal(array, expected)
    names = [layer["name"] for layer in json.loads(row.architecture)["config"]["layers"]]
    assert names[-1] == "block2_out" and "head" not in names


def test_a_file_in_a_sub_folder_is_read(saved: Path, checkout: Path) -> None:
    file = checkout / "data/backbones/sub/net.keras"
    file.parent.mkdir(parents=True)
    shutil.copy(saved, file)
    row, weights = read(file="sub/net.keras")
    assert row.file == "sub/net.keras" and list(weights) == ["pool", "normed", "inside", "block2_out"]


def test_what_is_loaded_is_what_was_looked_at(saved: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, faults = put_file(checkout, saved), reading.file_faults

    def change_afterwards(*arguments: Any) -> list[str]:
        found = faults(*arguments)
        path.write_bytes(b"another")
        return found

    monkeypatch.setattr(reading, "file_faults", change_afterwards)
    assert list(read()[1]) == ["pool", "normed", "inside", "block2_out"]


def test_the_same_file_reads_the_same_whatever_was_built_before(saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    before = read()[0].architecture
    keras.Model(image := keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)(image))
    assert read()[0].architecture == before


def test_what_is_stored_comes_back_and_is_the_same_every_time(saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    row, weights = read()
    first, second = checkout / "one.weights.h5", checkout / "two.weights.h5"
    for path in (first, second):
        write_stored(path, row, weights)
    assert first.read_bytes() == second.read_bytes()
    assert with_architecture(BackboneFile.model_validate(ROW), first) == row
    for name, arrays in read_stored(first).items():
        assert all(np.array_equal(array, weights[name][number]) for number, array in enumerate(arrays))


def test_what_is_not_stored_yet_or_is_cut_off_is_told(checkout: Path) -> None:
    row = BackboneFile.model_validate(ROW)
    with pytest.raises(ParamsError, match=r"mine.weights.h5: there is no such file; make it with `dvc repro weights@"):
        with_architecture(row, checkout / "mine.weights.h5")
    (checkout / "mine.weights.h5").write_bytes(b"no")
    with pytest.raises(DamagedFileError, match=r"mine.weights.h5: is cut off or damaged"):
        with_architecture(row, checkout / "mine.weights.h5")
    stock = load_backbone("vgg16")
    assert with_architecture(stock, checkout / "nowhere") is stock


def test_a_chain_is_read_as_a_graph_is(checkout: Path) -> None:
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3), keras.layers.ReLU(name="a")]
    layers += [keras.layers.BatchNormalization(), keras.layers.Conv2D(2, 3, name="b"), keras.layers.ReLU()]
    (checkout / "data/backbones").mkdir(parents=True)
    keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()]).save(f"data/backbones/{FILE}")
    _, weights = read(blocks=["a", "b"])
    assert [len(arrays) for arrays in weights.values()] == [2, 4, 2]


def with_weights(source: Path, target: Path, change: Callable[[h5py.File], None]) -> None:
    """A copy whose HDF5 file of weights was changed."""
    inner = target.with_name(WEIGHTS)
    with ZipFile(source) as archive:
        archive.extract(WEIGHTS, inner.parent)
    with h5py.File(inner, "r+") as file:
        change(file)
    rewritten(source, target, lambda description: None, without=WEIGHTS)
    with ZipFile(target, "a") as archive:
        archive.write(inner, WEIGHTS)


def linked(link: Any) -> Callable[[h5py.File], None]:
    """The first kernel leads elsewhere."""

    def change(file: h5py.File) -> None:
        del file["layers/conv2d/vars/0"]
        file["layers/conv2d/vars/0"] = link

    return change


def stored_outside(file: h5py.File) -> None:
    """HDF5 would read the numbers out of another file of this machine."""
    kernel = file["layers/conv2d/vars/0"]
    shape, size = kernel.shape, kernel.size * 4
    del file["layers/conv2d/vars/0"]
    file["layers/conv2d/vars"].create_dataset("0", shape, "f4", external=[("/etc/passwd", 0, size)])


def removed(file: h5py.File) -> None:
    del file["layers/conv2d/vars/1"]


def reshaped(file: h5py.File) -> None:
    del file["layers/conv2d/vars/1"]
    file["layers/conv2d/vars/1"] = np.zeros(5, np.float32)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (linked(h5py.ExternalLink("/etc/passwd", "/")), "ExternalLink"),
        (linked(h5py.SoftLink("/layers/conv2d_1/vars/0")), "SoftLink"),
        (stored_outside, "external Dataset"),
        (removed, "'pool'"),
        (reshaped, "shape"),
    ],
)
def test_weights_that_are_not_those_of_the_layers_are_refused(
    change: Callable[[h5py.File], None], says: str, saved: Path, checkout: Path
) -> None:
    with_weights(saved, checkout / "changed.keras", change)
    put_file(checkout, checkout / "changed.keras")
    with pytest.raises(ParamsError, match=r"mine.file = 'mine.keras': Keras does not load it in safe mode") as error:
        read()
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_with_code_is_refused_before_keras_sees_it(
    saved: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("must not be loaded"))
    image = keras.Input((None, None, 3))
    outputs = keras.layers.Lambda(lambda x: x * 2, name="doubled")(keras.layers.Conv2D(2, 3, name="a")(image))
    (checkout / "data/backbones").mkdir(parents=True)
    keras.Model(image, outputs).save(f"data/backbones/{FILE}")
    with pytest.raises(ParamsError, match="layer 'doubled' is a Lambda layer, which carries code that is not run"):
        read(blocks=["a", "doubled"])


def test_an_end_that_is_called_twice_is_refused(checkout: Path) -> None:
    image, shared = keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1, name="shared")
    (checkout / "data/backbones").mkdir(parents=True)
    keras.Model(image, shared(keras.layers.ReLU(name="a")(shared(image)))).save(f"data/backbones/{FILE}")
    with pytest.raises(ParamsError, match="layer 'shared' is called 2 times, and so ends no block"):
        read(blocks=["a", "shared"])
