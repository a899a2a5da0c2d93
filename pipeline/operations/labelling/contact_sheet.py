"""contact-sheet.html: the chosen photos in the order of their rank, for who labels them.

One file without a script that asks no network: photos are small copies inside it. File names and classes may come from
strangers, so all of them are escaped, and the page's own policy lets nothing else be loaded.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.comparison.report.environment import strict_environment
from pipeline.datasets.photos.decoding import WHITE, PhotoError, decode_photo
from pipeline.formats import chance, number
from pipeline.ground.files import replacing
from pipeline.operations.labelling.proposal import Proposal

SHEET = "contact-sheet.html"
TEMPLATES = Path(__file__).parent
SIDE = 224  # pixels of a small copy
QUALITY = 80  # of its JPEG: about 10 KB
MOST_SHOWN = 200  # photos: about 2 MB


def write_sheet(folder: Path, proposal: Proposal, white: int = WHITE) -> Path:
    """
    Args:
        white: the value of white in photos of 16 bits.
    """
    rows = proposal.table().head(MOST_SHOWN).to_dict("records")
    photos = [row | {"said": _said(row)} | _shown(Path(row["file"]), white) for row in rows]
    template = strict_environment(TEMPLATES).get_template("contact-sheet.html.j2")
    page = template.render(photos=photos, total=len(proposal.names), side=SIDE)
    with replacing(folder / SHEET) as temporary:
        temporary.write_text(page + "\n", encoding="utf-8")
    return folder / SHEET


def _said(row: Mapping[Hashable, Any]) -> str:
    """What the contenders say of a photo together: a class with its probability, or a number."""
    if "probability" not in row:
        return number(row["predicted"])
    return f"{row['predicted']}, {chance(row['probability'])}"


def _shown(file: Path, white: int) -> dict[str, str]:
    """Its name, its address, and the small copy as text; without one where the file is gone since it was read."""
    names = {"name": file.name, "address": file.as_uri()}
    try:
        pixels = decode_photo(file, SIDE, white)
    except (PhotoError, OSError):
        return names | {"picture": ""}
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "JPEG", quality=QUALITY)
    return names | {"picture": base64.b64encode(picture.getvalue()).decode("ascii")}
