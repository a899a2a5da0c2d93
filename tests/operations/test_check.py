from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.operations import check
from pipeline.params.reading import ParamsError
from tests.tracking.simulated import small_params


def test_it_says_in_one_line_each_what_would_run(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_params()
    check.run()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    said = {line[0]: " ".join(line[1:]) for line in lines}
    assert said["params.yaml"] == "can be run"
    assert said["data"] == "groceries (fetched into data/raw), all photos, 96×96 pixels"
    assert said["candidates"] == "2, each with 2 seeds: 4 trials"
    assert (said["classical"], said["cnn"], said["finetune"]) == ("majority", "none", "resnet50-full")
    assert said["MLflow"] == "experiment kiyas"


def test_faulty_parameters_are_refused_before_anything_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(text.replace("image_size: 96", "image_size: huge"), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"data\.image_size"):
        check.run()
    assert capsys.readouterr().out == ""
