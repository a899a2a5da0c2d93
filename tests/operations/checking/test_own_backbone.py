"""`check` says what a backbone's own file turns out to be, and refuses one that may not be loaded before it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.configuration.own_data import ON_A_NODE
from pipeline.ground.paths import WEIGHTS
from pipeline.operations.checking.networks import eagerly
from pipeline.operations.planning.needs import weight_bytes
from pipeline.params.schema.reading import ParamsError
from tests.documented import blocks
from tests.own_backbone import BODY, FILE, NAME, ROW, give_row, name_backbone, own_network, put_file, rewritten

PAGE = "docs/how-to/own-backbone.md"
TECHNIQUES = ["feature_extractor", "frozen_layers", "full", "gradual_unfreezing"]
SIDE = 16


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    with eagerly():
        yield


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / FILE
    own_network().save(path)
    return path


@pytest.fixture
def own(checkout: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose only backbone is its own, with photos of few pixels."""
    give_row(checkout, monkeypatch)
    name_backbone(checkout, TECHNIQUES)
    yaml, path = YAML(typ="safe"), checkout / "params.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"))
    content["data"]["image_size"] = SIDE
    yaml.dump(content, path)
    return put_file(checkout, saved)


@pytest.mark.parametrize("candidate", [*(f"finetune-{NAME}-{one}" for one in TECHNIQUES), f"classical-logistic-{NAME}"])
def test_every_technique_and_a_probe_keep_their_promises_on_it(
    candidate: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--candidate", candidate]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"{FILE}: loads in safe mode, {BODY:,} parameters in 10 layers",
        "  block 1: ends with block1_out, 16×16×4, 276 parameters",
        "  block 2: ends with block2_out, 7×7×6, 222 parameters",
    ]
    assert lines[3].startswith("  photos of 16×16 pixels become 6 features; 2 of noise took ")
    assert len(lines) > 7 and all(line.startswith("kept    ") for line in lines[4:])


@pytest.mark.parametrize(
    ("command", "status"), [(["check"], 1), (["check", "--candidate", f"finetune-{NAME}-full"], 1), (["plan"], 2)]
)
def test_an_unsafe_file_is_one_sentence_before_anything_runs(
    command: list[str],
    status: int,
    own: Path,
    saved: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crafted(description: dict[str, Any]) -> None:
        description["config"]["layers"][1] |= {"class_name": "Lambda"}

    put_file(Path(), rewritten(saved, Path("crafted.keras"), crafted))
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("must not be loaded"))
    assert main(command) == status
    said = capsys.readouterr().err
    assert said.startswith(f"kiyas {command[0]}: pipeline/models/backbones.yaml: mine.file = 'mine.keras': layer ")
    assert "carries code that is not run; say it with Keras' own layers" in said
    assert said.count("\n") == 1


def test_the_how_to_can_be_typed_and_answers_as_it_shows(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python, row, answer, *_ = (block.source for block in blocks("python", "text") if block.page == PAGE)
    (command,) = (
        typed for block in blocks("sh") if block.page == PAGE for typed, _ in block.commands() if "check" in typed
    )
    exec(compile(python, PAGE, "exec"), {})
    ((name, values),) = YAML(typ="safe").load(row).items()
    give_row(checkout, monkeypatch, values, name)
    name_backbone(checkout, ["full"], name)
    (checkout / "data/backbones").mkdir(parents=True)
    Path(values["file"]).rename(checkout / "data/backbones" / values["file"])
    assert main(command.split()[3:]) == 0
    printed, shown = capsys.readouterr().out.splitlines(), answer.splitlines()
    cut = "; 2 of noise"  # behind it stand a time, and weights that are drawn anew
    assert [line.partition(cut)[0] for line in printed[: len(shown) - 1]] == [
        line.partition(cut)[0] for line in shown[:-1]
    ]


def not_finite() -> keras.Model:
    network = own_network()
    network.get_layer("inside").set_weights(
        [array * float("nan") for array in network.get_layer("inside").get_weights()]
    )
    return network


def with_flattened_end() -> keras.Model:
    image = keras.Input((40, 40, 3))
    flat = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, name="block1_out")(image))
    return keras.Model(image, keras.layers.Reshape((1, 1, 4), name="block2_out")(keras.layers.Dense(4)(flat)))


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (not_finite, "answers noise with numbers that are not finite; see that `preprocessing`"),
        (with_flattened_end, "do not fit photos of 16 pixels; set data.image_size to what it was made for"),
    ],
)
def test_what_only_building_shows_is_one_sentence_too(
    network: Callable[[], keras.Model], says: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network().save(own)
    assert main(["check", "--candidate", f"finetune-{NAME}-full"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("kiyas check: pipeline/models/backbones.yaml: ") and says in said
    assert said.count("\n") == 1


def test_a_node_of_a_cluster_need_not_have_the_file(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weight_bytes(NAME) > 4 * BODY
    own.unlink()
    monkeypatch.setenv(ON_A_NODE, "here")
    assert load_params().finetune.backbones == [NAME]
    assert weight_bytes(NAME) == 0


def test_once_its_weights_are_here_its_file_may_be_away(own: Path) -> None:
    own.unlink()
    with pytest.raises(ParamsError, match=r"mine\.file = 'mine\.keras': there is no such file"):
        load_params()
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    (WEIGHTS / f"{NAME}.weights.h5").write_bytes(b"weights")
    assert load_params().finetune.backbones == [NAME]
    own.write_bytes(b"another")
    with pytest.raises(ParamsError, match="no Keras file"):
        load_params()


def test_a_row_of_a_file_has_no_keys_of_keras_own(
    own: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give_row(checkout, monkeypatch, {**ROW, "constructor": "VGG16"})
    assert main(["check"]) == 1
    assert "mine.constructor: unknown key; remove it. Known here: file, preprocessing" in capsys.readouterr().err
