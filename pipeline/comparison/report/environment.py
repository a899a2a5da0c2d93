"""How templates are filled in: of the report, and of the history of champions, which needs nothing else of it."""

from __future__ import annotations

from pathlib import Path

import jinja2


def strict_environment(templates: Path) -> jinja2.Environment:
    """What is filled in is escaped, and what is not there is an error.

    Args:
        templates: their folder.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
