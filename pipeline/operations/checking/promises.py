"""What every candidate promises, and how a breach is told: one function a promise.

After scikit-learn's estimator checks: whoever adds a row, an architecture or a strategy runs them on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from pipeline.evaluation.answers.models import Predict, Probabilities, predictor
from pipeline.models.backbone_files.safe_layers import HUB
from pipeline.operations.checking.subjects import Phase, Subject, Trained

ALONE = 1e-4  # an answer about one example may differ from that in a batch by rounding
SHOWN = 3  # layers that a breach names


class BrokenPromise(Exception):
    """What was found, and what to do about it."""


@dataclass(frozen=True)
class Finding:
    """One promise of a candidate.

    Attributes:
        promise: in words.
        breach: what was found in place of it; None where it is kept.
    """

    promise: str
    breach: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What the promises are judged by.

    Attributes:
        trained, again: two trainings from the same start, with the same seed.
        path: the file that the first one's model is saved in.
        loaded: the model that was read from it.
    """

    subject: Subject
    trained: Trained
    again: Trained
    path: Path
    loaded: Any

    @cached_property
    def predict(self) -> Predict:
        """The loaded model as a function, made once: folding a network's BatchNorm takes as long as asking it."""
        return predictor(self.loaded)

    @cached_property
    def answers(self) -> Probabilities:
        """Of the loaded model, about all examples."""
        return self.predict(self.subject.examples.inputs)


def loads_in_safe_mode(evidence: Evidence) -> None:
    """Loading has just shown it; a network's file must name no class outside Keras and keras-hub either."""
    if evidence.path.suffix == ".keras":
        with ZipFile(evidence.path) as archive:
            modules = set(_modules_in(json.loads(archive.read("config.json"))))
        if foreign := sorted(name for name in modules if name.partition(".")[0] not in ("keras", HUB)):
            raise BrokenPromise(
                f"the saved network needs classes of {', '.join(foreign)}: build it of Keras' own layers, and without "
                "Lambda layers"
            )


def answers_the_same_when_loaded(evidence: Evidence) -> None:
    here, loaded = evidence.trained.answers, evidence.answers
    if not np.array_equal(here, loaded):
        raise BrokenPromise(
            f"answers differ by up to {np.abs(here - loaded).max():.2g} once the model is saved and loaded: something "
            "that it learned is not part of what is saved"
        )


def takes_raw_inputs(evidence: Evidence) -> None:
    """Photos as bytes, rows with missing values; one example alone is answered as it is in a batch."""
    examples, predict, answers = evidence.subject.examples, evidence.predict, evidence.answers
    classes = len(examples.class_names)
    if answers.shape != (len(examples.inputs), max(classes, 1)) or not np.isfinite(answers).all():
        raise BrokenPromise(
            f"raw inputs of shape {examples.inputs.shape} are answered by {answers.shape} numbers, or by some that are "
            f"not finite: what is done to inputs has to be part of the model"
        )
    if classes and not (np.all(answers >= 0) and np.allclose(answers.sum(axis=1), 1, atol=ALONE)):
        raise BrokenPromise("answers are no probabilities: they have to be at least 0 and add up to 1 over the classes")
    alone, few = np.concatenate([predict(examples.inputs[place : place + 1]) for place in range(2)]), answers[:2]
    if not np.allclose(alone, few, atol=ALONE):
        raise BrokenPromise(
            f"an example alone is answered otherwise than in a batch, by up to {np.abs(alone - few).max():.2g}: some "
            "layer computes with its batch as it does in training"
        )


def freezes_what_it_says(evidence: Evidence) -> None:
    snapshots = evidence.trained.snapshots
    for phase, before, after in zip(evidence.subject.phases, snapshots[:-1], snapshots[1:], strict=True):
        moved = {name for name in before if not _equal(before[name], after[name])}
        _refuse_moved(phase, [name for name in phase.frozen if name in moved])
        _refuse_idle(phase, [group for group in phase.trained if moved.isdisjoint(group)])


def repeats_bit_for_bit(evidence: Evidence) -> None:
    first, second = evidence.trained, evidence.again
    ends = first.snapshots[-1], second.snapshots[-1]
    differing = [name for name in ends[0] if not _equal(ends[0][name], ends[1][name])]
    if differing or not np.array_equal(first.answers, second.answers):
        place = f", in{_in(differing)}" if differing else ""
        raise BrokenPromise(
            f"a second training with the same seed ends elsewhere{place}: draw every random number from the "
            "seed, and start every training from the same weights"
        )


PROMISES: dict[str, Callable[[Evidence], None]] = {
    "loads in safe mode": loads_in_safe_mode,
    "answers the same when loaded": answers_the_same_when_loaded,
    "takes raw inputs": takes_raw_inputs,
    "freezes what it says": freezes_what_it_says,
    "repeats bit for bit": repeats_bit_for_bit,
}


def check_promises(subject: Subject, folder: Path) -> Iterator[Finding]:
    """One finding a promise; a single one where the model cannot be trained, or not be loaded, at all.

    Args:
        folder: where the model is saved.
    """
    with subject.asking():
        yield from _findings(subject, folder / f"checked{subject.suffix}")


def _findings(subject: Subject, path: Path) -> Iterator[Finding]:
    try:
        trained = subject.train()
        subject.save(trained.model, path)
    except Exception as error:
        yield Finding("can be trained and saved", f"{type(error).__name__}: {error}")
        return
    try:
        loaded = subject.load(path)
    except Exception as error:
        yield Finding("loads in safe mode", f"the saved model cannot be loaded: {error}")
        return
    evidence = Evidence(subject, trained, subject.train(), path, loaded)
    for promise, keep in PROMISES.items():
        if keep is freezes_what_it_says and not subject.phases:
            continue
        try:
            keep(evidence)
        except BrokenPromise as breach:
            yield Finding(promise, str(breach))
        else:
            yield Finding(promise)


def _modules_in(config: Any) -> Iterator[str]:
    """The Python modules that a network's config names, at any depth."""
    if isinstance(config, dict):
        if isinstance(module := config.get("module"), str):
            yield module
        for value in config.values():
            yield from _modules_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from _modules_in(value)


def _refuse_moved(phase: Phase, moved: list[str]) -> None:
    if moved:
        raise BrokenPromise(
            f"{phase.name} says that it freezes{_in(moved)}, which moved: set `trainable` to False on them, on "
            "BatchNorm layers too, before the phase is compiled"
        )


def _refuse_idle(phase: Phase, idle: list[Any]) -> None:
    if idle:
        names = [f"{group[0]} to {group[-1]}" if len(group) > 1 else group[0] for group in idle]
        raise BrokenPromise(
            f"{phase.name} says that it trains{_in(names)}, where nothing moved: see that the rate is above 0 and that "
            "the phase is compiled after `trainable` is set"
        )


def _in(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f" {', '.join(names[:SHOWN])}{more}" if names else ""


def _equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))
