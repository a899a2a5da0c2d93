"""A section of the page: its link, and the template that shows its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.comparison.report.material import Material


@dataclass(frozen=True)
class Section:
    """One section. Its template stands beside the module that makes its data.

    Attributes:
        key: its id on the page, and the name of its template.
        link: what the table of contents calls it.
        room: the folder of its template.
        data: what the template shows; the names it may use besides are those of `page.shared`.
        folded: whether it is opened on request, since most readers do not need it.
    """

    key: str
    link: str
    room: str
    data: Mapping[str, Any]
    folded: bool = False

    @property
    def template(self) -> str:
        return f"{self.room}/{self.key}.html.j2"


MakeSection = Callable[[Material], Section | None]  # None where there is nothing to show
