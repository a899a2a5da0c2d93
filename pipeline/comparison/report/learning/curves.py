"""Learning curves: loss and score by epoch, of the best candidate of each family and technique."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    INK,
    MUTED,
    STYLE,
    TRAINING,
    VALIDATION,
    WIDTH,
    Picture,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.words import capitalised
from pipeline.scores.score import Score
from pipeline.scores.score_for_task import usual_score_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def section(material: Material) -> Section | None:
    """What has no epochs has no curve; None where nothing has."""
    shown: dict[tuple[str, str], str] = {}
    trained_here = {one.name for one in material.measured}
    for row in material.ranking:
        if row["candidate"] in trained_here:
            shown.setdefault((row["family"], row["technique"]), row["candidate"])
    trained = [material.of(name) for name in shown.values() if material.of(name).history["epoch"].max() > 1]
    pictures = [_picture(one, usual_score_of(material.facts.score)) for one in trained]
    return Section("curves", "Learning curves", "learning", {"pictures": pictures}, folded=True) if pictures else None


def _picture(one: Measured, score: Score) -> Picture:
    phases = [f"{phase['phase']} {phase['train']}" for phase in one.trial.phases]
    caption = f"{one.name}. Phases: {', '.join(phases)}" if len(phases) > 1 else one.name
    return Picture(Markup(learning_curves(one.history, one.name, score)), caption)


def learning_curves(history: pd.DataFrame, name: str, score: Score) -> str:
    """Loss and score over the epochs: the mean of the seeds in bold, each seed thin, phases marked by number."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        panels = figure.subplots(1, 2)
        for axes, quantity, title in zip(panels, ("loss", score.name), ("loss", score.words.title), strict=True):
            _curve(axes, history, f"train_{quantity}", TRAINING, (0, (4, 1.5)), "training")
            _curve(axes, history, f"val_{quantity}", VALIDATION, "solid", "validation")
            axes.set_title(title, fontsize=9, loc="left", color=INK, pad=14)
            axes.set_xlabel("epoch")
            axes.grid(axis="y")
            _mark_phases(axes, history)
        panels[0].set_ylim(bottom=0)
        write_ticks(panels[1], "y", score.words.tick)
        panels[1].legend(loc="lower right" if score.sign > 0 else "upper right", handlelength=2.4)
        return to_svg(figure, _alt_text(history, name, score))


def _curve(axes: Axes, history: pd.DataFrame, column: str, colour: str, dashes: Any, label: str) -> None:
    """The mean is drawn as far as every seed was trained; early stopping lets some end sooner."""
    by_seed = history.pivot(index="epoch", columns="seed", values=column).sort_index()
    for seed in by_seed.columns:
        axes.plot(by_seed.index, by_seed[seed], color=colour, linewidth=0.7, alpha=0.4, linestyle=dashes)
    mean = by_seed.dropna().mean(axis=1)
    axes.plot(mean.index, mean, color=colour, linewidth=1.9, linestyle=dashes, label=label)


def _mark_phases(axes: Axes, history: pd.DataFrame) -> None:
    """A line where each phase begins in each seed, and its number above."""
    if history["phase"].nunique() == 1:
        return
    starts = history.groupby(["seed", "phase"])["epoch"].min()
    for phase, epochs in starts.groupby("phase"):
        if phase != 1:
            for epoch in sorted(set(epochs)):
                axes.axvline(epoch - 0.5, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
        middle = float(epochs.median()) - (0.5 if phase != 1 else 0)
        above = axes.get_xaxis_transform()
        axes.text(middle, 1.03, str(phase), transform=above, fontsize=8, color=MUTED, ha="left")


def _alt_text(history: pd.DataFrame, name: str, score: Score) -> str:
    last = history.dropna(subset=["val_loss"]).sort_values("epoch").groupby("seed").tail(1)
    train, val = (score.words.value(last[f"{split}_{score.name}"].mean()) for split in ("train", "val"))
    curves = f"Learning curves of {name}: loss and {score.words.title} by epoch."
    return f"{curves} {capitalised(score.words.title)} in the last epoch: training {train}, validation {val}."
