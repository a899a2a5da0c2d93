"""Every row of classical.yaml for tables, and the networks of rows: encoded inside, saved, loaded, asked with holes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from pipeline.models.archive import read_model, write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.models.estimators import tells_classes_apart
from pipeline.models.features.columns import RepeatLast, column_encoder
from pipeline.models.features.layout import Layout, layout_of
from pipeline.models.folds import Problem
from pipeline.models.networks.heads import head_for
from pipeline.models.networks.mlp import MlpArchitecture, build_mlp
from pipeline.models.networks.recurrent import RecurrentArchitecture, build_recurrent
from pipeline.models.networks.row_inputs import STANDARDISED, UNITS, adapt
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.rows import row_names

OF_ROWS = [name for name in row_names("classical.yaml") if {"table", "series"} & set(load_classical(name).kinds)]
MLP = MlpArchitecture(hidden=[4, 3], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)


def rows(count: int = 80) -> np.ndarray:
    """Two numbers and a category of three, each with holes."""
    random = np.random.default_rng(0)
    found = np.column_stack([random.normal(50, 7, count), random.normal(size=count), random.integers(0, 3, count)])
    for column in range(3):
        found[column::13, column] = np.nan
    return found


ROWS = rows()
LAYOUT = layout_of([None, None, ["a", "b", "c"]], ROWS)
SIGNAL = np.nan_to_num(ROWS[:, 1])


def test_a_layout_says_which_columns_are_what() -> None:
    assert Layout((0, 0, 3), (True, True, True)) == LAYOUT
    assert (LAYOUT.numbers, LAYOUT.categorical) == ([0, 1], [2])


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_saved_model_of_every_row_says_what_the_fitted_one_said(name: str, tmp_path: Path) -> None:
    row = load_classical(name)
    few = {"n_estimators": 5} if "Forest" in row.estimator else {"max_iter": 20} if "Boosting" in row.estimator else {}
    of_numbers = not tells_classes_apart(row.estimator, name)
    row = row.model_copy(update={"settings": row.settings | few, "grid": {k: v[:1] for k, v in row.grid.items()}})
    problem = Problem("regression" if of_numbers else "binary", "table", LAYOUT)
    labels = SIGNAL * 3 + 20 if of_numbers else (SIGNAL > 0).astype(np.int64)
    fitted = fit_classical(name, row, compute_features(row, ROWS), labels, 3, 0, problem)
    write_model(tmp_path / "model.skops", fitted.model)
    loaded = read_model(tmp_path / "model.skops")
    said = loaded.predict(ROWS)[:, None] if of_numbers else loaded.predict_proba(ROWS)
    np.testing.assert_allclose(said, fitted.outputs(compute_features(row, ROWS)))
    assert np.isfinite(said).all() and fitted.parameters >= 1


def test_folds_of_a_series_are_validated_on_what_comes_after() -> None:
    for train, val in Problem("regression", "series", LAYOUT).splitter(4, 0, SIGNAL).split(ROWS):
        assert train.max() < val.min()


def test_the_naive_forecast_repeats_the_last_value() -> None:
    model = RepeatLast().fit(ROWS, np.array([4.0, 8.0]))
    assert model.predict(np.array([[1.0, 2.0], [3.0, np.nan]])).tolist() == [2.0, 6.0]


def test_an_mlp_fills_holes_with_the_mean_and_codes_what_is_missing() -> None:
    model = build_mlp(MLP, LAYOUT, head_for("binary", 2)).model
    adapt(model, LAYOUT, ROWS, np.zeros((80, 1)))
    mean = np.nanmean(ROWS[:, 0])
    encoded = keras.Model(model.input, model.get_layer("encoded").output).predict_on_batch(
        np.array([[np.nan, 0, 1], [mean, 0, np.nan]], np.float32)
    )
    assert encoded.shape == (2, 2 + 2 + 4)  # numbers, flags of missing ones, three categories and one more
    np.testing.assert_allclose(encoded[:, 0], 0, atol=1e-5)
    assert encoded[:, 2].tolist() == [1, 0] and encoded[:, 4:].tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]


def standardised(column: np.ndarray, asked: float) -> tuple[np.ndarray, float]:
    """What an MLP makes of a column that it was adapted to, and of another number in it."""
    found = np.column_stack([column, np.arange(len(column))]).astype(np.float64)
    model = build_mlp(MLP, layout_of([None, None], found), head_for("binary", 2)).model
    adapt(model, layout_of([None, None], found), found, np.zeros((len(found), 1)))
    scaled = keras.Model(model.input, model.get_layer(STANDARDISED).output)
    answers = scaled.predict_on_batch(np.vstack([found, [asked, 0.0]]).astype(np.float32))[:, 0]
    return answers[:-1], float(answers[-1])


def test_a_column_that_is_constant_in_training_does_not_blow_up_what_differs_later() -> None:
    nearly = np.where(np.arange(80) % 2, 1.0, np.nextafter(1.0, 0.0))  # as sums of shares
    for column, asked in ((np.full(80, 0.1), 0.2), (nearly, 0.98)):
        _, later = standardised(column, asked)
        assert abs(later) < 1


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_columns_have_unit_variance_whatever_their_unit(unit: float) -> None:
    learned, _ = standardised(unit * np.random.default_rng(1).normal(size=80), 0.0)
    assert learned.std() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    ("task", "classes", "activation", "units"),
    [("multiclass", 3, "softmax", 3), ("binary", 2, "sigmoid", 1), ("regression", 0, "linear", 1)],
)
def test_heads_are_those_of_the_task(task: str, classes: int, activation: str, units: int) -> None:
    model = build_mlp(MLP, LAYOUT, head_for(task, classes)).model
    head = model.get_layer("head")
    assert (head.get_config()["activation"], head.units) == (activation, units)
    assert [layer.units for layer in model.layers if layer.name.startswith("dense")] == [4, 3]
    assert (UNITS in {layer.name for layer in model.layers}) == (task == "regression")


def test_a_network_of_numbers_answers_in_the_units_of_its_targets() -> None:
    model = build_mlp(MLP, LAYOUT, head_for("regression", 0)).model
    model.get_layer("head").set_weights([np.zeros((3, 1)), np.ones(1)])
    targets = np.array([[100.0], [300.0]])
    adapt(model, LAYOUT, ROWS, targets)
    np.testing.assert_allclose(model.predict_on_batch(ROWS[:2].astype(np.float32)), 300.0)


@pytest.mark.parametrize("cell", ["simple", "gru", "lstm"])
def test_a_recurrent_network_reads_the_window_step_by_step_and_loads_without_code(cell: str, tmp_path: Path) -> None:
    row = RecurrentArchitecture(cell=cell, units=[3, 2], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)
    windows = np.random.default_rng(1).normal(size=(10, 6))
    layout = layout_of([None] * 6, windows)
    model = build_recurrent(row, layout, head_for("regression", 0)).model
    adapt(model, layout, windows, windows[:, :1])
    assert model.get_layer("steps").output.shape == (None, 6, 1)
    assert model.get_layer(STANDARDISED).trainable is False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    inputs = windows.astype(np.float32)
    np.testing.assert_allclose(loaded.predict_on_batch(inputs), model.predict_on_batch(inputs), rtol=1e-6)
    assert [one.name for one in loaded.operations] == [one.name for one in model.operations]


def test_a_gap_in_a_series_is_told_beside_its_own_step_and_is_no_step_of_its_own(tmp_path: Path) -> None:
    row = RecurrentArchitecture(cell="simple", units=[2], activation="tanh", dropout=0.0, epochs=1, learning_rate=0.1)
    windows = np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32)
    windows[3, 2] = np.nan
    layout = layout_of([None] * 6, windows)
    model = build_recurrent(row, layout, head_for("regression", 0)).model
    adapt(model, layout, windows, np.nan_to_num(windows[:, :1]))
    told = next(one for one in model.operations if one.name == "steps")
    steps = keras.Model(model.input, told.output).predict_on_batch(windows)
    assert steps.shape == (10, 6, 2)
    known = np.delete(np.arange(6), 2)
    scaled = (windows[3, known] - np.nanmean(windows, axis=0)[known]) / np.nanstd(windows, axis=0)[known]
    np.testing.assert_allclose(steps[3, known, 0], scaled, atol=1e-4)
    assert steps[3, 2].tolist() == [0, 1], "a gap is the mean, and says that it is one"
    assert steps[..., 1].sum() == 1, "no other step says so"
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    np.testing.assert_allclose(loaded.predict_on_batch(windows), model.predict_on_batch(windows), rtol=1e-6)


def test_columns_of_many_categories_are_not_spread_out(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"c{number}" for number in range(300)]
    rows = np.zeros((400, 3))
    assert layout_of([names, None, ["a", "b"]], rows).many == (0,)
    assert layout_of([names[:255], None, ["a", "b"]], rows).many == ()
    monkeypatch.setattr("pipeline.models.features.layout.MOST_CELLS", 400 * 200)
    assert layout_of([names[:150], None, names[:100]], rows).many == (0,)


@pytest.mark.parametrize("has_classes", [True, False])
def test_many_categories_become_their_mean_target_and_what_is_new_the_mean_of_all(has_classes: bool) -> None:
    random = np.random.default_rng(0)
    category = random.integers(0, 300, 3000).astype(float)
    category[::50] = np.nan
    targets = (np.nan_to_num(category) % 2).astype(np.int64 if has_classes else np.float64)
    rows = np.column_stack([category, random.normal(size=3000)])
    encoder = column_encoder(layout_of([[str(number) for number in range(300)], None], rows), has_classes)
    encoded = encoder.fit_transform(rows, targets)
    assert encoded.shape == (3000, 2) and np.corrcoef(encoded[:, 1], targets)[0, 1] > 0.9
    new = encoder.transform(np.array([[5000.0, 0.0]]))
    assert new[0, 1] == pytest.approx(targets.mean())


def test_thousands_of_categories_take_little_memory_and_survive_storage(tmp_path: Path) -> None:
    """8,615 categories in 15,000 rows were 2.1 GB of ones and zeros."""
    random = np.random.default_rng(0)
    rows = np.column_stack([random.integers(0, 8615, 15_000).astype(float), random.normal(size=15_000)])
    layout = layout_of([[str(number) for number in range(8615)], None], rows)
    targets = random.integers(0, 3, 15_000)
    tracemalloc.start()
    pipeline = Pipeline([("columns", column_encoder(layout)), ("estimator", LogisticRegression())]).fit(rows, targets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    write_model(tmp_path / "model.skops", pipeline)
    stored = read_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(stored.predict_proba(rows[:50]), pipeline.predict_proba(rows[:50]))
