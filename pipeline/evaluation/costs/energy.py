"""Energy from the processor's own counters (RAPL, through Linux' powercap), or none: nothing is ever estimated.

Linux shows one counter a package in /sys/class/powercap; reading it needs root on most machines, and virtual machines
have none. CodeCarbon would fall back on a power that it assumes from the processor's name, so it is not used.
The counters count everything that a package does: what else ran meanwhile is in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
PACKAGE = re.compile(r"(intel|amd)-rapl:\d+")  # sub-zones (…:0:1) are parts of what their package counts


@dataclass(frozen=True)
class Counters:
    """One reading of every package's counter, and where each starts again at 0; microjoules."""

    microjoules: dict[str, int]
    ranges: dict[str, int]

    def joules_until(self, later: Counters) -> float | None:
        """Energy between two readings; None where there was no counter, or one has come or gone.

        A counter may have started again once meanwhile: it holds some minutes of full power at the least.
        """
        if not self.microjoules or self.microjoules.keys() != later.microjoules.keys():
            return None
        spent = [
            (later.microjoules[name] - start) % (self.ranges[name] + 1) for name, start in self.microjoules.items()
        ]
        return sum(spent) / 1e6


def read_counters(folder: Path = POWERCAP) -> Counters:
    """What every package's counter says; empty where none may be read."""
    microjoules, ranges = {}, {}
    for zone in sorted(folder.glob("*")):
        if PACKAGE.fullmatch(zone.name):
            try:
                microjoules[zone.name] = int((zone / "energy_uj").read_text())
                ranges[zone.name] = int((zone / "max_energy_range_uj").read_text())
            except (OSError, ValueError):
                return Counters({}, {})
    return Counters(microjoules, ranges)
