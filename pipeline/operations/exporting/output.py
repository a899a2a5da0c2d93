"""What was measured of a file, for programs and for people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.operations.exporting.originals import Original
from pipeline.operations.exporting.writing import Written

MEGABYTE = 1e6
FEW = 30  # test examples, of which a difference that one in ten shows may be missed


def measured(
    original: Original, written: Written, file: Path, times: tuple[float, float], tolerance: float
) -> dict[str, Any]:
    """As the JSON beside the file has it.

    Args:
        times: milliseconds for one example, of the model here and of the file.
    """
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {
        "sha256": digest,
        "bytes": {"file": file.stat().st_size, "original": original.size},
        "milliseconds": {"file": times[1], "original": times[0], "cores": 1},
        "verified": {
            "tolerance": tolerance,
            "in_float32": asdict(written.exact),
            "as_served": asdict(written.served),
            "served_in": "bfloat16" if original.is_rounded else "as the file",
        },
    }


def lines(original: Original, path: Path, numbers: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    verified, size, times = numbers["verified"], numbers["bytes"], numbers["milliseconds"]
    yield f"{path}: {original.title}"
    yield from _answers(original, verified["in_float32"], verified["as_served"])
    yield f"  size      {size['file'] / MEGABYTE:.2f} MB, the original {size['original'] / MEGABYTE:.2f} MB"
    yield f"  one {_example(original):<6}{times['file']:.2f} ms on one core, the original {times['original']:.2f} ms"
    yield f"  inside    {_inside(original)}"
    yield f"  outside   {_outside(original)}; {path.name}.json says what goes in and what comes out"
    if verified["in_float32"]["examples"] < FEW:
        yield f"  careful   so few test examples (below {FEW}) show little of how far the two agree"


def _answers(original: Original, exact: Mapping[str, Any], served: Mapping[str, Any]) -> Iterator[str]:
    apart = f"at most {exact['largest']:.2g} apart on {exact['examples']} test examples"
    if not original.served.class_names:
        yield f"  answers   {apart}, in standard deviations"
    else:
        yield f"  answers   {apart}, {_others(exact['others'])} of which {_get(exact['others'])} another class"
    if original.is_rounded:
        others = f", and {_others(served['others'])} {_get(served['others'])} another class"
        classes = others if original.served.class_names else ""
        own = f"from the model's own answers, in bfloat16, at most {served['largest']:.2g}{classes}"
        yield f"            in float32; {own}"


def _others(count: int) -> str:
    return str(count or "none")


def _get(count: int) -> str:
    return "gets" if count < 2 else "get"


def _example(original: Original) -> str:
    return "photo" if original.served.columns is None else "window" if original.served.series else "row"


def _inside(original: Original) -> str:
    parts = [
        "preprocessing",
        "the model" if len(original.files) == 1 else f"{len(original.files)} models and their mean",
    ]
    if original.served.class_names:
        decision = original.served.decision
        parts.append(
            f"the threshold {decision.threshold:.3f}"
            if decision.threshold is not None
            else "the class of the least expected cost"
            if decision.costs is not None
            else "the most probable class"
        )
    return ", ".join(parts)


def _outside(original: Original) -> str:
    if original.served.columns is None:
        return "decoding, turning and resizing of photos"
    return "finding the last window" if original.served.series else "reading numbers and dates from text"
