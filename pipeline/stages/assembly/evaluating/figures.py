"""The pictures that evaluation leaves of every candidate, by its kind of data and task; measures add their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.predictions import confusion_on_test, mean_on_test
from pipeline.evaluation.pictures.confusion import write_confusion
from pipeline.evaluation.pictures.doubted import write_doubted
from pipeline.evaluation.pictures.fit_to_numbers import write_fit
from pipeline.evaluation.pictures.furthest_off import write_small_photos
from pipeline.evaluation.pictures.overview import write_overview
from pipeline.evaluation.pictures.thumbnails import write_thumbnails
from pipeline.stages.assembly.evaluating.measures import Evaluated
from pipeline.tasks import task_named

DOUBTED = 2  # times as many photos as thumbnails: of each split, since candidates differ in what they doubt


def write_figures(evaluated: Evaluated, development: Prepared, sections: Mapping[str, Any]) -> None:
    """figures/: predicted against true numbers, or the confusion over all seeds; small photos; what the measures found.

    Args:
        development: what the candidate learned from, and what its seeds had for validation.
        sections: of metrics.json.
    """
    has_classes = task_named(evaluated.test.task).has_classes
    if has_classes:
        _write_confusion(evaluated)
        if evaluated.test.kind == "images":
            _write_photos(evaluated, development)
    else:
        _write_fit(evaluated)
        if evaluated.test.kind == "images":
            answers, count = mean_on_test(evaluated.predictions), evaluated.settings.thumbnails
            write_small_photos(evaluated.figures, evaluated.test.images, answers, count)
    write_overview(evaluated.figures, evaluated.trial.candidate, sections, of_numbers=not has_classes)


def _write_photos(evaluated: Evaluated, development: Prepared) -> None:
    folder, test, count = evaluated.figures, evaluated.test, evaluated.settings.thumbnails
    write_thumbnails(folder, test.images, mean_on_test(evaluated.predictions), count)
    splits = (development.example_ids, development.images), (test.example_ids, test.images)
    write_doubted(folder, *splits, evaluated.predictions, DOUBTED * count)


def _write_fit(evaluated: Evaluated) -> None:
    tests = [splits["test"] for splits in evaluated.predictions.values()]
    predicted = np.stack([test.probabilities[:, 0] for test in tests])
    write_fit(evaluated.figures / "predicted.svg", tests[0].labels, predicted, _title(evaluated))


def _write_confusion(evaluated: Evaluated) -> None:
    class_names = evaluated.test.class_names
    counts = confusion_on_test(evaluated.predictions, len(class_names))
    write_confusion(evaluated.figures / "confusion.svg", counts, class_names, _title(evaluated))


def _title(evaluated: Evaluated) -> str:
    examples = "photos" if evaluated.test.kind == "images" else "rows"
    return f"{evaluated.trial.candidate}: test {examples}, all seeds"
