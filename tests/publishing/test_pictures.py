"""Each picture of docs/pictures is shown by a page, and says in words what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publishing.paths import DOCS, ROOT
from tests.documented import PAGES

PICTURES = sorted((DOCS / "pictures").glob("*.png"))
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_is_shown_with_a_text_for_those_who_do_not_see_it(picture: Path) -> None:
    texts = {
        page: text
        for page in PAGES
        for text, path in SHOWN.findall(page.read_text(encoding="utf-8"))
        if (page.parent / path).resolve() == picture
    }
    assert texts, f"no page shows {picture.relative_to(ROOT)}"
    assert all(len(text.split()) > 3 for text in texts.values())
