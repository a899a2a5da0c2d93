"""A workflow for GitHub Actions. Its runner keeps nothing: data live in the DVC remote, runs on a tracking server."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pipeline.dvc_command import default_remote_address, remote_address
from pipeline.operations.scheduling.times import Times

WORKFLOW = """\
# Written by `python -m pipeline schedule --kind github`; deploy/schedules.md explains it. Times are in UTC.
name: retrain

on:
  schedule:
    - cron: "@cron@"
  workflow_dispatch:

permissions:
  contents: write   # dvc.lock and the pointers to champions and batches are committed back

concurrency:
  group: retrain

jobs:
  retrain:
    runs-on: ubuntu-24.04
    timeout-minutes: 350
    env:
      MLFLOW_TRACKING_URI: ${{ secrets.MLFLOW_TRACKING_URI }}
      MLFLOW_TRACKING_USERNAME: ${{ secrets.MLFLOW_TRACKING_USERNAME }}
      MLFLOW_TRACKING_PASSWORD: ${{ secrets.MLFLOW_TRACKING_PASSWORD }}
      AWS_ACCESS_KEY_ID: ${{ secrets.AWS_ACCESS_KEY_ID }}   # of the DVC remote; another kind has other names
      AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
      KIYAS_WEBHOOK: ${{ secrets.KIYAS_WEBHOOK }}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with:
          python-version: "3.12"
          cache: pip
          cache-dependency-path: requirements.lock
      - uses: actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0: npm fetches one of the weight files
        with:
          node-version: 22
      - run: make setup PYTHON=python
@extras@      - name: Retrain
        run: |
          set -o pipefail
          git config user.name "Kiyas"
          git config user.email "kiyas@users.noreply.github.com"
          status=0
          .venv/bin/python -m pipeline retrain --json --push@options@ | tee "$RUNNER_TEMP/summary.json" || status=$?
          { echo '```json'; cat "$RUNNER_TEMP/summary.json"; echo '```'; } >> "$GITHUB_STEP_SUMMARY"
          case "$status" in
            0|10) ;;
            20) echo "::error::A person has to decide: see the summary, then python -m pipeline promote N"; exit 1 ;;
            *) exit "$status" ;;
          esac
"""


# What an address begins with, and the extra of pyproject.toml that opens it. The lock file has neither.
EXTRAS = {"s3://": "s3", "ssh://": "ssh"}
INSTALL = "      - run: .venv/bin/python -m pip install -e '.[{extra}]'\n"


def workflow(times: Times, options: Sequence[str] = ()) -> str:
    """
    Args:
        options: of `retrain`. Where one of them, or DVC's default remote, is an address that needs an extra, the runner
            installs it.
    """
    told = f" {shlex.join(options)}" if options else ""
    addresses = [default_remote_address() or "", *map(remote_address, options)]
    needed = [extra for start, extra in EXTRAS.items() if any(address.startswith(start) for address in addresses)]
    extras = "".join(INSTALL.format(extra=extra) for extra in needed)
    return WORKFLOW.replace("@cron@", times.text).replace("@options@", told).replace("@extras@", extras)
