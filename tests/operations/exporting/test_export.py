"""The command: a file appears only where it answers as the model, with what it is and what was measured beside it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions.answering import Served
from pipeline.champions.current import load_champion
from pipeline.champions.versions import Champion
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import TEST, write_prepared, write_table
from pipeline.ground.files import write_json
from pipeline.ground.paths import DATASET
from pipeline.operations import export
from pipeline.operations.exporting import formats
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.speed import on_one_core
from pipeline.operations.exporting.verification import expected_of
from pipeline.operations.exporting.writing import write_what_agrees
from pipeline.ownership import md5
from pipeline.trials import Trial, model_path, results_folder
from tests.documented import blocks
from tests.operations.conftest import COLOURS, SIDE, paint, save
from tests.operations.exporting.conftest import COLUMNS, LAYOUT, ROWS, AsOriginal, fitted, plain

MADE = Path("exports/champion-1.onnx")


@pytest.fixture
def sealed(champion: Champion) -> np.ndarray:
    """The sealed photos, prepared; version 1 is champion."""
    photos = np.stack([paint(colour, 500 + number, 90) for number in range(8) for colour in COLOURS])
    ids = [f"{number}.png" for number in range(len(photos))]
    write_prepared(TEST, photos, np.arange(len(photos)), np.arange(len(photos)) % 3, ids, list(COLOURS))
    return photos


def test_the_champion_becomes_a_file_that_answers_as_it_does(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--format", "onnx"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{MADE}: version 1, classical-colours, seed 0"
    assert told[1].endswith("apart on 24 test examples, none of which gets another class")
    assert "on one core, the original" in told[3] and told[4].endswith("the most probable class")
    assert told[6].startswith("  careful   so few test examples (below 30)")
    session = onnxruntime.InferenceSession(str(MADE))
    probabilities, predicted = session.run(["probabilities", "predicted"], {"pixels": sealed})
    expected = load_champion().probabilities(sealed)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(predicted, expected.argmax(axis=1))
    about = json.loads(Path(f"{MADE}.json").read_text(encoding="utf-8"))
    assert about["sha256"] == hashlib.sha256(MADE.read_bytes()).hexdigest()
    assert about["bytes"]["file"] == MADE.stat().st_size
    assert about["model"]["version"] == 1 and about["model"]["data"] == "data"
    assert (about["classes"], about["image_size"]) == (list(COLOURS), SIDE)
    assert about["inputs"][0]["shape"] == ["N", SIDE, SIDE, 3]
    assert about["inputs"][0]["white"] == 65535 and "transparency on white" in about["inputs"][0]["meaning"]
    assert about["verified"]["in_float32"]["examples"] == 24
    inside = json.loads(session.get_modelmeta().custom_metadata_map["kiyas"])
    assert inside == {key: about[key] for key in ("model", "classes", "image_size", "inputs", "outputs", "decision")}


def test_a_candidate_that_was_never_registered_is_exported_by_its_name(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its seeds the one with the lowest validation loss, as the model that a comparison would register."""
    name, seeds = "classical-own", [{"seed": 0, "val_loss": 0.9}, {"seed": 4, "val_loss": 0.2}]
    trial = Trial(name, "classical", None, None, "multiclass", "print", {}, {"total": 1, "trainable": 1}, [], seeds)
    write_json(results_folder(name) / "trial.json", asdict(trial))
    model_path(name, 4, ".skops").parent.mkdir()
    shutil.copy("champions/1/model/data/model/model.skops", model_path(name, 4, ".skops"))
    described = {"class_names": list(COLOURS), "image_size": SIDE, "task": "multiclass"}
    write_json(DATASET, {**described, "hashes": {"development": "d", "test": "t"}})
    assert main(["export", "--format", "onnx", name, "--to", "shop/own.onnx"]) == 0
    assert capsys.readouterr().out.startswith("shop/own.onnx: classical-own, seed 4\n")
    about = json.loads(Path("shop/own.onnx.json").read_text(encoding="utf-8"))
    assert (about["model"]["version"], about["model"]["seed"]) == (None, 4)
    assert main(["export", "--format", "onnx", name, "--to", "shop/own.onnx"]) == 0  # its own may be replaced
    monkeypatch.setenv("KIYAS_VERIFYING_KEY", "champion.pub")
    assert main(["export", "--format", "onnx", name]) == 1
    assert "classical-own: KIYAS_VERIFYING_KEY demands a signature" in capsys.readouterr().err


def test_a_candidate_of_examples_that_were_prepared_anew_since_is_not_exported(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its classes would be called as today's are."""
    described = results_folder("classical-own") / "trial.json"
    seeds = [{"seed": 0, "val_loss": 0.9}]
    trial = Trial("classical-own", "classical", None, None, "multiclass", "print", {}, {}, [], seeds)
    write_json(described, asdict(trial))
    write_json(DATASET, {"class_names": list(COLOURS), "image_size": SIDE, "task": "multiclass"})
    folder = "data/prepared/development"
    trained = {"deps": [{"path": folder, "md5": "then"}], "outs": [{"path": str(described), "md5": md5(described)}]}
    YAML(typ="safe").dump(
        {"stages": {"a": trained, "prepare": {"outs": [{"path": folder, "md5": "now"}]}}}, Path("dvc.lock")
    )
    assert main(["export", "--format", "onnx", "classical-own"]) == 1
    assert "classical-own learned from other examples than are prepared now; `dvc repro`" in capsys.readouterr().err


def test_a_file_that_says_other_classes_than_its_probabilities_is_not_written(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = formats.FORMATS["onnx"]

    def load(path: Path, served: Served) -> Answer:
        answer = right.load(path, served)
        return lambda inputs: (answer(inputs)[0], (answer(inputs)[1] + 1) % 3)

    monkeypatch.setitem(formats.FORMATS, "onnx", replace(right, load=load))
    assert main(["export", "--format", "onnx"]) == 1
    assert "of 24 test examples 24 get another class than the file's own" in capsys.readouterr().err


@pytest.mark.parametrize("before", [None, b"an earlier file"])
def test_a_file_that_answers_otherwise_is_not_written(
    before: bytes | None, sealed: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    MADE.parent.mkdir()
    if before:
        MADE.write_bytes(before)
    assert main(["export", "--format", "onnx", "--tolerance", "1e-30"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("kiyas export: version 1, classical-colours, seed 0: not exported: on 24 test examples a ")
    assert "more than --tolerance 1e-30 allows" in told and len(told.splitlines()) == 1
    left = {path.name: path.read_bytes() for path in MADE.parent.iterdir()}
    assert left == ({MADE.name: before} if before else {})


@pytest.mark.parametrize(("own", "content"), [("own.onnx", "a model"), ("own.onnx.json", '{"file": "list"}')])
def test_a_file_of_somebody_else_is_not_replaced(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str], own: str, content: str
) -> None:
    Path(own).write_text(content, encoding="utf-8")
    assert main(["export", "--format", "onnx", "--to", "own.onnx"]) == 1
    assert f"--to own.onnx: {own} is no export of this project" in capsys.readouterr().err
    assert Path(own).read_text(encoding="utf-8") == content


def test_a_file_appears_together_with_what_is_said_of_it(sealed: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "write_json", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        export.run(None, "onnx")
    assert not list(MADE.parent.iterdir())


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--to", "model.tflite"],
            "--to model.tflite: does not end with .onnx; name a file, such as exports/champion-1.onnx",
        ),
        (["--to", "exports"], "--to exports: is a folder; name a file, such as"),
        (["cnn-lecture"], "results/cnn-lecture: cnn-lecture is not trained here; `dvc repro` trains what"),
        (["2"], "'2' is not a version's number or a candidate's name (default: the champion). Known: 1, "),
        ([], "data/prepared/test/schema.json: there is no such file; make it with `dvc repro prepare`"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("exports").mkdir()
    assert main(["export", "--format", "onnx", *arguments]) == 1
    said = capsys.readouterr().err
    assert told in said and len(said.splitlines()) == 1
    assert not list(Path("exports").iterdir())


@pytest.mark.usefixtures("champion")
def test_without_the_extra_the_command_that_installs_it_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name.startswith("tf2") else object())
    assert main(["export", "--format", "onnx"]) == 1
    assert capsys.readouterr().err == (
        "kiyas export: --format: tf2onnx is not installed; `.venv/bin/python -m pip install -e '.[export]'` brings "
        "what exporting needs\n"
    )


def test_examples_of_another_kind_compare_nothing(champion: Champion, capsys: pytest.CaptureFixture[str]) -> None:
    photos = np.zeros((3, SIDE + 8, SIDE + 8, 3), np.uint8)
    write_prepared(TEST, photos, np.arange(3), np.arange(3), ["a", "b", "c"], list(COLOURS))
    assert main(["export", "--format", "onnx"]) == 1
    assert (
        "data/prepared/test: the examples prepared here are not of the kind that version 1" in capsys.readouterr().err
    )


def test_a_classical_model_computes_in_float64_where_onnxruntime_can(
    as_original: AsOriginal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trees cannot, and fall back to float32; the test rows are those of this table, with more categories."""
    monkeypatch.chdir(tmp_path)
    names = [*(COLUMNS[2].categories or []), "west"]
    frame = pd.DataFrame({"ward": [None if np.isnan(row[2]) else names[int(row[2])] for row in ROWS]})
    frame["size"], frame["income"] = ROWS[:, 0], ROWS[:, 1]
    columns = [Column("ward", names), Column("size"), Column("income")]
    labels = (np.nan_to_num(ROWS[:, 1]) > 0).astype(np.int64)
    write_table(TEST, "table", frame, columns, labels, np.arange(len(ROWS)).astype(str), ["no", "yes"], None)
    for name, apart in (("logistic_table", 1e-7), ("boosting_table", 1e-5)):
        file = fitted(name, tmp_path / f"{name}.skops", labels, LAYOUT)
        original = as_original(file, class_names=["no", "yes"], columns=plain(COLUMNS))
        inputs = expected_of(original).inputs
        np.testing.assert_array_equal(inputs[: len(ROWS)], ROWS)
        assert np.isnan(inputs[len(ROWS) :].diagonal()).all() and len(inputs) == len(ROWS) + len(COLUMNS)
        written = write_what_agrees(original, formats.FORMATS["onnx"], tmp_path / "model.onnx", {}, 1e-4)
        assert written.exact.largest < apart and written.exact.others == 0 and written.exact.examples == len(ROWS)


def test_all_threads_share_one_core_while_both_are_timed() -> None:
    before = os.sched_getaffinity(0)
    with on_one_core():
        threads = [int(name) for name in os.listdir("/proc/self/task")]
        assert {len(os.sched_getaffinity(thread)) for thread in threads} == {1}
    assert os.sched_getaffinity(0) == before


def test_the_example_of_the_documentation_answers_as_predict_does(
    sealed: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    save(Path("photo.png"), np.kron(sealed[4], np.ones((3, 5, 1), np.uint8)))
    assert main(["export", "--format", "onnx"]) == 0
    (block,) = [block for block in blocks("python") if block.page == "docs/how-to/export.md"]
    assert len([line for line in block.source.splitlines() if line]) <= 10
    capsys.readouterr()
    exec(compile(block.source, block.page, "exec"), {})
    name, probability = capsys.readouterr().out.split()
    assert main(["predict", "photo.png", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["predictions"]
    assert name == answer["predicted"] and float(probability) == pytest.approx(answer["probability"], abs=1e-5)
