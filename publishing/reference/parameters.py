"""docs/reference/parameters.md: every key of params.yaml with its type, its default and what it means.

Types and defaults are those that params.yaml is read with. What a key means stands where it is declared, under
`Attributes:` of its class, or else beside it in params.yaml. A key without either is an error.
"""

from __future__ import annotations

import inspect
import io
import itertools
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from pipeline.configuration.whole import params_class
from pipeline.params.training.settings import TrainingChanges
from publishing.markdown import table

NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null", Any: "anything"}
BOUNDS = {
    Ge: ("ge", "≥"),
    Gt: ("gt", ">"),
    Le: ("le", "≤"),
    Lt: ("lt", "<"),
    MultipleOf: ("multiple_of", "a multiple of"),
}
ENTRY = re.compile(r"^(?:[a-z][a-z0-9_]*)(?:, [a-z][a-z0-9_]*)*: ")
ALIGNED = re.compile(r"\s{20,}#")  # a comment that goes on with the one beside the line above


class UnexplainedKeyError(ValueError):
    """A key of params.yaml that nothing explains."""


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        path: dotted, with `<name>` where the user chooses the name.
        default: as YAML; empty where the key must be given.
    """

    path: str
    type: str
    default: str
    meaning: str


def page(params_file: Path = Path("params.yaml")) -> str:
    """
    Raises:
        UnexplainedKeyError: a key stands neither in its class' docstring nor beside a comment in params.yaml.
    """
    comments = _comments(params_file)
    sections = "\n".join(_section(name, field, comments) for name, field in params_class().model_fields.items())
    return f"""# Parameters

Everything that a run depends on stands in `params.yaml`. A key that is not known, or a value that does not fit, is
refused by name before anything runs. `<name>` stands for a name that you choose; a key without a default must be given.
The default is what holds where a key is left out; `params.yaml`, as it comes, may say another.

{sections}"""


def keys_of(model: type[BaseModel], path: str, comments: Mapping[str, str]) -> Iterator[Key]:
    """The keys of a section, those of its sub-sections in their place."""
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        here = f"{path}.{name}"
        inner = _model_in(field.annotation)
        if inner is TrainingChanges:
            yield Key(here, "keys of [`training`](#training)", "", meanings.get(name, ""))
        elif inner is not None:
            yield from keys_of(inner, here + _between(field.annotation), comments)
        else:
            meaning = meanings.get(name) or comments.get(here) or _of_any_name(here, comments)
            if not meaning:
                raise UnexplainedKeyError(f"{here}: say what it means in the docstring of {model.__name__}")
            yield Key(here, _typed(field.annotation, field.metadata), _default(field), meaning)


def _section(name: str, field: FieldInfo, comments: Mapping[str, str]) -> str:
    model = _model_in(field.annotation)
    if model is None:
        meaning = comments.get(name, "")
        if not meaning:
            raise UnexplainedKeyError(f"{name}: say what it means in a comment of params.yaml")
        return f"## `{name}`\n\n{_sentence(meaning)} Type: {_typed(field.annotation, field.metadata)}.\n"
    keys = keys_of(model, name + _between(field.annotation), comments)
    rows = [[f"`{key.path}`", key.type, key.default, _sentence(key.meaning)] for key in keys]
    purpose = (inspect.getdoc(model) or "").partition("Attributes:")[0].strip().replace("\n", " ")
    parts = (f"## `{name}`", purpose, table(["key", "type", "default", "meaning"], rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Of `Attributes:` of a class and of those that it is made of: key → what it means."""
    meanings: dict[str, str] = {}
    for part in reversed([one for one in model.__mro__ if issubclass(one, BaseModel) and one.__doc__]):
        block = inspect.cleandoc(part.__doc__ or "").partition("Attributes:\n")[2]
        for entry in _entries(block):
            meanings |= _told_in(entry, set(model.model_fields))
    return meanings


def _told_in(entry: str, fields: set[str]) -> dict[str, str]:
    """`a: what; b, c: what` → what each of these fields means; what else stands before a colon is part of the text."""
    meanings: dict[str, str] = {}
    names: list[str] = []
    for piece in entry.split("; "):
        head, _, text = piece.partition(": ")
        if text and set(head.split(", ")) <= fields:
            names, piece = head.split(", "), text
            meanings |= dict.fromkeys(names, piece)
        else:
            meanings |= {name: f"{meanings[name]}; {piece}" for name in names}
    return meanings


def _entries(block: str) -> list[str]:
    """`name: what it means` of each attribute, on one line; a deeper line goes on with the one before it."""
    entries: list[str] = []
    for line in block.splitlines():
        text = line.strip()
        if ENTRY.match(text) and not line.startswith(" " * 8):
            entries.append(text)
        elif entries and text:
            entries[-1] += f" {text}"
    return entries


def _comments(path: Path) -> dict[str, str]:
    """Dotted key → the comment beside it, or the lines above it."""
    content = YAML().load(path.read_text(encoding="utf-8"))
    return dict(_comments_of(content, ""))


def _comments_of(mapping: CommentedMap, path: str) -> Iterator[tuple[str, str]]:
    for name, value in mapping.items():
        here = f"{path}.{name}" if path else str(name)
        token = mapping.ca.items.get(name)
        first, *others = (token[2].value if token and token[2] else "").splitlines() or [""]
        lines = [first, *itertools.takewhile(ALIGNED.match, others)]
        text = " ".join(line.strip().lstrip("# ") for line in lines).strip()
        if text:
            yield here, text
        if isinstance(value, CommentedMap):
            yield from _comments_of(value, here)


def _of_any_name(path: str, comments: Mapping[str, str]) -> str:
    """The comment beside this key under the first name that has one: `architectures.<name>.dropout`."""
    pattern = re.compile(re.escape(path).replace("<name>", r"[^.]+") + "$")
    return next((text for key, text in comments.items() if pattern.match(key)), "")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a type holds: itself, an optional one, a list of them, or one for each name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _between(annotation: Any) -> str:
    """What stands between a section's key and those of its parts."""
    origin = get_origin(annotation)
    if origin is dict:
        return ".<name>"
    if origin is list:
        return "[]"
    return next((found for part in get_args(annotation) if _model_in(part) and (found := _between(part))), "")


def _typed(annotation: Any, metadata: typing.Sequence[Any] = ()) -> str:
    """A type in words, with its bounds."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _typed(parts[0], parts[1:])
    if origin is Literal:
        return " or ".join(f"`{one}`" if one else "nothing" for one in parts)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_typed(one) for one in parts)
    if origin in (list, tuple):
        return f"list of {_plural(_typed(parts[0]))}" if parts else "list"
    if origin in (dict, Mapping):
        return f"mapping of names to {_plural(_typed(parts[1]))}"
    known = [bound for bound in _flat(metadata) if type(bound) in BOUNDS]
    bounds = [f"{BOUNDS[type(bound)][1]} {getattr(bound, BOUNDS[type(bound)][0]):g}" for bound in known]
    return " ".join([NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)).lower()), *bounds])


def _flat(metadata: typing.Sequence[Any]) -> list[Any]:
    return [bound for one in metadata for bound in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _plural(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"{text}s" if text in ("number", "whole number") else f"{first}s {rest}" if first == "number" else text


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.dump(value, text)
    return f"`{text.getvalue().replace('...', '').strip()}`"


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".").replace("|", r"\|").replace("\n", " ")
    return f"{text[:1].upper()}{text[1:]}."
