"""What stands in the way of people with a screen reader, a keyboard or a phone: pages, looked at by axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

PATIENCE = 120_000  # milliseconds: a browser on a busy machine is slow
LOOKS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (390, "light", {"resultTypes": ["violations"]}),
    (1440, "dark", {"runOnly": ["color-contrast"]}),
)


def serious_findings(browser: Any, page: Path) -> list[tuple[str, str]]:
    """(rule, where it is broken), everything unfolded: all rules on a phone, where most gets in the way, and contrast
    in the dark.

    Of each table three rows stay, since the others are made alike and take it long.
    """
    found = []
    for width, scheme, options in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        view = context.new_page()
        view.set_default_timeout(PATIENCE)
        view.goto(page.as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= width, "something sticks out at the side"
        view.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        view.evaluate("document.querySelectorAll('tbody tr:nth-child(n+4)').forEach(one => one.remove())")
        for one in Axe().run(view, options=options).response["violations"]:
            if one["impact"] in ("serious", "critical"):
                found.append((one["id"], one["nodes"][0]["html"]))
        context.close()
    return found
