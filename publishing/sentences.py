"""Figures in sentences that are written by hand: `python -m publishing` writes them, and nobody types them.

    Sentence("With {} photos it had {}.", ["58", "0.448"])

names a sentence of a page, with {} in the place of each figure. The page is found to have it whatever figures stand
there and wherever its lines break, so that it stays plain Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PLACE = "{}"
FIGURE = r"([-−]?\d+(?:[.,]\d+)*)"


@dataclass(frozen=True)
class Sentence:
    """
    Attributes:
        text: a part of a page that occurs once, with {} for each figure.
        figures: what stands in these places, in their order.
    """

    text: str
    figures: Sequence[str]


def with_figures(page: str, sentences: Iterable[Sentence]) -> str:
    """A page with these figures in its sentences.

    Raises:
        ValueError: the page has a sentence not once, or a sentence has not as many places as figures.
    """
    for sentence in sentences:
        found = list(_pattern(sentence).finditer(page))
        if len(found) != 1:
            raise ValueError(f"the page has this {len(found)} times and not once: {sentence.text!r}")
        page = _replaced(page, found[0], sentence.figures)
    return page


def _pattern(sentence: Sentence) -> re.Pattern[str]:
    if (places := sentence.text.count(PLACE)) != len(sentence.figures):
        raise ValueError(f"{places} places and {len(sentence.figures)} figures: {sentence.text!r}")
    parts = (r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in sentence.text.split(PLACE))
    return re.compile(FIGURE.join(parts))


def _replaced(page: str, found: re.Match[str], figures: Sequence[str]) -> str:
    """From the last place to the first, so that what is before it stays where it is."""
    for place in range(len(figures), 0, -1):
        page = page[: found.start(place)] + figures[place - 1] + page[found.end(place) :]
    return page
