"""What is measured of a trained candidate beside its scores: which measures apply to which kind of data, and to what.

A new measure is a module of evaluation/measures, a function here that asks for it, and its place in `measures_for`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import draw_limited, strata_of
from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions, mean_on_test
from pipeline.evaluation.explanations.explaining import ExplainedModel, explain, photos_explained
from pipeline.evaluation.measures.alterations import chosen_alterations
from pipeline.evaluation.measures.altered_photos import AlteredPhotos
from pipeline.evaluation.measures.calibration import measure_calibration, write_reliability
from pipeline.evaluation.measures.class_scores import measure_classes
from pipeline.evaluation.measures.findings import Findings, joined
from pipeline.evaluation.measures.gradients import measure_gradients
from pipeline.evaluation.measures.number_robustness import measure_number_robustness
from pipeline.evaluation.measures.robustness import measure_robustness
from pipeline.evaluation.pictures.contact_sheet import write_mistakes
from pipeline.evaluation.pictures.furthest_off import write_furthest_off
from pipeline.ground.kept import KeptArrays, SomeRows
from pipeline.params.evaluation import Evaluation
from pipeline.stages.assembly.evaluating.trained_candidate import TrainedCandidate
from pipeline.tasks import deviation_of, task_named
from pipeline.trials import Trial

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Evaluated:
    """A candidate with its predictions: all that a measure may ask for.

    Attributes:
        predictions: in the order of the candidate's seeds.
        kept: altered photos of all candidates.
        figures: the folder for pictures.
    """

    candidate: TrainedCandidate
    predictions: Predictions
    test: Prepared
    settings: Evaluation
    kept: KeptArrays
    figures: Path

    @property
    def trial(self) -> Trial:
        return self.candidate.trial

    @property
    def first_seed(self) -> int:
        """What needs many predictions is measured with the model of this seed alone."""
        return next(iter(self.predictions))

    @property
    def first_predictions(self) -> SplitPredictions:
        """Of the test split, by the model of the first seed."""
        return self.predictions[self.first_seed]["test"]


Measure = Callable[[Evaluated], Findings]


def measures_for(test: Prepared) -> list[Measure]:
    """What applies to a kind of data and its task; each measure leaves out itself what params.yaml switches off."""
    if not task_named(test.task).has_classes:
        return [furthest_off, robustness, explanations] if test.kind == "images" else []
    if test.kind == "images":
        return [classes, mistakes, calibration, robustness, gradients, explanations]
    return [classes, calibration]


def measure(evaluated: Evaluated) -> Findings:
    """All that applies; nothing for a point of the data-size study, of which only the score is asked."""
    if evaluated.trial.parameters.get("training_share", 1.0) < 1:
        return Findings()
    return joined([measure(evaluated) for measure in measures_for(evaluated.test)])


def photos_asked(settings: Evaluation, trial: Trial, test: Prepared) -> int:
    """How many photos every candidate of this kind is asked about alike, development left out."""
    count = len(test.labels)
    if test.kind != "images":
        return count
    alterations = chosen_alterations(settings.robustness, test.images.shape[1])
    altered = min(settings.robustness.examples, count) * len(alterations)
    return count + altered + photos_explained(settings.explanations, count, is_classical(trial))


def is_classical(trial: Trial) -> bool:
    return trial.family == "classical"


def classes(evaluated: Evaluated) -> Findings:
    return measure_classes(evaluated.predictions, evaluated.test.class_names)


def mistakes(evaluated: Evaluated) -> Findings:
    """The contact sheet and its table; they hold no number of their own."""
    test, count = evaluated.test, evaluated.settings.mistakes
    if count:
        write_mistakes(evaluated.figures, test.images, mean_on_test(evaluated.predictions), test.class_names, count)
    return Findings()


def furthest_off(evaluated: Evaluated) -> Findings:
    """The sheet of the largest errors and its table; they hold no number of their own."""
    test, count = evaluated.test, evaluated.settings.mistakes
    if count:
        write_furthest_off(evaluated.figures, test.images, mean_on_test(evaluated.predictions), count)
    return Findings()


def calibration(evaluated: Evaluated) -> Findings:
    if not evaluated.settings.calibration:
        return Findings()
    findings = measure_calibration(evaluated.predictions)
    write_reliability(evaluated.figures, evaluated.predictions, findings.sections["calibration"]["seeds"])
    return findings


def robustness(evaluated: Evaluated) -> Findings:
    """The first seed's model on altered versions of a fixed, stratified part of the test photos."""
    settings, test = evaluated.settings.robustness, evaluated.test
    alterations = chosen_alterations(settings, test.images.shape[1])
    if not (settings.examples and alterations):
        return Findings()
    rows = draw_limited(strata_of(test), settings.examples, seed=0, at_least=1)
    clean = evaluated.first_predictions.of_rows(rows)
    log.info("%s  %d photos in %d altered versions", evaluated.trial.candidate, len(rows), len(alterations))
    altered = AlteredPhotos(SomeRows(test.images, rows), evaluated.kept)
    predict = evaluated.candidate.seeds.predict_first
    measured_by = measure_robustness if task_named(test.task).has_classes else measure_number_robustness
    return measured_by(predict, clean, evaluated.first_seed, alterations, altered.version)


def gradients(evaluated: Evaluated) -> Findings:
    """Of networks trained from scratch, with the first seed's model."""
    if evaluated.trial.family != "cnn":
        return Findings()
    test, count = evaluated.test, evaluated.settings.batch_size
    rows = draw_limited(strata_of(test), count, seed=2, at_least=0)  # the first ones are mostly of one class
    network = evaluated.candidate.first
    return measure_gradients(network, test.images[rows], test.labels[rows], evaluated.first_seed)


def explanations(evaluated: Evaluated) -> Findings:
    """The first seed's model on a few fixed, stratified test photos."""
    settings, test, seeds = evaluated.settings.explanations, evaluated.test, evaluated.candidate.seeds
    if not settings.examples:
        return Findings()
    rows = draw_limited(strata_of(test), settings.examples, seed=1, at_least=0)
    rows = np.random.default_rng(1).permutation(rows)  # so that the first few are of many classes, or numbers
    log.info("%s  explanations of %d photos", evaluated.trial.candidate, len(rows))
    explained = ExplainedModel(
        evaluated.candidate.first, evaluated.first_seed, seeds.predict_first, seeds.predict_first_alone
    )
    photos = evaluated.first_predictions.of_rows(rows)
    unit = None if test.class_names else deviation_of(test.labels)
    return explain(explained, test.images[rows], photos, settings, evaluated.figures, unit)
