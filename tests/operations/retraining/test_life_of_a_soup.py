"""A soup of weights as the champion, through the commands: promoted, asked, exported, gone back from, retrained."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import numpy as np
import pytest
from ruamel.yaml import YAML

from benchmarks.soups_on_runs import rows_of
from pipeline.__main__ import main
from pipeline.champions.current import load_champion
from pipeline.champions.versions import model_folder, read_champion
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.evaluation.answers.models import load_network, predictor
from pipeline.ground.files import read_json
from pipeline.stages import finetune
from pipeline.trials import evaluation_folder, model_path, read_trial
from tests.operations.retraining.life import CLASSES, Painter
from tests.operations.retraining.table_life import INCOMING, compare_all, in_checkout, log_entries, retrain_once, set_up
from tests.stages.conftest import ROW

if TYPE_CHECKING:
    import keras

OF, SOUP = "finetune-resnet50-short", "ensemble-soup-finetune-resnet50-short"
SIDE = 32  # as large as the smallest input of ResNet50
# Its loss is convex in the weights of a head: that of their mean lies below the mean of the seeds' losses.
PHASES = [{"train": "head", "epochs": 2, "learning_rate": 1e-3}]
NOT_MEASURED = {"robustness": {"examples": 0}, "explanations": {"examples": 0}, "mistakes": 0, "thumbnails": 2}


@pytest.fixture
def painter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_constructor: Callable[..., keras.Model]
) -> Iterator[Painter]:
    """A checkout that has compared a tiny network in place of ResNet50, fine-tuned with two seeds, and its soup."""
    drawn = Painter(faintness=30)
    set_up(tmp_path, {"path": "photos", "image_size": SIDE}, ["majority"])
    yaml, file = YAML(typ="safe"), tmp_path / "params.yaml"
    params = yaml.load(file)
    params["splits"]["validation_fraction"] = 0.4  # enough that both seeds validated on
    params["finetune"] = {"backbones": ["resnet50"], "strategies": ["short"]}
    params["strategies"]["short"] = {"phases": PHASES}
    params["training"]["precision"] = "float32"  # whatever the machine is made for
    params["evaluation"] |= NOT_MEASURED
    params["compare"]["ensembles"] = {"kinds": ["soup"], "soups": [OF]}
    yaml.dump(params, file)
    drawn.draw(tmp_path / "photos", 20)
    weights = tmp_path / "data/weights/resnet50.weights.h5"
    weights.parent.mkdir(parents=True)
    tiny_constructor(include_top=False).save_weights(weights)
    monkeypatch.setattr(finetune, "load_backbone", lambda _: ROW)
    with in_checkout(tmp_path):
        compare_all()
        yield drawn


def test_it_is_promoted_by_its_name_answers_and_is_retrained(
    painter: Painter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = rows_of("drawn")
    assert row["competes"] and row["soup"] == pytest.approx(
        read_json(evaluation_folder(SOUP) / "metrics.json")["mean"]["test_accuracy"], abs=1e-4
    )

    assert main(["promote", OF]) == 0, capsys.readouterr().err
    assert main(["promote", SOUP]) == 0, capsys.readouterr().err
    version = log_entries()[-1]["champion"]
    champion = read_champion(version)
    assert (champion.candidate, champion.family) == (SOUP, "ensemble")
    assert champion.ensemble["members"] == {OF: 1.0} and len(champion.ensemble["models"]) == 1

    files = painter.draw(tmp_path / "asked", 2)
    capsys.readouterr()
    assert main(["predict", "--json", *map(str, files)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["champion"]["candidate"] == SOUP and len(told["predictions"]) == len(files)
    photos, columns = load_prepared(TEST).images, [f"p_{name}" for name in CLASSES]
    expected = predictor(load_network(model_path(SOUP, 0, ".keras")))(photos)
    for served in (load_champion(), mlflow.pyfunc.load_model(str(model_folder(version)))):
        np.testing.assert_allclose(served.predict(np.asarray(photos))[columns], expected, atol=1e-5)

    assert main(["export", "--format", "onnx", "--to", "soup.onnx"]) == 0, capsys.readouterr().err
    assert Path("soup.onnx").is_file() and read_json(Path("soup.onnx.json"))["format"] == "onnx"

    assert main(["rollback"]) == 0 and read_champion(log_entries()[-1]["champion"]).candidate == OF
    assert main(["promote", str(version)]) == 0 and log_entries()[-1]["champion"] == version

    painter.draw(INCOMING, 10)
    before = read_trial(SOUP).fingerprint
    ended = retrain_once(capsys)
    assert ended.code in (0, 10, 20) and ended.summary["ending"] in ("kept", "promoted", "asked"), ended
    assert {OF, SOUP} <= set(log_entries()[-1]["numbers"]["shortlist"]), log_entries()[-1]
    assert read_trial(SOUP).fingerprint != before, "it is made anew of what was trained"
