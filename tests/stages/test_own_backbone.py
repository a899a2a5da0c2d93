"""A backbone of one's own goes through the stages as others do: file, weights, probe, fine-tuning, evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.ground.files import read_json
from pipeline.models.archive import read_model
from pipeline.params.schema.reading import ParamsError
from pipeline.stages import backbone, evaluate, finetune, probe, weights
from pipeline.training.kept.activations import FOLDER as KEPT
from pipeline.trials import evaluation_folder, model_path, read_trial
from tests.own_backbone import BODY, FILE, NAME, give_row, name_backbone, own_network, put_file
from tests.stages.conftest import SEEDS

IDENTITY = Path("data/.backbones", NAME)
WEIGHTS = Path("data/weights", f"{NAME}.weights.h5")
STRATEGY = {
    "phases": [{"train": train, "epochs": 1, "learning_rate": 1e-3} for train in ("head", "top 1")],
    "training": {"early_stopping": False},  # so that the last phase's weights are kept
}


@pytest.fixture
def own(small_checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    give_row(small_checkout, monkeypatch)
    own_network().save("net.keras")
    return put_file(small_checkout, Path("net.keras"))


def test_what_its_file_is_is_written_down_for_it_alone(own: Path) -> None:
    for name in (NAME, "vgg16"):
        backbone.run(name)
    before, stock = IDENTITY.read_text(encoding="utf-8"), IDENTITY.with_name("vgg16")
    assert before.startswith(f"{FILE} ") and len(before.split()[1]) == 64
    assert stock.read_text(encoding="utf-8") == "keras.applications.VGG16\n"
    own.with_name("another.keras").write_bytes(b"another")
    backbone.run(NAME)
    assert IDENTITY.read_text(encoding="utf-8") == before
    own.write_bytes(own.read_bytes() + b"changed")
    backbone.run(NAME)
    assert IDENTITY.read_text(encoding="utf-8") != before
    own.unlink()
    with pytest.raises(ParamsError, match=r"mine.file = 'mine.keras': there is no such file in data/backbones"):
        backbone.run(NAME)


def test_a_probe_and_fine_tuning_learn_from_it_and_need_the_file_no_more(
    own: Path, prepare: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(["fig", "kiwi", "lime"])
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    params["strategies"] = {"two_phases": STRATEGY}
    yaml.dump(params, Path("params.yaml"))
    name_backbone(Path(), ["two_phases"])
    weights.run(NAME)
    own.unlink()

    probe.run("logistic", NAME)
    kept = set(KEPT.glob("*.npy"))
    finetune.run(NAME, "two_phases")
    assert kept and kept < set(KEPT.glob("*.npy")), "the frozen backbone's features are computed once between them"

    classical = read_trial(f"classical-logistic-{NAME}")
    assert classical.parameter_counts["total"] == BODY + (6 + 1) * 3
    tuned = read_trial(f"finetune-{NAME}-two_phases")
    assert tuned.parameters["blocks"] == ["block1_out", "pool"]
    assert tuned.parameter_counts["total"] == BODY + (6 + 1) * 3

    original = own_network()
    for seed in SEEDS:
        network = keras.saving.load_model(model_path(tuned.candidate, seed, ".keras"), safe_mode=True)
        for name, moves in (("inside", False), ("block2_out", True)):
            pairs = zip(network.get_layer(name).get_weights(), original.get_layer(name).get_weights(), strict=True)
            assert moves != all(np.array_equal(now, then) for now, then in pairs)
    WEIGHTS.unlink()
    read_model(model_path(classical.candidate, SEEDS[0], ".skops"))
    evaluate.run(tuned.candidate)
    metrics = read_json(evaluation_folder(tuned.candidate) / "metrics.json")
    assert metrics["mean"]["test_accuracy"] > 0.2 and metrics["size"]["parameters"] == tuned.parameter_counts["total"]
