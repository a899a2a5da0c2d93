"""YAML as typed, strict objects; what does not fit is told in one line a fault: file, key, value, remedy.

A stage reads the sections of params.yaml that it needs and no others, so that it depends on the code of these alone:

    training = read_section("training", Training)
    strategy = read_section("strategies.full", Strategy)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.params.schema.text_files import EncodingError, read_text

PARAMS_FILE = Path("params.yaml")


class ParamsError(ValueError):
    """params.yaml, or a row beside it, says something that cannot be run."""


class Strict(BaseModel):
    """Base of every object read from YAML: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


def read_section(key: str, kind: type[Model]) -> Model:
    """One part of params.yaml.

    Args:
        key: where it stands, such as "training" or "strategies.full".
        kind: what it is read as.

    Raises:
        ParamsError: it is not there, or does not fit; one line for each fault.
    """
    return parse(kind, _content_at(key), str(PARAMS_FILE), tuple(key.split(".")))


def read_value(key: str, adapter: TypeAdapter[Value]) -> Value:
    """A part of params.yaml that is no object of its own, such as a list of names.

    Args:
        key: where it stands, such as "seeds" or "baseline.models".
        adapter: of the type that it is read as.

    Raises:
        ParamsError: it is not there, or does not fit; one line for each fault.
    """
    return _validated(adapter, _content_at(key), str(PARAMS_FILE), tuple(key.split(".")))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 file (as DVC reads it: `1e-3` is a number, a key may stand only once)."""
    try:
        content = deepcopy(_loaded(read_text(path)))
    except FileNotFoundError:
        raise ParamsError(f"{path}: there is no such file; run from the root of the checkout") from None
    except EncodingError as error:
        raise ParamsError(f"{path}: {error}") from None
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected a mapping of keys to values, found {type(content).__name__}")
    return content


@lru_cache(maxsize=32)
def _loaded(text: str) -> Any:
    """Each text once: backbones and models are looked up row by row, and a parser takes its time.

    As DVC reads it, by the parser in C; what that refuses is told in the words of the one in Python, which says more.
    """
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return YAML(typ="safe", pure=True).load(text)


def parse(kind: type[Model], content: Any, file: str, prefix: tuple[str, ...] = ()) -> Model:
    """
    Args:
        kind: what the content is read as.
        content: plain data, as YAML gives it.
        file: for messages.
        prefix: where the content stands in the file.

    Raises:
        ParamsError: the content does not fit; one line for each fault.
    """
    return _validated(TypeAdapter(kind), content, file, prefix, kind)


def _content_at(key: str) -> Any:
    """What stands in params.yaml, as plain data."""
    content: Any = read_yaml(PARAMS_FILE)
    place = []
    for part in key.split("."):
        place.append(part)
        if not isinstance(content, dict) or part not in content:
            known = list(content) if isinstance(content, dict) else []
            raise ParamsError(f"{PARAMS_FILE}: {'.'.join(place)}: is missing{did_you_mean(part, known)}")
        content = content[part]
    return content


def _validated(
    adapter: TypeAdapter[Value], content: Any, file: str, prefix: tuple[str, ...], kind: type[BaseModel] | None = None
) -> Value:
    try:
        return adapter.validate_python(content, strict=True)
    except ValidationError as error:
        lines = [_explain(fault, kind, file, prefix) for fault in error.errors()]
        raise ParamsError("\n".join(lines)) from None


def _explain(fault: Any, kind: Any, file: str, prefix: tuple[str, ...]) -> str:
    location = [part for part in (*prefix, *fault["loc"]) if part != "[key]"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in location).lstrip(".")
    if fault["type"] == "extra_forbidden":
        return f"{file}: {key}: unknown key{did_you_mean(str(location[-1]), _keys_at(kind, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{file}: {key}: is missing; add it (the params.yaml that Kıyas comes with has every key)"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{file}: {key} = {fault['input']!r}: {message[0].lower()}{message[1:]}"


def _shown(key: str) -> str:
    """A key that would break a line, or move the cursor of a terminal, is quoted."""
    return key if key.isprintable() else repr(key)


def _keys_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at one place of a nested model."""
    current: Any = kind
    for part in location:
        fields = getattr(current, "model_fields", {})
        annotation: Any = fields[str(part)].annotation if part in fields else current
        current = next(_models_in(annotation), annotation)
    return list(getattr(current, "model_fields", {}))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def did_you_mean(word: str, known: list[str]) -> str:
    """What to append to a message about an unknown word: the likeliest of those known, and all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "; remove it."
    return f"{hint} Known here: {', '.join(known)}" if known else hint
