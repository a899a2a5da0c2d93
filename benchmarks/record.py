"""What a benchmark measured, kept with the commit, the day and the machine of it: pages of docs/ are made from that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.evaluation.costs.stopwatch import circumstances
from pipeline.ground.files import read_json, write_json
from pipeline.ground.processor import AMX, AVX512, processor_flags

NAMED = ("python", "tensorflow-cpu", "keras")  # versions that a reader wants to know
WIDEST = (AMX, AVX512, "avx512_vnni", "avx512f", "avx2")


def record(path: Path, measured: Mapping[str, Any]) -> None:
    """Write what was measured, and under `ran` on what.

    Args:
        path: a JSON file; its folder is made.
        measured: where it was read from such a file, its `ran` is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**measured, "ran": measured_here()})


def measured_here() -> dict[str, Any]:
    """The commit, the machine and the day, as `publishing.results.ran` tells them."""
    with chdir(Path(__file__).parent):  # some benchmarks work in a workspace, which is a checkout of its own
        return {**described(circumstances()), "date": f"{datetime.now(UTC):%Y-%m-%d}"}


def record_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same, of a benchmark that measured one row after another."""
    record(path, {"rows": list(rows)})


def recorded_rows(path: Path) -> list[dict[str, Any]]:
    """What `record_rows` wrote."""
    return list(read_json(path)["rows"])


def processor(without: Iterable[str] = ()) -> str:
    """Its name, and the widest instructions that it has.

    Args:
        without: instructions that are not used.
    """
    flags = processor_flags().difference(without)
    widest = next((name for name in WIDEST if name in flags), "others")
    return f"{circumstances()['host']['cpu']}, {widest}"


def described(circumstances: Mapping[str, Any]) -> dict[str, Any]:
    """commit, changed and machine, as a page tells them.

    Args:
        circumstances: host, versions, commit and dirty, as cost.json has them.
    """
    host, versions = circumstances["host"], circumstances["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in NAMED if name in versions)
    return {
        "commit": str(circumstances["commit"])[:10],
        "changed": bool(circumstances["dirty"]),
        "machine": f"{host['cores']} cores of {host['cpu']}, {host['memory_bytes'] / 1e9:.0f} GB ({named})",
    }
