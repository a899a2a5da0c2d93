"""List what was registered, what was decided, and who is champion: the content of champions/log.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from pipeline.champions.log import LOG, Entry, current, folder_of, read_champion, read_log
from pipeline.scores import score_of


def run(as_json: bool) -> None:
    """Print the history, oldest first; a version that is not on disk is marked as such.

    Raises:
        ChampionError: the log cannot be read.
    """
    log = read_log()
    if as_json:
        print(json.dumps([asdict(entry) for entry in log], indent=2, ensure_ascii=False))
        return
    for line in _told(log):
        print(line)


def _told(log: list[Entry]) -> Iterator[str]:
    if not log:
        yield f"{LOG}: no champion yet; `make repro` makes the first one (in a fresh clone: `dvc pull champions`)"
        return
    for entry in log:
        version = f"version {entry.version}" if entry.version else "no version"
        yield f"{entry.time}  {entry.event:<11} {version:<11}  {' '.join(entry.reasons)}"
    champion = current(log)
    if champion is None:
        return
    if not folder_of(champion).is_dir():
        yield f"champion: version {champion}, not on disk: `dvc checkout champions`, or `dvc pull champions`"
        return
    found = read_champion(champion)
    name = score_of(found.task).name
    score = f"{found.metrics[f'test_{name}']:.3f}" if f"test_{name}" in found.metrics else "unknown"
    yield f"champion: version {champion}, {found.candidate}, seed {found.seed}, test {name} {score}"
