"""`start` on own data: what is written can be run, what is seen is told, and what cannot be used changes nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.operations import check
from pipeline.operations.starting import params_file
from pipeline.operations.starting.proposal import check_proposal, cut_to_fit
from pipeline.params.schema.reading import read_yaml
from pipeline.params.training.search import Search
from tests.operations.starting.conftest import Rows, write_photo, write_table

PARAMS = Path("params.yaml")


@pytest.fixture
def start(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs it, and `check` on what it wrote; gives what it said."""

    def started(*options: str) -> str:
        status = main(["start", *options])
        said = capsys.readouterr()
        assert status == 0, said.err
        check.run()
        capsys.readouterr()
        return said.out

    return started


def test_on_the_default_data_it_proposes_what_params_yaml_has(start: Callable[..., str]) -> None:
    before = PARAMS.read_bytes()
    for options in ([], ["data/raw"]):
        assert "says all of this already, and stays as it is" in start(*options)
    assert PARAMS.read_bytes() == before and not list(Path().glob("params.before*"))


def test_photos_in_class_folders(start: Callable[..., str], photos: Callable[..., Path]) -> None:
    folder = photos({"Pear": 24, "Apple": 8}, side=100)
    (folder / "Pear/empty.png").write_bytes(b"")
    said = start("photos/")
    params = load_params()
    assert (params.data.fetch, params.data.path, params.data.image_size) == ([], "photos", 96)
    assert len(params.candidates()) == 23
    assert params.tuning.search == Search(settings=12, trainings=1.5)
    assert "for trying up to 12 settings of each network on validation data" in said
    assert "2 classes: Apple 8, Pear 24\n" in said
    assert "unbalanced: Pear has 3.0 times as many photos as Apple (24 and 8)" in said
    assert "left out 1: Pear/empty.png is empty" in said
    assert "photo size 96 (half of the photos have 100 pixels or more" in said
    assert "128 would cost about 1.8 times the time and disk, and only enlarges most" in said
    larger = r"with photos of 128×128 pixels \(--image-size 128\) about .+, and .+ of disk in place of "
    assert re.search(larger, said)
    assert "data.path: data/raw → photos" in said
    assert "compare.score: null → balanced_accuracy" in said
    PARAMS.write_text(
        re.sub(r"(?m)^  score: balanced_accuracy", "  score: log_loss", PARAMS.read_text("utf-8")), "utf-8"
    )
    said = start("photos/")
    assert load_params().compare.score == "log_loss" and "is proposed" not in said


def test_costs_stay_for_the_same_data_and_go_for_others_of_the_same_classes(
    start: Callable[..., str], photos: Callable[..., Path]
) -> None:
    photos({"Pear": 9, "Apple": 8})
    start("photos")
    costs = "  score: cost\n  costs: {Pear: {Apple: 50}, Apple: {Pear: 1}}"
    text = re.sub(r"(?m)^  costs:.*\n", "", PARAMS.read_text("utf-8"))
    PARAMS.write_text(re.sub(r"(?m)^  score:.*$", costs, text), "utf-8")
    start("photos", "--image-size", "64")
    compare = load_params().compare
    assert compare.score == "cost" and compare.costs == {"Pear": {"Apple": 50.0}, "Apple": {"Pear": 1.0}}
    photos({"Pear": 9, "Apple": 8}, root="others")
    start("others")
    assert (load_params().compare.score, load_params().compare.costs) == (None, {})


def test_photos_in_splits_and_packed(start: Callable[..., str], photos: Callable[..., Path]) -> None:
    photos({f"{split}/{name}": 8 for split in ("train", "test") for name in "ab"}, side=70)
    packed = shutil.make_archive("packed", "zip", "photos")
    said = start(packed)
    assert "found       photos, one sub-folder a class, in splits, in an archive: packed.zip\n" in said
    assert "16 to learn from, 16 to test on (the folder's own test split)" in said
    params = load_params()
    assert (params.data.path, params.data.image_size) == ("packed.zip", 64)
    assert params.finetune.backbones == ["vgg16", "resnet50"]  # InceptionV3 takes none so small
    assert "inceptionv3: not proposed, since it takes no photo smaller than 75 pixels" in said


@pytest.mark.parametrize("given", [["photos"], ["photos/list.csv"], ["photos", "--labels", "list.csv"]])
def test_photos_that_a_table_labels(start: Callable[..., str], labelled: Path, given: list[str]) -> None:
    said = start(*given, "--prefer", "accuracy")
    params = load_params()
    assert params.data.labels is not None and params.data.path == "photos"
    assert params.data.labels.model_dump() == {
        "file": "list.csv",
        "path": "file",
        "label": "kind",
        "split": None,
        "group": "patient",
    }
    assert params.compare.prefer == "accuracy"
    assert "column 'patient' seems to say whose a photo is (14 values for 42 photos): photos of one" in said


def test_a_group_or_a_table_that_only_seems_one_can_be_declined(start: Callable[..., str], labelled: Path) -> None:
    start("photos", "--group", "none")
    labels = load_params().data.labels
    assert labels is not None and labels.group is None


def test_a_table_of_numbers(start: Callable[..., str], houses: Path) -> None:
    said = start("houses.csv", "--target", "price")
    params = load_params()
    assert (params.data.target, params.data.task, params.data.time) == ("price", "regression", None)
    assert [candidate.name for candidate in params.candidates()][:2] == ["classical-mean", "classical-ridge"]
    assert (params.finetune.backbones, params.baseline.probes, params.cnn) == ([], [], [])
    assert "column 'id' is not learned from: it numbers the rows" in said


def test_a_table_of_classes_and_back_to_photos(start: Callable[..., str], houses: Path, photos: Any) -> None:
    said = start("houses.csv", "--target", "district")
    params = load_params()
    assert params.data.task == "classification" and params.baseline.models[0] == "majority"
    assert "2 classes: north 40, south 20" in said and "unbalanced" not in said
    photos({"a": 8, "b": 8}, side=100)
    start("photos")
    assert len(load_params().candidates()) == 23 and load_params().data.target is None


def test_a_series_is_known_by_a_column_that_orders_it(start: Callable[..., str], flights: Path) -> None:
    said = start("flights.csv", "--target", "passengers")
    params = load_params()
    assert (params.data.time, params.data.window, params.data.kind) == ("month", 6, "series")
    assert params.recurrent == ["lecture"] and params.baseline.models[0] == "naive"
    assert "column 'month' orders the rows, each once and mostly one month apart: it is taken for a series" in said
    start("flights.csv", "--target", "passengers", "--window", "3")
    assert load_params().data.window == 3


def test_nothing_of_an_earlier_table_is_left_and_what_somebody_added_stays(
    start: Callable[..., str], flights: Path, houses: Path, photos: Callable[..., Path]
) -> None:
    start("houses.csv", "--target", "price")
    start("flights.csv", "--target", "passengers")
    params = load_params()
    assert params.baseline.models == ["naive", "ridge", "forest_regression", "boosting_regression"]
    assert (params.mlp, params.recurrent) == (["lecture"], ["lecture"])
    text = PARAMS.read_text(encoding="utf-8")
    PARAMS.write_text(text.replace("boosting_regression]", "boosting_regression, forest_hog]"), encoding="utf-8")
    photos({"a": 8, "b": 8}, side=100)
    start("photos")
    assert load_params().baseline.models[-1] == "forest_hog"


def test_what_one_says_of_own_data_stays_said_when_it_is_named_again(start: Callable[..., str], flights: Path) -> None:
    start("flights.csv", "--target", "passengers", "--window", "4")
    start("--minutes", "1")
    assert load_params().data.window == 4
    assert len(load_params().candidates()) < 6


def test_a_size_of_photos_that_a_person_named_stays_and_one_that_start_chose_does_not(
    start: Callable[..., str], photos: Callable[..., Path]
) -> None:
    photos({"a": 8, "b": 8}, side=70)
    start("photos", "--image-size", "224")
    said = start("--minutes", "60")
    assert load_params().data.image_size == 224 and "photo size 224 (as params.yaml says; backbones were" in said
    shutil.rmtree(".kiyas")
    PARAMS.write_text(PARAMS.read_text(encoding="utf-8").replace("image_size: 224", "image_size: 80"), encoding="utf-8")
    start("photos")
    assert load_params().data.image_size == 80, "somebody wrote it"
    photos({"a": 8, "b": 8}, side=70, root="others")
    start("others")
    assert load_params().data.image_size == 64, "of other photos nobody has named one"
    photos({"a": 8, "b": 8}, side=100, root="others")
    start()
    assert load_params().data.image_size == 96


def test_minutes_choose_what_fits_and_the_rest_is_named(start: Callable[..., str], photos: Callable[..., Path]) -> None:
    photos({"a": 12, "b": 12}, side=100)
    said = start("photos", "--minutes", "3")
    params = load_params()
    assert 1 < len(params.candidates()) < 23 and "\nleft out    " in said
    start("photos", "--minutes", "600")  # its own proposal is no edit, and more time brings back what was left out
    assert len(load_params().candidates()) == 23


def test_what_the_minutes_leave_out_is_written_for_the_report(
    start: Callable[..., str], photos: Callable[..., Path]
) -> None:
    photos({"a": 12, "b": 12}, side=100)
    said = start("photos", "--minutes", "3")
    chosen = load_params()
    names, left_out = [candidate.name for candidate in chosen.candidates()], chosen.study.left_out
    assert "study.left_out: null → [" in said
    candidates = [name for name in left_out if "-" in name]
    assert len(candidates) == 23 - len(names) and not set(candidates) & set(names)
    shorter = cut_to_fit(read_yaml(PARAMS), minutes=2).params
    competing = {candidate.name for candidate in shorter.candidates()}
    assert competing < set(names) and set(shorter.study.left_out) == {*left_out, *names} - competing
    start("photos", "--minutes", "600")
    assert load_params().study.left_out == []


def test_what_params_yaml_names_can_be_cut_without_anything_being_added(checkout: Path) -> None:
    content = read_yaml(PARAMS)
    content["baseline"]["models"] = ["majority", "svm_hog"]
    proposal = cut_to_fit(content, minutes=15)
    names = {candidate.name for candidate in proposal.params.candidates()}
    assert "classical-svm_hog" in names and "classical-forest_pixels" not in names
    assert proposal.run.seconds <= 15 * 60
    assert proposal.choice is not None and proposal.choice.left_out
    assert proposal.choice.settings_left_out == ["seed 2"]
    assert proposal.params.study.left_out[-1] == "seed 2", "the report says it, too"


@pytest.mark.parametrize("minutes", [3, 900])
def test_a_data_size_study_and_a_soup_go_with_the_candidate_that_they_are_of(checkout: Path, minutes: float) -> None:
    content = read_yaml(PARAMS)
    studied = ["finetune-resnet50-feature_extractor"]
    content["study"] = {"candidates": studied, "fractions": [0.5]}
    content["compare"]["ensembles"] |= {"kinds": ["greedy", "soup"], "soups": studied}
    proposal = cut_to_fit(content, minutes)
    competes = studied[0] in {candidate.name for candidate in proposal.params.candidates()}
    assert competes == (minutes == 900)
    assert proposal.params.study.candidates == (studied if competes else [])
    ensembles = proposal.params.compare.ensembles
    assert ensembles.soups == (studied if competes else [])
    assert ensembles.kinds == (["greedy", "soup"] if competes else ["greedy"])
    check_proposal(proposal)


@pytest.mark.parametrize("command", [["start", "photos"], ["plan", "--minutes", "5", "--write", "--no-measuring"]])
def test_a_run_that_goes_on_keeps_the_parameters_that_it_began_with(
    photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    photos({"Pear": 24, "Apple": 8})
    before = PARAMS.read_bytes()
    monkeypatch.setattr(params_file, "what_runs", lambda checkout: "a run (process 42)")
    assert main(command) == 2
    assert "a run (process 42) is at work in this checkout, and params.yaml says" in capsys.readouterr().err
    assert PARAMS.read_bytes() == before


def test_questions_are_asked_on_a_terminal(
    start: Callable[..., str], houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["nothing", "4"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    said = start("houses.csv")
    assert load_params().data.target == "price"
    assert "Which column of houses.csv is to be predicted?" in said and "'nothing' is none of them." in said


def test_a_file_from_before_some_keys_gets_them(start: Callable[..., str], houses: Path) -> None:
    text = PARAMS.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("  group: ", "  search: "))]
    assert len(lines) == len(text.splitlines()) - 2
    PARAMS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    start(str(houses), "--target", "price")
    params = load_params()
    assert params.data.group is None and params.tuning.search is not None


@pytest.mark.parametrize("kept", [None, {"kinds": ["greedy"], "members": 3}])
def test_a_file_from_before_soups_gets_the_list_that_dvc_reads(
    start: Callable[..., str], houses: Path, kept: dict[str, Any] | None
) -> None:
    content = read_yaml(PARAMS)
    del content["compare"]["ensembles"]
    content["compare"] |= {"ensembles": kept} if kept else {}
    YAML(typ="safe").dump(content, PARAMS)
    start(str(houses), "--target", "price", "--replace")
    assert read_yaml(PARAMS)["compare"]["ensembles"] == (kept or {}) | {"soups": []}
    load_params()


def test_rows_of_one_person_stay_together_and_the_column_is_not_learned_from(start: Callable[..., str]) -> None:
    rows: list[list[object]] = [
        [f"p{row // 4}", f"s{row // 2}", (7 * row) % 61 / 3, "ab"[row % 2]] for row in range(60)
    ]
    write_table(Path("t.csv"), "patient,session,x,y", rows)
    said = start("t.csv")
    assert "'y' is taken for the column to predict, by its name" in said
    assert (load_params().data.group, load_params().data.drop) == ("patient", ["session"])
    assert "rows of one patient (15 values for 60 rows) stay on one side of every split" in said
    assert "column 'session' says whose a row is too" in said
    start("t.csv", "--group", "none")
    assert load_params().data.group is None


def test_whose_the_rows_of_an_earlier_table_were_is_not_asked_of_other_data(
    start: Callable[..., str], houses: Path, photos: Callable[..., Path]
) -> None:
    rows: list[list[object]] = [[f"p{row // 4}", f"v{row}", (7 * row) % 61 / 3, "ab"[row % 2]] for row in range(60)]
    write_table(Path("t.csv"), "patient,visit,x,y", rows)
    photos({"a": 8, "b": 8}, side=100)
    for other in (["houses.csv", "--target", "price"], ["photos"]):
        start("t.csv")
        text = PARAMS.read_text(encoding="utf-8")
        PARAMS.write_text(re.sub(r"^  key: null", "  key: visit", text, flags=re.MULTILINE), encoding="utf-8")
        assert (load_params().data.group, load_params().data.key) == ("patient", "visit")
        start("--replace", *other)
        assert (load_params().data.group, load_params().data.key) == (None, None)


@pytest.mark.parametrize("command", [["start", "photos"], ["plan", "--minutes", "5", "--no-measuring"]])
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("baseline", None, "baseline: is missing; add it"),
        ("study", None, "study: is missing; add it"),
        ("tuning", None, "tuning: is missing; add it"),
        ("seeds", 3, "seeds = 3: "),
    ],
)
def test_a_params_yaml_that_cannot_be_run_is_said_as_check_says_it(
    photos: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    key: str,
    value: object,
    said: str,
) -> None:
    photos({"Pear": 24, "Apple": 8})
    content = read_yaml(PARAMS)
    content.pop(key)
    YAML(typ="safe").dump(content if value is None else content | {key: value}, PARAMS)
    assert main([*command, *(["--replace"] if command[0] == "start" else [])]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"kiyas {command[0]}: params.yaml: {said}")
    assert not list(Path().glob("params.before*"))


def lay_out(name: str) -> None:
    """What the refusals below are about."""
    for place in ("empty", "only/Apple", "two"):
        Path(place).mkdir(parents=True, exist_ok=True)
    for number in range(8):
        write_photo(Path(f"only/Apple/{number}.png"), number)
    for table in ("two/a.csv", "two/b.csv", "t.csv"):
        write_table(Path(table), "x,kind,z", [[row * 1.37 % 5, "ab"[row % 2], row % 7] for row in range(40)])
    Path("notes.doc").write_text("no table")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["empty"], "empty: is empty; give a folder with one sub-folder of photos a class, or a table"),
        (["only"], "only: only one class with photos, 'Apple'; there is nothing to tell apart"),
        (["two"], "two: holds 2 tables and no photos; name the one to learn from, such as two/a.csv"),
        (["notes.doc"], "notes.doc: is neither a table"),
        (["t.csv"], "t.csv: say with --target which column is to be predicted: x, kind, z"),
        (["t.csv", "--target", "zz"], "t.csv: there is no column 'zz' to predict (--target); did you mean 'z'?"),
        (
            ["t.csv", "--target", "kind", "--minutes", "0.1"],
            "0.1 minutes are not enough: majority, the floor, takes about",
        ),
        (["only", "--labels", "nothing.csv"], "nothing.csv: there is no such table of labels (--labels)"),
        (["--target", "y"], "--target: is for own data, and params.yaml names the source groceries"),
        (["data"], "params.yaml: data.path = 'data': holds data/raw, which the pipeline empties"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_nothing_is_written(
    checkout: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    lay_out(options[0])
    if options == ["data"]:
        for number in range(16):
            write_photo(Path(f"data/{'ab'[number % 2]}/{number}.png"), number)
    before = PARAMS.read_bytes()
    assert main(["start", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"kiyas start: {said}")
    assert PARAMS.read_bytes() == before and not list(Path().glob("params.before*"))


def test_an_empty_answer_leaves_the_file_alone(
    checkout: Path, houses: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", ended)
    assert main(["start", "houses.csv"]) == 2
    assert "the question was left unanswered, so nothing was written" in capsys.readouterr().err


def aged(ages: list[object], column: str) -> None:
    """42 photos and a table that gives each a number."""
    for number in range(42):
        write_photo(Path(f"photos/img/{number}.png"), number)
    rows: Rows = [[f"img/{number}.png", age, f"p{number // 3}"] for number, age in enumerate(ages)]
    write_table(Path("photos/list.csv"), f"file,{column},patient", rows)


def test_photos_that_a_table_gives_numbers(start: Callable[..., str]) -> None:
    aged([f"{20 + number * 1.7:.1f}" for number in range(42)], "age")
    said = start("photos")
    params = load_params()
    assert params.data.labels is not None and (params.data.labels.label, params.data.labels.group) == ("age", "patient")
    assert params.data.task == "regression" and params.baseline.models[0] == "mean"
    assert params.baseline.probes == ["ridge_pooled"] and params.cnn == ["lecture"]
    assert params.finetune.backbones and params.finetune.strategies and params.compare.score is None
    assert "numbers in 'age'" in said
    assert "'age' is a column of numbers, so a number is predicted (--task classification would make it" in said
    assert "42 photos, numbers from 20 to 89.7, half of them 54.85 or more" in said
    start("photos", "--image-size", "64")
    assert load_params().data.task == "regression", "what params.yaml says of them stays"


@pytest.mark.parametrize(
    ("column", "options", "task"),
    [
        ("age", [], "regression"),
        ("class_id", [], "classification"),
        ("class_id", ["--task", "regression"], "regression"),
        ("age", ["--task", "classification"], "classification"),
    ],
)
def test_whole_numbers_that_may_be_classes_go_by_the_columns_name_and_the_option_decides(
    start: Callable[..., str], column: str, options: list[str], task: str
) -> None:
    aged([number % 7 if number % 7 < 5 else 20 + number % 3 for number in range(42)], column)
    said = start("photos", "--target", column, *options)
    assert load_params().data.task == task
    if not options:
        assert f"'{column}' has 8 different whole numbers (--task decides what they are)" in said


def test_a_few_whole_numbers_are_classes_and_that_is_said(start: Callable[..., str]) -> None:
    aged([number % 5 for number in range(42)], "leaves")
    said = start("photos", "--target", "leaves")
    assert load_params().data.task == "classification"
    assert "'leaves' has 5 different whole numbers (--task decides what they are)" in said


def test_whose_a_photo_is_is_no_label_while_another_column_may_be_one(start: Callable[..., str]) -> None:
    for number in range(42):
        write_photo(Path(f"photos/img/{number}.png"), number)
    rows: Rows = [[f"img/{number}.png", f"{20 + number * 1.7:.1f}", f"p{number // 6}"] for number in range(42)]
    write_table(Path("photos/list.csv"), "file,age,person", rows)
    start("photos")
    labels = load_params().data.labels
    assert labels is not None and (labels.label, labels.group) == ("age", "person")


def test_class_folders_say_no_number(photos: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    photos({"a": 8, "b": 8})
    before = PARAMS.read_bytes()
    assert main(["start", "photos", "--task", "regression"]) == 2
    assert "name the table of numbers with --labels" in capsys.readouterr().err
    assert PARAMS.read_bytes() == before
