"""A name that nothing has is answered at once: which there are, and which was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.commands import names
from pipeline.commands.names import closest, has_network, refuse_unknown
from pipeline.commands.parsing import read_arguments
from pipeline.commands.table import commands
from pipeline.ground.files import write_json
from pipeline.ground.paths import VERDICT
from pipeline.params.schema.reading import ParamsError


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("svm_hog", "classical-svm_hog"),
        ("resnet50-ful", "finetune-resnet50-full"),
        ("finetune-resnet50-fulll", "finetune-resnet50-full"),
        ("nothing-like-it", None),
    ],
)
def test_a_candidate_is_recognised_without_its_family(word: str, meant: str | None) -> None:
    assert closest(word, ["classical-svm_hog", "cnn-lecture", "finetune-resnet50-full"]) == meant


def test_of_two_families_with_one_name_the_first_is_meant() -> None:
    assert closest("lecture", ["cnn-lecture", "mlp-lecture"]) == "cnn-lecture"


def test_an_unknown_name_is_refused_with_what_it_has_to_be_and_the_likeliest() -> None:
    refuse_unknown("--backbone", "vgg16", "a row of backbones.yaml", names.backbones())
    with pytest.raises(
        ParamsError, match=r"--backbone 'resnet5' is not a row of backbones.yaml; did you mean 'resnet5"
    ):
        refuse_unknown("--backbone", "resnet5", "a row of backbones.yaml", names.backbones())


def test_a_long_list_of_names_is_cut() -> None:
    known = [f"cnn-number_{number}" for number in range(100)]
    with pytest.raises(ParamsError, match=rf"Known: cnn-number_0, .*, cnn-number_{names.SHOWN - 1} and 76 more$"):
        refuse_unknown("--candidate", "forest", "a candidate's full name", known)


def test_what_competes_stands_first_then_what_could_and_what_is_trained(checkout: Path) -> None:
    trained = Path("results/cnn-of_last_week/trial.json")
    trained.parent.mkdir(parents=True)
    trained.write_text("{}", encoding="utf-8")
    known = names.candidates()
    assert known[0] == "classical-majority"
    competing, possible = known.index("finetune-resnet50-full"), known.index("finetune-resnet50-lp_ft")
    assert competing < possible < known.index("cnn-of_last_week")
    assert len(set(known)) == len(known)


def test_an_ensemble_of_the_comparison_can_be_promoted_by_name(checkout: Path) -> None:
    promote = commands()["promote"]
    with pytest.raises(ParamsError, match="'ensemble-greedy' is not a version's number or a candidate's name"):
        read_arguments(promote, ["ensemble-greedy"])
    write_json(VERDICT, {"ensembles": {"ensembles": [{"candidate": "ensemble-greedy"}]}})
    assert read_arguments(promote, ["ensemble-greedy"]) == {"version": "ensemble-greedy"}
    with pytest.raises(ParamsError, match="did you mean 'ensemble-greedy'"):
        read_arguments(promote, ["ensemble-gredy"])
    write_json(VERDICT, {"ensembles": None})
    assert names.compared_ensembles() == []


def test_a_model_belongs_to_the_command_that_can_train_it() -> None:
    assert "logistic" in names.probes()
    assert not set(names.probes()) & set(names.models())


@pytest.mark.parametrize(
    ("candidate", "network"),
    [
        ("classical-svm_hog", False),
        ("classical-svm_hog-0.1", False),
        ("classical-logistic-resnet50", True),
        ("classical-logistic-resnet50-0.25", True),
        ("cnn-lecture", True),
        ("finetune-resnet50-full", True),
    ],
)
def test_a_candidate_tells_by_its_name_whether_keras_is_needed(candidate: str, network: bool) -> None:
    assert has_network(candidate) == network
