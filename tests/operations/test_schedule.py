"""Schedules for systemd, cron and GitHub Actions: written for this checkout, checked by the schedulers' own tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.operations.schedule import check
from pipeline.operations.scheduling.crontab import crontab_line
from pipeline.operations.scheduling.github import workflow
from pipeline.operations.scheduling.systemd import calendar
from pipeline.operations.scheduling.times import ScheduleError, parse_cron
from pipeline.params.schema.reading import read_yaml
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 3 * * 1", ["Mon *-*-* 03:00:00"]),
        ("*/15 * * * *", ["*-*-* *:00,15,30,45:00"]),
        ("30 4 1,15 * *", ["*-*-01,15 04:30:00"]),
        ("0 0 1 jan-mar *", ["*-01,02,03-01 00:00:00"]),
        ("5 8-10 * * mon-fri", ["Mon,Tue,Wed,Thu,Fri *-*-* 08,09,10:05:00"]),
        ("0 3 * * 7", ["Sun *-*-* 03:00:00"]),
        ("0 3 13 * fri", ["*-*-13 03:00:00", "Fri *-*-* 03:00:00"]),
        ("0 3 * * 0-7", ["*-*-* 03:00:00"]),
        ("0 3 */10 * 1", ["Mon *-*-01,11,21,31 03:00:00"]),
        ("0 3 1-7 * */3", ["Sun,Wed,Sat *-*-01,02,03,04,05,06,07 03:00:00"]),
    ],
)
def test_a_cron_expression_means_the_same_to_systemd(cron: str, expected: list[str]) -> None:
    found = calendar(parse_cron(cron))
    assert found == expected
    if shutil.which("systemd-analyze"):
        for one in found:
            subprocess.run(["systemd-analyze", "calendar", one], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("0 3 * *", "has 4 fields, needs five"),
        ("60 3 * * *", "minute '60': takes 0 to 59"),
        ("0 3 * * monday", "day of the week 'monday'"),
        ("0 5-3 * * *", "hour '5-3'"),
        ("*/0 * * * *", "minute '\\*/0'"),
    ],
)
def test_what_is_no_cron_expression_is_refused_by_field(cron: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        parse_cron(cron)


def test_a_systemd_timer_and_service_are_written_for_this_checkout(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", "--cron", "0 3 * * 1", "--from", "s3://shop/100%"]) == 0
    service = (checkout / ".kiyas/schedule/kiyas-retrain.service").read_text(encoding="utf-8")
    assert f"WorkingDirectory={checkout}\n" in service
    assert f'ExecStart="{sys.executable}" -m pipeline retrain --from "s3://shop/100%%"\n' in service
    timer = (checkout / ".kiyas/schedule/kiyas-retrain.timer").read_text(encoding="utf-8")
    assert "OnCalendar=Mon *-*-* 03:00:00\n" in timer
    tool = "checked by systemd-analyze" if shutil.which("systemd-analyze") else "there is no systemd-analyze here"
    assert tool in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "source", "says"),
    [
        ("crontab", "s3://shop/new\n* * * * * other", "control character"),
        ("systemd", "s3://shop/new\rExecStart=other", "control character"),
        ("github", "${{ secrets.KEY }}", "GitHub fills in ${{ }} itself"),
        ("github", "https://ada:5ec2e7@shop.example/new", "https://***@shop.example/new': holds a secret"),
        ("crontab", "https://shop.example/new.zip?sig=5ec2e7", "https://shop.example/new.zip?sig=***': holds a secret"),
    ],
)
def test_a_source_that_would_become_more_than_itself_is_refused_and_nothing_written(
    checkout: Path, capsys: pytest.CaptureFixture[str], kind: str, source: str, says: str
) -> None:
    assert main(["schedule", "--cron", "0 3 * * 1", "--kind", kind, "--from", source]) == 1
    printed = capsys.readouterr()
    assert says in printed.err and "5ec2e7" not in printed.out + printed.err
    assert not (checkout / ".kiyas/schedule").exists() and not (checkout / ".github").exists()


def test_actions_are_named_by_commit() -> None:
    ours = [file.read_text(encoding="utf-8") for file in (ROOT / ".github/workflows").glob("*.yml")]
    used = re.findall(r"uses: (\S+)", "\n".join([workflow(parse_cron("0 3 * * 1")), *ours]))
    assert ours and used and all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one) for one in used)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_a_mistake_in_a_unit(tmp_path: Path) -> None:
    unit = tmp_path / "wrong.service"
    unit.write_text("[Service]\nType=oneshot\nExecStart=/there/is/no/such/program\n", encoding="utf-8")
    with pytest.raises(ScheduleError, match="no/such/program"):
        check(["systemd-analyze", "verify", "--man=no"], [unit])


def test_a_crontab_line_runs_in_a_folder_with_spaces_and_percent_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as cron runs it: the text after the times, by sh, with `\\%` for `%`."""
    folder = tmp_path / "100 % mine"
    (folder / ".kiyas").mkdir(parents=True)
    secrets = (
        '# mine\n\nKIYAS_GREETING=hello\nno=t-a:name&x\nWEBHOOK=https://h/x?token=a&room=7\nQUOTED="my $9 = `x`"\n'
    )
    (folder / ".kiyas/retrain.env").write_text(secrets + "LAST=it's me", encoding="utf-8")
    names = ("KIYAS_GREETING", "WEBHOOK", "QUOTED", "LAST")
    (folder / "pipeline.py").write_text(f"import os, sys\nprint(*map(os.environ.get, {names}), *sys.argv[1:])\n")
    monkeypatch.chdir(folder)
    line = crontab_line(parse_cron("0 3 * * 1"), ["--from", "https://example.org/new photos.zip?v=100%"])
    assert line.startswith("0 3 * * 1 cd ")
    command = line.removeprefix("0 3 * * 1 ").strip().replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], cwd="/", env={}, capture_output=True, text=True)
    told = "hello https://h/x?token=a&room=7 my $9 = `x` it's me"
    assert done.stdout == f"{told} retrain --from https://example.org/new photos.zip?v=100%\n", done
    assert done.stderr == ""


def test_the_workflow_starts_at_the_time_and_commits_back(checkout: Path) -> None:
    assert main(["schedule", "--cron", "0 3 * * 1", "--kind", "github"]) == 0
    workflow = read_yaml(checkout / ".github/workflows/retrain.yml")
    assert workflow["on"]["schedule"] == [{"cron": "0 3 * * 1"}]
    assert workflow["permissions"] == {"contents": "write"}
    assert "pipeline retrain --json --push" in workflow["jobs"]["retrain"]["steps"][-1]["run"]


def test_the_runner_installs_what_a_remote_needs(checkout: Path) -> None:
    assert main(["schedule", "--cron", "0 3 * * 1", "--kind", "github"]) == 0
    path = checkout / ".github/workflows/retrain.yml"
    assert "pip install" not in path.read_text(encoding="utf-8")
    (checkout / ".dvc").mkdir(exist_ok=True)
    remote = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/kiyas\n"
    remote += "['remote \"incoming\"']\n    url = ssh://host/in\n"
    (checkout / ".dvc/config").write_text(remote, encoding="utf-8")
    assert main(["schedule", "--cron", "0 3 * * 1", "--kind", "github", "--from", "remote://incoming/new"]) == 0
    steps = [step.get("run", "") for step in read_yaml(path)["jobs"]["retrain"]["steps"]]
    at = steps.index("make setup PYTHON=python")
    assert steps[at + 1 : at + 3] == [f".venv/bin/python -m pip install -e '.[{extra}]'" for extra in ("s3", "ssh")]
    assert "pipeline retrain" in steps[at + 3]


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (10, 0), (20, 1), (1, 1)])
def test_the_workflows_step_reports_the_summary_and_leaves_the_checkout_clean_while_it_trains(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, status: int, ends: int
) -> None:
    """A trial's cost.json says whether the checkout was dirty; here a retraining says what git would tell it."""
    assert main(["schedule", "--cron", "0 3 * * 1", "--kind", "github"]) == 0
    step = read_yaml(checkout / ".github/workflows/retrain.yml")["jobs"]["retrain"]["steps"][-1]["run"]
    runner = tmp_path_factory.mktemp("runner")
    retrain = checkout / ".venv/bin/python"
    retrain.parent.mkdir(parents=True)
    retrain.write_text(f'#!/bin/sh\nsleep 0.2\necho "dirty: [$(git status --porcelain)]"\nexit {status}\n')
    retrain.chmod(0o755)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "All"], check=True)
    told = runner / "step-summary.md"
    environment = os.environ | {"RUNNER_TEMP": str(runner), "GITHUB_STEP_SUMMARY": str(told)}
    done = subprocess.run(["bash", "-e", "-c", step], env=environment, capture_output=True, text=True)
    assert done.returncode == ends, done
    assert told.read_text(encoding="utf-8") == "```json\ndirty: []\n```\n"
