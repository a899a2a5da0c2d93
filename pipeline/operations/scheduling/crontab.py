"""A line for crontab, for this checkout and this interpreter."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.operations.scheduling.times import Times

# .kiyas/retrain.env is read line by line, as systemd reads it, and not by the shell, to which `&`, blanks and `$` in a
# secret would mean something.
SECRETS = (
    '[ ! -f .kiyas/retrain.env ] || while IFS= read -r line || [ -n "$line" ]; do '
    "name=${line%%=*}; value=${line#*=}; "
    "case $name in \"$line\"|''|[0-9]*|*[!A-Za-z0-9_]*) continue;; esac; "
    "case $value in \\\"*\\\"|\\'*\\') value=${value#?}; value=${value%?};; esac; "
    'export "$name=$value"; done < .kiyas/retrain.env'
)


def crontab_line(times: Times, options: Sequence[str] = ()) -> str:
    """Cron mails what a command prints; this one prints only its last line, since the log files have the rest.

    .kiyas/retrain.env may hold secrets, a NAME=value a line.
    """
    checkout, python = Path.cwd(), Path(sys.executable)
    path = f"export PATH={shlex.quote(str(python.parent))}:/usr/local/bin:/usr/bin:/bin"
    place = f"cd {shlex.quote(str(checkout))} || exit 1"
    call = shlex.join([str(python), "-m", "pipeline", "retrain", *options])
    command = f"{place}; {SECRETS}; {path}; {call}"
    # cron ends the command at a bare percent sign
    return f"{times.text} {command} 2>&1 | tail -n 1".replace("%", "\\%") + "\n"
