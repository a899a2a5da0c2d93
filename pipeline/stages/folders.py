"""folders, folders-foreign: make the folders that stages fill, and show DVC what lies there that no stage has written.

    python -m pipeline folders
    dvc repro folders-foreign

DVC empties a stage's folders before it runs the stage, when a look at them comes too late. So these two come before all
that have folders, and `folders-foreign` runs as soon as somebody's file lies in one: its outs are links to the folders,
and behind them .dvcignore hides whatever stages write. The command line then refuses that file, as before every stage.
As long as there is none, DVC finds nothing changed. `folders` is a stage of its own because DVC cannot follow a link to
a folder that was deleted: its outs go with the folder, so that it makes it again first.
Writes <folder>/.folder for each, and data/.filled/: the links, and what they are for.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.ground.files import replacing
from pipeline.ground.paths import EVALUATION, PREPARED, RESULTS

FOLDERS = (PREPARED, RESULTS, EVALUATION)
MARK = ".folder"
VIEWS = Path("data/.filled")
README = "README.txt"
WARNING = "Stages fill this folder. Keep your own files elsewhere: DVC empties it before it runs them.\n"
PURPOSE = "Through these links DVC sees what lies in the folders that stages fill and was put there by no stage.\n"


def run() -> None:
    for folder in FOLDERS:
        _write(folder / MARK, WARNING)
        _link(VIEWS / folder.name, folder)
    _write(VIEWS / README, PURPOSE)


def _write(file: Path, text: str) -> None:
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _link(view: Path, folder: Path) -> None:
    view.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(folder, view.parent)
    if not (view.is_symlink() and os.readlink(view) == target):
        view.unlink(missing_ok=True)
        view.symlink_to(target)
