"""What the advised candidate gets wrong: classes that it confuses, or how far its numbers lie from the true ones."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipeline.comparison.report.drawing import Picture
from pipeline.comparison.report.examples.answers_by_rule import answers_by_rule, class_scores
from pipeline.comparison.report.examples.confusion import confusion_counts, confusion_plot, worst_pairs
from pipeline.comparison.report.examples.number_plot import fit_plot
from pipeline.comparison.report.examples.photos import NumberPhoto, has_sheet, read_number_photos, read_photos
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.shown import name_of_best

CONFUSION = (
    "Test examples of all seeds together: a row is the right class, a column what was predicted. The stronger the "
    "blue, the larger its share of the row."
)
BY_RULE = (
    "What was predicted goes by the rule that each seed chose on its validation examples for the score, and need not "
    "be the most probable class."
)
OF_ONE = (
    "Test examples, each answered once by all models together: a row is the right class, a column what was predicted. "
    "Stronger blue: a larger share of the row."
)
ONE_RULE = (
    "What was predicted goes by the rule that was chosen on validation examples for the score, and need not be the "
    "most probable class."
)
NUMBERS = "Test examples, predicted with the mean of the seeds."


def section(material: Material) -> Section:
    of_classes = material.facts.score.of_classes
    data = _of_classes(material) if of_classes else _of_numbers(material)
    is_advised = material.advised == material.verdict["recommended"]
    data |= {
        "shown": material.advised,
        "role": f"The {'advised candidate' if is_advised else name_of_best(material.facts)}",
        "as_one": _answers_as_one(material.of(material.advised)),
    }
    return Section("mistakes", "Mistakes", "examples", data)


def _answers_as_one(one: Measured) -> bool:
    """Whether all seeds answer together, so that each one's rows are the same."""
    return isinstance(one, Ensemble) and one.is_of_seeds


def _of_numbers(material: Material) -> dict[str, Any]:
    advised = material.advised
    test = material.of(advised).predictions.query("split == 'test'").groupby("example")
    svg = fit_plot(test["label"].first().to_numpy(), test["predicted"].mean().to_numpy(), advised)
    return {
        "picture": Picture(Markup(svg), NUMBERS),
        "by_rule": False,
        "classes": {},
        "pairs": [],
        "wrong": [],
        "right": [],
        "numbers": _halves(read_number_photos(advised)),
    }


def _halves(photos: list[NumberPhoto]) -> dict[str, list[NumberPhoto]]:
    """By the heading that they stand under: the largest errors, and the smallest."""
    half = -(-len(photos) // 2)
    return {"Furthest off": photos[:half], "Closest": photos[half:]} if photos else {}


def _of_classes(material: Material) -> dict[str, Any]:
    advised, names = material.advised, list(material.facts.dataset["class_names"])
    one, score, photos = material.of(advised), material.facts.score, read_photos(advised, names)
    by_rule, is_ensemble, as_one = score.by_threshold, isinstance(one, Ensemble), _answers_as_one(one)
    answers = answers_by_rule(one, score) if by_rule else one.predictions
    if as_one:
        answers = answers[answers["seed"] == one.seeds[0]]
    counts = confusion_counts(answers, len(names))
    caption, rule = (OF_ONE, ONE_RULE) if as_one else (CONFUSION, BY_RULE)
    svg = confusion_plot(counts, names, advised, over="" if as_one else " over all seeds")
    return {
        "picture": Picture(Markup(svg), f"{caption} {rule}" if by_rule else caption),
        "pairs": worst_pairs(counts, names, photos),
        "by_rule": by_rule,
        "with_photos": material.facts.kind == "images" and not by_rule and not is_ensemble,
        "classes": class_scores(answers, names) if by_rule or is_ensemble else one.metrics.get("classes", {}),
        "wrong": [photo for photo in photos if photo.right_class != photo.predicted_class],
        "right": [photo for photo in photos if photo.right_class == photo.predicted_class],
        "has_sheet": has_sheet(advised),
        "numbers": {},
    }
