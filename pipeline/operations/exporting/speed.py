"""How long a model and its file take over one example, measured in turns on one core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.costs.latency import latency_ms
from pipeline.operations.exporting.interface import Answer
from pipeline.operations.exporting.originals import Original

TIMED, TURNS = 50, 5  # examples, dealt to so many turns
THREADS = Path("/proc/self/task")  # Linux


def milliseconds(original: Original, answer: Answer, inputs: NDArray[Any]) -> tuple[float, float]:
    """For one example, of the model here and of its file.

    Of each turn the median, and the median of these: what else the machine does meanwhile slows both or one turn.
    """
    with on_one_core():
        turns = [
            [latency_ms(predict, examples)["median"] for predict in (original.served.probabilities, answer)]
            for examples in np.array_split(inputs[:TIMED], min(TURNS, len(inputs)))
        ]
    here, there = np.median(turns, axis=0)
    return float(here), float(there)


@contextmanager
def on_one_core() -> Iterator[None]:
    """All threads of this process share one core meanwhile, whatever library has started them.

    Libraries do not let their numbers of threads be changed once they run, so this is how both get the same. On systems
    other than Linux they keep their threads, of which the files' runtimes have one.
    What starts threads and cannot be told otherwise has them take turns here, which costs it a little.
    """
    if not THREADS.is_dir():
        yield
        return
    before = os.sched_getaffinity(0)
    _bind({max(before)})
    try:
        yield
    finally:
        _bind(before)


def _bind(cores: set[int]) -> None:
    for thread in THREADS.iterdir():
        with suppress(OSError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)
