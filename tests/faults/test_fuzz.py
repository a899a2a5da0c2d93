"""What hypothesis thinks of: values in params.yaml and lines in the log of decisions are taken or refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.champions.log import LOG, ChampionError, Entry, append, current, news, read_log, undecided
from pipeline.configuration import loading
from pipeline.configuration.loading import load_params
from pipeline.params.schema.reading import ParamsError, read_yaml
from tests.conftest import ROOT

MANY = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,  # the same inputs each time
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ODD = st.sampled_from(
    ["", "..", "/", "a/b", "a\0b", "\u2028", "ı", "=1+1", "${x}", "{{", "nan", "-1", "x" * 300, "\ud800"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | ODD | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD | st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(content: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and index of nested plain data, as the path to it."""
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield (*above, key)
        yield from places(content[key], (*above, key))


PARAMS = read_yaml(ROOT / "params.yaml")
PLACES = list(places(PARAMS))


@MANY
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_any_value_at_any_key_of_params_is_taken_or_refused_by_file_and_key(
    checkout: Path, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    params = deepcopy(PARAMS)
    for (*parents, last), value in changes:
        target: Any = params
        for parent in parents:
            try:
                target = target[parent]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(target, dict) or (isinstance(target, list) and isinstance(last, int) and last < len(target)):
                target[last] = value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_yaml", lambda path: params)
        try:
            load_params().candidates()
        except ParamsError as refused:
            assert all(line.startswith("params.yaml: ") for line in str(refused).splitlines() if line.strip())


@MANY
@given(key=st.sampled_from([*Entry.__dataclass_fields__, "novelty"]), value=VALUES, whole=st.booleans())
def test_any_line_of_the_log_is_read_as_a_decision_or_refused_by_its_number(
    checkout: Path, key: str, value: Any, whole: bool
) -> None:
    sound = asdict(Entry("2026-01-01T00:00:00.000+00:00", "promoted", 1, 1, "data", ["It is the first."]))
    line = json.dumps(value if whole else sound | {key: value})
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text(f"{json.dumps(sound)}\n{line}\n", encoding="utf-8")
    try:
        log = read_log()
    except ChampionError as refused:
        assert str(refused).startswith("champions/log.jsonl: line 2 cannot be read (") and "\n" not in str(refused)
        return
    assert {type(current(log)), type(undecided(log))} <= {int, type(None)}
    assert all(isinstance(reason, str) for reason in news(log, "data"))


@given(reason=st.text(max_size=12))
@settings(MANY, max_examples=50)
def test_a_decision_is_read_as_it_was_written_whatever_stands_in_its_reasons(checkout: Path, reason: str) -> None:
    LOG.unlink(missing_ok=True)
    reason = reason.encode("utf-8", "ignore").decode()
    for _ in range(2):
        append(Entry("now", "kept", None, None, "data", [reason, "\u2028\x85\r\n"]))
    assert [entry.reasons for entry in read_log()] == [[reason, "\u2028\x85\r\n"]] * 2
