"""How a comparison was made: code, machine, versions and data, as the trials recorded them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.measurements import Measured


def section(material: Material) -> Section:
    trials = {one.name: {"parameters": one.trial.parameters, "phases": one.trial.phases} for one in material.competing}
    data = {
        "making": describe_making(material.measured),
        "hashes": material.facts.dataset["hashes"],
        "resamples": material.settings.resamples,
        "trials": {name: trials[name] for name in material.facts.rows},
    }
    return Section("making", "How it was made", "background", data, folded=True)


def describe_making(measured: Sequence[Measured]) -> dict[str, list[str]]:
    """Commits, machines, versions and what networks computed in, over all candidates; several where they differ."""
    return {
        "commits": _distinct([_commit(one.cost) for one in measured]),
        "precisions": _distinct(
            [precision for one in measured if (precision := one.trial.parameters.get("precision"))]
        ),
        "hosts": _distinct([_host(one.cost.get("host") or {}) for one in measured]),
        "versions": _distinct(
            [
                f"{package} {version}"
                for one in measured
                for package, version in (one.cost.get("versions") or {}).items()
            ]
        ),
    }


def _commit(cost: Mapping[str, Any]) -> str:
    commit = cost.get("commit")
    if not commit:
        return "no commit"
    return f"{str(commit)[:12]} with uncommitted changes" if cost.get("dirty") else str(commit)[:12]


def _host(host: Mapping[str, Any]) -> str:
    if not host:
        return "unknown machine"
    memory = f"{host['memory_bytes'] / 2**30:.0f} GiB of memory" if "memory_bytes" in host else ""
    cores = f"{host['cores']} cores" if "cores" in host else ""
    return ", ".join(part for part in (str(host.get("cpu") or host.get("machine") or ""), cores, memory) if part)


def _distinct(texts: Sequence[str]) -> list[str]:
    return sorted(set(texts), key=str.lower)
