"""Another question on the same graph: `python -m pipeline study quick` answers studies/quick.yaml in workspaces/quick/.

A study lays its own values over params.yaml, runs the graph (or the stages it names) in a workspace, and shows
what came out. It shares DVC's cache and MLflow's store with the checkout, and goes on where it stopped. A study of
photo sizes does so once a size, since all candidates of one graph see the same photos, and compares them on one page.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML

from pipeline.configuration.ensemble_faults import possible_ensembles
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params, params_class
from pipeline.datasets.accepted import ACCEPTED
from pipeline.ground.files import replacing, write_csv
from pipeline.ground.locks import hold_at_once
from pipeline.ground.paths import REPORT, WORKSPACE_MARK
from pipeline.operations.checking.surroundings import refuse_unwritable
from pipeline.operations.following.child import run_command
from pipeline.operations.following.running import what_runs
from pipeline.operations.studying.photo_sizes import compare_sizes, read_sizes
from pipeline.operations.studying.size_page import render, sentences
from pipeline.operations.workspace import WORKSPACES, bring_backbones, bring_batches, share_cache, sync_workspace
from pipeline.ownership import refuse_foreign_files
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError, Strict, parse, read_yaml
from pipeline.tasks import REGRESSION
from pipeline.tracking.address import tracking_uri
from pipeline.trials import results_folder

STUDIES = Path("studies")
LOCKS = Path(".kiyas/studies")
SAME_DATA = ("fetch", "path", "labels", "target")  # keys of data that say which examples there are, and what is asked

log = logging.getLogger("kiyas")


class StudyError(ValueError):
    """A study cannot be run as it is written, or a command of its run failed."""


class Study(Strict):
    """studies/<name>.yaml.

    Attributes:
        description: the question that the study answers.
        targets: stages of dvc.yaml to run, with all that they need; empty: the whole graph.
        params: laid over params.yaml: mappings key by key, lists as a whole.
        photo_sizes: values of data.image_size, each of which gets a workspace within the study's; empty: one workspace.
        expected: what came out when it was last run, shown beside what comes out now.
    """

    description: str
    targets: list[str] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict)
    photo_sizes: list[int] = Field(default_factory=list)
    expected: str | None = None

    @field_validator("photo_sizes")
    @classmethod
    def _need_the_whole_graph(cls, sizes: list[int], others: ValidationInfo) -> list[int]:
        if sizes and others.data.get("targets"):
            raise ValueError("compares what is evaluated, which takes the whole graph; leave out targets")
        return sizes

    def with_size(self, size: int) -> Study:
        """The same with photos of one size alone."""
        params = merge(self.params, {"data": {"image_size": size}})
        return self.model_copy(update={"params": params, "photo_sizes": []})


def run(name: str) -> None:
    """Run studies/<name>.yaml in workspaces/<name>/ and print what came out.

    Raises:
        StudyError: for an unknown study, faulty parameters, a run that goes on, or a command that failed.
        LockError: another process runs the same study.
        KeyboardInterrupt: a command was told to stop, and has.
        ForeignFilesError: DVC would delete files of somebody else in the workspace.
        SurroundingsError: nothing could be written there.
    """
    study = load_study(name)
    log.info("study %s: %s", name, study.description)
    with hold_at_once(LOCKS / f"{name}.lock", f"study {name}"):
        if study.photo_sizes:
            print(_run_sizes(name, study))
        else:
            params = _run_in(WORKSPACES / name, name, study, read_yaml(PARAMS_FILE))
            print(_outcome(WORKSPACES / name, study, params))


def _run_sizes(name: str, study: Study) -> str:
    """Run the study once a size; write one page and one table of them all.

    Raises:
        StudyError: numbers are predicted.
    """
    content = read_yaml(PARAMS_FILE)  # once, so that all sizes are compared under the same parameters
    data = merge(content, study.params).get("data")
    if isinstance(data, dict) and data.get("task") == REGRESSION.setting:
        raise StudyError(
            f"studies/{name}.yaml: photo_sizes = {study.photo_sizes}: sizes are compared by accuracy, and data.task = "
            f"{REGRESSION.setting!r} predicts numbers; try sizes one by one, as data.image_size under `params` of a "
            "study without photo_sizes"
        )
    workspaces = {size: WORKSPACES / name / str(size) for size in study.photo_sizes}
    for size, workspace in workspaces.items():
        log.info("photos of %d×%d pixels", size, size)
        params = _run_in(workspace, name, study.with_size(size), content, f"kiyas-{name}-{size}")
    table = compare_sizes(read_sizes(workspaces), params.compare)
    page = WORKSPACES / name / "report.html"
    write_csv(page.with_name("photo_sizes.csv"), table)
    with replacing(page) as temporary:
        temporary.write_text(render(table, name, params.compare.confidence), encoding="utf-8")
    return _with_expected("\n".join([*sentences(table), f"The page: {page}"]), study, params)


def _run_in(workspace: Path, name: str, study: Study, content: dict[str, Any], experiment: str | None = None) -> Params:
    """Bring a workspace up to date with the checkout, and run the study in it.

    Args:
        content: of params.yaml.
        experiment: in MLflow; None: the study's own.

    Raises:
        StudyError: a run of the workspace goes on.
    """
    root = Path.cwd()
    if running := what_runs(workspace):
        raise StudyError(
            f"{workspace}: {running} is at work there, and parameters and code would change beneath it; wait for its "
            "end, or end it, then run the study again to go on from there"
        )
    params = write_params(workspace / PARAMS_FILE, name, study, content, experiment)
    own_photos = [] if params.data.fetch else [Path(params.data.path)]
    if own_photos:
        log.info("on the data in %s, as params.yaml says", params.data.path)
    foreign = [] if shares_data(content, study) else sorted(ACCEPTED.glob("*.dvc"))
    sync_workspace(root, workspace, without=[*own_photos, *foreign])
    share_cache(root, workspace)
    bring_batches(workspace)
    bring_backbones(workspace)
    mark_workspace(workspace, name)
    with contextlib.chdir(workspace):
        refuse_foreign_files(fetches=bool(params.data.fetch))
        refuse_unwritable(params)
    _run(["pipeline", "repro", *study.targets], workspace)
    _run(["pipeline", "track"], workspace)
    return params


def shares_data(content: dict[str, Any], study: Study) -> bool:
    """Whether the study is about the data of params.yaml (its `content`): if not, what was accepted since is no part.

    A limit, another size or another seed leave them the same data; another source, table of labels or target do not.
    """
    ours, theirs = (values.get("data", {}) for values in (content, merge(content, study.params)))
    return all(theirs.get(key) == ours.get(key) for key in SAME_DATA)


def mark_workspace(workspace: Path, name: str) -> None:
    """A study answers another question than the checkout, so what wins there is never registered."""
    mark = workspace / WORKSPACE_MARK
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(f"{name}\n", encoding="utf-8")


def load_study(name: str) -> Study:
    """
    Raises:
        StudyError: naming the studies that there are, or the file, key and fault.
    """
    names = sorted(path.stem for path in STUDIES.glob("*.yaml"))
    if name not in names:
        raise StudyError(f"{STUDIES}/{name}.yaml: there is no such study; studies: {', '.join(names) or 'none'}")
    path = STUDIES / f"{name}.yaml"
    try:
        return Study.model_validate(read_yaml(path))
    except ValidationError as error:
        faults = [f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}" for fault in error.errors()]
        raise StudyError("\n".join([*faults, f"A study has: {', '.join(Study.model_fields)}"])) from None


def write_params(path: Path, name: str, study: Study, content: dict[str, Any], experiment: str | None = None) -> Params:
    """Write the study's own params.yaml and read it back, checked.

    Args:
        content: of the checkout's params.yaml.
        experiment: in MLflow; None: `kiyas-` and the name.

    Raises:
        StudyError: what load_params finds wrong with it.
    """
    if isinstance(content.get("study"), dict):  # what the study leaves out, it leaves out on purpose
        content = content | {"study": {key: value for key, value in content["study"].items() if key != "left_out"}}
    content = merge(content, study.params)
    content = merge(content, {"tracking": {"experiment": experiment or f"kiyas-{name}"}})
    content = _with_possible_ensembles(content, study, path)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(f"# params.yaml with studies/{name}.yaml laid over it. Every run of the study writes it anew.\n")
        YAML().dump(_with_absolute_folder(content), stream)
    try:
        return load_params(path)
    except ParamsError as error:
        raise StudyError(
            f"{error}\n{path} is params.yaml with studies/{name}.yaml laid over it; mend it there."
        ) from None


def _with_possible_ensembles(content: dict[str, Any], study: Study, path: Path) -> dict[str, Any]:
    """A study has candidates and seeds of its own, so ensembles that params.yaml names may be of nobody there.

    Those that the study names itself stay, right or wrong.
    """
    named, own = ((of.get("compare") or {}) for of in (content, study.params))
    if not isinstance(named, dict) or not named.get("ensembles") or "ensembles" in own:
        return content
    try:
        left = possible_ensembles(parse(params_class(), content, str(path)))
    except ParamsError:  # load_params says what is wrong
        return content
    for key, names in left.items():
        log.info("%s: compare.ensembles.%s: %s, since there are no others of the study's candidates", path, key, names)
    return merge(content, {"compare": {"ensembles": left}})


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """`overlay` laid over `base`: mappings key by key, everything else (lists too) replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def best_epochs(workspace: Path, params: Params) -> pd.DataFrame:
    """The epoch of the lowest validation loss, one row for each trained candidate and seed."""
    score = "accuracy" if params.data.has_classes else REGRESSION.score
    tables = [pd.DataFrame(columns=["candidate", "seed", "phase", "epoch", "val_loss", f"val_{score}"])]
    for candidate in params.candidates():
        history = workspace / results_folder(candidate.name) / "history.csv"
        if history.is_file():
            best = pd.read_csv(history).sort_values("val_loss", kind="stable").groupby("seed").head(1)
            tables.append(best.sort_values("seed").assign(candidate=candidate.name)[tables[0].columns])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _with_absolute_folder(content: dict[str, Any]) -> dict[str, Any]:
    """The user's own photos stay where they are: a workspace reads them from there."""
    data = content.get("data")
    if isinstance(data, dict) and not data.get("fetch") and isinstance(data.get("path"), str):
        return merge(content, {"data": {"path": str(Path(data["path"]).resolve())}})
    return content


def _run(module: list[str], workspace: Path) -> None:
    """Run `python -m …` in the workspace, with this interpreter and into this checkout's MLflow store."""
    log.info("%s: %s", workspace, " ".join(module))
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment = os.environ | {"PATH": os.pathsep.join(folders), "MLFLOW_TRACKING_URI": tracking_uri()}
    status, stopped = run_command([sys.executable, "-m", *module], workspace, environment)
    if stopped:  # even where it ended well, whoever stopped it wants nothing more to begin
        log.warning("%s: `%s` was stopped; run the study again to go on from there", workspace, " ".join(module))
        raise KeyboardInterrupt
    if status:
        raise StudyError(
            f"{workspace}: `{' '.join(module)}` ended with exit status {status}; the reason stands above. "
            f"Run the study again to go on from there."
        )


def _outcome(workspace: Path, study: Study, params: Params) -> str:
    if not study.targets or "compare" in study.targets:
        found = f"The answer: {workspace / REPORT}"
    else:
        table = best_epochs(workspace, params)
        found = f"Best epoch of each trial, by validation loss:\n{table.to_string(index=False, float_format='%.4f')}"
    return _with_expected(found, study, params)


def _with_expected(found: str, study: Study, params: Params) -> str:
    """With what a study once found; nobody knows what to expect of the user's own data."""
    if not study.expected or not params.data.fetch:
        return found
    return f"{found}\n\nExpected, by a run of an earlier version on another machine:\n{study.expected.strip()}"
