"""Write what follows from the code: dvc.yaml's deps, MLproject's entry points, the floors of docs/architecture.md.

python -m pipeline graph            # say what differs; exit status 1 if anything does
python -m pipeline graph --write    # put it right
"""

from __future__ import annotations

from pipeline.commands.mlproject import MLPROJECT, mlproject
from pipeline.ground.files import replacing
from pipeline.operations.derived.code_deps import DVC_FILE, with_code_deps
from pipeline.operations.derived.floors import ARCHITECTURE, with_floors


def run(write: bool) -> int:
    """
    Returns:
        The exit status: 1 where a file differs and is not written.
    """
    texts = {
        DVC_FILE: with_code_deps(DVC_FILE.read_text(encoding="utf-8")),
        MLPROJECT: mlproject(),
        ARCHITECTURE: with_floors(ARCHITECTURE.read_text(encoding="utf-8")),
    }
    differing = {path: text for path, text in texts.items() if path.read_text(encoding="utf-8") != text}
    if not differing:
        print(f"{', '.join(map(str, texts))}: as the code has it")
    for path, text in differing.items():
        if write:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            print(f"{path}: written")
        else:
            print(f"{path}: differs from the code; `python -m pipeline graph --write` writes it")
    return 1 if differing and not write else 0
