"""docs/results/speed.md: what each benchmark of speed wrote, with the commit, the day and the machine of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy import stats

from pipeline.formats import count_of, percent
from pipeline.ground.files import read_json
from publishing.markdown import table
from publishing.paths import RESULTS
from publishing.results import ran

Kept = dict[str, Any]
WORK = ("training", "forward")

HEAD = """# How fast it is

Each table is what a benchmark wrote, and names its command. Compare ratios: times are those of one machine.
"""
BENCH = """## Against the plain Keras way

`make bench`: the default grid as Keras' transfer-learning guide has it (flags, `fit` on the images, every seed
by itself, Keras' own AdamW) against this engine; same machine, data, weights, batches, rates. Composed of timed
start-ups and epochs, without early stopping on either side; ours pays for its checkpoints and one process a
candidate.
"""
BENCH_NOTES = """
Both sides read their photos without tf.data's tuning thread. Where it runs, as with `prefetch(AUTOTUNE)` and
whenever `fit` is given a `PyDataset`, the end of an epoch can wait until that thread has slept its time, which
doubles from 10 ms on. Nor does a seed of ours call `keras.utils.set_random_seed`: it has TensorFlow throw away
all compiled functions.

Training in full freezes nothing: what is saved there is the start-up of all seeds but one, and what is paid are
the checkpoints. In gradual unfreezing most of the time goes to the last phase, where nothing is frozen and both
do the same. Starting processes, building networks and one pass over the photos cannot be avoided, which limits
what four passes of feature_extractor can gain (`benchmarks/out/` has these parts). The recipes of frozen_layers and
gradual_unfreezing have changed since this was measured.
"""
COMPLETE = """
One seed of `{backbone}`, trained completely both ways (at most four epochs a phase), in seconds and, in
brackets, as composed. Accuracies differ by what seeds do: after gradual unfreezing the plain way is left with
the best epoch of each phase in turn, ours with the best of all.
"""
ROOFLINE = """## Of what the machine can do

`python -m benchmarks.roofline`: floating-point operations of training in full, of photos of {size} pixels, as a share
of the speed of one large float32 matrix product on the same machine.
"""
AGAINST = """## Beside an earlier version

`python -m benchmarks.against_commit` runs a command in a clone of an earlier commit and in one of a later commit,
after their set-up:
"""
AGREEMENT = """
Test accuracies of the candidates of both; recipes of some techniques are others by now, and earlier commits compute in
float32 wherever they run:
"""
AGREES = "- {command}, {processor}: {count} candidates, {mean:.1f} points apart on average and {largest:.1f} at most."
FORKING = """## Starts

On Linux `repro` and `retrain` fork their stages from a process that has imported the libraries. `python -m
benchmarks.forking` runs stages alone and forked in turns; processor seconds:
"""
FORKING_NOTES = """
Python looks for garbage while libraries are imported, among hundreds of thousands of objects that all stay. A
command does without until its libraries are there, and leaves them out of every later look. [What evaluating
takes](../explanation/beyond-accuracy.md) beside training is measured in the studies.
"""
SHARE = """## Every altered photo in every version?

`python -m benchmarks.altered_share` asks of finished runs by how much standard errors would grow, had each
photo been seen in some of the five shifts and of the three strengths of each corruption alone. Single pairs of
candidates would lose the most, so each photo is shown in all:
"""
ONEDNN = """## oneDNN's kernels on every processor

TensorFlow takes oneDNN's kernels only where a processor has instructions made for networks, such as
AVX512-VNNI, and Eigen's elsewhere. Kıyas has oneDNN's on every x86-64 processor (`TF_ENABLE_ONEDNN_OPTS=0` goes
back). `python -m benchmarks.onednn`, a batch of 32 photos in float32, processor seconds:
"""
ONEDNN_NOTES = """
Processors with AVX512-VNNI or AMX gain nothing: there TensorFlow takes oneDNN's by itself.

One gradient is wrong with AVX2, or ends the process: that of the filter of a 1 × 1 convolution with steps over
fewer than 8 channels (oneDNN in TensorFlow 2.21). Only a backbone of one's own can have such a convolution, and
it is refused there with `TF_ENABLE_ONEDNN_OPTS=0` as the remedy.
"""
PRECISION = """## Where bfloat16 pays

`python -m benchmarks.precision`: how many times as fast as float32, {batch_size} photos of {image_size} pixels,
BatchNorm folded, in processor seconds. The Intel processor has AMX; without it oneDNN was held to AVX512-BF16
(`ONEDNN_MAX_CPU_ISA`):
"""
PRECISION_NOTES = """
So `auto` takes bfloat16 for every network of photos where there is AMX-BF16, and on AMD's processors where there
is AVX512-BF16, which Intel's do not gain by. Nowhere else does it on processors.
"""
ACCURACIES = """
It costs no accuracy that could be seen. Test accuracies of {network} on {photos} photos of groceries, by seed, of
which the mean paired difference is {difference:.1f} points (95 % interval ±{margin:.1f}, t over pairs that are taken as
independent):
"""
GRID = """
`python -m benchmarks.precision_grid`: {count} fine-tuned candidates of the default run in bfloat16, beside that run,
which was in float32 on another processor. Test accuracy changes by {difference:+.1f} points in the mean (95 % interval
±{margin:.1f}, t over candidates). float32 at {float32}; bfloat16 at {bfloat16}:
"""
FOLDING = """## Folded BatchNorm

`python -m benchmarks.folding`: frozen BatchNorm folded into the convolution before it against Keras' own
layers, {batch_size} photos of {image_size} pixels, in turns, in processor seconds. VGG16 has no BatchNorm, and
nothing changes for it.
"""
FOLDING_NOTES = """
In float32 losses and probabilities are the same but for rounding ({difference:.0e} at most).
"""
PREPARE = """## How fast photos are read

`python -m benchmarks.prepare 1000 10000 100000`: `prepare`, with all its searches for repeated pictures,
against a bare loop that decodes and resizes the same JPEGs (300 pixels a side), {processes} processes each:
"""


def page() -> str:
    """Of each benchmark that was run: its table."""
    sections = {
        "against_keras_guide": _bench,
        "roofline": _roofline,
        "against_commit": _against,
        "forking": _forking,
        "altered_share": _share,
        "onednn": _onednn,
        "precision": _precision,
        "folding": _folding,
        "prepare": _prepare,
    }
    parts = [HEAD]
    for name, section in sections.items():
        if (file := _file(name)).is_file():
            kept = read_json(file)
            parts += [*section(kept), f"\nMeasured at {ran(kept['ran'])}.\n"]
    return "\n".join(parts)


def _file(name: str) -> Path:
    return RESULTS / f"{name}.json"


def _bench(kept: Kept) -> Iterator[str]:
    yield BENCH
    repeats, seeds = count_of(kept["repeats"], "repeat"), count_of(kept["seeds"], "seed")
    yield f"{repeats}, median and range; ours in {kept['precision']}, {seeds}.\n"
    rows = []
    for name, planned in kept["planned"].items():
        seconds = [f"{planned[way]:,.0f} s" for way in ("plain_seconds", "ours_seconds")]
        rows.append([name, *seconds, _range(planned), _range(kept["four_passes"][name])])
    yield table(["", "plain", "ours", "times as fast", "with four passes of each strategy"], rows)
    yield BENCH_NOTES + COMPLETE.format(backbone=kept["backbone"])
    rows = []
    for name, check in kept["complete"].items():
        seconds = [f"{check[f'{way}_seconds']:.0f} ({check[f'{way}_composed']:.0f})" for way in ("plain", "ours")]
        rows.append([name, *seconds, *(f"{check[f'{way}_accuracy']:.3f}" for way in ("plain", "ours"))])
    yield table(["", "plain", "ours", "test accuracy, plain", "ours"], rows)


def _range(summary: Kept) -> str:
    digits = ".2f" if summary["ratio"] < 2 else ".2g"
    middle, low, high = (format(summary[key], digits) for key in ("ratio", "ratio_low", "ratio_high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def _roofline(kept: Kept) -> Iterator[str]:
    (size,) = {measured["size"] for measured in kept["processors"].values()}
    yield ROOFLINE.format(size=size)
    backbones = list(dict.fromkeys(name for measured in kept["processors"].values() for name in measured["backbones"]))
    rows = []
    for processor, measured in kept["processors"].items():
        shares = [percent(measured["backbones"][name]["share"]) for name in backbones]
        when = f"{measured['ran']['commit']}, {measured['ran']['date']}"
        rows.append([processor, f"{measured['matrix_product'] / 1e9:.0f} GFLOP/s", *shares, when])
    yield table(["processor", "matrix product", *(f"`{name}`" for name in backbones), "measured at"], rows)


def _against(kept: Kept) -> Iterator[str]:
    yield AGAINST
    rows, agreements = [], []
    for measured in kept["rows"]:
        earlier, now, when = measured["earlier"], measured["now"], measured["ran"]["date"]
        command = f"`make {measured['target']}`" + (f" with `{measured['params']}`" if measured["params"] else "")
        where = [measured["processor"], command, f"{earlier['commit']} → {now['commit']}, {when}"]
        for what, key in (("time", "seconds"), ("processor time", "processor_seconds")):
            ratio = now[key] / earlier[key]
            rows.append([*where, what, f"{earlier[key]:,.0f} → {now[key]:,.0f} s", f"{ratio:.2f}"])
        apart = [100 * abs(after - before) for before, after in measured["accuracies"].values()]
        mean, largest = sum(apart) / len(apart), max(apart)
        agreements.append(
            AGREES.format(count=len(apart), command=command, processor=where[0], mean=mean, largest=largest)
        )
    yield table(["processor", "command", "commits", "measured", "earlier → later", "ratio"], rows)
    yield AGREEMENT.rstrip("\n")
    yield "\n".join(agreements)


def _forking(kept: Kept) -> Iterator[str]:
    yield FORKING
    rows = [[f"`{row['stage']}`", f"{row['alone']:.1f}", f"{row['forked']:.1f}"] for row in kept["stages"]]
    yield table(["stage", "alone", "forked"], rows)
    yield FORKING_NOTES.rstrip("\n")


def _share(kept: Kept) -> Iterator[str]:
    yield SHARE
    rows = []
    for row in kept["shares"]:
        errors = row["standard_errors"].values()
        of_candidate = max(error["candidate_largest"] for error in errors)
        of_pair = max(error["difference_largest"] for error in errors)
        rows.append(
            [
                f"{count_of(row['shifts_a_photo'], 'shift')}, {count_of(row['severities_a_photo'], 'strength')}",
                percent(row["share_of_questions"]),
                percent(of_candidate - 1),
                percent(of_pair - 1),
            ]
        )
    yield table(["seen", "of all questions", "wider, of a candidate, at most", "wider, of a pair, at most"], rows)


def _onednn(kept: Kept) -> Iterator[str]:
    yield ONEDNN
    heads = ["processor", "network and pixels", "training step in full", "times as fast", "forward pass"]
    rows = []
    for processor, networks in kept["processors"].items():
        for name, of in networks.items():
            cells = [_before_and_after(of[work], "Eigen", "oneDNN") for work in WORK]
            rows.append([processor, f"`{name}`", *cells[0], *cells[1]])
    yield table([*heads, "times as fast"], rows)
    yield ONEDNN_NOTES.rstrip("\n")


def _before_and_after(seconds: Kept, before: str, after: str) -> list[str]:
    """Of two ways: their seconds, and how many times as fast the second is."""
    told = f"{seconds[before]:.2f} → {seconds[after]:.2f} s"
    return [told, f"{seconds[before] / seconds[after]:.2f}"]


def _precision(kept: Kept) -> Iterator[str]:
    yield PRECISION.format(**kept)
    rows = []
    for processor, measured in kept["measured"].items():
        when = f"{measured['ran']['commit']}, {measured['ran']['date']}"
        for name, row in measured["networks"].items():
            rows.append([processor, f"`{name}`", *(f"{row['times_as_fast'][work]:.2f}" for work in WORK), when])
    yield table(["processor", "network", "training in full", "forward pass", "measured at"], rows)
    yield PRECISION_NOTES.rstrip("\n")
    pairs = [of for row in kept["accuracies"]["strategies"].values() for of in zip(*row.values(), strict=True)]
    difference, margin = _paired(pairs)
    yield ACCURACIES.format(**kept["accuracies"], difference=abs(difference), margin=margin)
    rows = [
        [name, *(", ".join(f"{one:.3f}" for one in of) for of in row.values())]
        for name, row in kept["accuracies"]["strategies"].items()
    ]
    yield table(["", "float32", "bfloat16"], rows)
    if grid := kept.get("grid"):
        yield from _grid(grid)


def _grid(grid: Kept) -> Iterator[str]:
    """The default run's candidates in both, paired."""
    pairs = {name: (row["float32"], fmean(row["mixed_bfloat16"])) for name, row in grid["candidates"].items()}
    difference, margin = _paired(list(pairs.values()))
    told = {"count": len(pairs), "difference": difference, "margin": margin}
    yield GRID.format(**told, float32=ran(grid["float32"]), bfloat16=ran(grid["ran"]))
    rows = [[name, f"{plain:.3f}", f"{rounded:.3f}"] for name, (plain, rounded) in pairs.items()]
    yield table(["mean of the seeds", "float32", "bfloat16"], rows)


def _paired(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Second less first, in points: the mean, and half of its 95 % interval by t."""
    differences = [100 * (second - first) for first, second in pairs]
    return fmean(differences), float(stats.t.ppf(0.975, len(pairs) - 1)) * stdev(differences) / len(pairs) ** 0.5


def _folding(kept: Kept) -> Iterator[str]:
    yield FOLDING.format(**kept)
    rows = []
    for name, row in kept["measured"].items():
        if row["largest_difference"]:  # there is BatchNorm to fold
            backbone, precision = name.split()
            cells = [_before_and_after(row["seconds"][work], "plain", "folded") for work in WORK]
            first = _before_and_after(row["first_forward_seconds"], "plain", "folded")[:1]
            rows.append([f"`{backbone}`, {precision.removeprefix('mixed_')}", *cells[0], *cells[1], *first])
    heads = ["", "training step in full", "times as fast", "forward pass", "times as fast", "first forward pass"]
    yield table(heads, rows)
    differences = (row["largest_difference"] for name, row in kept["measured"].items() if name.endswith("float32"))
    yield FOLDING_NOTES.format(difference=max(differences)).rstrip("\n")


def _prepare(kept: Kept) -> Iterator[str]:
    yield PREPARE.format(processes=kept["processes"])
    rows = [
        [
            f"{row['photos']:,}",
            *(f"{row[way]:,.0f} /s" for way in ("bare", "ours")),
            *(f"{row[key]:.2f}" for key in ("ratio", "of_cpu")),
            f"{row['memory_mb']:,.0f} MB",
        ]
        for row in kept["rows"]
    ]
    heads = ["photos", "bare loop", "`prepare`", "ratio", "ratio of CPU times", "memory, all processes"]
    yield table(heads, rows)
