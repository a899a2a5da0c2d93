"""How many bytes `mlflow models serve` reads of one request.

MLflow's server reads a request to its end before anything else sees it, so one of a hundred gigabytes would fill the
memory. There is no setting for it; what is loaded with the model is asked for every part of a request instead.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

MEGABYTES, USUAL = "KIYAS_REQUEST_MB", 64
SERVED_MODEL = "__pyfunc_model_path__"  # in the environment of MLflow's server, and of nothing else


def limit_request_size() -> None:
    """In a process of MLflow's server: a request of more than KIYAS_REQUEST_MB (default 64) is answered with 413.

    Raises:
        ValueError: the variable is no whole number above 0.
    """
    if SERVED_MODEL not in os.environ:
        return
    from starlette.requests import Request

    Request.stream = _limited(Request.stream, most_megabytes())  # type: ignore[method-assign]


def most_megabytes() -> int:
    """
    Raises:
        ValueError: KIYAS_REQUEST_MB is no whole number above 0.
    """
    said = os.environ.get(MEGABYTES, "") or str(USUAL)
    if not said.isdecimal() or int(said) < 1:
        raise ValueError(
            f"{MEGABYTES} = {said}: is no whole number above 0; it says how many megabytes a request may have"
        )
    return int(said)


def _limited(stream: Any, megabytes: int) -> Any:
    """A request's `stream` that ends with 413 where it is longer, by what it announces or by what has come."""
    from starlette.exceptions import HTTPException

    too_long = HTTPException(413, f"a request may have {megabytes} MB ({MEGABYTES}); send several smaller ones")

    async def limited(request: Any) -> AsyncIterator[bytes]:
        announced, taken, most = request.headers.get("content-length", ""), 0, megabytes * 10**6
        if announced.isdecimal() and int(announced) > most:
            raise too_long
        async with aclosing(stream(request)) as parts:
            async for part in parts:
                taken += len(part)
                if taken > most:
                    raise too_long
                yield part

    return limited
