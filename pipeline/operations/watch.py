"""How good is the champion today, without labels? An estimate of its score, drift of inputs, and what cannot be known.

    python -m pipeline watch shelf/                 # photos that nobody has labelled
    python -m pipeline watch patients.csv --json    # rows without their target; for programs
    python -m pipeline watch sales.csv              # a series, whose new steps are their own labels

Exit codes: 0 nothing seen here asks for labels; 20 labels are worth asking for; 1 failed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.operations.retraining.outcome import EXIT_CODES
from pipeline.operations.watching.looking import look


def run(files: list[str], as_json: bool) -> int:
    """Print what is known, and return the exit code; files that cannot be read are named on stderr.

    Raises:
        ValueError: nothing can be said; see `looking.look`.
    """
    findings = look([Path(name).expanduser() for name in files])
    for file, fault in findings.left_out.items():
        print(f"kiyas watch: {file}: {fault}", file=sys.stderr)
    code = EXIT_CODES["asked" if findings.reasons else "nothing"]
    if as_json:
        print(json.dumps({**findings.plain(), "exit_code": code}, indent=2, ensure_ascii=False, allow_nan=False))
        return code
    print(f"watched: {findings.champion.title}", file=sys.stderr)
    print("\n".join(findings.sentences()))
    return code
