"""A trained candidate as an MLflow model: it answers from its folder alone, for every kind of model and of photo."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grimp
import numpy as np
import pytest
from PIL import Image

from pipeline.champions.answering import load
from pipeline.champions.bundle import write_model_folder
from pipeline.champions.packed_code import LOADER, packed_files
from pipeline.champions.request_size import USUAL
from pipeline.champions.served.servable import Servable
from pipeline.models.archive import TRUSTED, write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.params.schema.classical import ClassicalModel
from tests.tracking.servers import free_port, running, wait_until_it_answers

SIDE = 24
CLASSES = ["apple", "orange", "juice"]
PHOTOS = np.random.default_rng(1).integers(0, 256, (12, SIDE, SIDE, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


@pytest.fixture(scope="module")
def on_hog(tmp_path_factory: pytest.TempPathFactory) -> Servable:
    """A classical model on HOG features: its file names a class of this project."""
    row = ClassicalModel(features="hog_colour", estimator="KNeighborsClassifier", settings={"n_neighbors": 3})
    fitted = fit_classical("knn", row, compute_features(row, PHOTOS), LABELS, folds=2, seed=0)
    path = tmp_path_factory.mktemp("hog") / "seed-0.skops"
    write_model(path, fitted.model)
    return Servable(path, "multiclass", CLASSES, SIDE, {"numpy": np.__version__}, {"candidate": "classical-knn"})


@pytest.fixture(scope="module")
def folder(on_hog: Servable) -> Path:
    path = on_hog.file.with_name("folder")
    write_model_folder(path, on_hog)
    return path


def test_the_folder_packs_all_the_code_that_answering_needs_and_no_more() -> None:
    graph = grimp.build_graph("pipeline", exclude_type_checking_imports=True, cache_dir=None)
    roots = {LOADER} | {name.rpartition(".")[0] for name in TRUSTED if name.startswith("pipeline.")}
    modules = roots.union(*(graph.find_upstream_modules(root) for root in roots))
    packages = {name.rsplit(".", depth)[0] for name in modules for depth in range(1, name.count(".") + 1)}
    files = {f"{name.replace('.', '/')}.py" for name in modules - packages}
    files |= {f"{name.replace('.', '/')}/__init__.py" for name in packages}
    assert sorted(f"pipeline/{name}" for name in packed_files()) == sorted(files)


def test_a_folder_holds_no_pickle_and_no_photo_of_the_user(folder: Path) -> None:
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "data/model/model.skops", "data/model/served.json", "input_example.json"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_a_folder_keeps_the_rule_by_which_a_class_is_said(on_hog: Servable, tmp_path: Path) -> None:
    costs = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [99.0, 99.0, 0.0]]
    write_model_folder(tmp_path / "ruled", replace(on_hog, decision={"costs": costs}))
    served = load(tmp_path / "ruled/data/model")
    probabilities = np.array([[0.6, 0.3, 0.1]])
    assert served.as_table(probabilities)["predicted"].tolist() == ["juice"], "to miss it is dear"


def test_a_folder_says_what_goes_in_and_what_comes_out(folder: Path) -> None:
    from mlflow.models import Model

    described = Model.load(str(folder))
    names = [column.name for column in described.signature.outputs.inputs]
    assert names == ["predicted", "probability", "p_apple", "p_orange", "p_juice"]
    assert described.metadata == {"candidate": "classical-knn"}
    assert f"numpy=={np.__version__}" in (folder / "requirements.txt").read_text().split()


@pytest.mark.parametrize("network_inside", [True, False])
def test_a_folder_asks_for_keras_only_where_a_network_is_inside(
    on_hog: Servable, network_inside: bool, tmp_path: Path
) -> None:
    versions = {"keras": "3.15.1", "tensorflow-cpu": "2.21.0"}
    write_model_folder(tmp_path / "model", replace(on_hog, versions=versions, network_inside=network_inside))
    asked = {"keras==3.15.1", "tensorflow-cpu==2.21.0"} & set((tmp_path / "model/requirements.txt").read_text().split())
    assert len(asked) == (2 if network_inside else 0)


def test_a_folder_that_cannot_be_finished_is_not_left_half_written(
    on_hog: Servable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("mlflow.models.Model.save", full)
    with pytest.raises(OSError, match="no space"):
        write_model_folder(tmp_path / "model", on_hog)
    assert list(tmp_path.iterdir()) == []


def test_a_classical_model_on_hog_features_answers_over_http_without_the_checkout(folder: Path, tmp_path: Path) -> None:
    example = json.loads((folder / "serving_input_example.json").read_text())
    expected = load(folder / "data/model").probabilities(PHOTOS[:2]).tolist()
    texts = encoded(PHOTOS[:2])
    with serving(folder, tmp_path) as ask:
        for form in (
            {"inputs": PHOTOS[:2].tolist()},
            {"inputs": texts},
            {"dataframe_records": [{"photo": one} for one in texts]},
        ):
            status, answer = ask(form)
            assert status == 200
            assert [[row[f"p_{name}"] for name in CLASSES] for row in answer["predictions"]] == [
                pytest.approx(row) for row in expected
            ]
        assert ask(example)[0] == 200
        status, answer = ask({"inputs": ["no photo"]})
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert "photo 0 is text, but not base64" in answer["message"]
        for announced in (True, False):
            assert status_of_a_long_request(ask.address, announced) == 413
        assert ask(example)[0] == 200


def test_a_bundle_of_an_older_version_answers_with_its_own_code(folder: Path, tmp_path: Path) -> None:
    """Modules move and are renamed; what is in champions/ already names and carries those that it was made with."""
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    packed = older / "code" / "pipeline"
    (packed / "champions" / "answering.py").rename(packed / "older_answering.py")
    description = older / "MLmodel"
    description.write_text(description.read_text().replace(LOADER, "pipeline.older_answering"))
    script = f"""
        import mlflow, numpy
        photos = numpy.zeros((1, {SIDE}, {SIDE}, 3), numpy.uint8)
        print(*mlflow.pyfunc.load_model({str(older)!r}).predict(photos)["predicted"])
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    expected = load(older / "data/model").predict(np.zeros((1, SIDE, SIDE, 3), np.uint8))["predicted"]
    assert done.stdout.split() == list(expected), done.stderr


def encoded(photos: np.ndarray) -> list[str]:
    texts = []
    for photo in photos:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "PNG")
        texts.append(base64.b64encode(file.getvalue()).decode())
    return texts


def status_of_a_long_request(address: str, announced: bool) -> int:
    """Of one that says how many bytes are to come, more than a server reads; or that comes in pieces without an end."""
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    with closing(HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "application/json")
        if announced:
            connection.putheader("Content-Length", str(10**12))
        else:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for piece in () if announced else (*[b" " * 10**6] * USUAL, b" "):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        return connection.getresponse().status


class Ask:
    """Asks a server at an address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __call__(self, body: Any) -> tuple[int, Any]:
        return ask_url(self.address, body)


@contextmanager
def serving(folder: Path, elsewhere: Path) -> Iterator[Ask]:
    """`mlflow models serve` of a folder, started outside the checkout; gives a function that asks it."""
    port, log = free_port(), elsewhere / "serve.log"
    here = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(folder), *here]
    with running(command, elsewhere, log, {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}) as process:
        wait_until_it_answers(f"http://127.0.0.1:{port}/ping", process, log)
        yield Ask(f"http://127.0.0.1:{port}/invocations")


def ask_url(url: str, body: Any) -> tuple[int, Any]:
    """Text is sent as CSV, anything else as JSON."""
    as_csv = isinstance(body, str)
    kind = "text/csv" if as_csv else "application/json"
    sent = body if as_csv else json.dumps(body)
    request = urllib.request.Request(url, sent.encode(), {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
