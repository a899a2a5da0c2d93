"""Where the files of the contract stand, relative to the root of a checkout. Nothing else is kept here.

Nearly every stage imports this module, so a new entry runs them all again: only what several rooms share has one.
"""

from __future__ import annotations

from pathlib import Path

PREPARED = Path("data/prepared")
DATASET = PREPARED / "dataset.json"
QUARANTINE = PREPARED / "quarantine.csv"
WEIGHTS = Path("data/weights")

WORKSPACE_MARK = Path(".kiyas/workspace")  # a study's workspace has one: it never registers a model

RESULTS = Path("results")
EVALUATION = Path("evaluation")

COMPARISON = Path("comparison")
RANKING = COMPARISON / "ranking.csv"
PARADIGMS = COMPARISON / "paradigms.csv"
PAIRWISE = COMPARISON / "pairwise.csv"
GROWTH = COMPARISON / "growth.csv"
VERDICT = COMPARISON / "verdict.json"
REPORT = COMPARISON / "report.html"
