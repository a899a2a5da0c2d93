"""Say whether params.yaml can be run, and what would be, without running anything; or whether a candidate is sound.

python -m pipeline check
python -m pipeline check --candidate finetune-resnet50-full      # after a new row, architecture or strategy
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.commands.names import candidate_named
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params, trained_families
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET
from pipeline.operations.checking.disk import GB, kept_bytes, planned_bytes
from pipeline.operations.checking.dvc_limits import refuse_what_dvc_cannot_take
from pipeline.operations.checking.own_data import OwnData, describe_own_data
from pipeline.operations.checking.surroundings import notes, refuse_unwritable
from pipeline.operations.planning.due import graph_state
from pipeline.operations.planning.forecast import forecast_stages, total
from pipeline.operations.planning.prepared import PREPARE, refuse_unfit_score_of_run
from pipeline.operations.planning.sizes import Sizes, divided
from pipeline.ownership import refuse_foreign_files
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.reading import PARAMS_FILE, ParamsError
from pipeline.params.training.candidates import CLASSICAL
from pipeline.scores.faults import NEED_EVERY_CLASS, faults_of_classes

INDENT, WIDEST = 12, 10_000


def run(candidate: str | None = None) -> int:
    """Check params.yaml with everything that it names, then print one line for each part of the run.

    Args:
        candidate: check this one instead, and print one line for each of its promises.

    Returns:
        The exit status: 1 where the candidate breaks a promise.

    Raises:
        ParamsError: one line for each fault.
        FolderError, TableError: nothing can be learned from the user's own data as it is.
        ForeignFilesError: files that the pipeline did not write lie where it would delete them.
        SurroundingsError: what is computed could not be written.
    """
    params = load_params()
    if candidate:
        return _print_findings(candidate, params)
    refuse_foreign_files(fetches=bool(params.data.fetch), by_content=True)
    if not params.data.fetch:
        refuse_what_dvc_cannot_take(Path(params.data.path))
    own = OwnData([]) if params.data.fetch else describe_own_data(params.data)
    refuse_unfit_rows(params)
    refuse_small_shares(params, own)
    refuse_unfit_score(params, own)
    refuse_unwritable(params, own.examples)
    for line in _plan(params, own):
        _print_line(*line)
    for note in notes(params, own.examples):
        _print_line("note", note)
    return 0


def refuse_unfit_rows(params: Params) -> None:
    """What only scikit-learn knows of the rows that are named; else the first stage that fits one would tell it.

    Raises:
        ParamsError: one line for each row that cannot be made, or that has an argument which is not known.
    """
    from pipeline.models.classical import refuse_unfit_row

    baseline, faults = params.baseline, []
    for name in dict.fromkeys([*baseline.models, *(baseline.probes if params.data.kind == "images" else [])]):
        try:
            refuse_unfit_row(name, load_classical(name), params.data.has_classes)
        except ParamsError as error:
            faults.append(str(error))
    if faults:
        raise ParamsError("\n".join(faults))


def refuse_small_shares(params: Params, own: OwnData) -> None:
    """Of classes and of photos a share leaves enough; of rows with numbers it may not, and the study is run last.

    Raises:
        ParamsError: a share of the data-size study has too few rows for a classical model.
    """
    from pipeline.models.classical import FEWEST_NUMBERS

    if params.data.has_classes or own.developed is None or params.data.group:  # groups are not divided
        return
    trained = own.developed - max(round(own.developed * params.splits.validation_fraction), 1)
    for point in params.studied():
        if point.family == CLASSICAL and round(trained * point.training_share) < FEWEST_NUMBERS:
            raise ParamsError(
                f"{PARAMS_FILE}: study.fractions: {point.training_share} of {trained} training rows is "
                f"{round(trained * point.training_share)}, and {point.whole} needs at least {FEWEST_NUMBERS}; leave "
                "this share out"
            )


def refuse_unfit_score(params: Params, own: OwnData) -> None:
    """What `prepare` alone can count, as of an archive or of groups, is taken from it where it is not due.

    Raises:
        ParamsError: the costs of mistakes are not of the classes that there are, or a class has no test examples.
        ScoreError: the same of prepared examples.
        VersioningError: DVC cannot read the project.
    """
    if faults := list(faults_of_classes(params.compare, own.class_names, own.tested)):
        raise ParamsError("\n".join(f"{PARAMS_FILE}: {fault}" for fault in faults))
    asks = bool(params.compare.costs) or params.compare.score in NEED_EVERY_CLASS
    if asks and own.tested is None and DATASET.is_file():  # to ask DVC takes seconds
        refuse_unfit_score_of_run(params, graph_state([PREPARE], mends=False))


def _print_findings(name: str, params: Params) -> int:
    from pipeline.operations.checking.candidate import check_candidate, weights_of
    from pipeline.operations.checking.own_backbone import described_file

    candidate, broken = candidate_named(name), 0
    with TemporaryDirectory() as scratch:
        weights = weights_of(candidate, Path(scratch))
        if candidate.backbone and not weights:
            print(f"{candidate.backbone}'s pretrained weights are not on disk: random ones take their place")
        if candidate.backbone and weights:
            for line in described_file(candidate.backbone, weights, params.data.image_size):
                print(line)
        for finding in check_candidate(candidate, params, Path(scratch)):
            print(f"{'BROKEN' if finding.breach else 'kept':<8}{finding.promise}")
            if finding.breach:
                broken += 1
                print(f"        {finding.breach}")
    return 1 if broken else 0


def _plan(params: Params, own: OwnData) -> Iterator[tuple[str, str]]:
    """What stands in front, and what is said."""
    data, candidates, seeds = params.data, params.candidates(), len(params.seeds)
    source = f"{data.fetch[0]} (fetched into {data.path})" if data.fetch else data.path
    called = "photos" if data.kind == "images" else "rows"
    limit = f"all {called}" if data.limit is None else f"at most {data.limit} {called} a split"
    yield "params.yaml", "can be run"
    yield "data", f"{source}, {limit}, {_told_kind(params)}"
    yield from (("", line) for line in own.lines)
    trials = _counted(len(candidates) * seeds, "trial")
    yield "candidates", f"{len(candidates)}, each with {_counted(seeds, 'seed')}: {trials}"
    for name, family in trained_families().items():
        names = [candidate.model for candidate in candidates if candidate.family == name]
        if names or data.kind in family.kinds:
            yield name, ", ".join(names) or "none"
    if ensembles := params.compare.ensembles.kinds:
        yield "ensembles", f"{', '.join(ensembles)}, of what was trained"
    if points := params.studied():
        yield "growth", f"{', '.join(point.name for point in points)}: {_counted(len(points) * seeds, 'trial')} more"
    if data.kind == "images" and (examples := own.examples or _prepared_examples()):
        yield "time", _told_time(params, own)
        yield "disk", _told_disk(params, examples)
    tracking = params.tracking
    yield "MLflow", f"experiment {tracking.experiment}" if tracking.enabled else "off"


def _told_kind(params: Params) -> str:
    data = params.data
    if data.kind == "images":
        pixels = f"{data.image_size}×{data.image_size} pixels"
        return pixels if data.labels is None or data.has_classes else f"{pixels}, a number each: {data.labels.label}"
    if data.kind == "series":
        return f"a series: {data.target} from its last {data.window} values, in the order of {data.time}"
    return f"a table: {data.task} of {data.target}"


def _prepared_examples() -> int:
    """How many photos `prepare` kept, where it has run."""
    return sum(read_json(DATASET)["sizes"].values()) if DATASET.is_file() else 0


def _told_time(params: Params, own: OwnData) -> str:
    run = total(forecast_stages(params, known=_sizes(params, own)))
    unit, divisor = ("minutes", 60) if run.high < 180 * 60 else ("hours", 3600)
    return (
        f"roughly {run.low / divisor:.0f} to {run.high / divisor:.0f} {unit}, if nothing of it is there yet "
        "(`python -m pipeline plan` measures this machine and says what is due)"
    )


def _sizes(params: Params, own: OwnData) -> Sizes | None:
    if not own.examples:
        return None
    classes = len(own.class_names) or None
    if own.tested is None:
        return divided(own.examples, params.data, classes)
    tests = sum(own.tested.values())
    return Sizes(own.examples - tests, tests, classes)


def _told_disk(params: Params, examples: int) -> str:
    written, kept = planned_bytes(params, examples) / GB, kept_bytes(params) / GB
    return f"at least {written:.1f} GB more, and at most {kept:g} GB of what need not be computed twice (keep)"


def _print_line(head: str, text: str) -> None:
    """Wrapped to the terminal; into a file or a pipe as one line."""
    width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else WIDEST
    indent = " " * INDENT
    print(textwrap.fill(f"{head:<{INDENT}}{text}", width, subsequent_indent=indent, break_on_hyphens=False))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
