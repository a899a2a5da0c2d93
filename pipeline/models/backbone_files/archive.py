"""A .keras file as what it is, a zip archive with a description in JSON: what is wrong with it, before Keras sees it.

data/backbones/NAME.keras
    config.json         layers, and the way through them
    model.weights.h5    their weights
    metadata.json       Keras' version and the date
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from pipeline.models.backbone_files.layer_names import colliding, layer_name
from pipeline.models.backbone_files.safe_layers import HUB, MODELS, OPERATIONS, unsafe_parts
from pipeline.params.schema.backbones import BackboneFile
from pipeline.params.schema.reading import ParamsError

FOLDER = Path("data/backbones")
ROWS = "pipeline/models/backbones.yaml"
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
SKOPS_CONFIG = "schema.json"
MEMBERS = {CONFIG, WEIGHTS, METADATA}
LONGEST_CONFIG = 16 * 2**20  # bytes; a ResNet152's has a third of a million
MOST_EXPANSION = 100  # times what is stored; Keras stores without compression
POOLINGS = {"GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "Flatten"}
HDF5 = b"\x89HDF\r\n"
RGB = 3
FLOAT = 4  # bytes


def file_faults(name: str, row: BackboneFile, copy: Path | None = None, side: int | None = None) -> list[str]:
    """What stands against the use of a backbone's file, each with the key of its row and what to do; no layer is built.

    Args:
        name: of the row.
        copy: of its file, which is looked at instead.
        side: pixels of the photos, where they are known.
    """
    path = copy or FOLDER / row.file
    said = f"{ROWS}: {name}.file = {row.file!r}"
    try:
        description = read_description(path)
        unsafe = list(unsafe_parts(description))
    except ParamsError as error:
        return [f"{said}: {error}"]
    except RecursionError:
        return [f"{said}: its description is deeper than any network's; save the model again"]
    if unsafe:
        more = f" (and {len(unsafe) - 1} more such)" if len(unsafe) > 1 else ""
        return [f"{said}: {unsafe[0]}{more}"]
    if faults := list(shape_faults(description)):
        return [f"{said}: {faults[0]}"]
    if side is not None and (fault := size_fault(description, side)):
        return [f"{said}: {fault}"]
    return [f"{ROWS}: {name}.blocks = {row.blocks}: {fault}" for fault in _block_faults(row, description)]


def read_description(path: Path) -> dict[str, Any]:
    """config.json of a .keras file, less how it was trained.

    Raises:
        ParamsError: it is not such a file, lacks a part, or has one too many; what is wrong and what to do.
    """
    if not path.is_file():
        raise ParamsError(f"there is no such file in {FOLDER}; put it there (`dvc pull {path}` where DVC keeps it)")
    try:
        with ZipFile(path) as archive:
            _refuse_odd_members(archive)
            description = json.loads(archive.read(CONFIG))
    except ParamsError:
        raise
    except (ValueError, RecursionError) as error:
        raise ParamsError(f"{CONFIG} inside it is no description of a model; save the model again") from error
    except (BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ParamsError(f"is {_what(path)}; save the model with `model.save('NAME.keras')`") from error
    if not isinstance(description, dict) or str(description.get("class_name")) not in MODELS:
        raise ParamsError(
            "holds a model of a class of somebody's own, whose code is not run; build it as keras.Model(inputs, "
            "outputs) or keras.Sequential, and save that"
        )
    return {key: value for key, value in description.items() if key != "compile_config"}


def layers_of(description: dict[str, Any]) -> list[dict[str, Any]]:
    """The descriptions of a model's layers, in its own order; what is none is left out."""
    config = description.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    return [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []


def layer_names(description: dict[str, Any]) -> list[str]:
    """The names of the layers, in the file's own order; operations that are no layers cannot end a block."""
    layers = [layer for layer in layers_of(description) if layer.get("module") not in OPERATIONS]
    names = [layer.get("name") or _config_of(layer).get("name") for layer in layers]
    return [name for name in names if isinstance(name, str)]


def input_shape(description: dict[str, Any]) -> list[Any]:
    """What a model's first input takes, the batch included; empty where the description does not say."""
    inputs = [layer for layer in layers_of(description) if layer.get("class_name") == "InputLayer"]
    shape = _config_of(inputs[0]).get("batch_shape") if inputs else None
    return list(shape) if isinstance(shape, list) else []


def size_fault(description: dict[str, Any], side: int) -> str | None:
    """Why a network takes no photos of a size: layers of keras-hub are built at any, and fail with the first photo."""
    saved = input_shape(description)[1:3]
    if f'"{HUB}.src.' not in json.dumps(description) or saved == [side, side]:
        return None
    return (
        f"its layers of keras-hub take photos of {saved} pixels, not of {side}; set data.image_size to that, or make "
        "the file with the image_shape of the photos"
    )


def stored_parameters(row: BackboneFile) -> int:
    """About how many numbers a file's weights are, by their size; 0 where there is no such file.

    For plans: what is left off above the last block is counted too.
    """
    try:
        with ZipFile(FOLDER / row.file) as archive:
            return archive.getinfo(WEIGHTS).file_size // FLOAT
    except (OSError, BadZipFile, KeyError):
        return 0


def checksums(row: BackboneFile) -> dict[str, int]:
    """Of the parts of a file, as its archive has them; none where there is no such file."""
    try:
        with ZipFile(FOLDER / row.file) as archive:
            return {member.filename: member.CRC for member in archive.infolist()}
    except (OSError, BadZipFile):
        return {}


def needs_hub(path: Path) -> bool:
    """Whether a saved model, .keras or .skops, loads only where keras-hub is. A damaged one is told elsewhere."""
    named = CONFIG if path.suffix == ".keras" else SKOPS_CONFIG
    try:
        with ZipFile(path) as archive:
            return f"{HUB}.src.".encode() in archive.read(named)
    except (BadZipFile, KeyError):
        return False


def _refuse_odd_members(archive: ZipFile) -> None:
    members = {member.filename: member for member in archive.infolist()}
    if CONFIG not in members:
        raise ParamsError("is an archive, but none that Keras wrote; save the model with `model.save('NAME.keras')`")
    if WEIGHTS not in members:
        raise ParamsError(f"lacks its weights ({WEIGHTS}); save the whole model, not its description alone")
    if extra := sorted(members.keys() - MEMBERS):
        raise ParamsError(f"holds {extra[0]!r} beside layers and weights, which no backbone needs; save it without")
    for member in members.values():
        if member.file_size > MOST_EXPANSION * max(member.compress_size, 1):
            raise ParamsError(f"{member.filename} would unpack to {member.file_size} bytes; save the model anew")
    if members[CONFIG].file_size > LONGEST_CONFIG:
        raise ParamsError(f"{CONFIG} has {members[CONFIG].file_size} bytes, as no network needs; save the model anew")


def _what(path: Path) -> str:
    """What a file is that is no archive."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(HDF5))
    except OSError as error:
        return f"not readable ({error.strerror})"
    if head == HDF5:
        return "an HDF5 file under another name, which is not checked for code"
    return "no Keras file, or one that is cut off"


def shape_faults(description: dict[str, Any]) -> Iterator[str]:
    """What one image in and a flat graph exclude."""
    layers = layers_of(description)
    inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
    if len(inputs) != 1:
        yield f"has {len(inputs)} inputs; save a model with one, keras.Input((None, None, 3)), which takes the photos"
        return
    shape = input_shape(description)
    if len(shape) != 4 or shape[-1] != RGB:
        yield f"takes inputs of shape {shape}; photos have the shape [None, side, side, {RGB}], RGB with channels last"
    for layer in layers:
        inner = [part.get("class_name") for part in layers_of(layer)]
        if layer.get("class_name") == "Functional" or "BatchNormalization" in inner or MODELS & set(map(str, inner)):
            yield (
                f"layer {_config_of(layer).get('name')!r} is a model inside the model, whose layers cannot be frozen "
                f"one by one; save that one by itself: `model.get_layer({_config_of(layer).get('name')!r}).save(…)`"
            )


def _block_faults(row: BackboneFile, description: dict[str, Any]) -> Iterator[str]:
    names = layer_names(description)
    for end in row.blocks:
        if end not in names:
            close = difflib.get_close_matches(end, names, n=3) or names[-3:]
            yield f"there is no layer {end!r} in {row.file}; near it: {', '.join(close)}"
            return
    if taken := colliding(names):
        yield (
            f"layer {taken!r} is called {layer_name(taken)!r} beside the layers around a backbone, and {row.file} has "
            "such a layer too; save the model with another name for one of them"
        )
    faults = [*_order_faults(row, names), *_call_faults(row, description)]
    yield from faults or _graph_faults(row, description)


def _order_faults(row: BackboneFile, names: list[str]) -> Iterator[str]:
    places = [names.index(end) for end in row.blocks]
    if places != sorted(set(places)):
        yield f"name each once, from the input up: {', '.join(sorted(set(row.blocks), key=names.index))}"


def _call_faults(row: BackboneFile, description: dict[str, Any]) -> Iterator[str]:
    calls = {str(layer.get("name")): layer.get("inbound_nodes") for layer in layers_of(description)}
    for end in row.blocks:
        if isinstance(called := calls.get(end), list) and len(called) > 1:
            yield f"layer {end!r} is called {len(called)} times, and so ends no block; name a layer that is called once"


def _graph_faults(row: BackboneFile, description: dict[str, Any]) -> Iterator[str]:
    layers = {str(layer.get("name")): layer for layer in layers_of(description)}
    reads = {name: list(_read_by(layer.get("inbound_nodes"))) for name, layer in layers.items()}
    top = row.blocks[-1]
    for end in row.blocks[:-1]:
        if _reaches_the_input(top, end, reads):
            yield (
                f"{end!r} of {row.file} is no end of a block, since layers above it read from below it; name a layer "
                "that all the rest goes through, such as the sum after a shortcut"
            )
            return
    last = layers.get(top, {})
    if last.get("class_name") in POOLINGS and not _config_of(last).get("keepdims"):
        yield f"{top!r} of {row.file} pools already; the last block has to end before pooling, with maps or tokens"


def _read_by(call: Any) -> Iterator[str]:
    """The names of the layers whose outputs a call takes, as `inbound_nodes` nests them."""
    if isinstance(call, dict) and isinstance(history := call.get("keras_history"), list) and history:
        yield str(history[0])
    for part in call.values() if isinstance(call, dict) else call if isinstance(call, list) else ():
        yield from _read_by(part)


def _reaches_the_input(top: str, passing: str, reads: dict[str, list[str]]) -> bool:
    """Whether a way leads from the layer `top` down to the input past a layer; a model without ways is a chain."""
    waiting, seen = [top], {passing}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name != top and not reads.get(name):
            return True
        waiting += reads.get(name, [])
    return False


def _config_of(layer: dict[str, Any]) -> dict[str, Any]:
    config = layer.get("config")
    return config if isinstance(config, dict) else {}
