"""growth@{candidate}-{fraction}: a candidate on a share of each seed's training examples, everything else alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.params.schema.reading import ParamsError
from pipeline.stages import evaluate, growth
from pipeline.trials import read_history, read_trial

SEEDS = [0, 4]
CNN = {"blocks": [{"filters": 2, "kernel": 3}], "dense": 4, "activation": "relu", "pooling": "max"}


@pytest.fixture
def studied(prepare: Callable[..., None]) -> None:
    """A study of one classical model and one small CNN."""
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["architectures"]["lecture"] = CNN | {"dropout": 0.0, "epochs": 2, "learning_rate": 1e-3}
    content["study"] = {"candidates": ["classical-logistic_hog", "cnn-lecture"], "fractions": [0.25, 0.5]}
    yaml.dump(content, Path("params.yaml"))
    prepare(["fig", "kiwi", "lime"])


@pytest.mark.parametrize("candidate", ["classical-logistic_hog", "cnn-lecture"])
def test_each_seed_learns_from_its_share_and_is_judged_on_the_same_examples(studied: None, candidate: str) -> None:
    growth.run(candidate, "0.25")
    evaluate.run(f"{candidate}-0.25")
    trial = read_trial(f"{candidate}-0.25")
    assert (trial.candidate, trial.parameters["training_share"]) == (f"{candidate}-0.25", 0.25)
    predictions = pd.read_parquet(f"evaluation/{candidate}-0.25/predictions.parquet")
    data, history = load_prepared(DEVELOPMENT), read_history(f"{candidate}-0.25")
    for seed in SEEDS:
        train, val = draw_validation(data.labels, 0.2, seed, share=0.25)
        assert (len(train), len(val)) == (12, 12)
        for split, rows in (("train", train), ("val", val)):
            found = predictions[(predictions["seed"] == seed) & (predictions["split"] == split)]
            assert found["example"].tolist() == data.example_ids[rows].tolist()
        seen = predictions.query("seed == @seed and split == 'train'")
        kept = history.query("seed == @seed").sort_values("val_loss").iloc[0]
        if candidate.startswith("classical"):  # a network's accuracy in an epoch is that of weights still moving
            assert (seen["label"] == seen["predicted"]).mean() == pytest.approx(kept["train_accuracy"])
        held_out = predictions.query("seed == @seed and split == 'val'")
        assert (held_out["label"] == held_out["predicted"]).mean() == pytest.approx(kept["val_accuracy"])


def test_a_share_is_another_trial_than_the_whole_and_than_another_share(studied: None) -> None:
    for fraction in ("0.25", "0.5"):
        growth.run("classical-logistic_hog", fraction)
    prints = [read_trial(f"classical-logistic_hog-{fraction}").fingerprint for fraction in ("0.25", "0.5")]
    assert prints[0] != prints[1]


def test_a_point_that_the_study_does_not_name_is_refused_with_those_that_it_names(studied: None) -> None:
    with pytest.raises(ParamsError, match=r"no cnn-lecture-0\.7; it has .*cnn-lecture-0\.5"):
        growth.run("cnn-lecture", "0.7")
