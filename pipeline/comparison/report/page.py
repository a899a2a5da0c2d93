"""comparison/report.html: one self-contained page, answer first, readable without scripts, colour or a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from pipeline.comparison.report import plots
from pipeline.comparison.report.explanation_pictures import read_explained
from pipeline.comparison.report.gains import feature_gains
from pipeline.comparison.report.mistakes import confusion_counts, has_sheet, read_photos, worst_pairs
from pipeline.comparison.report.property_plots import property_figures
from pipeline.comparison.report.provenance import describe_making, describe_source
from pipeline.comparison.report.repeated_pictures import describe_repeats
from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.tables.measurements import QUARANTINE, Measured
from pipeline.comparison.tables.studies.claims import Claim
from pipeline.comparison.tables.studies.label_suspects import Suspects
from pipeline.comparison.tables.studies.properties import Property
from pipeline.comparison.verdict import words as wording
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.next_steps import next_steps
from pipeline.comparison.verdict.overfitting import onset_epochs, onset_text, rules_for
from pipeline.params.compare import Compare
from pipeline.params.study import Tuning
from pipeline.scores import RMSE

SUSPECTS_SHOWN = 12  # of each split
TEMPLATES = Path(__file__).parent


@dataclass(frozen=True)
class Material:
    """What the page is made of: the numbers, the verdict on them, and everything read about the candidates."""

    measured: Sequence[Measured]
    facts: Facts
    verdict: Mapping[str, Any]
    settings: Compare
    tuning: Mapping[Any, Tuning]  # by family
    properties: Sequence[Property] = ()
    claims: Sequence[Claim] = ()
    suspects: Suspects = field(default_factory=Suspects)

    def of(self, candidate: str) -> Measured:
        return next(one for one in self.measured if one.name == candidate)


def render(material: Material) -> str:
    """The page as text. Everything that comes from data is escaped; figures are inline SVG."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = (wording.measured_text, wording.measured_range, wording.difference_text)
    words = (*told, wording.percent, wording.percent_range, wording.points, wording.bare_points, wording.points_range)
    environment.globals |= {
        word.__name__: word for word in (*words, wording.duration, wording.count_of, wording.p_value, short)
    }
    environment.filters["together"] = together
    return environment.get_template("report.html.j2").render(_context(material)) + "\n"


def together(text: str) -> str:
    """Numbers stay on one line with their percent sign."""
    return text.replace(" %", "\u00a0%")


def short(row: Row) -> Markup:
    """A candidate's name without its family; it may be broken after its underscores."""
    return escape(wording.short_name(row["candidate"], row["family"])).replace("_", Markup("_<wbr>"))


def _context(material: Material) -> dict[str, Any]:
    facts, verdict = material.facts, material.verdict
    comparison = facts.comparison
    dataset = facts.dataset
    ranking = records(comparison.ranking)
    attempts = [row for row in ranking if row["candidate"] != comparison.floor.candidate] or ranking
    front = plots.pareto_front(attempts, facts.score)
    return {
        "words": facts.words,
        "column": facts.column,
        "regression": facts.score is RMSE,
        "example": "image" if facts.kind == "images" else "row",
        "examples": "photos" if facts.kind == "images" else "rows",
        "verdict": verdict,
        "facts": facts,
        "dataset": dataset,
        "confidence": wording.level(facts.confidence),
        "families": wording.FAMILIES,
        "short_families": wording.SHORT_FAMILIES,
        "ranking": ranking,
        "techniques": records(comparison.techniques),
        "backbones": records(comparison.backbones),
        "paradigms": records(comparison.paradigms),
        "ranks": comparison.ranks,
        "permutation": _permutation(comparison.permutation),
        "tested": len(comparison.permutation),
        "pairwise": records(comparison.pairwise),
        "front": front,
        "details": {one.name: _details(one, material) for one in material.measured},
        "energy_is_known": any(mean_cost(one, "energy_joules") is not None for one in material.measured),
        "rules": rules_for(facts.score),
        "next_steps": next_steps(facts, verdict, material.of(verdict["recommended"] or verdict["winner"])),
        "figures": _figures(material, attempts, front),
        "budgets": _budgets(material),
        "curves": _curves(material, ranking),
        "gains": feature_gains(material.measured, facts),
        "suspects": _suspects(material.suspects),
        "growth": records(facts.growth.table.sort_values(["fraction", "rank"])),
        "mistakes": _mistakes(material),
        "quarantine": _quarantine(),
        "repeats": describe_repeats(dataset),
        "source": describe_source(dataset),
        "making": describe_making(material.measured),
        "settings": material.settings,
        "properties": _properties(material),
        "claims": material.claims,
        "claim_groups": wording.GROUPS,
        "explained": read_explained(_best_of_each_family(attempts), list(dataset["class_names"])),
        "property_figures": property_figures(material.measured, _best_of_each_family(attempts)),
    }


def _best_of_each_family(ranking: Sequence[Row]) -> list[str]:
    best: dict[str, str] = {}
    for row in ranking:
        best.setdefault(row["family"], row["candidate"])
    return list(best.values())


def _properties(material: Material) -> dict[str, list[dict[str, Any]]]:
    """What was measured, by the table that it stands in: each property with its row for each candidate."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in material.properties:
        rows = {row["candidate"]: row for row in records(one.table(material.settings.confidence))}
        groups.setdefault(one.group, []).append({"title": one.title, "is_share": one.is_share, "rows": rows})
    return groups


def _suspects(suspects: Suspects) -> dict[str, Any]:
    return {**vars(suspects), "shown": records(suspects.table.groupby("split", sort=False).head(SUSPECTS_SHOWN))}


def _permutation(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The adjusted p-value of each tested pair, the better-ranked first."""
    return {(str(row["a"]), str(row["b"])): float(row["p_adjusted"]) for row in records(table)}


def _figures(material: Material, attempts: Sequence[Row], front: Sequence[str]) -> dict[str, Markup]:
    facts = material.facts
    ranking = records(facts.comparison.ranking)
    drawn = {
        "ranking": plots.ranking_plot(
            ranking, facts.comparison.floor.accuracy, wording.level(facts.confidence), facts.score, facts.words
        ),
        "gap": plots.gap_plot(ranking, facts.fits, facts.score, facts.words),
        "cost": plots.cost_plot(attempts, front, facts.score, facts.words),
    }
    if facts.growth.leader is not None:
        drawn["growth"] = plots.growth_plot(facts.growth)
    for what, ranks in facts.comparison.ranks.items():
        if ranks.nemenyi is not None:
            drawn[f"{what}_ranks"] = plots.critical_difference_plot(ranks, 1 - facts.confidence)
    return {name: Markup(figure) for name, figure in drawn.items()}


def _curves(material: Material, ranking: Sequence[Row]) -> list[dict[str, Any]]:
    """Learning curves of the best of each family and of each technique; what has no epochs has no curve."""
    shown: dict[tuple[str, str], str] = {}
    for row in ranking:
        shown.setdefault((row["family"], row["technique"]), row["candidate"])
    found = []
    for candidate in shown.values():
        one = material.of(candidate)
        if one.history["epoch"].max() > 1:
            phases = [f"{phase['phase']} {phase['train']}" for phase in one.trial.phases]
            figure = Markup(plots.learning_curves(one.history, candidate, material.facts.score))
            found.append({"candidate": candidate, "phases": phases, "figure": figure})
    return found


def _mistakes(material: Material) -> dict[str, Any]:
    """What the best candidate gets wrong: classes that it confuses, or how far its numbers lie from the true ones."""
    if material.facts.score is RMSE:
        winner = str(material.verdict["winner"])
        test = material.of(winner).predictions.query("split == 'test'").groupby("example")
        figure = plots.fit_plot(test["label"].first().to_numpy(), test["predicted"].mean().to_numpy(), winner)
        return {"figure": Markup(figure), "classes": {}, "pairs": [], "wrong": [], "right": [], "sheet": False}
    winner, names = str(material.verdict["winner"]), list(material.facts.dataset["class_names"])
    counts = confusion_counts(material.of(winner).predictions, len(names))
    photos = read_photos(winner, names)
    return {
        "figure": Markup(plots.confusion_plot(counts, names, winner)),
        "pairs": worst_pairs(counts, names, photos),
        "classes": material.of(winner).metrics.get("classes", {}),
        "wrong": [photo for photo in photos if photo.right_class != photo.predicted_class],
        "right": [photo for photo in photos if photo.right_class == photo.predicted_class],
        "sheet": has_sheet(winner),
    }


def _details(one: Measured, material: Material) -> dict[str, Any]:
    """What the tables tell about a candidate beside its ranking."""
    epochs = int(one.history["epoch"].max())
    return {
        "train_accuracy": material.facts.train_scores[one.name],
        "onset": onset_text(onset_epochs(one.history), epochs),
        "parameters": one.parameters,
        "megabytes": one.metrics["size"]["model_bytes"] / 1e6,
        "latency": one.latency["latency_ms_per_image"],
        "batched": one.latency.get("latency_ms_per_image_in_batches"),
        "flops": one.metrics["size"].get("flops_per_image"),
        "cpu_seconds": mean_cost(one, "cpu_seconds"),
        "memory": mean_cost(one, "peak_memory_bytes"),
        "energy": mean_cost(one, "energy_joules"),
        "settings_tried": _settings_tried(one, material.tuning),
        "resolved": one.trial.parameters,
        "phases": one.trial.phases,
    }


def mean_cost(one: Measured, key: str) -> float | None:
    """Over the seeds, of results/<candidate>/cost.json; None where a seed lacks it."""
    values = [seed.get(key) for seed in one.cost["seeds"].values()]
    return None if None in values else sum(values) / len(values)


def _budgets(material: Material) -> list[dict[str, Any]]:
    """What each side spent on finding its settings: the candidates that were tuned alike, together."""
    groups: dict[tuple[str, str], list[int]] = {}
    for one in material.measured:
        key = one.candidate.family, _tuning_text(one, material.tuning)
        groups.setdefault(key, []).append(_settings_tried(one, material.tuning))
    return [
        {"family": family, "how": how, "candidates": len(tried), "least": min(tried), "most": max(tried)}
        for (family, how), tried in groups.items()
    ]


def _tuning_text(one: Measured, tuning: Mapping[Any, Tuning]) -> str:
    """How the candidate's settings were found: its own search, or the study of its family."""
    own = one.trial.tuning
    if own.get("method") == "none":
        return "nothing to choose"
    if own.get("method"):
        folds = f", {own['folds']} folds" if "folds" in own else ""
        return f"{own['method']}{folds}"
    if one.candidate.family in tuning:
        study = tuning[one.candidate.family]
        return f"study {study.study}, {wording.count_of(study.seeds, 'seed')}, on validation data"
    return "not searched"


def _settings_tried(one: Measured, tuning: Mapping[Any, Tuning]) -> int:
    if "settings_tried" in one.trial.tuning:
        return int(one.trial.tuning["settings_tried"])
    return tuning[one.candidate.family].settings_tried if one.candidate.family in tuning else 1


def _quarantine() -> list[dict[str, Any]]:
    """Why examples were left out, how many each, with one of them; nothing where prepare left out none."""
    if not QUARANTINE.is_file():
        return []
    table = pd.read_csv(QUARANTINE, keep_default_na=False)
    reasons = [
        {"reason": str(reason), "count": len(rows), "example": str(rows["example"].iloc[0])}
        for reason, rows in table.groupby("reason", sort=True)
    ]
    return sorted(reasons, key=lambda entry: -entry["count"])
