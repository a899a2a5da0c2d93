"""What the campaign of kills compares of verdict.json, dvc.lock and DVC's locks."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from benchmarks.survival.miniature import state_of
from pipeline.ground.files import write_json

VERDICT, RWLOCK = "comparison/verdict.json", ".dvc/tmp/rwlock"


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """What is left of a run in the files that are compared."""
    candidate = {"candidate": "a", "cost_seconds": 1.5}
    write_json(tmp_path / VERDICT, {"answer": "train a", "evidence": {"processor_seconds": 3, "of": [candidate]}})
    outs = [{"path": "results/a/history.csv", "md5": "1"}, {"path": "results/a/cost.json", "md5": "2"}]
    write_json(tmp_path / "dvc.lock", {"stages": {"train@a": {"outs": outs}}})
    write_json(tmp_path / RWLOCK, {"write": {}, "read": {}})
    (tmp_path / ".dvc/tmp/lock").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (VERDICT, "train a", "train b", [f"{VERDICT}: is another"]),
        (VERDICT, "1.5", "2.5", []),
        (VERDICT, '"processor_seconds": 3', '"processor_seconds": 4', []),
        ("dvc.lock", '"1"', '"3"', ["dvc.lock: results/a/history.csv: is another"]),
        ("dvc.lock", '"2"', '"3"', []),
        (
            "dvc.lock",
            "history",
            "story",
            [f"dvc.lock: results/a/{name}.csv: is another" for name in ("history", "story")],
        ),
        (RWLOCK, "{}", '{"results/a": {"pid": 1}}', [f"{RWLOCK}: still has {{'write': {{'results/a': {{'pid': 1}}}}"]),
        (RWLOCK, "{", "", [f"{RWLOCK}: is no JSON: "]),
    ],
)
def test_what_a_kill_has_changed_is_told_and_what_a_clock_decides_is_not(
    finished: Path, file: str, old: str, new: str, told: list[str]
) -> None:
    undisturbed = state_of(finished)
    content = (finished / file).read_text()
    (finished / file).write_text(content.replace(old, new))
    differences = state_of(finished).differences(undisturbed)
    assert len(differences) == len(told)
    assert all(found.startswith(line) for found, line in zip(differences, told, strict=True))


def test_a_lock_that_somebody_still_has_is_told(finished: Path) -> None:
    undisturbed = state_of(finished)
    with (finished / ".dvc/tmp/lock").open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert state_of(finished).differences(undisturbed) == [".dvc/tmp/lock: is still held"]
    assert state_of(finished).differences(undisturbed) == []
