"""A LiteRT file answers as the network that it was made of, one example at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.champions import versions
from pipeline.champions.bundle import write_model_folder
from pipeline.champions.served.servable import Servable
from pipeline.champions.versions import Champion
from pipeline.datasets.store.prepared import TEST, write_prepared
from pipeline.ground.files import read_json
from pipeline.operations import export
from pipeline.operations.exporting.faults import UnconvertibleError
from pipeline.operations.exporting.litert_files import load_litert, write_litert
from pipeline.operations.exporting.originals import Original
from tests.operations.exporting.conftest import COLUMNS, ROWS, WINDOWS, AsOriginal, fitted, plain
from tests.operations.exporting.test_onnx_files import PHOTOS, SIDE, THREE, cnn, recurrent


def answers(original: Original, path: Path, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    write_litert(original, path)
    return load_litert(path, original.served)(inputs)


def test_networks_of_photos_with_their_mean_and_the_rule_for_a_class(as_original: AsOriginal, tmp_path: Path) -> None:
    files = [cnn(tmp_path / "one.keras", 1), cnn(tmp_path / "two.keras", 2)]
    costs = [[0.0, 9.0, 1.0], [1.0, 0.0, 1.0], [5.0, 1.0, 0.0]]
    original = as_original(*files, weights=(0.25, 0.75), class_names=THREE, image_size=SIDE, decision={"costs": costs})
    outputs, predicted = answers(original, tmp_path / "model.tflite", PHOTOS)
    expected = original.served.probabilities(PHOTOS)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_array_equal(predicted, original.served.decision.classes(expected))
    assert (predicted != expected.argmax(axis=1)).any()


def test_a_recurrent_network_needs_no_operators_beyond_the_builtin_ones(
    as_original: AsOriginal, tmp_path: Path
) -> None:
    original = recurrent("lstm", as_original, tmp_path)
    outputs, predicted = answers(original, tmp_path / "model.tflite", WINDOWS)
    np.testing.assert_allclose(outputs, original.served.probabilities(WINDOWS), atol=1e-4)
    np.testing.assert_array_equal(outputs[:, 0], predicted)


@pytest.mark.usefixtures("checkout")
def test_a_champion_that_is_a_network_becomes_a_file_for_phones(capsys: pytest.CaptureFixture[str]) -> None:
    def fill(folder: Path, version: int) -> Champion:
        write_model_folder(folder / "model", Servable(cnn(folder / "seed-0.keras"), "multiclass", THREE, SIDE))
        figures = {"test_accuracy": 1.0}
        identity = (version, "cnn-small", "cnn", 0, "print")
        return Champion(*identity, "multiclass", THREE, SIDE, "data", figures, [0.9, 1], "")

    versions.add_version(fill, "data")
    labels = np.arange(len(PHOTOS)) % 3
    write_prepared(TEST, PHOTOS, np.arange(len(PHOTOS)), labels, list(map(str, range(len(PHOTOS)))), THREE)
    export.run(None, "litert")
    assert "exports/champion-1.tflite: version 1, cnn-small, seed 0" in capsys.readouterr().out
    about = read_json(Path("exports/champion-1.tflite.json"))
    assert about["verified"]["in_float32"]["largest"] < 1e-4 and about["model"]["family"] == "cnn"


def test_a_classical_model_is_no_network(as_original: AsOriginal, tmp_path: Path) -> None:
    file = fitted("logistic_table", tmp_path / "model.skops", (ROWS[:, 0] > 50).astype(np.int64))
    original = as_original(file, class_names=THREE[:2], columns=plain(COLUMNS))
    with pytest.raises(UnconvertibleError, match="LiteRT holds networks only; `--format onnx`"):
        write_litert(original, tmp_path / "model.tflite")


def test_a_file_that_litert_does_not_read_is_named(as_original: AsOriginal, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"no model")
    file = fitted("logistic_table", tmp_path / "model.skops", (ROWS[:, 0] > 50).astype(np.int64))
    served = as_original(file, class_names=THREE[:2], columns=plain(COLUMNS)).served
    with pytest.raises(UnconvertibleError, match="LiteRT does not read it"):
        load_litert(tmp_path / "model.tflite", served)
