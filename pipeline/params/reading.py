"""YAML as typed, strict objects; what does not fit is told in one line a fault: file, key, value, remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


class ParamsError(ValueError):
    """params.yaml, or a row beside it, says something that cannot be run."""


class Strict(BaseModel):
    """Base of every object read from YAML: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 file (as DVC reads it: `1e-3` is a number, a key may stand only once)."""
    try:
        content = deepcopy(_loaded(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ParamsError(f"{path}: there is no such file; run from the root of the checkout") from None
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected a mapping of keys to values, found {type(content).__name__}")
    return content


@lru_cache(maxsize=32)
def _loaded(text: str) -> Any:
    """Each text once: backbones and models are looked up row by row, and a parser in Python takes its time."""
    return YAML(typ="safe", pure=True).load(text)


def parse(kind: type[Model], content: Any, file: str, prefix: tuple[str, ...] = ()) -> Model:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [_explain(fault, kind, file, prefix) for fault in error.errors()]
        raise ParamsError("\n".join(lines)) from None


def _explain(fault: Any, kind: type[BaseModel], file: str, prefix: tuple[str, ...]) -> str:
    location = [part for part in (*prefix, *fault["loc"]) if part != "[key]"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if fault["type"] == "extra_forbidden":
        return f"{file}: {key}: unknown key{did_you_mean(str(location[-1]), _keys_at(kind, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{file}: {key}: is missing; add it (the params.yaml that Kıyas comes with has every key)"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{file}: {key} = {fault['input']!r}: {message[0].lower()}{message[1:]}"


def _keys_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
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
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "; remove it."
    return f"{hint} Known here: {', '.join(known)}" if known else hint
