"""Whether every altered test photo needs to be seen in every version: how wide intervals get when it is seen in some.

    python -m benchmarks.altered_share .
    python -m benchmarks.altered_share ../workspace --results benchmarks/results/altered_share.json

Reads evaluation/*/measures.parquet of a finished checkout, in which each photo was seen in all versions, and asks what
would have come out had each been seen in some of the shifts and in some of the severities of each corruption, so that
every version is seen on as many photos. Told are standard errors over those of the whole, of each candidate and of the
paired difference of each two. Of a mean over versions they come from each photo's influence: the sum of its deviations
from the means of the versions that it was seen in.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.record import record
from pipeline.comparison.tables.studies.properties import is_corrupted, is_shifted

Floats = NDArray[np.float64]  # (photos, versions), as below
Seen = NDArray[np.bool_]
SHARES = ((3, 2), (2, 1), (1, 1))  # shifts a photo, severities of each corruption a photo
ROUNDING = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("checkout", type=Path, help="a folder with evaluation/*/measures.parquet")
    parser.add_argument("--results", type=Path, help="where to write them as JSON")
    options = parser.parse_args()
    tables = read_measures(options.checkout)
    results = [measure_share(tables, shifts, severities) for shifts, severities in SHARES]
    for of_share in results:
        print(of_share)
    if options.results:
        record(options.results, {"candidates": sorted(tables), "shares": results})


def read_measures(checkout: Path) -> dict[str, pd.DataFrame]:
    """By candidate: one row a photo, one column a measure of robustness; those that always say the same are left out.

    Raises:
        SystemExit: no candidate there was asked about altered photos.
    """
    tables = {}
    for path in sorted(checkout.glob("evaluation/*/measures.parquet")):
        rows = pd.read_parquet(path)
        rows = rows[[is_shifted(name) or is_corrupted(name) for name in rows["measure"]]]
        if len(rows):
            table = rows.pivot_table(index="example", columns="measure", values="value")
            if not table.columns[table.nunique() > 1].empty:
                tables[path.parent.name] = table
    if not tables:
        raise SystemExit(f"{checkout}: no evaluation there has altered photos; run `dvc repro` with robustness on")
    return tables


def measure_share(tables: dict[str, pd.DataFrame], shifts: int, severities: int) -> dict[str, Any]:
    """Standard errors over those of the whole, means and largest, when photos are seen in a share of the versions."""
    columns = next(iter(tables.values())).columns
    shifted = [name for name in columns if is_shifted(name)]
    corrupted = [name for name in columns if is_corrupted(name)]
    photos = len(next(iter(tables.values())))
    seen = {"shift_consistency": rotated(photos, len(shifted), shifts)}
    by_kind: dict[str, list[str]] = {}
    for name in corrupted:
        by_kind.setdefault(name.rsplit("_", 2)[0], []).append(name)
    ordered = [name for names in by_kind.values() for name in names]
    parts = [rotated(photos, len(names), severities, first) for first, names in enumerate(by_kind.values())]
    seen["corrupted_accuracy"] = np.concatenate(parts, axis=1)
    versions = {"shift_consistency": shifted, "corrupted_accuracy": ordered}
    ratios = {key: _ratios(tables, versions[key], seen[key]) for key in versions}
    return {
        "shifts_a_photo": shifts,
        "severities_a_photo": severities,
        "share_of_questions": round(
            float(sum(of.sum() for of in seen.values()) / sum(of.size for of in seen.values())), 3
        ),
        "standard_errors": ratios,
    }


def rotated(photos: int, versions: int, each: int, first: int = 0) -> Seen:
    """(photos, versions): each photo in `each` of the versions, far apart, one place further for each next photo."""
    seen = np.zeros((photos, versions), dtype=bool)
    rows = np.arange(photos)
    for step in range(min(each, versions)):
        seen[rows, (rows + first + round(step * versions / each)) % versions] = True
    return seen


def standard_error(values: Floats, seen: Seen) -> float:
    """Of the mean over versions of each version's mean over the photos that were seen in it."""
    weights = seen / seen.sum(axis=0)
    influence = ((values - (values * weights).sum(axis=0)) * weights).mean(axis=1) * len(values)
    return float(influence.std(ddof=1) / np.sqrt(len(values)))


def _ratios(tables: dict[str, pd.DataFrame], versions: list[str], seen: Seen) -> dict[str, float]:
    single = [table[versions].to_numpy(np.float64) for table in tables.values()]
    ratios: dict[str, float] = {}
    for name, of in (("candidate", single), ("difference", [a - b for a, b in combinations(single, 2)])):
        whole = [standard_error(values, np.ones_like(seen)) for values in of]
        share = [standard_error(values, seen) for values in of]
        over = [some / all_of for some, all_of in zip(share, whole, strict=True) if all_of > ROUNDING]
        ratios |= {f"{name}_mean": round(float(np.mean(over)), 3), f"{name}_largest": round(max(over), 3)}
    return ratios


if __name__ == "__main__":
    main()
