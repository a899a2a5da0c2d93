"""Faults of the machine: full and read-only disks, little memory, a bare environment, clocks that went back.

The whole checkout lies in a file system of its own, of a drawn size, in memory; that needs `unshare` and the right to
mount.
After each fault the command is called again without it, and everything is compared with an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.survival import disk
from benchmarks.survival.called import PATIENCE, WELL, Fault, about, run
from benchmarks.survival.kills import SCENARIOS, Scenario, await_processor_time, follow, start
from benchmarks.survival.miniature import State, environment, make_miniature, state_of

REPRO, TRACK, RETRAIN = (SCENARIOS[name] for name in ("dvc repro", "track", "retrain"))
WATCHED = replace(REPRO, command=["pipeline", "repro"])  # plain `dvc repro` tries without end where a disk fills
AT_WORK = (2.0, 18.0)  # seconds of processor time, within which a run or a retraining is at work
FULL = "no space left on device|disk is full"
BARE = ("HOME", "LANG", "LC_CTYPE", "TERM", "USER", "LOGNAME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


def run_faults(tries: int, seed: int, only: str, tried: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Each fault some times, if its name has a word in it; a row for each.

    Args:
        tried: how often before; what is drawn now is something else.
    """
    for name, (scenario, fault, often) in FAULTS.items():
        if only in name:
            yield _row(name, scenario, fault, tries if often else 1, seed + tried.get(name, 0))


def _row(name: str, scenario: Scenario, fault: Fault, tries: int, seed: int) -> dict[str, Any]:
    drawn, told, struck = random.Random(f"{name} {seed}"), list[str](), 0
    with tempfile.TemporaryDirectory(prefix="kiyas-faults-") as home:
        folder, kept = Path(home, "checkout"), Path(home, "kept")
        folder.mkdir()
        with _in_memory(folder, megabytes=2000):
            make_miniature(folder, scenario.overlay)
            if scenario.before:
                scenario.before(folder)
            shutil.copytree(folder, kept, symlinks=True)
            _succeed(folder, scenario)
            undisturbed = state_of(folder)
        for number in range(tries):
            with _in_memory(folder, megabytes=2000):
                restore_into(kept, folder)
                faults, hit = fault(folder, scenario, drawn)
                struck += hit
                told += [f"{name}: {line}" for line in [*faults, *_afterwards(folder, scenario, undisturbed)]]
            print(f"{name}: {number + 1} of {tries}, struck {struck} times", *told, sep="\n  ", flush=True)
    return {"fault": name, "tried": tries, "struck": struck, "faults": told}


def _full_disk(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """So little room that the command ends somewhere on its way."""
    used = shutil.disk_usage(folder).used
    _remount(folder, f"size={used + drawn.randrange(20_000, 6_000_000)}")
    code, said, seconds = run(folder, scenario.command)
    _remount(folder, "size=2000m")
    return list(about(code, said, seconds, f"{FULL}|GB are free here")), code not in WELL


def _disk_that_fills(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """Room for everything at the start, and next to none from a drawn moment on, as where something else writes."""
    log, begun = folder.parent / "output.log", time.monotonic()
    log.unlink(missing_ok=True)
    process = start(folder, scenario.command)
    await_processor_time(process.pid, drawn.uniform(*AT_WORK))
    _remount(folder, f"size={shutil.disk_usage(folder).used + drawn.randrange(100_000, 500_000)}")
    try:
        code = process.wait(PATIENCE + 1)
    except subprocess.TimeoutExpired:  # `about` tells of it
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    _remount(folder, "size=2000m")
    said = log.read_text(encoding="utf-8", errors="replace")
    return list(about(code, said, time.monotonic() - begun, FULL)), code not in WELL


def _full_temporary_folder(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    place = folder.parent / "temporary"
    place.mkdir(exist_ok=True)
    with _in_memory(place, megabytes=1):
        (place / "full").write_bytes(bytes(shutil.disk_usage(place).free - 4096))
        code, said, seconds = run(folder, scenario.command, env=environment(folder) | {"TMPDIR": str(place)})
    return list(about(code, said, seconds, f"{FULL}|No usable temporary")), code != 0


def _read_only_disk(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    _remount(folder, "ro")
    code, said, seconds = run(folder, scenario.command)
    _remount(folder, "rw")
    return list(about(code, said, seconds, "read-only|may not be written")), code != 0


def _little_memory(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    limit = drawn.randrange(300, 1900) * 2**20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    code, said, seconds = run(folder, ["pipeline", *scenario.command[1:]], before=limited)
    return list(about(code, said, seconds, "memory ran out")), code != 0


def _bare_environment(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """No HOME, no language, and files that nobody else may read."""
    bare = {key: value for key, value in environment(folder).items() if key not in BARE} | {"LC_ALL": "C"}
    code, said, _ = run(folder, scenario.command, before=partial(os.umask, 0o077), env=bare)
    return ([] if code in WELL else [f"ended with {code}: {said[-300:]}"]), True


def _clock_set_back(folder: Path, scenario: Scenario, drawn: random.Random) -> tuple[list[str], bool]:
    """Every file is of tomorrow, as after a clock that was a day ahead."""
    tomorrow = time.time() + 86_400
    for file in folder.rglob("*"):
        if not file.is_symlink():
            os.utime(file, (tomorrow, tomorrow))
    code, said, _ = run(folder, scenario.command)
    return ([] if code in WELL else [f"ended with {code}: {said[-300:]}"]), True


FAULTS: dict[str, tuple[Scenario, Fault, bool]] = {
    "full disk, dvc repro": (REPRO, _full_disk, True),
    "full disk, track": (TRACK, _full_disk, True),
    "full disk, retrain": (RETRAIN, _full_disk, True),
    "disk that fills, repro": (WATCHED, _disk_that_fills, True),
    "disk that fills, retrain": (RETRAIN, _disk_that_fills, True),
    "full temporary folder, dvc repro": (REPRO, _full_temporary_folder, False),
    "read-only disk, dvc repro": (REPRO, _read_only_disk, False),
    "read-only disk, track": (TRACK, _read_only_disk, False),
    "little memory, repro": (REPRO, _little_memory, True),
    "no HOME, LC_ALL=C, umask 077": (REPRO, _bare_environment, False),
    "clock set back, retrain": (RETRAIN, _clock_set_back, False),
    **disk.FAULTS,
}


def _afterwards(folder: Path, scenario: Scenario, undisturbed: State) -> list[str]:
    try:
        _succeed(folder, scenario)
    except RuntimeError as error:
        return [str(error)]
    return state_of(folder).differences(undisturbed)


def _succeed(folder: Path, scenario: Scenario) -> None:
    code, said, _ = run(folder, scenario.command)
    if code not in WELL:
        raise RuntimeError(f"afterwards `{' '.join(scenario.command)}` ended with {code}: {said[-400:]}")
    follow(folder, scenario)


def restore_into(kept: Path, folder: Path) -> None:
    """`restore` where the folder itself is a mount, and stays."""
    for child in folder.iterdir():
        shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)


class _in_memory:
    """A file system in memory, mounted at a folder."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder, self.size = folder, f"size={megabytes}m"

    def __enter__(self) -> None:
        _mount("-t", "tmpfs", "-o", self.size, "tmpfs", str(self.folder))

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


def _remount(folder: Path, options: str) -> None:
    _mount("-o", f"remount,{options}", str(folder))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def main() -> None:
    """Runs inside `unshare --mount --map-root-user`, where mounting is allowed and nobody else sees it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    from benchmarks.record import record_rows, recorded_rows
    from benchmarks.survive import summed

    before = recorded_rows(options.results) if options.results.is_file() else []
    rows = {row["fault"]: row for row in before}
    tried = {name: row["tried"] for name, row in rows.items()}
    for row in run_faults(options.tries, options.seed, options.only, tried):
        rows[row["fault"]] = summed(rows[row["fault"]], row) if row["fault"] in rows else row
        record_rows(options.results, [rows[name] for name in FAULTS if name in rows])


if __name__ == "__main__":
    main()
