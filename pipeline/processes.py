"""Whether a process that a file names still runs: its number may be another program's by now."""

from __future__ import annotations

import psutil

SLACK = 2.0  # seconds by which a process's start and a time that was written then may differ


def still_runs(number: int, written: float) -> bool:
    """Whether a process of this number runs that was there when the number was written.

    One that has ended, and that nobody has waited for yet, does not run.

    Args:
        written: in seconds since 1970.
    """
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= written + SLACK
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True  # of another user, on a system that does not tell
