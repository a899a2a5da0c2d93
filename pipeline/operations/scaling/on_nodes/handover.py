"""Trials that are trained on several nodes and joined on one of them, as stages that DVC knows in a clone alone.

The stage of a trial has the deps and parameters of its candidate's stage, without the list of seeds, and its out is
what `KeptTrials` holds of it. So DVC's remote carries it, and DVC's run cache finds it after a kill. The candidate's
own stage then finds all its trials kept, as after a kill on one machine, and only writes what follows from them.

    trials/<candidate>/dvc.yaml, dvc.lock        a stage for each seed
    trials/<candidate>/seed-<n>/<key>/seed-<n>.* its out: files of .kiyas/trials
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.ground.files import replacing

FOLDER = Path("trials")  # in a clone, and nowhere else
KEPT = Path(".kiyas/trials")  # as in training.kept_trials, which takes seconds to import
COMMAND = "pipeline.operations.scaling.on_nodes.trial"
SEEDS = "seeds"  # the parameter on which a trial does not depend


@contextlib.contextmanager
def trial_folder() -> Iterator[None]:
    """While it lasts, stages of trials may lie in this clone; none before, and none afterwards."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def add_trial_stage(trial: Mapping[str, Any]) -> str:
    """Let DVC know a trial as a stage.

    Args:
        trial: `orders.Trial` as plain data.

    Returns:
        Its name, as `dvc repro` takes it.
    """
    out = out_of(trial)
    deps, params = _read_by(trial["stage"])
    command = f"python -m {COMMAND} {trial['candidate']} {trial['seed']} {out.as_posix()}"
    write_yaml(_file(trial, "dvc.yaml"), {"stages": {out.name: _stage(command, out, deps=deps, params=params)}})
    return f"{_file(trial, 'dvc.yaml').as_posix()}:{out.name}"


def read_trial_entry(trial: Mapping[str, Any]) -> dict[str, Any]:
    """What DVC wrote of a trial's stage into its dvc.lock."""
    return read_entry(_file(trial, "dvc.lock"), out_of(trial).name)


def add_finished_trials(trials: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[str]:
    """Let DVC know trials that other nodes have finished.

    Args:
        trials: each with its entry of dvc.lock there.

    Returns:
        What `dvc pull` takes to get their files.
    """
    stages: dict[str, dict[str, Any]] = {}
    entries: dict[str, dict[str, Any]] = {}
    for trial, entry in trials:
        out = out_of(trial)
        stages.setdefault(trial["candidate"], {})[out.name] = _stage(entry["cmd"], out)
        entries.setdefault(trial["candidate"], {})[out.name] = dict(entry)
    for candidate in stages:
        write_yaml(FOLDER / candidate / "dvc.yaml", {"stages": stages[candidate]})
        write_yaml(FOLDER / candidate / "dvc.lock", {"schema": "2.0", "stages": entries[candidate]})
    return [(FOLDER / candidate / "dvc.yaml").as_posix() for candidate in stages]


def keep_finished_trials(trials: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Lay the files that DVC has pulled where the candidate's stage looks for kept trials."""
    for trial, _ in trials:
        for folder in out_of(trial).iterdir():
            link_files(sorted(folder.iterdir(), key=lambda file: file.suffix == ".json"), KEPT / folder.name)


def link_files(files: Iterable[Path], folder: Path) -> None:
    """Under their names in a folder, each whole or not at all, and in this order: facts on disk mean a complete trial.

    Hard links where the file system allows them: models are large.
    """
    for file in files:
        with replacing(folder / file.name) as temporary:
            try:
                os.link(file, temporary)
            except OSError:
                shutil.copyfile(file, temporary)


def out_of(trial: Mapping[str, Any]) -> Path:
    return FOLDER / trial["candidate"] / f"seed-{trial['seed']}"


def _file(trial: Mapping[str, Any], name: str) -> Path:
    return FOLDER / trial["candidate"] / name


def _stage(command: str, out: Path, **reads: Any) -> dict[str, Any]:
    return {"wdir": "../..", "cmd": command, "outs": [out.as_posix()], **reads}


def _read_by(stage: str) -> tuple[list[str], list[Any]]:
    """What a stage of dvc.yaml reads: its deps, and its parameters save the list of seeds."""
    from dvc.dependency.param import ParamsDependency
    from dvc.repo import Repo

    with Repo() as repo:
        found = repo.stage.load_one(name=stage)
        params = {dep.def_path: list(dep.params) for dep in found.deps if isinstance(dep, ParamsDependency)}
        deps = [dep.def_path for dep in found.deps if not isinstance(dep, ParamsDependency)]
    return deps, [{file: [key for key in keys if key != SEEDS]} for file, keys in params.items()]


def read_entry(lock: Path, name: str) -> dict[str, Any]:
    """A stage's entry of a dvc.lock."""
    content = YAML(typ="safe", pure=True).load(lock.read_text(encoding="utf-8"))
    return dict(content["stages"][name])


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """In a folder that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
