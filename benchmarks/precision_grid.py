"""Does bfloat16 cost accuracy? The default run's fine-tuned candidates in bfloat16 beside that run, in float32.

    python -m benchmarks.precision_grid
    python -m benchmarks.precision_grid --only finetune-resnet50-full      # one of them; the others' figures stay

The run on record (`make results`) was made on a processor without bfloat16, so all of it was computed in float32. Here
the same candidates are trained with the same seeds and photos in bfloat16, in the workspace
workspaces/benchmark-precision-grid, and go on where an earlier call stopped. Candidates are paired by the mean test
accuracy of their seeds. Results stand in benchmarks/results/precision.json; `python -m publishing` writes them into
docs/results/speed.md.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.precision import RESULTS
from benchmarks.record import measured_here
from benchmarks.tuning import accuracies, in_process
from benchmarks.workspaces import begin_workspace, get_weights, pipeline, prepare_source, write_overlay
from pipeline.ground.files import read_json, write_json
from pipeline.params.competing import read_candidates
from pipeline.params.training.candidates import FINETUNE, Candidate

WORKSPACE = Path("workspaces/benchmark-precision-grid")
RUN = Path(__file__).parent / "results/runs/groceries.json"
OVERLAY: dict[str, Any] = {"training.precision": "mixed_bfloat16", "tracking.enabled": False}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], help="candidates by name; none: all")
    wanted = parser.parse_args().only
    begin_workspace(WORKSPACE)
    os.chdir(WORKSPACE)
    write_overlay(OVERLAY)
    prepare_source("groceries")
    for candidate in read_candidates():
        if candidate.family == FINETUNE and (not wanted or candidate.name in wanted):
            tell(candidate.name, measure(candidate))


def measure(candidate: Candidate) -> list[float]:
    """On test photos, of each seed."""
    get_weights(str(candidate.backbone))
    pipeline("finetune", "--backbone", str(candidate.backbone), "--strategy", str(candidate.technique))
    right = in_process(f"of_network({candidate.name!r})")["right"]
    return [round(accuracy, 4) for accuracy in accuracies(right)]


def tell(candidate: str, measured: list[float]) -> None:
    """Add a candidate to the results, beside its score in the run on record, and print it."""
    run, results = read_json(RUN), read_json(RESULTS)
    (recorded,) = [row["score"] for row in run["ranking"] if row["candidate"] == candidate]
    grid = results.setdefault("grid", {"candidates": {}})
    grid["candidates"][candidate] = {"float32": recorded, "mixed_bfloat16": measured}
    float32 = {key: run[key] for key in ("commit", "changed", "machine", "date")}
    write_json(RESULTS, {**results, "grid": {**grid, "float32": float32, "ran": measured_here()}})
    print(f"{candidate:45s} float32 {recorded:.3f}  bfloat16 {sum(measured) / len(measured):.3f}", flush=True)


if __name__ == "__main__":
    main()
