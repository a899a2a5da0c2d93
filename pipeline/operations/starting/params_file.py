"""params.yaml, changed key by key with its comments kept, and what it was before kept beside it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter

from pipeline.ground.files import read_json, replacing, write_json
from pipeline.operations.following.running import what_runs
from pipeline.operations.starting.seeing.photo_size import USUAL
from pipeline.operations.starting.seeing.start_options import StartError
from pipeline.params.schema.reading import PARAMS_FILE
from pipeline.params.schema.text_files import read_text

BEFORE = "params.before-start{}.yaml"
# What `start` wrote last, so that it may replace its own proposal, and whose choice the size of photos was.
RECORD = Path(".kiyas/started.json")


def refuse_running() -> None:
    """
    Raises:
        StartError: a run goes on in this checkout, which reads params.yaml until its end.
    """
    if running := what_runs(Path()):
        raise StartError(
            f"{running} is at work in this checkout, and params.yaml says what comes after it; wait for its end "
            "(`python -m pipeline status`), or stop it"
        )


def refuse_edits() -> None:
    """
    Raises:
        StartError: somebody has changed params.yaml since the last commit; what `start` wrote itself does not count.
    """
    if _is_own() or not (edited := _edited()):
        return
    changed = "1 changed line that is" if edited == 1 else f"{edited} changed lines that are"
    raise StartError(
        f"{PARAMS_FILE}: has {changed} not committed: commit them (`git commit {PARAMS_FILE}`) or undo them "
        f"(`git checkout {PARAMS_FILE}`), or let --replace write over them, which keeps the file beside it"
    )


def changes(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{key: (before, after)} of what differs.

    Args:
        content: of params.yaml, as plain data.
        overlay: {key: value}, such as {"data.path": "photos"}.
    """
    pairs = {key: (value_at(content, key), value) for key, value in overlay.items()}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def laid_over(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The content with these keys set, as plain data; `content` stays as it is."""
    return _plain(_with(dict(content), overlay))


def write_params_file(overlay: Mapping[str, Any], path: Path = PARAMS_FILE) -> Path:
    """Set these keys, leave every other line as it is, and keep the file as it was beside it.

    Args:
        overlay: {key: value}, such as {"data.path": "photos"}.

    Returns:
        Where the file is kept as it was.

    Raises:
        StartError: a run has begun since somebody looked.
    """
    refuse_running()
    yaml = _round_trip()
    content = yaml.load(read_text(path))
    for key, value in overlay.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place.setdefault(parent, CommentedMap())
        if last not in place or place[last] != value:  # an older file lacks keys that came since
            _set(place, last, value)
    kept = _unused_name(path.parent)
    shutil.copy2(path, kept)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    write_json(RECORD, {**_record(), "sha256": _digest(path)})
    return kept


def named_size(size: int) -> int | None:
    """The size of photos in params.yaml where a person named it; None where `start` chose it.

    Where `start` has noted nothing, somebody wrote the size, unless it is the one that params.yaml comes with.
    """
    noted = _record().get("photo_size", {})
    is_named = noted["named"] if noted.get("pixels") == size else size != USUAL
    return size if is_named else None


def note_size(size: int, named: bool) -> None:
    """Remember whether a person named the size of photos that stands in params.yaml."""
    write_json(RECORD, {**_record(), "photo_size": {"pixels": size, "named": named}})


def _set(place: CommentedMap, key: str, value: Any) -> None:
    """A list with a name a line keeps its form, and the comments that ruamel has at it: those behind it, too."""
    old = place.get(key)
    if not isinstance(old, CommentedSeq) or old.fa.flow_style() or not old or not isinstance(value, list) or not value:
        place[key] = _in_one_line(value)
        return
    was_last, behind = old[-1], old.ca.items.pop(len(old) - 1, None)
    for position in reversed(range(len(old))):
        if old[position] not in value:
            del old[position]
    for position, item in enumerate(value):
        if position >= len(old) or old[position] != item:
            old.insert(position, _in_one_line(item))
    del old[len(value) :]
    if behind is not None:
        if old[-1] != was_last:  # the first line of what stood behind the last one was of that one alone
            own, rest = old.ca.items.get(len(old) - 1), behind[0].value[behind[0].value.index("\n") :]
            behind = own or behind
            behind[0].value = (own[0].value.partition("\n")[0] if own else "") + rest
        old.ca.items[len(old) - 1] = behind


def as_yaml(value: Any) -> str:
    """A value as it stands in the file, in one line."""
    stream = StringIO()
    _round_trip().dump({"value": _in_one_line(value)}, stream)
    return stream.getvalue().removeprefix("value: ").rstrip()


def _round_trip() -> YAML:
    """A reader and writer that leaves what it does not change as it stands, `null` too."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class _Representer(RoundTripRepresenter):
    """Writes null as `null`, which an empty place does not show."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _in_one_line(value: Any) -> Any:
    if isinstance(value, list | tuple):
        sequence = CommentedSeq([_in_one_line(item) for item in value])
        sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, Mapping):
        mapping = CommentedMap({key: _in_one_line(item) for key, item in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    return value


def value_at(content: Mapping[str, Any], key: str) -> Any:
    """What stands at a key; None where it does not."""
    place: Any = content
    for part in key.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    return place


def _with(content: dict[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in overlay.items():
        first, _, rest = key.partition(".")
        content[first] = _with(dict(content[first]), {rest: value}) if rest else value
    return content


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _unused_name(folder: Path) -> Path:
    return next(name for name in map(folder.joinpath, _names()) if not name.exists())


def _names() -> Iterator[str]:
    yield BEFORE.format("")
    number = 2
    while True:
        yield BEFORE.format(f"-{number}")
        number += 1


def _is_own() -> bool:
    return bool(_record().get("sha256") == _digest(PARAMS_FILE))


def _record() -> dict[str, Any]:
    return dict(read_json(RECORD)) if RECORD.is_file() else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _edited() -> int:
    """How many lines differ from the last commit; 0 where git does not know the file."""
    command = ["git", "diff", "--numstat", "HEAD", "--", str(PARAMS_FILE)]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        return 0
    return max(map(int, done.stdout.split()[:2])) if done.returncode == 0 and done.stdout else 0
