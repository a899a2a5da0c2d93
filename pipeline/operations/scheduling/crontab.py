"""A line for crontab, for this checkout and this interpreter."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.operations.scheduling.times import Times


def crontab_line(times: Times, options: Sequence[str] = ()) -> str:
    """Cron mails what a command prints; this one prints only its last line, since the log files have the rest.

    .kiyas/retrain.env may hold secrets, as NAME=value lines.
    """
    checkout, python = Path.cwd(), Path(sys.executable)
    secrets = "[ ! -f .kiyas/retrain.env ] || { set -a; . ./.kiyas/retrain.env; set +a; }"
    path = f"export PATH={shlex.quote(str(python.parent))}:/usr/local/bin:/usr/bin:/bin"
    place = f"cd {shlex.quote(str(checkout))} || exit 1"
    call = shlex.join([str(python), "-m", "pipeline", "retrain", *options])
    command = f"{place}; {secrets}; {path}; {call}"
    # cron ends the command at a bare percent sign
    return f"{times.text} {command} 2>&1 | tail -n 1".replace("%", "\\%") + "\n"
