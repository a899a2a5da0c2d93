"""Every row, architecture and strategy that ships keeps the promises of a candidate."""

from __future__ import annotations

import gc
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import pytest

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.operations.checking import candidate as checking
from pipeline.operations.checking.candidate import check_candidate, subject_of
from pipeline.operations.checking.classical import ClassicalSubject
from pipeline.operations.checking.examples import CLASSES, COUNT, ENOUGH, VALIDATION, made_up_examples
from pipeline.operations.checking.networks import NetworkSubject, eagerly, trained_blocks
from pipeline.operations.checking.promises import Finding, check_promises
from pipeline.params.schema import rows
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.classical import ClassicalModel, load_classical
from pipeline.params.schema.families import families
from pipeline.params.schema.rows import row_names
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.stages import finetune, mlp
from pipeline.stages.assembly.training.network_plan import NetworkPlan
from pipeline.training.kept import activations
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.trainer import Trainer
from tests.documented import blocks

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
EACH_PART = ["head", "top 1", "block 1", "all"]
DEEPER = {"vgg19", "resnet101"}  # as vgg16 and resnet50, with more layers of the same kinds


@pytest.fixture(autouse=True)
def quick(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is traced, and no batch of kept activations is filled up to 64 for a few examples."""
    monkeypatch.setattr(activations, "BATCH", 8)
    with eagerly():
        yield


@pytest.fixture
def let_go() -> Iterator[None]:
    """Eleven backbones need not stay in memory until the last test of all."""
    yield
    keras.utils.clear_session()
    gc.collect()


@pytest.mark.parametrize("model", CLASSICAL)
def test_every_row_of_classical_models(model: str, tmp_path: Path) -> None:
    assert_sound(Candidate("classical", model=model), tmp_path)


def test_a_row_of_ones_own_is_proved_as_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "docs/how-to/competitors.md"
    (row,) = [block.source for block in blocks("text") if block.page == page and "estimator:" in block.source]
    folder = tmp_path / "rows"
    shutil.copytree(rows.ROWS_FOLDER, folder, ignore=shutil.ignore_patterns("*.py"))
    with (folder / "classical.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"\n{row}")
    monkeypatch.setattr(rows, "ROWS_FOLDER", folder)
    (shown,) = [commands for block in blocks("console") if block.page == page for commands in block.commands()]
    command, answer = shown
    assert main(shlex.split(command)[3:]) == 0
    assert capsys.readouterr().out.splitlines() == answer


@pytest.mark.parametrize(
    "row",
    [
        {"estimator": "HistGradientBoostingClassifier", "settings": {"early_stopping": True, "max_iter": 5}},
        {
            "estimator": "LogisticRegressionCV",
            "settings": {"cv": 5, "l1_ratios": (0.0,), "use_legacy_attributes": False},
        },
        {"estimator": "KNeighborsClassifier", "settings": {"algorithm": "brute"}, "grid": {"n_neighbors": [5, 20]}},
    ],
    ids=lambda row: row["estimator"],
)
def test_a_row_that_sets_examples_aside_or_asks_many_neighbours_is_sound(row: dict[str, Any], tmp_path: Path) -> None:
    model = ClassicalModel.model_validate({"features": "columns", **row})
    subject = ClassicalSubject("mine", model, made_up_examples("table", "classification", 32, ENOUGH))
    assert broken(check_promises(subject, tmp_path)) == {}


@pytest.mark.parametrize("candidate", SCRATCH, ids=lambda candidate: candidate.name)
def test_every_architecture(candidate: Candidate, tmp_path: Path) -> None:
    assert_sound(candidate, tmp_path)


@pytest.mark.usefixtures("let_go")
@pytest.mark.parametrize("backbone", sorted(DEEPER))
def test_every_part_of_a_deeper_backbone_is_trained_by_name(backbone: str) -> None:
    """The rest holds for it as for the other one of its family: no promise depends on how many layers there are."""
    row = load_backbone(backbone)
    assert_parts(build_finetuned(row, row.smallest_input, head_for("multiclass", len(CLASSES)), 0.2, None))


@pytest.mark.usefixtures("let_go")
@pytest.mark.parametrize("backbone", [name for name in row_names("backbones.yaml") if name not in DEEPER])
def test_every_backbone(backbone: str, tmp_path: Path) -> None:
    """Its uppermost block is trained above frozen ones, its lowest below them; what is kept changes no loss."""
    phases = [Phase(train=train, epochs=1, learning_rate=1e-4) for train in ("top 1", "block 1")]
    strategy = Strategy(phases=phases, layer_decay=2.6)
    subject, histories = checked_network(backbone, strategy, tmp_path), []
    trainer, run = subject.trainer, subject.trainer.run
    trainer.run = lambda *given, **named: histories.append(fit := run(*given, **named)) or fit  # type: ignore[method-assign]
    assert broken(check_promises(subject, tmp_path)) == {}
    assert_parts(subject.network)
    for phase, ready in zip(phases, trainer.phases, strict=True):
        layers = trained_layers(subject.network, phase.train)
        assert ready.trainable_parameters == sum(layer.count_params() for layer in layers)
    plain = without_store(trainer, strategy.model_copy(update={"phases": phases[:1]}), tmp_path).run(0, *subject.split)
    for key in ("train_loss", "val_loss"):
        assert histories[0].history[0][key] == pytest.approx(plain.history[0][key], rel=2e-3)


@pytest.fixture
def tiny_backbone(tiny_constructor: Callable[..., keras.Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of every backbone, where what is promised does not depend on which one it is."""
    tiny = {"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"], "smallest_input": 8}
    row = load_backbone("resnet50").model_copy(update=tiny)
    for module in (finetune, checking):
        monkeypatch.setattr(module, "load_backbone", lambda name: row)


@pytest.mark.usefixtures("tiny_backbone")
@pytest.mark.parametrize("candidate", STRATEGIES, ids=lambda candidate: candidate.technique)
def test_every_strategy(candidate: Candidate, tmp_path: Path) -> None:
    assert_sound(candidate, tmp_path)


@pytest.mark.usefixtures("tiny_backbone")
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


def checked_network(backbone: str, strategy: Strategy, folder: Path) -> NetworkSubject:
    """A backbone with random weights and a head, ready to be trained by the strategy."""
    row, head = load_backbone(backbone), head_for("multiclass", len(CLASSES))
    build = partial(build_finetuned, row, row.smallest_input, head, 0.2, None)
    candidate = Candidate("finetune", model=f"{backbone}-each_part", backbone=backbone, technique="each_part")
    plan = NetworkPlan(candidate, head, build, strategy, load_params().training, fingerprint="", parameters={})
    return NetworkSubject(plan, made_up_examples("images", "classification", row.smallest_input), folder / "kept")


def without_store(trainer: Trainer, strategy: Strategy, folder: Path) -> Trainer:
    """The same network, but every phase computes all of it."""
    examples, train_size = trainer.examples, COUNT - VALIDATION
    store = ActivationStore(examples.images, "noise", 0, folder / "none", trainer.settings.augmentation)
    plain = Trainer(trainer.network, examples, strategy, trainer.task, trainer.settings, store, train_size)
    plain.pretrained = trainer.pretrained  # the network has been trained meanwhile
    return plain


def assert_parts(network: Network) -> None:
    """Each part trains its own layers and no others."""
    for train in EACH_PART:
        network.freeze_all_but(train)
        trained = {id(layer) for layer in network.model.layers if layer.trainable_variables}
        assert trained == {id(layer) for layer in trained_layers(network, train) if layer.weights}


def trained_layers(network: Network, train: str) -> list[keras.Layer]:
    """Those of a phase whose weights learn; BatchNorm stays as it is."""
    blocks = [layer for block in trained_blocks(train, len(network.blocks)) for layer in network.blocks[block]]
    return [layer for layer in [*network.head, *blocks] if not isinstance(layer, keras.layers.BatchNormalization)]


def broken(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.promise: finding.breach for finding in findings if finding.breach}


def assert_sound(candidate: Candidate, folder: Path) -> None:
    findings = list(check_candidate(candidate, load_params(), folder))
    assert len(findings) >= 4
    assert broken(findings) == {}
