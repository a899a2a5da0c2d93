from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.cells.errors import TableError
from pipeline.ground.files import write_json
from pipeline.ground.paths import DATASET
from pipeline.operations import check
from pipeline.operations.planning.due import GraphState, State
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.reading import ParamsError
from pipeline.scores.score_for_task import ScoreError
from tests.tracking.simulated import small_params


def test_it_says_in_one_line_each_what_would_run(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_params()
    check.run()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    said = {line[0]: " ".join(line[1:]) for line in lines}
    assert said["params.yaml"] == "can be run"
    assert said["data"] == "groceries (fetched into data/raw), all photos, 96×96 pixels"
    assert said["candidates"] == "2, each with 2 seeds: 4 trials"
    assert (said["classical"], said["cnn"], said["finetune"]) == ("majority", "none", "resnet50-full")
    assert said["MLflow"] == "experiment kiyas"


def test_faulty_parameters_are_refused_before_anything_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(text.replace("image_size: 96", "image_size: huge"), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"data\.image_size"):
        check.run()
    assert capsys.readouterr().out == ""


def own_data(**data: object) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml"))
    content["data"] |= {"fetch": [], **data}
    content["baseline"] |= {"models": ["majority"], "probes": []}
    content["cnn"], content["finetune"]["backbones"] = [], []
    yaml.dump(content, Path("params.yaml"))


def test_classes_of_own_photos_are_told_with_their_counts(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("Pear", 8), ("Apple", 12), ("@eaDir", 1)):
        Path("photos", name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (30, 20)).save(Path("photos", name, f"{number}.png"))
    own_data(path="photos")
    check.run()
    said = capsys.readouterr().out
    assert "            2 classes: Apple 12, Pear 8\n" in said
    assert "\ntime        roughly " in said
    assert "\ndisk        at least 0.1 GB more, and at most 12 GB " in said


def test_a_home_folder_is_told_as_dvc_needs_it(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    own_data(path="~/photos")
    with pytest.raises(ParamsError, match=r"data\.path = '~/photos': DVC.*; write /home/me/photos$"):
        check.run()


def test_on_a_terminal_lines_are_wrapped_below_their_heads(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    check.run()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) < 80
    assert any(line.startswith(" " * 12 + "vgg16-") for line in lines)


def test_classes_and_columns_of_an_own_table_are_told(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{(17 * row) % 101 / 7:.3f},{'ab'[row % 2]}\n" for row in range(60))
    Path("own.csv").write_text(f"x,y\n{rows}")
    own_data(path="own.csv", target="y")
    check.run()
    assert "2 classes: a 30, b 30; 1 column: x\n" in capsys.readouterr().out


def test_own_data_from_which_nothing_can_be_learned_is_refused_before_anything_runs(checkout: Path) -> None:
    Path("own.csv").write_text("x,y\n1,a\n2,a\n")
    own_data(path="own.csv", target="y")
    with pytest.raises(TableError, match=r"own\.csv: data\.target = 'y': is always 'a'"):
        check.run()


def test_a_score_that_does_not_fit_and_costs_of_other_classes_are_refused_by_key(checkout: Path) -> None:
    for name in ("Pear", "Apple"):
        Path("photos", name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (30, 20), (number, 0, 0)).save(Path("photos", name, f"{number}.png"))
    own_data(path="photos")
    for compare, told in {
        "score: r2": r"params\.yaml: compare\.score = r2: does not fit, since classes are told apart; name one of",
        "score: cost": r"params\.yaml: compare\.costs: is empty, which the score cost needs",
        "{score: cost, costs: {Pear: {Plum: 1}, '*': {'*': 1}}}": r"compare\.costs: 'Plum' is no class of the data",
        "costs: {Pear: {Apple: -1}}": r"params\.yaml: compare\.costs\.Pear\.Apple = -1: .*greater than or equal to 0",
    }.items():
        yaml = YAML(typ="safe")
        before, content = Path("params.yaml").read_text(encoding="utf-8"), yaml.load(Path("params.yaml"))
        content["compare"] |= yaml.load(compare)
        yaml.dump(content, Path("params.yaml"))
        with pytest.raises(ParamsError, match=told):
            check.run()
        Path("params.yaml").write_text(before, encoding="utf-8")


def rank_by(**compare: object) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml"))
    content["compare"] |= compare
    yaml.dump(content, Path("params.yaml"))


def write_prepared_classes() -> None:
    """Two classes, of one of which there is no test example."""
    counts, sizes = {"test": {"Apple": 5, "Pear": 0}}, {"development": 40, "test": 5}
    dataset = {"task": "binary", "class_names": ["Apple", "Pear"], "counts": counts, "sizes": sizes}
    write_json(DATASET, dataset)


def say_of_prepare(monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    monkeypatch.setattr(check, "graph_state", lambda *_, **__: GraphState({"prepare": state}))


def test_classes_of_prepared_data_count_until_prepare_is_due(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_params()
    write_prepared_classes()
    rank_by(score="cost", costs={"Cat": {"*": 1}, "*": {"*": 2}})
    say_of_prepare(monkeypatch, "unchanged")
    with pytest.raises(ScoreError, match=r"compare\.costs: 'Cat' is no class of the data; name one of Apple, Pear"):
        check.run()
    say_of_prepare(monkeypatch, "changed")
    assert check.run() == 0


def write_photos(*names: str) -> None:
    for name in names:
        Path("photos", name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (30, 20), (number, 0, 0)).save(Path("photos", name, f"{number}.png"))


def test_a_class_that_own_photos_lack_in_test_is_told_where_the_score_needs_it(checkout: Path) -> None:
    write_photos("train/Pear", "train/Apple", "test/Pear")
    own_data(path="photos")
    assert check.run() == 0
    rank_by(score="auroc")
    with pytest.raises(ParamsError, match=r"compare\.score = auroc: no test example is of class 'Apple'"):
        check.run()
    Path("data/accepted/1").mkdir(parents=True)
    assert check.run() == 0, "some of what was accepted may be of it"


def test_of_an_own_archive_what_prepare_has_counted_is_told_while_it_holds(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos("Pear", "Apple")
    shutil.make_archive("fruit", "zip", "photos")
    own_data(path="fruit.zip")
    rank_by(score="auroc")
    assert check.run() == 0
    write_prepared_classes()
    say_of_prepare(monkeypatch, "unchanged")
    with pytest.raises(ScoreError, match="no test example is of class 'Pear'"):
        check.run()


def test_rows_that_scikit_learn_cannot_make_are_named_each_in_a_line(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_params()
    typing_error = load_classical("forest_pixels").model_copy(update={"settings": {"n_estimator": 200}})
    without = load_classical("svm_hog").model_copy(update={"calibrated": False})
    rows = {"forest_pixels": typing_error, "svm_hog": without}
    params = load_params()
    named = params.baseline.model_copy(update={"models": ["majority", *rows], "probes": []})
    monkeypatch.setattr(check, "load_params", lambda: params.model_copy(update={"baseline": named}))
    monkeypatch.setattr(check, "load_classical", lambda name: rows.get(name) or load_classical(name))
    with pytest.raises(ParamsError) as refusal:
        check.run()
    first, second = str(refusal.value).splitlines()
    assert "forest_pixels.settings.n_estimator = 200: RandomForestClassifier has no such argument" in first
    assert "svm_hog.estimator = 'SVC': has no probabilities of its own; add `calibrated: true`" in second


def test_a_share_of_a_study_that_is_too_small_for_a_model_of_numbers_is_refused(checkout: Path) -> None:
    Path("rents.csv").write_text("area,rent\n" + "".join(f"{i},{i * 10.5}\n" for i in range(1, 301)), encoding="utf-8")
    yaml = YAML(typ="safe")
    for fraction, fits in ((0.02, False), (0.3, True)):
        own_data(path="rents.csv", target="rent", task="regression")
        content = yaml.load(Path("params.yaml"))
        content["baseline"] |= {"models": ["mean", "ridge"]}
        content["study"] |= {"candidates": ["classical-ridge"], "fractions": [fraction]}
        yaml.dump(content, Path("params.yaml"))
        if fits:
            check.run()
            continue
        with pytest.raises(ParamsError, match=r"study.fractions: 0.02 of 1\d\d training rows is \d, and"):
            check.run()
