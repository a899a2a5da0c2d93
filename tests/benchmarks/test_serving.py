"""The champion behind `mlflow models serve`: fifty clients at once, each answered, and garbage told as such."""

from __future__ import annotations

import base64
import json
import urllib.error
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.serving import ask, measure, predict_seconds, request_body, served
from tests.operations.conftest import COLOURS, champion, colour_model, paint, save  # noqa: F401

GARBAGE = [
    {"inputs": [base64.b64encode(b"no photo at all").decode()]},
    {"inputs": []},
    {"inputs": [[1, 2, 3]]},
    {"nonsense": True},
]


@pytest.mark.usefixtures("champion")
def test_fifty_clients_at_once_are_all_answered_rightly_and_garbage_is_refused(checkout: Path) -> None:
    photos = {colour: save(checkout / f"{colour}.png", paint(colour, 77)).read_bytes() for colour in COLOURS}
    with served(checkout / "champions/1/model", checkout) as (url, server):
        for colour, photo in photos.items():
            (answer,) = ask(url, request_body(photo))
            assert answer["predicted"] == colour
        bodies = [request_body(photo) for photo in photos.values()]
        load = measure(url, bodies, clients=50, requests=150, server=server)
        assert load.per_second > 0 and load.median_ms <= load.p95_ms
        assert 0 < load.processor_ms < 10_000, "what the server itself has used"
        for body in GARBAGE:
            with pytest.raises(urllib.error.HTTPError) as refusal:
                ask(url, json.dumps(body).encode())
            assert 400 <= refusal.value.code < 500, body
            assert json.loads(refusal.value.read())["message"]
        assert ask(url, request_body(photos["red"]))[0]["predicted"] == "red"


@pytest.mark.usefixtures("champion")
def test_the_command_is_timed_on_so_many_copies_of_the_photos(checkout: Path) -> None:
    photos = [save(checkout / f"{colour}.png", paint(colour, 77)) for colour in COLOURS]
    seconds = predict_seconds(photos, (1, 4), checkout)
    assert len(seconds) == 2 and min(seconds) > 0
    answers = pd.read_parquet(checkout / "4.parquet")
    assert list(answers["predicted"]) == [*COLOURS, next(iter(COLOURS))]
