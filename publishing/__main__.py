"""Write the pages of docs/, and the part of README, that follow from something else.

python -m publishing            # write them
python -m publishing --check    # say which differ; exit status 1 if any does
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.ground.files import replacing
from publishing import notes, results, stages, weighing
from publishing.measurements import (
    calibration,
    ensembles,
    in_sentences,
    label_next,
    newcomer,
    photo_sizes,
    recipes,
    scaling,
    serving,
    speed,
    survival,
    tuning,
    watching,
)
from publishing.paths import DOCS, ROOT
from publishing.reference import commands, files, parameters
from publishing.sentences import with_figures


def _from_deploy(name: str) -> Callable[[], str]:
    """A how-to that lies with the files it is about, so that the site has it too."""
    copied = f"<!-- `make docs` copies this from deploy/{name}. -->\n"
    return lambda: copied + (ROOT / "deploy" / name).read_text(encoding="utf-8")


PAGES: dict[str, Callable[[], str]] = {
    "how-to/schedules.md": _from_deploy("schedules.md"),
    "how-to/tracking-server.md": _from_deploy("tracking-server.md"),
    "reference/commands.md": commands.page,
    "reference/parameters.md": parameters.page,
    "reference/files.md": files.page,
    "results/calibration.md": calibration.page,
    "results/ensembles.md": ensembles.page,
    "results/groceries.md": results.groceries_page,
    "results/label-next.md": label_next.page,
    "results/newcomer.md": newcomer.page,
    "results/photo-sizes.md": photo_sizes.page,
    "results/recipes.md": recipes.page,
    "results/speed.md": speed.page,
    "results/studies.md": results.studies_page,
    "results/survival.md": survival.page,
    "results/tuning.md": tuning.page,
}
# Pages that are written by hand but for some tables: what each of their places holds.
PLACES: dict[Path, Callable[[], dict[str, str]]] = {
    ROOT / "README.md": lambda: {"": results.readme_table()},
    DOCS / "from-the-notes.md": notes.tables,
    DOCS / "how-to/champion.md": serving.tables,
    DOCS / "how-to/ensembles.md": ensembles.held,
    DOCS / "how-to/plan-and-progress.md": newcomer.forecasts,
    DOCS / "how-to/several-machines.md": scaling.tables,
    DOCS / "how-to/watch.md": watching.tables,
    DOCS / "explanation/beyond-accuracy.md": lambda: {**notes.claims(), **stages.tables()},
    DOCS / "explanation/why-believe-it.md": lambda: {**weighing.tables(), **calibration.on_real_data()},
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m publishing", description="Write what of docs/ is derived.")
    parser.add_argument("--check", action="store_true", help="say which pages differ, and write none")
    check = parser.parse_args(arguments).check
    texts = {DOCS / path: make() for path, make in PAGES.items()}
    texts |= {page: _brought_up_to_date(page) for page in sorted(PLACES.keys() | in_sentences.SENTENCES.keys())}
    differing = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in differing:
        print(f"{path.relative_to(ROOT)}: {'differs; `make docs` writes it' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_text(texts[path], encoding="utf-8")
    return 1 if check and differing else 0


def _brought_up_to_date(page: Path) -> str:
    """A page that is written by hand, with today's tables and figures in their places.

    Raises:
        ValueError: it lacks a place, or one of the sentences; the page is named.
    """
    text = page.read_text(encoding="utf-8")
    try:
        text = results.filled(text, PLACES[page]() if page in PLACES else {})
        return with_figures(text, in_sentences.SENTENCES[page]() if page in in_sentences.SENTENCES else [])
    except ValueError as error:
        raise ValueError(f"{page.relative_to(ROOT)}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
