"""evaluate-soup@{candidate}: the mean of the weights of a candidate's seeds, asked where nobody has learned."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.answers.models import load_network, predictor
from pipeline.evaluation.answers.predictions import write_predictions
from pipeline.ground.files import read_json
from pipeline.params.evaluation import Evaluation
from pipeline.params.schema.reading import ParamsError, read_section
from pipeline.params.upkeep.keep import Keep
from pipeline.stages import soup
from pipeline.stages.assembly.evaluating.trained_candidate import load_candidate
from pipeline.stages.assembly.soups.averaging import average_weights, whole_soup
from pipeline.trials import HISTORY_COLUMNS, Trial, evaluation_folder, model_path, read_trial, write_trial
from publishing.reference.files import files
from tests.evaluation.answers.networks import change, network
from tests.stages.conftest import in_a_checkout, prepare_colours, shrink_params

OF, SOUP = "finetune-tiny-full", "ensemble-soup-finetune-tiny-full"
SEEDS = [2, 5, 7]


def trained(seed: int) -> keras.Model:
    """The same up to its first block; what lies above has moved with each seed."""
    image = keras.Input((24, 24, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
    x = keras.layers.Conv2D(4, 3, name="conv1", kernel_initializer=keras.initializers.RandomNormal(seed=1))(x)
    x = keras.layers.ReLU(name="block1_out")(x)
    x = keras.layers.Conv2D(4, 3, name="conv2", kernel_initializer=keras.initializers.RandomNormal(seed=2))(x)
    x = keras.layers.BatchNormalization(name="bn2")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    head = keras.layers.Dense(
        3, activation="softmax", name="head", kernel_initializer=keras.initializers.RandomNormal(seed=3)
    )
    model = keras.Model(image, head(x))
    for layer in ("conv2", "head"):
        change(model, layer, by=0.1 * seed)
    return change(model, "bn2", by=0.05 * seed, weight=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("soup")
    with in_a_checkout(folder):
        shrink_params()
        prepare_colours(["fig", "kiwi", "lime"], development=40)
        for seed in SEEDS:
            path = model_path(OF, seed, ".keras")
            path.parent.mkdir(parents=True, exist_ok=True)
            trained(seed).save(path)
        write_of(SEEDS)
        keep, settings = read_section("keep", Keep), read_section("evaluation", Evaluation)
        development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
        candidate = load_candidate(read_trial(OF), settings, keep, development, 0)
        path = evaluation_folder(OF) / "predictions.parquet"
        path.parent.mkdir(parents=True)
        write_predictions(path, candidate.predict_splits(development, test))
        soup.run(OF)
    return folder


def write_of(seeds: list[int], family: str = "finetune", **parameters: Any) -> None:
    trial = Trial(
        candidate=OF,
        family=family,
        backbone="tiny",
        technique="full",
        task="multiclass",
        fingerprint="of the seeds",
        parameters={"blocks": ["block1_out", "pool"], "splits": {"validation_fraction": 0.2}, **parameters},
        parameter_counts={"total": 300, "trainable": 200},
        phases=[{"train": "top 1"}],
        seeds=[{"seed": seed} for seed in seeds],
    )
    write_trial(trial, pd.DataFrame(columns=HISTORY_COLUMNS), {})


@pytest.fixture
def here(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return evaluation_folder(SOUP)


def mean_of(seeds: tuple[int, ...]) -> keras.Model:
    """Averaged by hand, from the files."""
    networks = [load_network(model_path(OF, seed, ".keras")) for seed in seeds]
    mixed = trained(0)
    for layer in mixed.layers:
        arrays = zip(*(one.get_layer(layer.name).get_weights() for one in networks), strict=True)
        layer.set_weights([np.mean(of_seeds, axis=0) for of_seeds in arrays])
    return mixed


def asked(seeds: tuple[int, ...], inputs: np.ndarray) -> np.ndarray:
    return predictor(mean_of(seeds))(inputs)


def probabilities(rows: pd.DataFrame) -> np.ndarray:
    return rows.filter(regex=r"^p_\d+$").to_numpy()


def test_it_is_one_network_with_the_mean_of_the_weights_and_answers_as_that(here: Path) -> None:
    trial, test = read_trial(SOUP), load_prepared(TEST)
    saved = load_network(trial.model_file(SEEDS[0]))
    expected = mean_of(tuple(SEEDS))
    for layer in expected.layers:
        for weights, given in zip(layer.get_weights(), saved.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_allclose(given, weights, rtol=1e-6)
    told = pd.read_parquet(here / "predictions.parquet").query("split == 'test'")
    np.testing.assert_allclose(probabilities(told), asked(tuple(SEEDS), test.images), atol=1e-5)
    assert trial.parameters["soup"] == {"of": OF, "fingerprint": "of the seeds", "seeds": SEEDS}
    metrics = read_json(here / "metrics.json")
    assert metrics["seeds"][str(SEEDS[0])]["test_accuracy"] == (told["label"] == told["predicted"]).mean()
    assert metrics["size"]["parameters"] == 300
    assert read_json(here / "cost.json")["latency_ms_per_image"]["median"] > 0


def test_validation_examples_are_answered_by_what_has_not_learned_from_them(here: Path) -> None:
    development = load_prepared(DEVELOPMENT)
    splits = {seed: split_development(development, 0.2, seed) for seed in SEEDS}
    told = pd.read_parquet(here / "predictions.parquet")
    learnt = set().union(*(train.tolist() for train, _ in splits.values()))
    assert set(told.query("split == 'train'")["example"]) == set(development.example_ids[sorted(learnt)])
    own = pd.read_parquet(evaluation_folder(OF) / "predictions.parquet").query("split == 'val'")
    shared = 0
    for _, row in told.query("split == 'val'").iterrows():
        at = int(np.flatnonzero(development.example_ids == row["example"])[0])
        seeds = [seed for seed, (_, val) in splits.items() if at in val]
        if len(seeds) == 1:
            single = own[(own["seed"] == seeds[0]) & (own["example"] == row["example"])]
            expected = probabilities(single)[0]
        else:
            shared += 1
            pairs = [asked(pair, development.images[[at]])[0] for pair in combinations(seeds, 2)]
            expected = np.mean(pairs, axis=0)
        np.testing.assert_allclose(row.filter(regex=r"^p_\d+$").to_numpy(float), expected, atol=1e-5)
    assert shared > 5


def test_smaller_soups_answer_for_other_draws_of_seeds_and_for_the_judgement(here: Path) -> None:
    subsets, test = pd.read_parquet(here / "subsets.parquet"), load_prepared(TEST)
    (described,) = [file for file in files() if file.path == "evaluation/ensemble-soup-<candidate>/subsets.parquet"]
    assert list(dict.fromkeys(re.sub(r"^p_\d+$", "p_<n>", name) for name in subsets)) == list(described.keys)
    for pair in combinations(SEEDS, 2):
        told = subsets[(subsets["seeds"] == " ".join(map(str, pair))) & (subsets["split"] == "test")]
        assert told["example"].tolist() == test.example_ids.tolist()
        np.testing.assert_allclose(probabilities(told), asked(pair, test.images), atol=1e-5)
    development = load_prepared(DEVELOPMENT)
    both = [set(split_development(development, 0.2, seed)[1]) for seed in SEEDS[:2]]
    told = subsets[(subsets["seeds"] == f"{SEEDS[0]} {SEEDS[1]}") & (subsets["split"] == "val")]
    assert set(told["example"]) == set(development.example_ids[sorted(both[0] & both[1])])


def test_what_has_no_soup_is_refused(tmp_path: Path) -> None:
    with in_a_checkout(tmp_path):
        write_of(SEEDS[:1])
        with pytest.raises(ParamsError, match="a soup of one seed is that seed's network"):
            soup.run(OF)
        write_of(SEEDS, family="cnn")
        with pytest.raises(ParamsError, match="name a fine-tuned candidate"):
            soup.run(OF)
        write_of(SEEDS, strategy={"weights": "random"})
        with pytest.raises(ParamsError, match="its seeds begin at random weights"):
            soup.run(OF)


def test_its_fingerprint_knows_all_seeds(here: Path) -> None:
    of, made = read_trial(OF), read_trial(SOUP)
    assert soup._trial(of).fingerprint == made.fingerprint
    fewer = soup._trial(replace(of, seeds=of.seeds[:2]))
    assert fewer.seeds == made.seeds and fewer.fingerprint != made.fingerprint


def test_the_mean_of_equal_weights_is_equal_to_the_last_bit() -> None:
    first, second = network(0), network(1)
    mixed = whole_soup(first, average_weights([first, second, second]))
    for layer in first.layers[:-1]:
        pairs = zip(layer.get_weights(), mixed.get_layer(layer.name).get_weights(), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
    heads = [one.get_layer("head").get_weights()[0] for one in (first, second)]
    np.testing.assert_allclose(mixed.get_layer("head").get_weights()[0], (heads[0] + 2 * heads[1]) / 3, rtol=1e-6)
