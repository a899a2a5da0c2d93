"""A Keras file is judged by what it says, before any of its layers is built."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import keras
import pytest

from pipeline.models.backbone_files.archive import WEIGHTS, file_faults, layers_of, shape_faults, stored_parameters
from pipeline.models.backbone_files.safe_layers import unsafe_parts
from pipeline.params.schema.backbones import BackboneFile
from tests.own_backbone import FILE, NAME, ROW, own_network, put_file, rewritten

Description = dict[str, Any]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / FILE
    model = own_network()
    model.compile("adam", "categorical_crossentropy")  # as whoever trained it leaves it
    model.save(path)
    return path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults_with(change: Callable[[Description], Any], saved: Path, checkout: Path, without: str = "") -> list[str]:
    put_file(checkout, rewritten(saved, checkout / "changed.keras", change, without))
    return file_faults(NAME, BackboneFile.model_validate(ROW))


def layer(description: Description, name: str) -> Description:
    return next(one for one in layers_of(description) if one["name"] == name)


def as_class(**described: Any) -> Callable[[Description], None]:
    """One layer in the file becomes another class."""
    return lambda description: layer(description, "inside").update(described)


def with_config(name: str, **values: Any) -> Callable[[Description], None]:
    return lambda description: layer(description, name)["config"].update(values)


def test_a_file_as_keras_saves_it_has_no_fault(saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    row = BackboneFile.model_validate(ROW)
    assert file_faults(NAME, row) == []
    assert 0 < stored_parameters(row) < 20_000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (as_class(class_name="Lambda", config={"name": "inside"}), "'inside' is a Lambda layer, which carries code"),
        (as_class(class_name="__lambda__", module="builtins", config={"value": "x"}), "is a Lambda layer"),
        (
            as_class(class_name="Mine", module=None, registered_name="own>Mine"),
            "'inside' is a 'Mine' of somebody's own",
        ),
        (as_class(class_name="Conv2D", registered_name="own>Conv2D"), "is a 'Conv2D' of somebody's own"),
        (as_class(class_name="system", module="os"), "'inside' is a 'system', which is not among the layers"),
        (as_class(class_name="TFSMLayer"), "is a 'TFSMLayer', which is not among"),
        (as_class(class_name="TorchModuleWrapper"), "is a 'TorchModuleWrapper', which is not among"),
        (as_class(class_name="TextVectorization"), "is a 'TextVectorization', which is not among"),
        (as_class(class_name="get_file", module="keras.utils"), "is a 'get_file', which is not among"),
        (as_class(class_name="load_model", module="keras.saving"), "is a 'load_model', which is not among"),
        (as_class(class_name="Map", module="keras.src.ops.core"), "is a 'Map', which is not among"),
        (as_class(class_name="get", module="keras.initializers"), "is a 'get', which is not among"),
        (as_class(class_name=["Conv2D"]), "of somebody's own"),
        (as_class(class_name="RandomFlip"), "'inside' is a 'RandomFlip'; leave it out, and name it in training"),
        (as_class(class_name="x" * 500, module="m"), "…, which is not among"),
        (as_class(compile_config={"loss": "mse"}), "'inside' brings its own training along"),
        (
            with_config("inside", kernel_initializer={"class_name": "function", "config": "own"}),
            "is a 'function' of",
        ),
        (with_config("inside", data_format="channels_first"), "'inside' has its channels first"),
        (
            lambda description: {**description, "class_name": "MyNet", "module": "my"},
            "a model of a class of somebody's",
        ),
        (lambda description: {**description, "class_name": {}}, "a model of a class of somebody's own"),
        (lambda description: [description], "a model of a class of somebody's own"),
        (with_config("image", batch_shape=[None, None, None, 1]), "takes inputs of shape [None, None, None, 1]"),
        (with_config("image", batch_shape=[None, 48]), "photos have the shape [None, side, side, 3]"),
        (lambda description: layers_of(description)[0].update(class_name="Identity"), "has 0 inputs"),
        (as_class(class_name="Functional", module="keras"), "'inside' is a model inside the model"),
        (lambda description: {**description, "config": {}}, "has 0 inputs"),
    ],
)
def test_what_may_not_be_built_is_refused_in_one_sentence_with_its_key(
    change: Callable[[Description], Any], says: str, saved: Path, checkout: Path
) -> None:
    (fault,) = faults_with(change, saved, checkout)
    assert fault.startswith("pipeline/models/backbones.yaml: mine.file = 'mine.keras': ")
    assert says in fault
    assert "\n" not in fault and len(fault) < 400


def test_several_such_layers_are_counted(saved: Path, checkout: Path) -> None:
    def change(description: Description) -> None:
        for name in ("inside", "normed", "block1_out"):
            layer(description, name)["class_name"] = "Lambda"

    (fault,) = faults_with(change, saved, checkout)
    assert fault.endswith("(and 2 more such)")


def test_how_it_was_trained_is_not_read(saved: Path, checkout: Path) -> None:
    loss = {"module": "somebody.losses", "class_name": "Own", "config": {}, "registered_name": "own>Own"}
    assert faults_with(lambda description: {**description, "compile_config": {"loss": loss}}, saved, checkout) == []


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        (["block1_ot", "block2_out"], "mine.blocks = ['block1_ot', 'block2_out']: there is no layer 'block1_ot'"),
        (["block1_out", "nowhere"], "near it: "),
        (["block1_out", "block1_out"], "name each once, from the input up: block1_out"),
        (["inside", "block2_out"], "'inside' of mine.keras is no end of a block, since layers above it read from"),
        (["block1_out", "pooled"], "'pooled' of mine.keras pools already; the last block has to end before pooling"),
    ],
)
def test_an_end_of_a_block_has_to_be_a_layer_of_it(blocks: list[str], says: str, saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    (fault,) = file_faults(NAME, BackboneFile.model_validate(ROW | {"blocks": blocks}))
    assert says in fault


def test_two_layers_that_would_have_one_name_in_the_network_are_refused(saved: Path, checkout: Path) -> None:
    def rename(description: Description) -> None:
        layer(description, "inside")["name"] = "own_pool"

    (fault,) = faults_with(rename, saved, checkout)
    assert "layer 'pool' is called 'own_pool' beside the layers around a backbone, and mine.keras has such" in fault


def test_an_operation_is_no_end_of_a_block(saved: Path, checkout: Path) -> None:
    as_operation = {"module": "keras.src.ops.numpy", "class_name": "Add", "registered_name": "Add"}
    (fault,) = faults_with(lambda description: layer(description, "block1_out").update(as_operation), saved, checkout)
    assert "there is no layer 'block1_out'" in fault


def write_zip(path: Path, how: int = ZIP_STORED, **members: bytes | str) -> None:
    with ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda path: path.write_bytes(b""), "is no Keras file, or one that is cut off"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "is an HDF5 file under another name"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "is no Keras file, or one that is cut off"),
        (lambda path: write_zip(path, hello="world"), "is an archive, but none that Keras wrote"),
        (lambda path: write_zip(path, config__json="{", model__weights__h5=b""), "is no description of a model"),
        (
            lambda path: write_zip(path, config__json="[" * 99_999, model__weights__h5=b""),
            "is no description of a model",
        ),
        (
            lambda path: write_zip(path, how=ZIP_DEFLATED, config__json=bytes(2**20), model__weights__h5=b""),
            "would unpack to 1048576 bytes",
        ),
        (lambda path: (path.unlink(), path.mkdir()), "there is no such file in data/backbones"),
        (lambda path: path.unlink(), "there is no such file in data/backbones"),
    ],
)
def test_what_is_no_whole_archive_of_keras_is_refused(
    write: Callable[[Path], Any], says: str, saved: Path, checkout: Path
) -> None:
    write(put_file(checkout, saved))
    (fault,) = file_faults(NAME, BackboneFile.model_validate(ROW))
    assert says in fault


def test_a_file_without_weights_is_refused(saved: Path, checkout: Path) -> None:
    (fault,) = faults_with(lambda description: None, saved, checkout, without=WEIGHTS)
    assert f"lacks its weights ({WEIGHTS})" in fault


@pytest.mark.parametrize("extra", ["assets/vocabulary.txt", "model.weights.npz", "../../outside"])
def test_a_file_that_brings_more_along_is_refused(extra: str, saved: Path, checkout: Path) -> None:
    with ZipFile(put_file(checkout, saved), "a") as archive:
        archive.writestr(extra, "more")
    (fault,) = file_faults(NAME, BackboneFile.model_validate(ROW))
    assert f"holds '{extra}' beside layers and weights" in fault


def test_judging_a_file_imports_no_keras(saved: Path, checkout: Path) -> None:
    put_file(checkout, saved)
    code = (
        "import sys, json; from pipeline.models.backbone_files.archive import file_faults; "
        "from pipeline.params.schema.backbones import BackboneFile; "
        f"assert file_faults('mine', BackboneFile.model_validate(json.loads({json.dumps(json.dumps(ROW))}))) == []; "
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_convnext_passes_with_its_own_layers_and_chains_inside() -> None:
    from keras.src.applications.convnext import ConvNeXt

    model = ConvNeXt([1] * 4, [2] * 4, name="small", weights=None, include_top=False, input_shape=(32, 32, 3))
    description = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))  # as a file has it
    assert list(unsafe_parts(description)) == list(shape_faults(description)) == []
