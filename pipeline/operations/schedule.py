"""Write what makes a scheduler call `retrain`: a systemd timer, a line for crontab, or a GitHub Actions workflow.

    python -m pipeline schedule --cron "0 3 * * 1"                      # systemd: Mondays at three
    python -m pipeline schedule --cron "0 3 * * 1" --kind crontab
    python -m pipeline schedule --cron "0 3 * * 1" --kind github --from remote://storage/new

Files are written and checked, nothing is installed; what to do next is printed, and deploy/schedules.md explains it.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.credentials import holds_secret, without_credentials
from pipeline.ground.files import replacing
from pipeline.operations.scheduling.crontab import crontab_line
from pipeline.operations.scheduling.github import workflow
from pipeline.operations.scheduling.systemd import service, timer
from pipeline.operations.scheduling.times import ScheduleError, Times, parse_cron

HERE = Path(".kiyas/schedule")

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Kind:
    """One kind of schedule.

    Attributes:
        folder: where its files go unless told otherwise.
        files: name → content, from the times and the options that `retrain` gets.
        check: the command that finds mistakes in them, if it is there.
        install: what a person does next; {folder} stands for the folder.
    """

    folder: Path
    files: dict[str, Callable[[Times, Sequence[str]], str]]
    check: list[str]
    install: str


KINDS = {
    "systemd": Kind(
        HERE,
        {"kiyas-retrain.service": service, "kiyas-retrain.timer": lambda times, _: timer(times)},
        ["systemd-analyze", "verify", "--man=no"],
        "mkdir -p ~/.config/systemd/user && cp {folder}/kiyas-retrain.* ~/.config/systemd/user/ && systemctl --user "
        "daemon-reload && systemctl --user enable --now kiyas-retrain.timer",
    ),
    "crontab": Kind(HERE, {"crontab": crontab_line}, [], "(crontab -l; cat {folder}/crontab) | crontab -"),
    "github": Kind(
        Path(".github/workflows"),
        {"retrain.yml": workflow},
        ["actionlint"],
        "commit {folder}/retrain.yml; deploy/schedules.md names the secrets that it needs",
    ),
}


def run(cron: str, kind: str, output: str | None, source: str | None, if_changed: Sequence[str] | None = None) -> None:
    """Write the files of one kind, check them, and say what comes next.

    Raises:
        ScheduleError: the expression is none, or the check found a mistake.
    """
    times, chosen = parse_cron(cron), KINDS[kind]
    _refuse_unquotable(source, kind)
    _refuse_secret(source)
    options = ["--from", source] if source else []
    options += ["--if-changed", ",".join(if_changed)] if if_changed else []
    folder = Path(output) if output else chosen.folder
    written = [folder / name for name in chosen.files]
    for path, content in zip(written, chosen.files.values(), strict=True):
        with replacing(path) as temporary:
            temporary.write_text(content(times, options), encoding="utf-8")
        print(f"wrote {path}")
    check(chosen.check, written)
    print(f"next: {chosen.install.format(folder=shlex.quote(str(folder)))}")


def _refuse_unquotable(source: str | None, kind: str) -> None:
    """A line break would begin a line of its own in a crontab or a unit; GitHub fills in expressions before any shell.

    Raises:
        ScheduleError: the source holds one of these.
    """
    if source and not source.isprintable():
        raise ScheduleError(f"--from {source!r}: has a line break or another control character; give it without")
    if source and kind == "github" and "${{" in source:
        raise ScheduleError(f"--from {source!r}: GitHub fills in ${{{{ }}}} itself; give it without")


def _refuse_secret(source: str | None) -> None:
    """What is written is committed, or others can read it.

    Raises:
        ScheduleError: the source holds a password, a token or a signature.
    """
    if source and holds_secret(source):
        raise ScheduleError(
            f"--from {without_credentials(source)!r}: holds a secret, and whoever can read the schedule could read it; "
            "make it a DVC remote (`dvc remote add storage URL`, its secret by `dvc remote modify --local storage "
            "password …`), and give remote://storage/…; deploy/schedules.md says where secrets go"
        )


def check(command: list[str], files: list[Path]) -> None:
    """
    Raises:
        ScheduleError: with what the checking command said.
    """
    if not command:
        return
    if shutil.which(command[0]) is None:
        print(f"not checked: there is no {command[0]} here")
        return
    done = subprocess.run([*command, *map(str, files)], capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise ScheduleError(f"`{' '.join(command)}` refuses {', '.join(map(str, files))}: {done.stdout}{done.stderr}")
    print(f"checked by {command[0]}")
