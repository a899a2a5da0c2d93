"""Run what is due on several machines, and end with what this one would have made by itself.

python -m pipeline fanout --dry-run                           # the plan, and how long it takes on 1 to 16 nodes
python -m pipeline fanout --local 2                           # two stages at a time on this machine
python -m pipeline fanout --address ray://head.cluster:10001  # on a Ray cluster
python -m pipeline fanout --slurm 8                           # eight jobs of Slurm at a time

Data are fetched and prepared here (where there are very many photos, nodes read them), each candidate is trained and
evaluated on some node, and compared here. dvc.yaml stays as it is: a node runs `dvc repro --single-item` in a clone of
the commit, and DVC's remote carries what stages read and write. A stage that fails keeps back only those that need it.
Started again after a kill, it finds in the remote what had been finished.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.dvc_command import VersioningError, dvc_lock_held, run_dvc
from pipeline.ground.locks import LockError, hold_at_once
from pipeline.ground.system_faults import tell_failure
from pipeline.operations import repro, track
from pipeline.operations.following.running import FANOUT_LOCK, what_runs
from pipeline.operations.planning.due import graph_state
from pipeline.operations.planning.forecast import forecast_stages
from pipeline.operations.planning.plan import join_plan
from pipeline.operations.planning.prepared import PREPARE, refuse_unfit_score_of_run
from pipeline.operations.scaling.commit import clean_commit, pack_commit, refuse_private_remote
from pipeline.operations.scaling.driver import Driver, Finished, OrderMaker, order_maker
from pipeline.operations.scaling.forecast import dry_run_lines, this_machine
from pipeline.operations.scaling.launcher import Launcher, LauncherError
from pipeline.operations.scaling.on_nodes.shard_stages import remove_shards
from pipeline.operations.scaling.on_nodes.worker import WAITS, add_lock_entries, read_lock
from pipeline.operations.scaling.preparing import expected_shards, may_need_nodes, read_photos_on_nodes
from pipeline.operations.scaling.ray_launcher import RayLauncher
from pipeline.operations.scaling.slurm_launcher import SlurmLauncher
from pipeline.operations.scaling.tasks import Division, Task, divide
from pipeline.operations.scaling.watching import Watcher
from pipeline.params.schema.reading import ParamsError
from pipeline.scores.score_for_task import ScoreError
from pipeline.tracking.address import is_server, split_credentials, tracking_uri

FAILED, REFUSED = 1, 2  # exit statuses
ENDING = (signal.SIGTERM, signal.SIGHUP)  # as a shutdown, a batch system or a closed terminal ends a program

Connect = Callable[[bytes], Launcher]  # from the archive of the commit


def run(
    targets: Sequence[str] = (),
    address: str | None = None,
    local: int | None = None,
    slurm: int | None = None,
    dry_run: bool = False,
) -> int:
    """
    Args:
        targets: stages as `dvc repro` takes them; none: the whole graph.
        address: of a Ray cluster.
        local: how many stages run at the same time on this machine.
        slurm: how many jobs Slurm gets at the same time.
        dry_run: say what would run where, and run nothing.

    Returns:
        The exit status: 1 where a stage failed, 2 where one sentence says what hindered it.
    """
    try:
        params = load_params()
        params = _reading_here(params) if local and params.data.kind == "images" else params
        if dry_run:
            division = _divided(params, targets, local or slurm, mends=False)
            lines = [
                *_photos_on_nodes(params, division),
                *dry_run_lines(division, local or slurm, this_machine(division)),
            ]
            print("\n".join(lines) or "Nothing is due.")
            return 0
        connect = _connection(address, local, slurm)
        with hold_at_once(FANOUT_LOCK, "fanout"), _stopping_when_ended():
            if at_work := what_runs(Path(), other_than=os.getpid()):
                raise VersioningError(
                    f"{at_work} goes on in this checkout; it would be trained on nodes, too: wait for its end"
                )
            return _run(params, targets, connect, local or slurm)
    except (ParamsError, ScoreError, VersioningError, LauncherError, LockError) as error:
        tell_failure("fanout", error)
        return REFUSED


def _reading_here(params: Params) -> Params:
    """Nodes of one machine would read photos no sooner than `prepare` does there on all its cores."""
    return params.model_copy(update={"scale": params.scale.model_copy(update={"photos_per_shard": None})})


@contextmanager
def _stopping_when_ended() -> Iterator[None]:
    """While it lasts, what ends this program first ends what it has started on nodes. (A kill does not.)"""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    handlers = {number: signal.getsignal(number) for number in ENDING}
    earlier = {number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN}  # as under nohup
    for number in earlier:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _divided(params: Params, targets: Sequence[str], places: int | None, mends: bool) -> Division:
    """
    Args:
        places: how many stages run at the same time; None: as many as nodes have room for.
        mends: whether what a killed run has left is put right; else nothing is changed.
    """
    graph = graph_state(targets, mends=mends)
    refuse_unfit_score_of_run(params, graph)
    # Where networks are tuned, every seed goes by what was found with the first one, in one process.
    seeds = [] if places == 1 or params.tuning.search is not None else params.seeds
    return divide(join_plan(graph, forecast_stages(params)), graph.inputs, params.scale, seeds)


def _connection(address: str | None, local: int | None, slurm: int | None) -> Connect:
    """
    Raises:
        LauncherError: not exactly one of them is given.
    """
    given = [name for name, value in (("--address", address), ("--local", local), ("--slurm", slurm)) if value]
    if len(given) != 1:
        raise LauncherError(
            f"{' and '.join(given) or 'nothing'} says where stages are to run; give one of --local N (this machine), "
            "--address ray://HOST:10001 (a Ray cluster) and --slurm N; `--dry-run` alone says what it would take"
        )
    if slurm:
        return lambda archive: SlurmLauncher(archive, slurm)
    return lambda archive: RayLauncher(archive, address, local or 1)


def _run(params: Params, targets: Sequence[str], connect: Connect, places: int | None) -> int:
    checkout = Path.cwd()
    remove_shards()
    commit = clean_commit(checkout, None if params.data.fetch else Path(params.data.path))
    division = _divided(params, targets, places, mends=True)
    if division.tasks or may_need_nodes(params.data, params.scale, division.before):
        refuse_private_remote(checkout)
        server = _tracking_server()
        launcher = connect(pack_commit(checkout, commit))
        try:
            ran: list[str] = []
            while division.before and division.before != ran:
                ran = division.before
                if status := _run_before(params, ran, commit, launcher):
                    return status
                # What follows may be as it was, or in DVC's cache here.
                division = _divided(params, targets, places, mends=True)
            finished = _spread(params, division, commit, launcher, server)
        finally:
            launcher.stop()
        _bring_back(finished, division)
        if finished.failed:
            _tell_failures(finished, len(division.stages_in(finished.lock)))
            return FAILED
        _refuse_to_repeat(division.stages_in(finished.lock))
    status = repro.run(targets)  # nothing of it is left to train; it compares, and sees that all is as it should be
    if not status and not targets:
        track.run()
    return status


def _run_before(params: Params, stages: Sequence[str], commit: str, launcher: Launcher) -> int:
    """Run stages here. Photos of which there are very many nodes read before `prepare` needs them.

    Returns:
        The exit status.
    """
    if may_need_nodes(params.data, params.scale, stages):
        earlier = stages[: stages.index(PREPARE)]
        if earlier and (status := repro.run(earlier)):
            return status
        if _prepare_runs():
            make_order = order_maker(Path.cwd(), commit, params.scale, server=None)
            read_photos_on_nodes(
                params.data,
                params.scale,
                lambda tasks: _run_tasks(tasks, launcher, make_order, {}, params.scale.retries),
                _with_remote,
            )
    return repro.run(stages)


def _photos_on_nodes(params: Params, division: Division) -> list[str]:
    """What `--dry-run` says of photos that nodes are to read."""
    if not may_need_nodes(params.data, params.scale, division.before):
        return []
    line = expected_shards(params.data, params.scale)
    return [line] if line and _prepare_runs() else []


def _prepare_runs() -> bool:
    """Whether it would read photos: by now they may be as they were, or DVC has what it makes of them."""
    return graph_state([PREPARE], mends=False).stages[PREPARE] not in ("unchanged", "cached")


def _tracking_server() -> str | None:
    """The address that nodes get, if MLflow's store is a server.

    A user and a password in it are left to the environment, which jobs of Slurm and stages on this machine inherit.
    """
    if not is_server(tracking_uri()):
        return None
    server, credentials = split_credentials(tracking_uri())
    os.environ.update(credentials)
    return server


def _spread(params: Params, division: Division, commit: str, launcher: Launcher, server: str | None) -> Finished:
    """Send the nodes what they need, and run all tasks."""
    if division.given:
        _with_remote("push", *division.given)
    make_order = order_maker(Path.cwd(), commit, params.scale, server)
    lock = {name: entry for name, entry in read_lock().items() if name in division.given}
    if missing := sorted({*division.given} - {*lock}):
        raise VersioningError(f"dvc.lock: has no entry of {', '.join(missing)}; `dvc repro {' '.join(missing)}` first")
    return _run_tasks(division.tasks, launcher, make_order, lock, params.scale.retries)


def _run_tasks(
    tasks: Sequence[Task], launcher: Launcher, make_order: OrderMaker, lock: Mapping[str, Any], retries: int
) -> Finished:
    watcher = Watcher(tasks, Console())
    with watcher.showing():
        return Driver(tasks, launcher, make_order, lock, retries, watcher).run()


def _bring_back(finished: Finished, division: Division) -> None:
    """Make this checkout hold what the nodes made, as if it had been made here."""
    done = {name: finished.lock[name] for name in division.stages_in(finished.lock)}
    if done:
        with dvc_lock_held():
            add_lock_entries(done)
        _with_remote("pull", "--force", "--run-cache", *done)


def _with_remote(*arguments: str) -> None:
    """DVC, as often as nodes ask: a remote that is away for a moment ends no run.

    Raises:
        VersioningError: at the third time.
    """
    for wait in WAITS:
        try:
            run_dvc(*arguments)
            return
        except VersioningError as error:
            print(f"{error}; again in {wait:g} seconds", flush=True)
        time.sleep(wait)
    run_dvc(*arguments)


def _refuse_to_repeat(done: Sequence[str]) -> None:
    """What nodes did is not done again here because of a file that only this checkout has.

    Raises:
        VersioningError: naming the stage, and what of it is another here.
    """
    changes = graph_state(done).changes
    for name in done:
        if name in changes:
            raise VersioningError(
                f"{name}: was done on a node and is here, but would run again, since {', '.join(changes[name])} "
                "differs here from what the commit holds; `git status --ignored` lists all such files: put aside "
                "those that the stage reads, and run this again"
            )


def _tell_failures(finished: Finished, done: int) -> None:
    for line in finished.failed:
        print(f"kiyas fanout: {line}", file=sys.stderr)
    if finished.skipped:
        print(f"kiyas fanout: not run because of that: {', '.join(finished.skipped)}", file=sys.stderr)
    others = "1 other stage is" if done == 1 else f"{done} other stages are"
    print(f"kiyas fanout: {others} done and here; run this again", file=sys.stderr)
