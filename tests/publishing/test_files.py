"""What docs/reference/files.md says of files that the run of the end-to-end test does not make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import get_args

import pytest

from pipeline.champions.log import Entry, Event
from pipeline.champions.versions import Champion
from pipeline.evaluation.pictures import furthest_off
from pipeline.operations.studying import photo_sizes
from publishing.reference.files import File, files


def described(path: str) -> File:
    (file,) = [file for file in files() if file.path == path]
    return file


def names(kind: type[Entry] | type[Champion]) -> list[str]:
    return [field.name for field in fields(kind)]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("champions/log.jsonl", names(Entry)),
        ("champions/<version>/champion.json", names(Champion)),
        ("evaluation/<candidate>/figures/furthest_off.csv", furthest_off.TABLE_COLUMNS),
        ("workspaces/<study>/photo_sizes.csv", photo_sizes.COLUMNS),
    ],
)
def test_every_key_that_is_written_is_described(path: str, written: Sequence[str]) -> None:
    assert sorted(described(path).keys) == sorted(written)


def test_every_event_of_the_log_is_described() -> None:
    text = re.sub(r" \(.*?\)", "", described("champions/log.jsonl").keys["event"])
    assert text.split("; ") == list(get_args(Event))
