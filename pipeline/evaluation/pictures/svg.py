"""Drawings as SVG files: the same input gives the same bytes, and a screen reader can read them aloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from pipeline.ground.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "kiyas",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # a class may be called $10-$20
}


def save_svg(figure: Figure, path: Path, title: str, description: str, dpi: float | None = None) -> None:
    """Within `SVG_SETTINGS`: the same bytes each time.

    Args:
        title: for screen readers, as is the description.
        dpi: of what is rasterized in it.
    """
    with replacing(path) as temporary:
        metadata = {"Date": None, "Creator": None, "Title": title}
        figure.savefig(temporary, format="svg", dpi=dpi or "figure", metadata=metadata)
        temporary.write_text(_readable_aloud(temporary, description), encoding="utf-8")


def _readable_aloud(path: Path, description: str) -> str:
    """The SVG as one picture with a title and a description, for screen readers."""
    drawn = path.read_text(encoding="utf-8").replace("<svg ", '<svg role="img" ', 1)
    return drawn.replace("</title>", f"</title>\n <desc>{escape(description)}</desc>", 1)
