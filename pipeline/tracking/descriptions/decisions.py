"""champions/log.jsonl → one run of kind `decision` a line, with everything that was measured for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from pipeline.champions.log import Entry, read_log
from pipeline.tracking.descriptions.run import RunDescription
from pipeline.tracking.run_fields import FINGERPRINT, KIND, LONGEST_TAG, SUPERSEDED, finite, flat_params, milliseconds

VERSION = "kiyas.version"
EVENT = "kiyas.event"
DATA = "kiyas.data"


def describe_decisions() -> list[RunDescription]:
    """The decisions in the order in which they were made."""
    return [_describe(entry) for entry in read_log()]


def _describe(entry: Entry) -> RunDescription:
    line = json.dumps(asdict(entry), sort_keys=True)
    about = {VERSION: entry.version, "kiyas.champion": entry.champion, "kiyas.model_fingerprint": entry.fingerprint}
    moment = milliseconds(entry.time)
    return RunDescription(
        name=f"{entry.event} version {entry.version}" if entry.version else entry.event,
        tags={
            KIND: "decision",
            FINGERPRINT: hashlib.sha256(line.encode()).hexdigest(),
            SUPERSEDED: "false",
            EVENT: entry.event,
            DATA: entry.data,
            **{key: str(value) for key, value in about.items() if value is not None},
        },
        first_tags={"mlflow.note.content": "\n\n".join(entry.reasons)[:LONGEST_TAG]},
        params=flat_params({"reasons": " ".join(entry.reasons)}),
        metrics=_metrics(entry.numbers),
        started=moment,
        ended=moment,
    )


def _metrics(numbers: Mapping[str, Any]) -> dict[str, float]:
    """Every number: `difference`, `recall.Apple.challenger`; keys with characters that MLflow refuses are mended."""
    return finite(dict(_leaves("", numbers)))


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else str(key), child)
    else:
        yield prefix, value
