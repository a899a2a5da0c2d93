"""A change of code or parameters alone is news where it is asked for, and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.champions import made_with as module
from pipeline.champions.log import Entry, now
from pipeline.champions.made_with import changed, made_with
from tests.own_backbone import give_row, name_backbone, own_network, put_file


def decided(made: dict[str, str], event: Any = "kept") -> Entry:
    return Entry(now(), event, None, 1, "data", [], made_with=made)


def change(section: str, **values: Any) -> None:
    yaml, file = YAML(typ="safe"), Path("params.yaml")
    content = yaml.load(file.read_text(encoding="utf-8"))
    content[section] |= values
    yaml.dump(content, file)


@pytest.mark.usefixtures("checkout")
def test_parameters_that_decide_a_result_are_news_and_those_that_do_not_are_none() -> None:
    log = [decided(made_with())]
    assert changed(log, ["code", "params"]) == []
    change("retrain", least_new=7)
    change("tracking", experiment="elsewhere")
    assert changed(log, ["code", "params"]) == []
    change("baseline", folds=3)
    assert changed(log, ["code"]) == [] == changed(log, [])
    (told,) = changed(log, ["code", "params"])
    assert told == "The parameters are not what the last decision was made with (--if-changed)."
    assert changed([*log, decided(made_with()), decided({}, "registered")], ["params"]) == []
    change("compare", score="balanced_accuracy")
    assert changed([*log, decided({})], ["params"]) == [told]


@pytest.mark.usefixtures("checkout")
def test_another_row_of_a_probe_is_news_as_that_of_any_other_model(monkeypatch: pytest.MonkeyPatch) -> None:
    log, read = [decided(made_with())], module.read_yaml

    def changed_rows(path: Path) -> Any:
        content = read(path)
        if path.name == "classical.yaml":
            content["logistic"] = content["logistic"] | {"grid": {"C": [1]}}
        return content

    monkeypatch.setattr(module, "read_yaml", changed_rows)
    assert len(changed(log, ["params"])) == 1


def test_another_file_of_an_own_backbone_is_news_as_another_parameter_is(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_row(checkout, monkeypatch)
    name_backbone(checkout, ["full"])
    own_network().save("net.keras")
    file = put_file(checkout, Path("net.keras"))
    log = [decided(made_with())]
    assert changed(log, ["code", "params"]) == []
    file.write_bytes(file.read_bytes() + b"more")  # behind the archive's end, where nobody looks
    assert changed(log, ["code", "params"]) == [
        "The parameters are not what the last decision was made with (--if-changed)."
    ]


@pytest.mark.usefixtures("checkout")
def test_code_that_trains_is_news_and_so_is_a_decision_that_does_not_say_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, hash_path = [decided(made_with())], module.hash_path
    assert changed([decided({})], ["code"]) == ["The code is not what the last decision was made with (--if-changed)."]

    def changed_file(file: Path) -> str:
        return "other" if file.as_posix() == changing else hash_path(file)

    monkeypatch.setattr(module, "hash_path", changed_file)
    changing = "pipeline/stages/compare.py"
    assert changed(log, ["code"]) == []
    changing = "pipeline/stages/baseline.py"
    assert len(changed(log, ["code", "params"])) == 1
