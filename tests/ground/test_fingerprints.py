"""The fingerprint moves with what can change a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.ground.fingerprints import fingerprint, hash_path

DVC = """
stages:
  train:
    matrix: {model: [a, b]}
    cmd: "true"
    deps: [data, "weights/${item.model}.txt"]
    params: [seeds, "rates.${item.model}", {rows.yaml: ["${item.model}"]}]
"""


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "weights").mkdir()
    files = {
        "dvc.yaml": DVC,
        "params.yaml": "seeds: [0]\nrates: {a: 1, b: 2}\nother: 1\n",
        "rows.yaml": "{a: 1, b: 1}",
        "data/x.txt": "x",
        "weights/a.txt": "wa",
        "weights/b.txt": "wb",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("data/x.txt", "y", True),
        ("weights/a.txt", "new", True),
        ("weights/b.txt", "new", False),
        ("rows.yaml", "{a: 2, b: 1}", True),
        ("rows.yaml", "{a: 1, b: 2, c: 3}", False),
        ("params.yaml", "seeds: [0]\nrates: {a: 9, b: 2}\nother: 1\n", True),
        ("params.yaml", "seeds: [0]\nrates: {a: 1, b: 9}\nother: 2\n", False),
        ("params.yaml", "seeds: [0, 1]\nrates: {a: 1, b: 2}\nother: 1\n", False),
    ],
)
def test_a_fingerprint_moves_with_its_own_deps_and_parameters_alone(
    graph: Path, file: str, text: str, changes: bool
) -> None:
    before = fingerprint("train", {"model": "a"})
    (graph / file).write_text(text)
    assert (fingerprint("train", {"model": "a"}) != before) is changes


def test_a_share_of_the_training_examples_has_a_fingerprint_of_its_own(graph: Path) -> None:
    whole, third, half = (fingerprint("train", {"model": "a"}, share) for share in (1.0, 0.3, 0.5))
    assert whole == fingerprint("train", {"model": "a"})
    assert len({whole, third, half}) == 3


def test_byte_code_beside_a_module_is_not_part_of_a_folder(graph: Path) -> None:
    before = hash_path(graph / "data")
    (graph / "data/__pycache__").mkdir()
    (graph / "data/__pycache__/x.pyc").write_text("compiled")
    assert hash_path(graph / "data") == before
    (graph / "data/z.txt").write_text("x")
    assert hash_path(graph / "data") != before
