"""List what was registered, what was decided, and who is champion: the content of champions/log.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from pipeline.champions.history.page import is_up_to_date, write_history
from pipeline.champions.log import LOG, Entry, current, how_to_get_one, read_log
from pipeline.champions.versions import folder_of, read_champion
from pipeline.formats import three_decimals, three_decimals_range
from pipeline.scores.score_for_task import usual_score


def run(as_json: bool) -> None:
    """Print the history, oldest first; a version that is not on disk is marked as such.

    The page of history is made where a clone lacks it, or has one of before the last decision.

    Raises:
        ChampionError: the log cannot be read.
        OSError: the page cannot be written.
    """
    log = read_log()
    if as_json:
        print(json.dumps([asdict(entry) for entry in log], indent=2, ensure_ascii=False))
        return
    for line in _lines(log):
        print(line)
    if not is_up_to_date():
        write_history()


def _lines(log: list[Entry]) -> Iterator[str]:
    if not log:
        yield f"{LOG}: no champion yet; {how_to_get_one()}"
        return
    for entry in log:
        about = f"version {entry.version}" if entry.version else "no version"
        yield f"{entry.time}  {entry.event:<11} {about:<11}  {' '.join(entry.reasons)}"
    version = current(log)
    if version is None:
        return
    if not folder_of(version).is_dir():
        yield f"champion: version {version}, not on disk: `dvc checkout champions`, or `dvc pull champions`"
        return
    champion = read_champion(version)
    name = usual_score(champion.task).name
    score = f"{three_decimals(champion.metrics[f'test_{name}'])}" if f"test_{name}" in champion.metrics else "unknown"
    ranked = f", ranked by {champion.score}" if champion.score else ""
    yield f"champion: {champion.title}, test {name} {score}{ranked}"
    if champion.model_interval is not None:
        low, high = champion.model_interval
        column = champion.score_column.replace("_", " ")
        yield f"to expect of this model on unseen examples: {column} {three_decimals_range(low, high)}"
