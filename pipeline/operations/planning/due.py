"""Which stages are due, by DVC's own comparison of dvc.yaml, dvc.lock and what is on disk.

Neither of DVC's commands says it. `dvc repro --dry` fails where a stage's deps are not made yet, and leaves out what
follows from a stage that it would run. `dvc status` takes DVC's lock, which a running `dvc repro` needs back within
seconds of a stage's end: looking could cost it that stage. So this asks the same objects as they do, without a lock,
and follows the graph. It takes one to two seconds and changes nothing on disk.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.dvc_command import VersioningError
from pipeline.dvc_full_disk import refuse_full_disk
from pipeline.dvc_leftovers import mend_leftovers

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage as DvcStage

State = Literal["unchanged", "changed", "follows", "cached"]


@dataclass(frozen=True)
class Inputs:
    """What a stage reads that others write.

    Attributes:
        stages: those right above it in the graph.
        paths: those of their outs that it depends on.
    """

    stages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraphState:
    """
    Attributes:
        stages: every stage that the targets need, in DVC's order of running them, with its state: unchanged; changed
            (its code, parameters, inputs or outs); follows (from one that is due, whose outcome may turn out the same);
            cached (changed, but DVC has the outcome from an earlier run and restores it in seconds).
        inputs: of each stage.
        changes: of each stage whose own state changed: its deps and outs that differ from dvc.lock, as DVC names them.
    """

    stages: dict[str, State]
    inputs: dict[str, Inputs] = field(default_factory=dict)
    changes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def due(self) -> list[str]:
        """All but the unchanged ones."""
        return [name for name, state in self.stages.items() if state != "unchanged"]


def graph_state(targets: Sequence[str] = (), mends: bool = True) -> GraphState:
    """Of the checkout that is the current directory.

    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.
        mends: whether what a killed run has left is mended first. Whoever only looks does not: the folder may be shared
            with another machine, whose run DVC's files name by process numbers that mean nothing here.

    Raises:
        VersioningError: a target is no stage, or DVC cannot read the project.
        OSError: the disk has next to no room.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    refuse_full_disk()
    if mends:
        mend_leftovers()
    with _silent(logging.getLogger("dvc")):
        try:
            with Repo() as repo:
                entries = list(_entries(repo, targets))
        except DvcException as error:
            mended = "" if mends else "; `python -m pipeline repro` mends what a killed run has left"
            raise VersioningError(f"DVC cannot read this project: {error}{mended}") from None
    return GraphState(
        {name: state for name, state, _, _ in entries},
        {name: inputs for name, _, inputs, _ in entries},
        {name: changes for name, _, _, changes in entries if changes},
    )


def _entries(repo: Repo, targets: Sequence[str]) -> Iterator[tuple[str, State, Inputs, tuple[str, ...]]]:
    """Of each stage that the targets need: its name, its state, what it reads of others, what has changed."""
    from dvc.repo.reproduce import get_active_graph, plan_repro

    graph = get_active_graph(repo.index.graph)
    needed = plan_repro(graph, _collect(repo, targets, {stage.addressing: stage for stage in graph}))
    states: dict[DvcStage, State] = {}
    for stage in needed:
        if stage.addressing.endswith(".dvc"):  # data that git tracks by a pointer; no stage runs
            continue
        above = {states.get(dep, "unchanged") for dep in graph.successors(stage)}
        states[stage], changes = _state(repo, stage, follows=bool(above - {"unchanged"}))
        yield stage.addressing, states[stage], _inputs(stage, graph.successors(stage)), changes


def _inputs(stage: DvcStage, above: Iterable[DvcStage]) -> Inputs:
    """
    Args:
        above: what it depends on directly, pointers to data among them.
    """
    writers = [writer for writer in above if not writer.addressing.endswith(".dvc")]
    read = {dep.def_path for dep in stage.deps}
    paths = [out.def_path for writer in writers for out in writer.outs if out.def_path in read]
    return Inputs(tuple(sorted(writer.addressing for writer in writers)), tuple(sorted(paths)))


def _collect(repo: Repo, targets: Sequence[str], names: dict[str, DvcStage]) -> list[DvcStage]:
    from dvc.exceptions import DvcException

    stages: list[DvcStage] = []
    for target in targets:
        # DVC's own search reads all files again for each target, so it is left to targets that are no plain name.
        known = [stage for name, stage in names.items() if name == target or name.startswith(f"{target}@")]
        try:
            stages += known or repo.stage.collect(target)
        except DvcException:
            like = difflib.get_close_matches(target, names, n=1)
            raise VersioningError(
                f"{target!r} is no stage of dvc.yaml{f'; did you mean {like[0]!r}?' if like else ''} "
                "(`dvc stage list` names all)"
            ) from None
    return stages


def _state(repo: Repo, stage: DvcStage, follows: bool) -> tuple[State, tuple[str, ...]]:
    """With what of the stage differs from dvc.lock."""
    deps, outs, command = stage.changed_entries()
    changes = (*deps, *outs, *([command] if command else []))
    if not changes:
        return "follows" if follows else "unchanged", changes
    cached = not follows and _is_cached(repo, stage, changed=bool(deps or command))
    return "cached" if cached else "changed", changes


def _is_cached(repo: Repo, stage: DvcStage, changed: bool) -> bool:
    """Whether DVC has the outcome. Of a changed stage it looks up what its deps are now, as a real run does: a dry one
    looks up what they were, and calls cached what has to run."""
    from dvc.exceptions import DvcException

    try:
        if changed:
            stage.save_deps()  # in memory alone
            for out in stage.outs:
                out.hash_info = type(out.hash_info)()  # unknown; else those of the last run count
        repo.stage_cache.restore(stage, dry=True)
    except (DvcException, OSError):  # also where a dep is not made yet
        return False
    return True


@contextmanager
def _silent(log: logging.Logger) -> Iterator[None]:
    level, log.disabled = log.level, True
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
        log.disabled = False
