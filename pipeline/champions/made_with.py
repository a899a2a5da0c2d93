"""By which code and which parameters a decision was made, so that a change of these alone can be seen as news."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.champions.log import DECISIONS, Entry
from pipeline.configuration.loading import load_params
from pipeline.ground.fingerprints import hash_path
from pipeline.models.backbone_files.archive import FOLDER
from pipeline.params.schema.backbones import BackboneFile, load_backbone
from pipeline.params.schema.reading import PARAMS_FILE, read_yaml
from pipeline.params.training.candidates import Candidate

GRAPH = Path("dvc.yaml")
CODE, PARAMETERS = "code", "params"
SAYS = {CODE: "The code", PARAMETERS: "The parameters"}
# The comparison's own code only words and draws; its parameters decide what is better.
NOT_TRAINED_WITH, DECIDED_WITH = ("compare",), "compare"


def made_with() -> dict[str, str]:
    """SHA-256 over the code and over the parameters that a decision of today rests on; empty without a graph."""
    if not (GRAPH.is_file() and PARAMS_FILE.is_file()):
        return {}
    stages = [stage for name, stage in read_yaml(GRAPH)["stages"].items() if name not in NOT_TRAINED_WITH]
    files = sorted({dep for stage in stages for dep in stage.get("deps", []) if dep.startswith("pipeline/")})
    return {
        CODE: _hash({file: hash_path(Path(file)) for file in files}),
        PARAMETERS: _hash(_parameters(stages)),
    }


def changed(log: Sequence[Entry], wanted: Collection[str]) -> list[str]:
    """A sentence for each of code and params that is not what the last decision was made with.

    Args:
        log: all decisions so far.
        wanted: of "code" and "params", what is to be looked at.
    """
    before = next((entry.made_with for entry in reversed(log) if entry.event in DECISIONS and entry.made_with), {})
    today = made_with() if wanted else {}
    return [
        f"{SAYS[part]} {'is' if part == CODE else 'are'} not what the last decision was made with (--if-changed)."
        for part in SAYS
        if part in wanted and today.get(part) != before.get(part)
    ]


def _parameters(stages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sections of params.yaml that stages read, the rows of the models that compete, and files that these name."""
    params, content = load_params(), read_yaml(PARAMS_FILE)
    competing = {name for one in params.candidates() for name in _rows_of(one)}
    values: dict[str, Any] = {DECIDED_WITH: content.get(DECIDED_WITH)}
    for row in map(load_backbone, params.finetune.backbones):
        if isinstance(row, BackboneFile):
            values[f"{FOLDER}/{row.file}"] = hash_path(FOLDER / row.file)
    for file in _files(stages):
        if file == PARAMS_FILE.name:
            values |= {key: content.get(key) for key in sorted(_sections(stages))}
        else:
            values[file] = {name: row for name, row in read_yaml(Path(file)).items() if name in competing}
    return values


def _rows_of(one: Candidate) -> list[str]:
    """The names of a candidate's rows: of its model, and of its backbone."""
    return [one.row] if one.backbone is None else [one.row, one.backbone]


def _sections(stages: Sequence[dict[str, Any]]) -> set[str]:
    return {entry.partition(".")[0] for stage in stages for entry in stage.get("params", []) if isinstance(entry, str)}


def _files(stages: Sequence[dict[str, Any]]) -> Iterator[str]:
    named = {file for stage in stages for entry in stage.get("params", []) if isinstance(entry, dict) for file in entry}
    yield from (PARAMS_FILE.name, *sorted(named - {PARAMS_FILE.name}))


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
