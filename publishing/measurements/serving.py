"""What of docs/how-to/champion.md says how fast a champion answers."""

from __future__ import annotations

from pipeline.ground.files import read_json
from publishing.markdown import table
from publishing.paths import RESULTS
from publishing.results import ran

HEADS = ["clients", "median", "95th percentile", "photos a second", "processor time of the server a photo"]


def tables() -> dict[str, str]:
    """{what the mark of a place in the page says: the table, and what stands around it}."""
    measured = read_json(RESULTS / "serving.json")
    cells = [
        [
            str(load["clients"]),
            f"{load['median_ms']:.0f} ms",
            f"{load['p95_ms']:.0f} ms",
            f"{load['per_second']:.0f}",
            f"{load['processor_ms']:.0f} ms",
        ]
        for load in measured["served"]
    ]
    predict, size = measured["predict"], measured["image_size"]
    rate = (predict["files"] - 1) / (predict["seconds"] - predict["start_seconds"])
    requests, start = measured["served"][0]["requests"], predict["start_seconds"]
    text = f"""`{measured["candidate"]}` for {size} pixels, one server process, {requests} photos of
{measured["megapixels"]:.1f} megapixels for each number of clients, which share the machine with it
({ran(measured["ran"])}):

{table(HEADS, cells)}

`predict --parquet` answers {rate:.0f} photos a second, after {start:.1f} s for its start and the first one."""
    return {", serving": text}
