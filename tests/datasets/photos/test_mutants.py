"""Whatever is wrong in a file, it is read or left out with a reason: no crash, no hang, never more than a gigabyte.

KIYAS_MUTANTS_SECONDS=600 reads mutants for that long in all, in place of the first few of each kind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.datasets.photos.mutants import ORIGINALS, SECONDS

FEW, MANY = 300, 10**9
MOST_BYTES = 10**9
IN_ALL = float(os.environ.get("KIYAS_MUTANTS_SECONDS", "0"))


@pytest.mark.parametrize("kind", ORIGINALS)
def test_mutants_are_read_or_left_out_with_a_reason_within_bounds(kind: str) -> None:
    if kind == "heic":
        pytest.importorskip("pillow_heif")
    seconds = IN_ALL / len(ORIGINALS)
    bounds = [str(MANY), str(seconds)] if IN_ALL else [str(FEW)]
    command = [sys.executable, "-m", "tests.datasets.photos.mutants", kind, "0", *bounds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 10 * SECONDS)
    assert done.returncode == 0, f"reading this mutant ended the process, or took too long: {done.stderr[-3000:]}"
    told = json.loads(done.stdout)
    print(kind, told["read"], "read,", sum(told["reasons"].values()), "left out; slowest", told["slowest"])
    assert told["wrong"] == {}
    assert all(reason.strip() for reason in told["reasons"])
    assert told["largest"][0] <= MOST_BYTES, "bytes, and the mutant that took them"
    assert told["read"] >= FEW / 20 and len(told["reasons"]) > 1  # neither is all nonsense nor all whole
