"""The two contenders, champion and challenger, on the same test examples, in one order of classes, timed alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.answering import Served, together
from pipeline.champions.current import load_version
from pipeline.champions.inputs import as_images
from pipeline.champions.served.deployed import Deployed, predictions_of
from pipeline.champions.served.servable import decision_of
from pipeline.champions.versions import Champion, folder_of
from pipeline.commands.names import has_network
from pipeline.datasets.photos.decoding import WHITE
from pipeline.datasets.store.columns import Column, recode
from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.evaluation.costs.latency import latency_ms
from pipeline.forking.libraries import import_keras_quietly
from pipeline.ground.files import read_json, read_parquet
from pipeline.ground.paths import DATASET
from pipeline.models.archive import read_model
from pipeline.operations.retraining.drift import Sample
from pipeline.operations.retraining.evidence import Judged, known_by
from pipeline.scores.classes import ACCURACY
from pipeline.scores.decisions import Decision, described_decision
from pipeline.scores.score import Score
from pipeline.trials import probability_columns, read_trial


class ContenderError(ValueError):
    """The champion cannot be asked about today's examples; the message says why, and what to do."""


class ReigningChampion:
    """The champion as it answers today; its model is loaded when it is first asked, and a network needs TensorFlow."""

    def __init__(self, champion: Champion) -> None:
        self.champion = champion

    @property
    def image_size(self) -> int:
        if self.champion.image_size is None:
            raise ContenderError(self._cannot("learned from a table", "photos"))
        return self.champion.image_size

    @cached_property
    def served(self) -> Served:
        if has_network(self.champion.candidate):
            import_keras_quietly()
        return load_version(self.champion.version)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        return read_parquet(folder_of(self.champion.version) / "predictions.parquet")

    @cached_property
    def decision(self) -> Decision:
        """How it says a class, from probabilities of its own classes."""
        return described_decision(self.champion.decision)

    def asked(self, inputs: NDArray[Any], columns: Sequence[Column] | None) -> NDArray[Any]:
        """Today's inputs as the champion learned them: photos of its size, rows by its columns.

        Args:
            inputs: (N, S, S, 3) uint8, or (N, columns) float64.
            columns: today's, of rows; None for photos.

        Raises:
            ContenderError: it learned from another kind of data, or from a column that there is none of today.
        """
        if columns is None:
            self._refuse_another_white()
        if columns is None and inputs.shape[1:] == (self.image_size, self.image_size, 3):
            return inputs  # memory-mapped, as it stays
        if columns is None:
            return as_images(inputs, self.image_size)
        if self.champion.columns is None:
            raise ContenderError(self._cannot("learned from photos", "a table"))
        try:
            return recode(inputs, columns, [Column(**column) for column in self.champion.columns])
        except KeyError as error:
            raise ContenderError(self._cannot(f"learned from the column {error}", "no such column")) from None

    def _refuse_another_white(self) -> None:
        """Today's pictures of 16 bits are prepared by today's white, by which they may be many times as dark.

        A champion whose white is that of all 16 bits mostly learned from pictures of 8 bits, which no white scales.

        Raises:
            ContenderError: it learned by another one.
        """
        today = read_json(DATASET).get("white", WHITE) if DATASET.is_file() else WHITE
        if self.served.white not in (WHITE, today):
            learned = f"learned from pictures of 16 bits in which {self.served.white} is white"
            raise ContenderError(self._cannot(learned, f"some in which {today} is"))

    def _cannot(self, learned: str, today: str) -> str:
        return (
            f"Version {self.champion.version} {learned}, and params.yaml and data.path have {today} now, so it cannot "
            "be compared with others: bring back what it learned from, or promote another version by hand"
        )

    def said(self, inputs: NDArray[Any], test: Prepared) -> NDArray[Any]:
        """(N,) numbers of today's classes, or numbers: what it says of today's rows."""
        if test.class_names:
            return self.sample_of_rows(inputs, np.empty(0, np.int64), test).predicted
        return self.served.probabilities(self.asked(inputs, test.columns))[:, 0] if len(inputs) else np.empty(0)

    def sample_of_rows(self, inputs: NDArray[Any], labels: NDArray[np.int64], test: Prepared) -> Sample:
        """Today's rows as it sees them, in numbers of today's classes.

        Args:
            inputs: (N, columns).
            labels: (N,) numbers of today's classes.
            test: today's test split.
        """
        empty = np.empty((0, len(self.champion.class_names)))
        own = self.served.probabilities(self.asked(inputs, test.columns)) if len(inputs) else empty
        return self._sample(own, labels, test.class_names)

    def unlearnt(self, test: Prepared) -> NDArray[np.bool_]:
        """(N,) which of today's test examples it has not learned from."""
        learnt = set(known_by(self.predictions.loc[self.predictions["split"] != "test", "example"], test.kind))
        return np.array([example not in learnt for example in known_by(test.example_ids, test.kind)], bool)

    def sample(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        class_names: Sequence[str],
        groups: NDArray[np.int64] | None = None,
    ) -> Sample:
        """Photos as it sees them, in numbers of today's classes.

        Args:
            images: (N, H, W, 3).
            labels: (N,) numbers of `class_names`.
            class_names: today's.
            groups: (N,) equal for photos that belong together; None where each is on its own.
        """
        return self._sample(self.served.probabilities(as_images(images, self.image_size)), labels, class_names, groups)

    def _sample(
        self,
        own: NDArray[np.float64],
        labels: NDArray[np.int64],
        class_names: Sequence[str],
        groups: NDArray[np.int64] | None = None,
    ) -> Sample:
        """
        Args:
            own: (N, classes) probabilities of its own classes, in its own order.
        """
        names = self.champion.class_names
        answered = answered_classes(self.decision, own, names, class_names)
        return Sample(labels, in_classes(own, names, class_names), groups, answered)

    def reference(self, test: Prepared) -> Sample:
        """Test examples alone: those that it was measured on when it was registered, and those that arrived since.

        Not its validation examples, which chose its epoch and its seed: it is better on them than on unseen ones. Of
        examples that are gone from the test split by now, each counts as a group of its own.
        """
        rows = self.predictions[self.predictions["split"] == "test"]
        there = [self.champion.class_names[label] in test.class_names for label in rows["label"]]
        rows = rows[there]  # classes may have been taken out of the study since
        own = rows[probability_columns(rows)].to_numpy(np.float64)
        names = list(test.class_names)
        labels = np.array([names.index(self.champion.class_names[label]) for label in rows["label"]], np.int64)
        sample = self._sample(own, labels, names)
        known = set(map(str, self.predictions["example"]))
        since = np.array([str(example) not in known for example in test.example_ids], bool)
        examples = [*map(str, rows["example"]), *map(str, test.example_ids[since])]
        if since.any():
            self._refuse_another_white()
            sample = sample.joined(self.sample(test.images[since], test.labels[since], names))
        return replace(sample, groups=groups_of(examples, test))

    def judge(self, test: Prepared, timed: int) -> Judged:
        is_test = self.predictions["split"] == "test"
        learnt, measured = (
            frozenset(known_by(self.predictions.loc[rows, "example"], test.kind)) for rows in (~is_test, is_test)
        )
        if bool(test.class_names) != bool(self.champion.class_names):
            learned = "tells classes apart" if self.champion.class_names else "predicts a number"
            raise ContenderError(self._cannot(learned, "another target"))
        own = self.served.probabilities(self.asked(test.inputs, test.columns))
        judged = Judged(
            f"version {self.champion.version}",
            None,
            latency_ms(self.served.answer, self.asked(test.inputs[:timed], test.columns))["median"],
            learnt,
            measured,
        )
        if not test.class_names:
            return replace(judged, answered=own[:, 0])
        seen = self._sample(own, test.labels, test.class_names)
        return replace(judged, probabilities=seen.probabilities, answered=seen.predicted)


def groups_of(examples: Sequence[str], test: Prepared) -> NDArray[np.int64] | None:
    """(N,) the groups of these examples in the test split; None where it has none."""
    if test.groups is None:
        return None
    known = dict(zip(known_by(test.example_ids, test.kind), test.groups.tolist(), strict=True))
    alone = max(known.values(), default=-1) + 1
    names = known_by(examples, test.kind)
    return np.array([known.get(name, alone + place) for place, name in enumerate(names)], np.int64)


def judge_challenger(challenger: Deployed, test: Prepared, timed: int, score: Score = ACCURACY) -> Judged:
    """What would be served; its answers for the test examples are those that `evaluate` wrote, or the mean of these."""
    predictions = predictions_of(challenger)
    rows = predictions[predictions["split"] == "test"].set_index("example")
    rows = rows.loc[list(map(str, test.example_ids))]
    files = [read_trial(part.candidate).model_file(part.seed) for part in challenger.parts]
    answers = list(map(predictor, load_models(files, read_model)))
    latency = latency_ms(together(answers, [part.weight for part in challenger.parts]), test.inputs[:timed])["median"]
    if not test.class_names:
        return Judged(challenger.candidate, None, latency, answered=rows["predicted"].to_numpy(np.float64))
    probabilities = rows[probability_columns(rows)].to_numpy(np.float64)
    return Judged(challenger.candidate, probabilities, latency, decision=decision_of(challenger, score))


def in_classes(probabilities: NDArray[np.floating], own: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    """Columns of `own` classes → columns of `wanted` ones."""
    columns = np.zeros((len(probabilities), len(wanted)))
    for column, name in enumerate(own):
        if name in wanted:
            columns[:, list(wanted).index(name)] = probabilities[:, column]
    return columns


def answered_classes(
    decision: Decision, probabilities: NDArray[np.floating], own: Sequence[str], wanted: Sequence[str]
) -> NDArray[np.int64]:
    """(N,) numbers of `wanted` classes: what is said by a rule that is of `own` classes.

    A rule such as a threshold means its own columns, so the class is said first and looked up by its name then. Instead
    of a class that is none of the wanted ones, the most probable of these is said.

    Args:
        probabilities: (N, own classes).
    """
    places = np.array([list(wanted).index(name) if name in wanted else -1 for name in own], np.int64)
    numbers = places[decision.classes(probabilities)]
    return np.where(numbers >= 0, numbers, in_classes(probabilities, own, wanted).argmax(axis=1))
