"""The same grid trained twice: the way of Keras' transfer-learning guide, and this project's engine.

    make bench
    python -m benchmarks.against_keras_guide --quick
    python -m benchmarks.against_keras_guide --precision auto
    python -m benchmarks.against_keras_guide --repeats 2 --results benchmarks/results/against_keras_guide.json

The plain way builds a network for every strategy and seed, sets `trainable`, compiles for each phase and calls `fit` on
the images (uint8 in memory, tf.data with prefetch). Ours computes what is frozen once for all phases, seeds and
strategies, and compiles a phase once for all seeds. Data, weights, batches, rates and what is frozen (BatchNorm too)
are the same on both sides.

A full grid done plainly takes hours. So start-up and one epoch of each kind of phase are timed on both sides,
alternating, and the totals are composed of planned epochs and seeds, without early stopping on either side; once more
for four passes of each strategy, however many phases it has. One backbone and seed is then trained completely both ways
(at most four epochs a phase): that gives the test accuracies, and says how far the composition is off. Ours also pays
its checkpoint after each epoch, and one process start for each candidate; the plain way has none and one. What the
totals of the last repeat are made of stands in benchmarks/out/against_keras_guide_parts.json.

Both sides read without tf.data's tuning thread, for which the end of an epoch waits (a VGG16 in full: 41 s instead of
26): the guide's `prefetch(AUTOTUNE)` would have that, and ours would look faster by what is no merit of its training.

The plain way computes in float32 always. With `--precision auto`, ours takes bfloat16 where this machine is made for
it; such results have files of their own.

Ratios hold within one run; absolute times are this machine's. Needs `dvc repro prepare weights` first.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pipeline  # noqa: F401  # before TensorFlow, whose kernels it chooses

# isort: split
import keras
import numpy as np
import tensorflow as tf

from benchmarks.backbones import keras_backbone
from benchmarks.record import record
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.ground.files import write_json
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.batches import Examples, read_ahead
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.optimizers import LayerwiseAdamW, make_optimizer
from pipeline.training.precision import choose_precision
from pipeline.training.trainer import Trainer

OUT = Path("benchmarks/out/against_keras_guide.json")
FOUR_PASSES = Path("benchmarks/out/against_keras_guide_four_passes.json")
CHECK = Path("benchmarks/out/against_keras_guide_check.json")
PARTS = Path("benchmarks/out/against_keras_guide_parts.json")
COMPLETE_EPOCHS = 4  # at most, in each phase of the complete run


@dataclass
class Way:
    """What one way of training one backbone takes, in seconds; phases are known by what they train.

    Attributes:
        build: the network with its ImageNet weights.
        start_up: of a phase: compiling and tracing.
        epoch: of a phase: all training images once, all validation images once.
        around: of a phase, for each seed: what is neither start-up nor epoch.
        activations: of a phase: making those that it reads. Phases that read the same ones have equal `reads`.
    """

    build: float = 0.0
    start_up: dict[str, float] = field(default_factory=dict)
    epoch: dict[str, float] = field(default_factory=dict)
    around: dict[str, float] = field(default_factory=dict)
    activations: dict[str, float] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)

    def training(self, recipe: Strategy) -> float:
        """One seed of a strategy, once everything is ready."""
        return sum(
            self.around.get(phase.train, 0.0) + phase.epochs * self.epoch[phase.train] for phase in recipe.phases
        )

    def ready(self, recipe: Strategy) -> float:
        return self.build + sum(self.start_up[phase.train] for phase in recipe.phases)

    def shared(self, recipes: list[Strategy]) -> float:
        """Activations of strategies trained in this order: each cut once, the lower ones on the way to the highest."""
        kept: set[int] = set()
        seconds = 0.0
        for recipe in recipes:
            trains = [phase.train for phase in recipe.phases if self.reads[phase.train] not in {0, *kept}]
            seconds += max((self.activations[train] for train in trains), default=0.0)
            kept |= {self.reads[train] for train in trains}
        return seconds


@dataclass(frozen=True)
class Bench:
    params: Params
    data: Prepared
    train: np.ndarray
    val: np.ndarray
    precision: str = "float32"  # as training.precision; of our side alone

    @property
    def batch(self) -> int:
        return self.params.training.batch_size

    def network(self, backbone: str, recipe: Strategy, precision: str = "float32") -> Network:
        head = head_for(self.data.task, len(self.data.class_names))
        weights = Path(f"data/weights/{backbone}.weights.h5")
        keras.utils.clear_session()
        row, dropout = keras_backbone(backbone), self.params.training.head_dropout
        assert self.data.image_size is not None, "photos have one"
        return build_finetuned(row, self.data.image_size, head, dropout, weights, precision, recipe.batch_norm)

    def ours(self, backbone: str, recipe: Strategy) -> Callable[[], Network]:
        """Makes the network in the precision that the engine would take."""
        return partial(self.network, backbone, recipe, choose_precision(self.precision, self.data.kind))

    def images(self, indices: np.ndarray, shuffle: bool) -> tf.data.Dataset:
        targets = head_for(self.data.task, len(self.data.class_names)).targets(self.data.labels[indices])
        dataset = tf.data.Dataset.from_tensor_slices((self.data.images[indices], targets))
        dataset = dataset.shuffle(len(indices), seed=0) if shuffle else dataset
        return read_ahead(dataset.batch(self.batch))

    def trainer(self, network: Network, recipe: Strategy, folder: Path) -> Trainer:
        head = head_for(self.data.task, len(self.data.class_names))
        store = ActivationStore(self.data.images, self.data.sha256, self.params.keep.activations_gb, folder)
        examples = Examples(self.data.images, head.targets(self.data.labels), self.data.sha256)
        return Trainer(network, examples, recipe, head.task, self.params.training, store, len(self.train))

    def compiled(self, network: Network, phase: Phase, recipe: Strategy) -> keras.Model:
        """As the guide does it: freeze, compile with a fresh optimizer, of Keras' own arithmetic."""
        network.freeze_all_but(phase.train)
        steps = -(-len(self.train) // self.batch)
        decay = self.params.training.weight_decay
        optimizer = make_optimizer(network, phase, recipe.layer_decay, decay, steps, LayerwiseAdamW)
        loss = head_for(self.data.task, len(self.data.class_names)).task.loss
        network.model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
        return network.model

    def file(self, path: Path) -> Path:
        return path if self.precision == "float32" else path.with_stem(f"{path.stem}_{self.precision}")


def main() -> None:
    options = _options()
    params, data = load_params(), load_prepared(DEVELOPMENT)
    train, val = draw_validation(data.labels, params.splits.validation_fraction, 0)
    bench = Bench(params, data, train, val, options.precision)
    seeds = 1 if options.quick else len(params.seeds)
    plans = {OUT: _plan(params, options.passes), FOUR_PASSES: _plan(params, 4)}
    start = _process_start()
    runs: dict[Path, list[dict[str, dict[str, float]]]] = {out: [] for out in plans}
    for repeat in range(1 if options.quick else options.repeats):
        recipes = list(plans[OUT].values())
        measured = {backbone: _alone(_measure, bench, backbone, recipes) for backbone in options.backbones}
        for out, plan in plans.items():
            runs[out].append(_composed(measured, plan, seeds, start))
        print(f"repeat {repeat + 1}: grid {_ratio(runs[OUT][-1]['grid']):.2f} times", flush=True)
    parts = {name: [asdict(way) for way in ways] for name, ways in measured.items()}
    write_json(bench.file(PARTS), {"process_start": start, "plain_and_ours": parts})
    backbone = options.check or options.backbones[:2][-1]
    checks = _check(bench, backbone, measured[backbone])
    write_json(bench.file(CHECK), {"backbone": backbone, "epochs_a_phase": COMPLETE_EPOCHS, "strategies": checks})
    accuracies = _accuracies(checks)
    told = {}
    for out, plan in plans.items():
        results = {name: _summary([run[name] for run in runs[out]], *accuracies[name]) for name in [*plan, "grid"]}
        print("\nas planned" if out == OUT and not options.passes else "\nthe same number of passes for every strategy")
        for name, result in results.items():
            _print(name, result)
        write_json(bench.file(out), results)
        told["planned" if out == OUT else "four_passes"] = results
    if options.results:
        circumstances = {"repeats": len(runs[OUT]), "seeds": seeds, "precision": options.precision}
        record(options.results, {**circumstances, **told, "backbone": backbone, "complete": checks})


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """In a process that takes its networks with it: Keras keeps them (keras#20552), 16 GB in two repeats."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def _measure(bench: Bench, backbone: str, recipes: list[Strategy]) -> tuple[Way, Way]:
    """Both ways, phase by phase, one right after the other."""
    plain, ours = Way(), Way()
    phases = {phase.train: (recipe, phase) for recipe in recipes for phase in recipe.phases}
    with _scratch() as folder:
        for recipe, phase in phases.values():
            _time_plain(bench, backbone, recipe, phase, plain)
            _time_ours(bench, backbone, recipe, phase, ours, folder)
    return plain, ours


def _time_plain(bench: Bench, backbone: str, recipe: Strategy, phase: Phase, way: Way) -> None:
    started = time.perf_counter()
    network = bench.network(backbone, recipe)
    way.build = time.perf_counter() - started
    started = time.perf_counter()
    model = bench.compiled(network, phase, recipe)
    ends = _Ends()
    train, val = bench.images(bench.train, shuffle=True), bench.images(bench.val, shuffle=False)
    model.fit(train, validation_data=val, epochs=2, shuffle=False, callbacks=[ends], verbose=0)
    epoch = ends.at[1] - ends.at[0]
    way.start_up[phase.train] = max(ends.at[0] - started - epoch, 0.0)
    way.epoch[phase.train] = epoch
    way.reads[phase.train] = 0


def _time_ours(bench: Bench, backbone: str, recipe: Strategy, phase: Phase, way: Way, folder: Path) -> None:
    alone = recipe.model_copy(update={"phases": [phase.model_copy(update={"epochs": 2})]})
    build = bench.ours(backbone, alone)
    started = time.perf_counter()
    network = build()
    way.build = time.perf_counter() - started
    trainer = bench.trainer(network, alone, folder)
    length = trainer.phases[0].prefix_length
    ends: list[float] = []
    started = time.perf_counter()
    checkpoint = Checkpoint(folder / f"{backbone}-{phase.train}.unfinished")
    trainer.run(0, bench.train, bench.val, lambda row: ends.append(time.perf_counter()), checkpoint)
    ended = time.perf_counter()
    epoch = ends[1] - ends[0]
    way.start_up[phase.train] = trainer.setup_seconds
    way.epoch[phase.train] = epoch
    way.around[phase.train] = max(ended - started - 2 * epoch, 0.0)
    way.reads[phase.train] = length
    way.activations[phase.train] = trainer._activations(length, 0).seconds


def _composed(
    measured: dict[str, tuple[Way, Way]], planned: dict[str, Strategy], seeds: int, start: float
) -> dict[str, dict[str, float]]:
    """Seconds of both ways for each strategy over all backbones and seeds, and for the grid of them."""
    composed = {}
    for name, recipe in planned.items():
        plain = sum(seeds * (way.ready(recipe) + way.training(recipe)) for way, _ in measured.values())
        ours = sum(way.ready(recipe) + seeds * way.training(recipe) + start for _, way in measured.values())
        kept = sum(way.shared([recipe]) for _, way in measured.values())
        composed[name] = {"plain": plain + start, "ours": ours + kept, "kept": kept}
    plain = sum(seconds["plain"] - start for seconds in composed.values()) + start
    ours = sum(seconds["ours"] - seconds["kept"] for seconds in composed.values())
    kept = sum(way.shared(list(planned.values())) for _, way in measured.values())
    return composed | {"grid": {"plain": plain, "ours": ours + kept}}


def _check(bench: Bench, backbone: str, measured: tuple[Way, Way]) -> dict[str, dict[str, float]]:
    """Train one backbone and seed completely both ways: test accuracies, and how far the composition is off."""
    checks = {}
    for name in bench.params.finetune.strategies:
        recipe = _shortened(bench.params.strategies[name])
        plain, plain_accuracy, ours, ours_accuracy = _alone(_train_both_ways, bench, backbone, recipe)
        composed = [way.ready(recipe) + way.training(recipe) + way.shared([recipe]) for way in measured]
        checks[name] = {"plain_seconds": plain, "plain_composed": composed[0], "ours_seconds": ours}
        checks[name] |= {"ours_composed": composed[1], "plain_accuracy": plain_accuracy, "ours_accuracy": ours_accuracy}
        print(
            f"complete run of {backbone} {name}: plain {plain:.0f} s (composed {composed[0]:.0f}), "
            f"ours {ours:.0f} s (composed {composed[1]:.0f}); test accuracy {plain_accuracy:.3f}, {ours_accuracy:.3f}",
            flush=True,
        )
    return checks


def _accuracies(checks: dict[str, dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Test accuracies of the plain way and of ours, of each strategy and on average."""
    accuracies = {name: (check["plain_accuracy"], check["ours_accuracy"]) for name, check in checks.items()}
    both = np.mean(list(accuracies.values()), axis=0)
    return accuracies | {"grid": (float(both[0]), float(both[1]))}


def _train_both_ways(bench: Bench, backbone: str, recipe: Strategy) -> tuple[float, float, float, float]:
    """Seconds and test accuracy of the plain way, then of ours."""
    test = load_prepared(TEST)
    started = time.perf_counter()
    model = _train_plainly(bench, backbone, recipe)
    plain, plain_accuracy = time.perf_counter() - started, _accuracy(model, test)
    build = bench.ours(backbone, recipe)
    with _scratch() as folder:
        started = time.perf_counter()
        trainer = bench.trainer(build(), recipe, folder)
        trainer.run(0, bench.train, bench.val, checkpoint=Checkpoint(folder / "seed-0.unfinished"))
        ours, ours_accuracy = time.perf_counter() - started, _accuracy(trainer.network.model, test)
    return plain, plain_accuracy, ours, ours_accuracy


def _train_plainly(bench: Bench, backbone: str, recipe: Strategy) -> keras.Model:
    keras.utils.set_random_seed(0)
    network = bench.network(backbone, recipe)
    train, val = bench.images(bench.train, shuffle=True), bench.images(bench.val, shuffle=False)
    for phase in recipe.phases:
        model = bench.compiled(network, phase, recipe)
        best = _Best()
        model.fit(train, validation_data=val, epochs=phase.epochs, shuffle=False, callbacks=[best], verbose=0)
        model.set_weights(best.weights)
    return network.model


def _accuracy(model: keras.Model, test: Prepared) -> float:
    batches = [test.images[start : start + 64] for start in range(0, len(test.labels), 64)]
    said = np.concatenate([np.asarray(model(batch.astype(np.float32), training=False)) for batch in batches])
    labels = said.argmax(axis=1) if said.shape[1] > 1 else (said[:, 0] > 0.5).astype(int)
    return float((labels == test.labels).mean())


class _Ends(keras.callbacks.Callback):
    """When each epoch ended."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.at.append(time.perf_counter())


class _Best(keras.callbacks.Callback):
    """The weights of the best epoch by validation loss, in memory."""

    lowest = float("inf")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs and logs["val_loss"] < self.lowest:
            self.lowest, self.weights = logs["val_loss"], self.model.get_weights()


def _plan(params: Params, passes: int | None) -> dict[str, Strategy]:
    return {name: _planned(params.strategies[name], passes) for name in params.finetune.strategies}


def _planned(recipe: Strategy, passes: int | None) -> Strategy:
    """The phases as planned, or with the same number of passes in all, spread over the phases (at least one each)."""
    if passes is None:
        return recipe
    share = max(passes // len(recipe.phases), 1)
    return recipe.model_copy(update={"phases": [phase.model_copy(update={"epochs": share}) for phase in recipe.phases]})


def _shortened(recipe: Strategy) -> Strategy:
    phases = [phase.model_copy(update={"epochs": min(phase.epochs, COMPLETE_EPOCHS)}) for phase in recipe.phases]
    return recipe.model_copy(update={"phases": phases})


def _process_start() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import pipeline.stages.finetune"], check=True)
    return time.perf_counter() - started


def _ratio(run: dict[str, float]) -> float:
    return run["plain"] / run["ours"]


def _summary(runs: list[dict[str, float]], plain_accuracy: float, ours_accuracy: float) -> dict[str, float]:
    ratios = [_ratio(run) for run in runs]
    return {
        "plain_seconds": float(np.median([run["plain"] for run in runs])),
        "ours_seconds": float(np.median([run["ours"] for run in runs])),
        "ratio": float(np.median(ratios)),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "plain_accuracy": plain_accuracy,
        "ours_accuracy": ours_accuracy,
    }


def _print(name: str, result: dict[str, float]) -> None:
    print(
        f"{name:20s} plain {result['plain_seconds']:8.1f} s  ours {result['ours_seconds']:8.1f} s  "
        f"{result['ratio']:5.2f} times ({result['ratio_low']:.2f} to {result['ratio_high']:.2f})  "
        f"test accuracy {result['plain_accuracy']:.3f} and {result['ours_accuracy']:.3f}",
        flush=True,
    )


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for kept activations that nothing else has used."""
    folder = Path(tempfile.mkdtemp(prefix="kiyas-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    backbones = load_params().finetune.backbones
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--backbones", nargs="+", default=None, help=f"default: {' '.join(backbones)}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--passes", type=int, help="the same number of epochs for every strategy, over its phases")
    parser.add_argument("--precision", choices=["float32", "mixed_bfloat16", "auto"], default="float32", help="of ours")
    parser.add_argument("--check", metavar="BACKBONE", help="the one that is trained completely (default: the second)")
    parser.add_argument("--results", type=Path, help="where to write what a page tells, as JSON")
    parser.add_argument("--quick", action="store_true", help="one backbone, one seed, one repeat")
    options = parser.parse_args()
    options.backbones = options.backbones or (backbones[1:2] or backbones[:1] if options.quick else backbones)
    return options


if __name__ == "__main__":
    main()
