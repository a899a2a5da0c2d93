"""An ONNX file answers as the model that it was made of, from the pixels, columns or windows of whoever loads it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.champions.answering import Served
from pipeline.datasets.store.columns import Column
from pipeline.models.archive import write_model
from pipeline.models.classical import fit_classical
from pipeline.models.features.layout import layout_of
from pipeline.models.features.photos import ReducedPixels
from pipeline.models.folds import CLASSES_OF_PHOTOS, Problem
from pipeline.models.networks.backbones import build_pooled
from pipeline.models.networks.cnn import Architecture, build_cnn
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.mlp import MlpArchitecture, build_mlp
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.models.networks.recurrent import RecurrentArchitecture, build_recurrent
from pipeline.models.networks.row_inputs import adapt
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.onnx_files.features import add_reduced_pixels
from pipeline.operations.exporting.onnx_files.files import load_onnx, write_onnx
from pipeline.operations.exporting.onnx_files.graph import Graph
from pipeline.operations.exporting.onnx_files.inputs import add_inputs
from pipeline.operations.exporting.originals import Original
from pipeline.params.schema.classical import ClassicalModel
from tests.operations.exporting.conftest import (
    COLUMNS,
    LAYOUT,
    ROWS,
    SERIES,
    WINDOW,
    WINDOWS,
    AsOriginal,
    fit,
    fitted,
    plain,
)
from tests.stages.conftest import ROW

SIDE = 16
PHOTOS = np.random.default_rng(3).integers(0, 256, (12, SIDE, SIDE, 3), dtype=np.uint8)
THREE = ["ash", "birch", "cedar"]
SIGNAL = np.nan_to_num(ROWS[:, 1])
CNN = Architecture.model_validate(
    {
        "blocks": [{"filters": 4, "kernel": 3}, {"filters": 4, "kernel": 3, "kind": "residual", "convolutions": 2}],
        **{"dense": 6, "activation": "relu", "pooling": "max", "dropout": 0.1, "epochs": 1, "learning_rate": 0.1},
    }
)
MLP = MlpArchitecture(hidden=[4, 3], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)


def cnn(file: Path, seed: int = 0, precision: str = "float32") -> Path:
    keras.utils.set_random_seed(seed)
    build_cnn(CNN, SIDE, head_for("multiclass", 3), precision).model.save(file)
    return file


def answers(original: Original, path: Path, inputs: np.ndarray, numbers: Any = np.float32) -> tuple[Any, Any]:
    write_onnx(original, path, {"classes": THREE}, numbers)
    return load_onnx(path, original.served)(inputs)


def differ_by(original: Original, path: Path, inputs: np.ndarray, numbers: Any = np.float32) -> float:
    """The largest difference; classes are the same throughout."""
    outputs, predicted = answers(original, path, inputs, numbers)
    expected = original.served.probabilities(inputs)
    if original.served.class_names:
        np.testing.assert_array_equal(predicted, original.served.decision.classes(expected))
    return float(np.abs(outputs - expected).max())


@pytest.mark.parametrize("name", ["logistic_table", "forest_table", "boosting_table", "svm_table", "knn_table"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classical_models_of_a_table(name: str, classes: int, as_original: AsOriginal, tmp_path: Path) -> None:
    labels = np.digitize(SIGNAL, [-0.5, 0.5][: classes - 1]).astype(np.int64)
    file = fitted(name, tmp_path / "model.skops", labels)
    original = as_original(file, class_names=THREE[:classes], columns=plain(COLUMNS))
    assert differ_by(original, tmp_path / "model.onnx", ROWS) < 1e-5


@pytest.mark.parametrize("name", ["ridge", "forest_regression", "boosting_regression", "svm_regression", "naive"])
def test_numbers_are_predicted_in_their_own_units(name: str, as_original: AsOriginal, tmp_path: Path) -> None:
    labels = SIGNAL * 30 + 200
    original = as_original(fitted(name, tmp_path / "model.skops", labels), columns=plain(COLUMNS))
    assert differ_by(original, tmp_path / "model.onnx", ROWS) < 1e-3


def test_in_float64_a_table_is_answered_to_the_last_bits(as_original: AsOriginal, tmp_path: Path) -> None:
    file = fitted("logistic_table", tmp_path / "model.skops", (SIGNAL > 0).astype(np.int64))
    original = as_original(file, class_names=THREE[:2], columns=plain(COLUMNS))
    assert differ_by(original, tmp_path / "model.onnx", ROWS, np.float64) < 1e-7


def test_a_category_of_very_many_becomes_its_mean_target(as_original: AsOriginal, tmp_path: Path) -> None:
    shops = [f"shop {number}" for number in range(300)]
    random = np.random.default_rng(4)
    inputs = np.column_stack([random.integers(0, 300, 400), random.normal(size=400)]).astype(np.float64)
    inputs[::17, 0] = np.nan
    layout = layout_of([shops, None], inputs)
    assert layout.many == (0,)
    labels = (np.nan_to_num(inputs[:, 0]) // 100 + (inputs[:, 1] > 1)).astype(np.int64) % 3
    file = fitted("logistic_table", tmp_path / "model.skops", labels, layout, inputs)
    original = as_original(file, class_names=THREE, columns=plain([Column("shop", shops), Column("x")]))
    unseen = np.array([[np.nan, 0.5], [299.0, 0.0]])
    assert differ_by(original, tmp_path / "model.onnx", np.concatenate([inputs, unseen])) < 1e-5


def test_columns_go_in_by_their_names_as_they_are_written(as_original: AsOriginal, tmp_path: Path) -> None:
    file = fitted("logistic_table", tmp_path / "model.skops", (SIGNAL > 0).astype(np.int64))
    original = as_original(file, class_names=THREE[:2], columns=plain(COLUMNS))
    write_onnx(original, tmp_path / "model.onnx", {"classes": THREE}, np.float64)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    asked = {
        "size": np.array([[50.0], [np.inf], [50.0]]),
        "income": np.array([[1.0], [-999.0], [1.0]]),
        "ward": np.array([["south"], ["nowhere"], [""]], dtype=object),
    }
    probabilities, _ = session.run(["probabilities", "predicted"], asked)
    learned = np.array([[50.0, 1.0, 2.0], [np.nan, np.nan, np.nan], [50.0, 1.0, np.nan]])
    np.testing.assert_allclose(probabilities, original.served.probabilities(learned), atol=1e-6)
    assert json.loads(session.get_modelmeta().custom_metadata_map["kiyas"]) == {"classes": THREE}


def test_columns_that_are_called_as_the_answers_are(as_original: AsOriginal, tmp_path: Path) -> None:
    names = [Column("predicted"), Column("probabilities"), COLUMNS[2]]
    file = fitted("logistic_table", tmp_path / "model.skops", (SIGNAL > 0).astype(np.int64))
    original = as_original(file, class_names=THREE[:2], columns=plain(names))
    assert differ_by(original, tmp_path / "model.onnx", ROWS) < 1e-5


@pytest.mark.parametrize(
    ("decision", "classes"),
    [({"threshold": 0.7}, 2), ({"costs": [[0.0, 9.0, 1.0], [1.0, 0.0, 1.0], [5.0, 1.0, 0.0]]}, 3)],
)
def test_the_rule_that_says_a_class_is_part_of_the_file(
    decision: dict[str, Any], classes: int, as_original: AsOriginal, tmp_path: Path
) -> None:
    labels = np.digitize(SIGNAL, [-0.5, 0.5][: classes - 1]).astype(np.int64)
    file = fitted("logistic_table", tmp_path / "model.skops", labels)
    original = as_original(file, class_names=THREE[:classes], columns=plain(COLUMNS), decision=decision)
    _, predicted = answers(original, tmp_path / "model.onnx", ROWS, np.float64)
    probabilities = original.served.probabilities(ROWS)
    np.testing.assert_array_equal(predicted, original.served.decision.classes(probabilities))
    assert (predicted != probabilities.argmax(axis=1)).any()


@pytest.mark.parametrize("size", [16, 24, 40, 96])
def test_photos_are_reduced_as_pillow_does_it(size: int) -> None:
    photos = np.random.default_rng(size).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    graph = Graph(np.float64)
    pixels = graph.cast(graph.input("pixels", np.uint8, ["N", size, size, 3]))
    graph.output(add_reduced_pixels(graph, pixels, size, 32), "features", np.float64, ["N", 32 * 32 * 3])
    session = onnxruntime.InferenceSession(graph.model({}).SerializeToString())
    (features,) = session.run(None, {"pixels": photos})
    apart = np.abs(features * 255 - ReducedPixels().transform(photos) * 255).round(3)
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3  # Pillow's shares have 22 bits


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_cnn_and_what_it_computes_in(precision: str, as_original: AsOriginal, tmp_path: Path) -> None:
    """A file computes in float32: it answers as the network does with bfloat16 taken out."""
    original = as_original(cnn(tmp_path / "model.keras", precision=precision), class_names=THREE, image_size=SIDE)
    assert original.is_rounded == (precision != "float32")
    outputs, _ = answers(original, tmp_path / "model.onnx", PHOTOS)
    assert np.abs(outputs - original.in_float32(PHOTOS)).max() < 1e-5
    apart = np.abs(outputs - original.served.probabilities(PHOTOS)).max()
    assert 1e-5 < apart < 0.1 if original.is_rounded else apart < 1e-5


def test_an_ensemble_is_one_file(as_original: AsOriginal, tmp_path: Path) -> None:
    row = ClassicalModel(features="pixels", estimator="LogisticRegression", settings={"max_iter": 50})
    labels = np.arange(len(PHOTOS)) % 3
    files = [
        cnn(tmp_path / "one.keras"),
        fit("two", row, tmp_path / "two.skops", PHOTOS, labels, CLASSES_OF_PHOTOS),
    ]
    original = as_original(*files, weights=(0.25, 0.75), class_names=THREE, image_size=SIDE)
    assert differ_by(original, tmp_path / "model.onnx", PHOTOS) < 1e-5


@pytest.mark.usefixtures("tiny_constructor")
@pytest.mark.parametrize("preprocessing", ["caffe", "tf", "torch"])
def test_a_classical_model_on_a_backbone_is_one_file(
    preprocessing: str, as_original: AsOriginal, tmp_path: Path
) -> None:
    backbone = ROW.model_copy(update={"preprocessing": preprocessing})
    weights = build_pooled(backbone, SIDE)[0].get_weights()
    pooled = PooledFeatures(backbone.model_dump(), weights, "mixed_bfloat16")
    row = ClassicalModel(features="pooled", estimator="LogisticRegression", settings={"max_iter": 50})
    model = fit_classical("probe", row, pooled.transform(PHOTOS), np.arange(12) % 3, 2, 0, extractor=pooled).model
    write_model(tmp_path / "model.skops", model)
    original = as_original(tmp_path / "model.skops", class_names=THREE, image_size=SIDE)
    assert original.is_rounded and not original.has_networks_only
    outputs, _ = answers(original, tmp_path / "model.onnx", PHOTOS)
    assert np.abs(outputs - original.in_float32(PHOTOS)).max() < 1e-5


def test_an_mlp_of_a_table_with_holes(as_original: AsOriginal, tmp_path: Path) -> None:
    model = build_mlp(MLP, LAYOUT, head_for("binary", 2)).model
    adapt(model, LAYOUT, ROWS, np.zeros((len(ROWS), 1)))
    model.save(tmp_path / "model.keras")
    original = as_original(tmp_path / "model.keras", class_names=THREE[:2], columns=plain(COLUMNS))
    assert differ_by(original, tmp_path / "model.onnx", ROWS) < 1e-5


def test_a_recurrent_network_of_a_series(as_original: AsOriginal, tmp_path: Path) -> None:
    original = recurrent("gru", as_original, tmp_path)
    assert differ_by(original, tmp_path / "model.onnx", WINDOWS) < 1e-4


def recurrent(cell: Any, as_original: AsOriginal, folder: Path) -> Original:
    shape = RecurrentArchitecture(cell=cell, units=[4, 3], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)
    layout = layout_of([None] * 5, WINDOWS)
    model = build_recurrent(shape, layout, head_for("regression", 0)).model
    adapt(model, layout, WINDOWS, WINDOWS[:, :1])
    model.save(folder / "model.keras")
    return as_original(folder / "model.keras", columns=plain(WINDOW), series=SERIES)


def test_what_onnx_cannot_say_is_named(as_original: AsOriginal, tmp_path: Path) -> None:
    row = ClassicalModel(features="hog_colour", estimator="LogisticRegression", settings={"max_iter": 50})
    file = fit("hog", row, tmp_path / "model.skops", PHOTOS, np.arange(12) % 3, CLASSES_OF_PHOTOS)
    original = as_original(file, class_names=THREE, image_size=SIDE)
    with pytest.raises(UnconvertibleError, match=r"its features \(hog_colour\) are computed by scikit-image"):
        write_onnx(original, tmp_path / "model.onnx", {}, np.float32)
    labels, problem = (SIGNAL > 0).astype(np.int64), Problem("binary", "table", LAYOUT)
    file = fit("none", ClassicalModel(features="none", estimator="DummyClassifier"), file, ROWS, labels, problem)
    original = as_original(file.rename(tmp_path / "other.skops"), class_names=THREE[:2], columns=plain(COLUMNS))
    with pytest.raises(UnconvertibleError, match="skl2onnx has no converter for DummyClassifier"):
        write_onnx(original, tmp_path / "model.onnx", {}, np.float32)


def test_what_the_runtime_does_not_compute_or_write_is_named(
    as_original: AsOriginal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the next way of computing is tried, and nobody sees a traceback."""
    file = fitted("logistic_table", tmp_path / "model.skops", (SIGNAL > 0).astype(np.int64))
    original = as_original(file, class_names=THREE[:2], columns=plain(COLUMNS))
    write_onnx(original, tmp_path / "model.onnx", {}, np.float64)
    answer = load_onnx(tmp_path / "model.onnx", replace(original.served, columns=COLUMNS[:2]))
    with pytest.raises(UnconvertibleError, match="onnxruntime does not compute it"):
        answer(ROWS)
    monkeypatch.setattr(onnx, "save_model", lambda *_: (_ for _ in ()).throw(ValueError("too large")))
    with pytest.raises(UnconvertibleError, match=r"onnx does not write it \(too large\)"):
        write_onnx(original, tmp_path / "model.onnx", {}, np.float64)


def test_a_day_is_no_word_for_what_is_missing(tmp_path: Path) -> None:
    """-999 stands for nothing in a text; as days since 1970 it is a date."""
    graph = Graph(np.float64)
    columns = [Column("day", time="%Y-%m-%d", missing=["-999"]), Column("income", missing=["-999"])]
    rows = add_inputs(graph, Served(lambda inputs: inputs, [], None, columns))
    graph.output(rows, "rows", np.float64, ["N", 2])
    onnx.save_model(graph.model({}), tmp_path / "model.onnx")
    given = {name: np.array([[-999.0]]) for name in ("day", "income")}
    (answers,) = onnxruntime.InferenceSession(str(tmp_path / "model.onnx")).run(["rows"], given)
    np.testing.assert_array_equal(answers, [[-999.0, np.nan]])
