"""Every row, architecture and strategy that ships keeps the promises of a candidate."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import pytest

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.operations.checking import candidate as checking
from pipeline.operations.checking.candidate import check_candidate, subject_of
from pipeline.operations.checking.networks import eagerly
from pipeline.operations.checking.promises import check_promises
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import families
from pipeline.params.schema.rows import row_names
from pipeline.params.training.candidates import Candidate
from pipeline.stages import finetune, mlp

CLASSICAL = [name for name in row_names("classical.yaml") if load_classical(name).features != "pooled"]
SCRATCH = [
    Candidate(family, model=architecture)
    for family, row in families().items()
    if row.architectures
    for architecture in getattr(load_params(), row.architectures)
]
STRATEGIES = [
    Candidate("finetune", model=f"resnet50-{strategy}", backbone="resnet50", technique=strategy)
    for strategy in load_params().strategies
]
BACKBONES = [
    Candidate("finetune", model=f"{backbone}-frozen_layers", backbone=backbone, technique="frozen_layers")
    for backbone in row_names("backbones.yaml")
]


@pytest.fixture(autouse=True)
def untraced(checkout: Path) -> Iterator[None]:
    with eagerly():
        yield
    keras.utils.clear_session()
    gc.collect()


@pytest.mark.parametrize("model", CLASSICAL)
def test_every_row_of_classical_models(model: str, tmp_path: Path) -> None:
    assert_sound(Candidate("classical", model=model), tmp_path)


@pytest.mark.parametrize("candidate", SCRATCH, ids=lambda candidate: candidate.name)
def test_every_architecture(candidate: Candidate, tmp_path: Path) -> None:
    assert_sound(candidate, tmp_path)


@pytest.mark.parametrize("candidate", BACKBONES, ids=lambda candidate: candidate.name)
def test_every_backbone(candidate: Candidate, tmp_path: Path) -> None:
    assert_sound(candidate, tmp_path)


@pytest.mark.parametrize("candidate", STRATEGIES, ids=lambda candidate: candidate.technique)
def test_every_strategy(
    candidate: Candidate,
    tmp_path: Path,
    tiny_constructor: Callable[..., keras.Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a tiny network in place of ResNet50: what a strategy promises does not depend on the backbone."""
    tiny = {"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"], "smallest_input": 8}
    row = load_backbone("resnet50").model_copy(update=tiny)
    for module in (finetune, checking):
        monkeypatch.setattr(module, "load_backbone", lambda name: row)
    assert_sound(candidate, tmp_path)


def test_a_probe(tmp_path: Path) -> None:
    assert_sound(Candidate("classical", model="logistic-vgg16", backbone="vgg16"), tmp_path)


def test_a_network_is_asked_what_params_yaml_asks_of_its_kind(tmp_path: Path) -> None:
    params = load_params()
    table = params.data.model_copy(update={"target": "age", "task": "regression"})
    subject = subject_of(Candidate("mlp", model="lecture"), params.model_copy(update={"data": table}), tmp_path)
    assert (subject.examples.kind, subject.examples.task) == ("table", "regression")
    assert [finding.breach for finding in check_promises(subject, tmp_path) if finding.breach] == []


def test_the_command_prints_a_line_a_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--candidate", "classical-knn_table"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"kept    {promise}"
        for promise in ("loads in safe mode", "answers the same when loaded", "takes raw inputs", "repeats bit for bit")
    ]


def test_the_command_ends_with_1_where_a_promise_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8").replace("learning_rate: 1e-2", "learning_rate: 1e-60")
    Path("params.yaml").write_text(text, encoding="utf-8")
    assert main(["check", "--candidate", "mlp-lecture"]) == 1
    printed = capsys.readouterr().out
    assert "BROKEN  freezes what it says\n        phase 1 (all) says that it trains " in printed
    assert "where nothing moved" in printed


def test_a_candidate_that_cannot_be_built_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise ValueError("no such layer")

    monkeypatch.setattr(mlp, "plan_candidate", fail)
    assert main(["check", "--candidate", "mlp-lecture"]) == 1
    assert capsys.readouterr().out == "BROKEN  can be built\n        ValueError: no such layer\n"


def assert_sound(candidate: Candidate, folder: Path) -> None:
    found = {finding.promise: finding.breach for finding in check_candidate(candidate, load_params(), folder)}
    assert len(found) >= 4
    assert not any(found.values()), found
