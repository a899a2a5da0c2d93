"""Whatever is sent to a served model is answered, or refused with the reason: never a fault of the server (5xx)."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.champions import answering, inputs
from pipeline.champions.answering import SERVING
from pipeline.champions.inputs import InputError, as_images
from pipeline.champions.request_size import MEGABYTES, most_megabytes
from tests.operations import conftest
from tests.operations.conftest import SIDE

colour_model = conftest.colour_model  # a fixture

MANY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # the same requests each time
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(["inputs", "instances", "dataframe_records", "dataframe_split", "params", "messages", "photo"])
TYPES = st.sampled_from(["application/json", "text/csv", "application/json; charset=latin-1", "image/png", "nonsense"])
App = Any


@pytest.fixture(scope="module")
def app(colour_model: Path) -> Iterator[App]:
    """The very application that `mlflow models serve` runs, in this process."""
    import mlflow
    from mlflow.pyfunc import scoring_server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SERVING, "true")  # MLflow sets it, too, and would leave it
        yield scoring_server.init(mlflow.pyfunc.load_model(str(colour_model)))


def ask(app: App, body: bytes, content_type: str = "application/json") -> tuple[int, bytes]:
    """One request to /invocations; (status, what was answered)."""
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answered.append(message)

    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/invocations", "raw_path": b"/invocations", "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "asgi": {"version": "3.0"}, "root_path": ""}
    asyncio.run(app(scope | {"server": ("x", 1), "client": ("y", 2)}, receive, send))
    return answered[0]["status"], b"".join(message.get("body", b"") for message in answered[1:])


def photo(side: int = SIDE) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), 40, np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_a_photo_is_answered_by_the_application(app: App) -> None:
    status, answer = ask(app, json.dumps({"inputs": [photo()]}).encode())
    assert status == 200 and json.loads(answer)["predictions"][0]["predicted"] in ("blue", "green", "red")


@MANY
@given(key=KEYS, value=JSON)
def test_no_json_is_a_fault_of_the_server(app: App, key: str, value: Any) -> None:
    status, answer = ask(app, json.dumps({key: value}).encode())
    assert status in (200, 400) and b"unexpected error" not in answer


@MANY
@given(body=st.binary(max_size=200), content_type=TYPES)
def test_no_bytes_are_a_fault_of_the_server(app: App, body: bytes, content_type: str) -> None:
    status, answer = ask(app, body, content_type)
    assert status in (200, 400, 415) and b"unexpected error" not in answer


@MANY
@given(place=st.integers(0, 10_000), bits=st.integers(0, 255), keep=st.floats(0, 1))
def test_no_damaged_photo_is_a_fault_of_the_server(app: App, place: int, bits: int, keep: float) -> None:
    sound = bytearray(base64.b64decode(photo()))
    sound[place % len(sound)] ^= bits
    sent = base64.b64encode(sound[: max(1, int(keep * len(sound)))] if bits % 2 else sound).decode()
    status, answer = ask(app, json.dumps({"inputs": [sent]}).encode())
    assert status == 200 or (status == 400 and b"photo 0" in answer)


def test_more_photos_than_a_server_answers_at_once_are_refused_and_a_batch_job_has_no_such_limit(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.environment_variables import _MLFLOW_IS_IN_SERVING_ENVIRONMENT

    assert _MLFLOW_IS_IN_SERVING_ENVIRONMENT.name == SERVING
    monkeypatch.setattr(answering, "MOST_PHOTOS", 3)
    body = json.dumps({"inputs": [photo()] * 4}).encode()
    status, answer = ask(app, body)
    assert status == 400 and b"4 photos in one request, of which a server answers 3; send several requests" in answer
    monkeypatch.delenv(SERVING)
    assert ask(app, body)[0] == 200


def test_raw_pixels_are_bounded_as_encoded_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.champions.inputs.MOST_PIXELS", 100)
    with pytest.raises(InputError, match="photo 0 has more than 0 million pixels; make it smaller"):
        as_images([np.zeros((11, 10, 3), np.uint8)], 8)


def test_no_photo_is_read_once_the_server_has_given_up_on_the_request(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    image = inputs._image

    def slow(photo: Any, name: str, *rest: Any) -> np.ndarray:
        read.append(name)
        time.sleep(1.1)
        return image(photo, name, *rest)

    monkeypatch.setattr(inputs, "_image", slow)
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "1")
    status, answer = ask(app, json.dumps({"inputs": [photo()] * 3}).encode())
    assert status == 400 and b"the request takes longer than its time; send fewer" in answer
    assert read == ["photo 0"]


@pytest.mark.parametrize("said", ["0", "many", "1.5"])
def test_a_size_that_is_none_is_named(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEGABYTES, said)
    with pytest.raises(ValueError, match=rf"KIYAS_REQUEST_MB = {said}: is no whole number above 0"):
        most_megabytes()
