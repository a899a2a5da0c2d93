"""A line for crontab, for this checkout and this interpreter."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from pipeline.operations.scheduling.times import Times


def crontab_line(times: Times, source: str | None = None) -> str:
    """Cron mails what a command prints; this one prints only its last line, since the log files have the rest.

    .kiyas/retrain.env may hold secrets, as NAME=value lines.
    """
    checkout, python = Path.cwd(), Path(sys.executable)
    secrets = "[ ! -f .kiyas/retrain.env ] || { set -a; . ./.kiyas/retrain.env; set +a; }"
    path = f"export PATH={shlex.quote(str(python.parent))}:/usr/local/bin:/usr/bin:/bin"
    place = f"cd {shlex.quote(str(checkout))} || exit 1"
    options = f" --from {shlex.quote(source)}" if source else ""
    command = f"{place}; {secrets}; {path}; {shlex.quote(str(python))} -m pipeline retrain{options}"
    # cron ends the command at a bare percent sign
    return f"{times.text} {command} 2>&1 | tail -n 1".replace("%", "\\%") + "\n"
