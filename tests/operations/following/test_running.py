"""What runs in a checkout is known by what DVC tells its stages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.operations.following.running import running_stages


@pytest.mark.parametrize("told", [True, False])
def test_a_stage_runs_in_the_checkout_that_dvc_names_and_in_no_other(checkout: Path, told: bool) -> None:
    environment = os.environ | {"DVC_STAGE": "telling"} | ({"DVC_ROOT": str(checkout)} if told else {})
    if not told:
        environment.pop("DVC_ROOT", None)
    command = [sys.executable, "-S", "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout and process.stdout.readline()  # Linux shows no environment before a program has begun
        running = [stage.process for stage in running_stages(checkout)]
        process.kill()
    assert (process.pid in running) is told
