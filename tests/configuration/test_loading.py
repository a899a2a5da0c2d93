"""params.yaml is strict: folders of good and bad files; adding a case is adding a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.configuration.own_data import ON_A_NODE
from pipeline.operations.scaling.on_nodes import node
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.schema.reading import ParamsError, read_yaml

ROOT = Path(__file__).resolve().parents[2]
VALID = sorted((ROOT / "tests/params/valid").glob("*.yaml"))
INVALID = sorted((ROOT / "tests/params/invalid").glob("*.yaml"))


def overlaid(file: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The default params.yaml with the `set` of a case laid over it (dotted keys), and the case itself."""
    case, params = read_yaml(file), read_yaml(ROOT / "params.yaml")
    for dotted, value in case.get("set", {}).items():
        *parents, last = dotted.split(".")
        target: Any = params
        for parent in parents:
            target = target[parent]
        if value == "<removed>":
            del target[last]
        else:
            target[last] = value
    path = folder / "params.yaml"
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    return path, case


def make(case: dict[str, Any], folder: Path) -> None:
    """The `folders` and (empty) `files` that a case wants to be there."""
    for name in case.get("folders", []):
        (folder / name).mkdir(parents=True)
    for name in case.get("files", []):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_a_good_file_is_accepted(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, case = overlaid(file, tmp_path)
    make(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(load_params(path).candidates()) == case["candidates"]


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_a_bad_file_is_refused_by_file_key_and_remedy(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, case = overlaid(file, tmp_path)
    make(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError) as refusal:
        load_params(path)
    assert str(path) in str(refusal.value)
    for words in case["says"]:
        assert words in str(refusal.value)


def test_the_default_file_is_accepted_and_names_twenty_three_candidates() -> None:
    names = [candidate.name for candidate in load_params(ROOT / "params.yaml").candidates()]
    assert len(names) == len(set(names)) == 23
    assert {
        "classical-majority",
        "classical-logistic-vgg16",
        "cnn-lecture",
        "finetune-resnet50-gradual_unfreezing",
    } <= set(names)


def test_a_node_of_a_cluster_need_not_have_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = overlaid(ROOT / "tests/params/invalid/own_folder_missing.yaml", tmp_path)
    monkeypatch.setenv(ON_A_NODE, str(tmp_path))
    assert load_params(path).data.fetch == []
    assert ON_A_NODE == node.MARK


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seeds: [0]\nseeds: [1]\n")
    with pytest.raises(ParamsError, match="seeds"):
        load_params(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml"):
        load_params(tmp_path / "nowhere.yaml")


def test_an_unknown_backbone_row_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParamsError, match="resnet50"):
        load_backbone("resnet5000")


def test_the_table_of_the_how_to_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = (ROOT / "docs/how-to/tables-and-series.md").read_text(encoding="utf-8").split("```yaml\n")
    (block,) = [block.split("```")[0] for block in blocks if "target: outcome" in block]
    table = tmp_path / "patients.csv"
    table.touch()
    pasted = YAML(typ="safe", pure=True).load(block.replace("/where/it/is/patients.csv", str(table)))
    params = read_yaml(ROOT / "params.yaml")
    params |= pasted | {"data": params["data"] | pasted["data"]}
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    monkeypatch.chdir(tmp_path)
    assert len(load_params(tmp_path / "params.yaml").candidates()) == 6 + 2
