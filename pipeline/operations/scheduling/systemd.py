"""A timer and a service for systemd, for this checkout and this interpreter."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.operations.scheduling.times import DAYS, Times


def service(times: Times, options: Sequence[str] = ()) -> str:
    """Exit 10 (a new champion) is success; 20 (a person has to decide) shows as failed, so that somebody looks."""
    checkout, python = Path.cwd(), Path(sys.executable)
    told = "".join(f" {option if option.startswith('--') else _quoted(option)}" for option in options)
    return f"""\
# Written by `python -m pipeline schedule`; deploy/schedules.md explains it.
[Unit]
Description=Kiyas: retrain, and promote what is better ({_escaped(checkout.name)})
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={_escaped(str(checkout))}
Environment={_quoted(f"PATH={python.parent}:/usr/local/bin:/usr/bin:/bin")}
# Secrets (KIYAS_WEBHOOK, MLFLOW_TRACKING_URI, a cloud's credentials), a NAME=value a line; readable by you alone.
EnvironmentFile=-{_escaped(str(checkout / ".kiyas" / "retrain.env"))}
ExecStart={_quoted(str(python))} -m pipeline retrain{told}
SuccessExitStatus=10
Nice=10
"""


def timer(times: Times) -> str:
    """A run that was due while the machine was off is made up for when it is on again."""
    lines = "\n".join(f"OnCalendar={one}" for one in calendar(times))
    return f"""\
# Written by `python -m pipeline schedule --cron "{times.text}"`.
[Unit]
Description=Kiyas: when to retrain ({_escaped(Path.cwd().name)})

[Timer]
{lines}
Persistent=true
Unit=kiyas-retrain.service

[Install]
WantedBy=timers.target
"""


def calendar(times: Times) -> list[str]:
    """systemd's calendar expressions.

    Where cron is given both days of the month and of the week, either will do, unless one field begins with a star.
    """
    clock = f"{_listed(times.hours)}:{_listed(times.minutes)}:00"
    months = _listed(times.months)
    weekdays = ",".join(DAYS[day].capitalize() for day in times.weekdays or ())
    on_days, on_weekdays = f"*-{months}-{_listed(times.days)} {clock}", f"{weekdays} *-{months}-* {clock}"
    if times.weekdays is None:
        return [on_days]
    if times.days is None:
        return [on_weekdays]
    return [f"{weekdays} {on_days}"] if times.both else [on_days, on_weekdays]


def _listed(values: list[int] | None) -> str:
    return "*" if values is None else ",".join(f"{value:02d}" for value in values)


def _escaped(text: str) -> str:
    """systemd replaces what follows a percent sign."""
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    plain = _escaped(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{plain}"'
