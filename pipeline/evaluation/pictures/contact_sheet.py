"""The most confident mistakes of a candidate on one sheet with their file names, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.ground.files import write_csv, write_jpeg

COLUMNS = 6
PHOTO, MARGIN, LINE, LETTER = 128, 8, 15, 11  # pixels: a photo's side, between cells, a line of text, its letters
TABLE_COLUMNS = ["example", "right_class", "predicted_class", "probability"]


def write_mistakes(
    folder: Path,
    images: NDArray[np.uint8],
    answers: SplitPredictions,
    class_names: Sequence[str],
    count: int,
) -> None:
    """mistakes.jpg and mistakes.csv: the mistakes that the candidate was most sure of, surest first.

    Args:
        images: (N, S, S, 3) test photos.
        answers: of all seeds together to the same photos.
        count: how many at most; where nothing is mistaken the table is empty and there is no sheet.
    """
    chosen = confident_mistakes(answers.labels, answers.probabilities, count)
    rows = _table(answers, chosen, class_names)
    write_csv(folder / "mistakes.csv", pd.DataFrame(rows, columns=TABLE_COLUMNS))
    if chosen:
        captions = [
            (Path(example).name, f"{right} taken for", f"{taken_for}, {probability:.0%}")
            for example, right, taken_for, probability in rows
        ]
        write_jpeg(folder / "mistakes.jpg", contact_sheet([images[index] for index in chosen], captions), quality=88)


def _table(
    answers: SplitPredictions, chosen: Sequence[int], class_names: Sequence[str]
) -> list[tuple[str, str, str, float]]:
    """One row of TABLE_COLUMNS for each of the chosen photos."""
    predicted = answers.probabilities.argmax(axis=1)
    return [
        (
            str(answers.examples[index]),
            class_names[answers.labels[index]],
            class_names[predicted[index]],
            float(answers.probabilities[index].max()),
        )
        for index in chosen
    ]


def confident_mistakes(labels: NDArray[np.int64], probabilities: NDArray[np.float32], count: int) -> list[int]:
    """Indices of what was mistaken, by the probability of the wrong class; the first of equals first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return [int(index) for index in wrong[order][:count]]


def contact_sheet(photos: Sequence[NDArray[np.uint8]], captions: Sequence[Sequence[str]]) -> Image.Image:
    """Photos in rows of COLUMNS, each over its lines of text; text that is too wide keeps its two ends."""
    across, lines = min(COLUMNS, len(photos)), max(len(caption) for caption in captions)
    width, height = PHOTO + MARGIN, PHOTO + lines * LINE + MARGIN
    down = -(-len(photos) // COLUMNS)
    sheet = Image.new("RGB", (across * width + MARGIN, down * height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (photo, caption) in enumerate(zip(photos, captions, strict=True)):
        left, top = MARGIN + number % COLUMNS * width, MARGIN + number // COLUMNS * height
        picture = Image.fromarray(np.ascontiguousarray(photo)).resize((PHOTO, PHOTO), Image.Resampling.LANCZOS)
        sheet.paste(picture, (left, top))
        for line, text in enumerate(caption):
            pen.text((left, top + PHOTO + 1 + line * LINE), fitted(text, PHOTO), fill="black", font=_font())
    return sheet


def fitted(text: str, width: int) -> str:
    """The text with as much of its middle left out as it takes to be at most `width` pixels wide."""
    kept = len(text)
    shown = text
    while kept > 1 and _font().getlength(shown) > width:
        kept -= 1
        shown = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
    return shown


@cache
def _font() -> ImageFont.FreeTypeFont:
    """The one that matplotlib brings along: the same on every machine, with the letters of most languages."""
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", LETTER)
