"""Fine-tuning techniques over backbones, and backbones over techniques."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.comparison.report.drawing import INK, STYLE, Picture, colour_of, new_figure, to_svg
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.statistics.ranks import Ranks
from pipeline.comparison.tables.frames import records
from pipeline.formats import level, p_value
from pipeline.params.training.candidates import FINETUNE


def section(material: Material) -> Section | None:
    """None where nothing was fine-tuned."""
    comparison = material.facts.comparison
    if comparison.techniques.empty:
        return None
    sides = [
        _side(material, "Fine-tuning techniques", "technique", "backbone", comparison.techniques),
        _side(material, "Backbones", "backbone", "technique", comparison.backbones),
    ]
    return Section("techniques", "Techniques", "approaches", {"sides": sides})


def _side(material: Material, title: str, what: str, across: str, table: pd.DataFrame) -> dict[str, Any]:
    """One side of the grid: its table, and its average ranks as a picture where there are enough."""
    ranks = material.facts.comparison.ranks[f"{what}s"]
    picture = None
    if ranks.nemenyi is not None:
        level_of_test = 1 - material.facts.confidence
        svg = Markup(critical_difference_plot(ranks, level_of_test))
        picture = Picture(svg, _caption(ranks, across, material.facts.confidence))
    return {"title": title, "what": what, "across": across, "rows": records(table), "picture": picture}


def _caption(ranks: Ranks, across: str, confidence: float) -> str:
    assert ranks.friedman is not None
    reach = f"{ranks.critical_difference(1 - confidence):.2f}"
    return (
        f"Average ranks over {ranks.blocks} blocks of one {across} and one seed; a bar joins what Nemenyi's test does "
        f"not tell apart at {level(confidence)} confidence (it takes {reach} ranks). That all are alike has p "
        f"{p_value(ranks.friedman)} (Friedman). Ranks show who is regularly ahead, however little; blocks share their "
        "test photos, so take these tests as a description."
    )


def critical_difference_plot(ranks: Ranks, level_of_test: float) -> str:
    """Average ranks on a line, best to the left; a bar joins groups that Nemenyi's test does not tell apart."""
    import scikit_posthocs
    from matplotlib import rc_context

    assert ranks.nemenyi is not None
    with rc_context(STYLE):
        figure, axes = new_figure(0.22 * len(ranks.average) + 0.9)
        drawn = scikit_posthocs.critical_difference_diagram(
            pd.Series(ranks.average),
            ranks.nemenyi,
            alpha=level_of_test,
            ax=axes,
            label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
            label_props={"fontsize": 9.5},
            marker_props={"s": 24},
            elbow_props={"color": INK, "linewidth": 1},
            crossbar_props={"color": colour_of(FINETUNE), "linewidth": 4, "marker": ""},
        )
        for bar in (line for lines in drawn["crossbars"] for line in lines):
            bar.set_xdata(sorted(bar.get_xdata()))  # it follows a set, whose order changes from process to process
        names = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.average.items())
        reach = ranks.critical_difference(level_of_test)
        return to_svg(figure, f"Average ranks over {ranks.blocks} blocks: {names}. Critical difference {reach:.2f}.")
