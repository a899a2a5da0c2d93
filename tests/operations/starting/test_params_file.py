"""params.yaml is changed key by key: everything else stays to the byte, and what it was is kept."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.operations.starting.params_file import changes, laid_over, refuse_edits, write_params_file
from pipeline.operations.starting.seeing.start_options import StartError
from pipeline.params.schema.reading import read_yaml

PARAMS = Path("params.yaml")


@pytest.fixture
def committed(checkout: Path) -> Path:
    """The checkout with params.yaml in a commit."""
    for command in (
        ["init", "-q"],
        ["add", "params.yaml"],
        ["-c", "user.name=n", "-c", "user.email=e@e", "commit", "-qm", "."],
    ):
        subprocess.run(["git", *command], check=True)
    return checkout


def lines_that_differ(before: str) -> list[str]:
    difference = difflib.ndiff(before.splitlines(), PARAMS.read_text(encoding="utf-8").splitlines())
    return [line for line in difference if line[0] in "+-"]


def test_only_the_lines_of_changed_keys_differ_and_keep_their_comments(checkout: Path) -> None:
    before = PARAMS.read_text(encoding="utf-8")
    write_params_file({"data.target": "price", "seeds": [0, 1], "data.seed": 0})
    assert lines_that_differ(before) == [
        "-   target: null                # the column to predict; null: photos",
        "+   target: price               # the column to predict; null: photos",
        "- seeds: [0, 1, 2]              # each draws its own train/validation split, initialisation and order",
        "+ seeds: [0, 1]                 # each draws its own train/validation split, initialisation and order",
    ]


LINES = """baseline:
  models:
    - majority      # the floor
    - svm_hog       # slow
    - knn_hog

  # Models on a frozen backbone's features, one with each backbone.
  probes: [logistic]
"""


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["majority"], LINES.replace("    - svm_hog       # slow\n    - knn_hog\n", "")),
        (["majority", "knn_hog"], LINES.replace("    - svm_hog       # slow\n", "")),
        (["majority", "svm_hog", "knn_hog", "new"], LINES.replace("knn_hog\n", "knn_hog\n    - new\n")),
        (["svm_hog"], LINES.replace("    - majority      # the floor\n", "").replace("    - knn_hog\n", "")),
        (["other"], None),
    ],
)
def test_a_list_with_a_name_a_line_keeps_its_form_and_comments(
    checkout: Path, models: list[str], expected: str | None
) -> None:
    PARAMS.write_text(LINES, encoding="utf-8")
    write_params_file({"baseline.models": models})
    text = PARAMS.read_text(encoding="utf-8")
    assert read_yaml(PARAMS)["baseline"]["models"] == models
    assert "\n  # Models on a frozen backbone's features, one with each backbone.\n  probes: [logistic]\n" in text
    assert expected is None or text == expected


def test_every_key_comes_back_as_it_was_given(checkout: Path) -> None:
    overlay = {"data.labels": {"file": "a: b.csv", "split": None}, "data.fetch": [], "data.target": "no", "cnn": ["1"]}
    write_params_file(overlay)
    assert changes(read_yaml(PARAMS), overlay) == {}


def test_each_earlier_file_is_kept_beside_it_under_a_name_of_its_own(checkout: Path) -> None:
    before = PARAMS.read_text(encoding="utf-8")
    kept = [write_params_file({"seeds": seeds}) for seeds in ([0], [1])]
    assert [path.name for path in kept] == ["params.before-start.yaml", "params.before-start-2.yaml"]
    assert kept[0].read_text(encoding="utf-8") == before
    assert read_yaml(kept[1])["seeds"] == [0]


def test_what_is_laid_over_leaves_the_content_itself_alone(checkout: Path) -> None:
    content = read_yaml(PARAMS)
    assert laid_over(content, {"data.image_size": 8})["data"]["image_size"] == 8
    assert content == read_yaml(PARAMS)


def test_what_somebody_has_changed_since_the_last_commit_is_not_written_over(committed: Path) -> None:
    refuse_edits()
    PARAMS.write_text(PARAMS.read_text(encoding="utf-8").replace("seeds: [0, 1, 2]", "seeds: [7]"), encoding="utf-8")
    with pytest.raises(StartError, match=r"^params\.yaml: has 1 changed lines? that (is|are) not committed"):
        refuse_edits()


def test_start_leaves_uncommitted_edits_alone_unless_told_otherwise(
    committed: Path, houses: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    PARAMS.write_text(PARAMS.read_text(encoding="utf-8").replace("seeds: [0, 1, 2]", "seeds: [7]"), encoding="utf-8")
    before = PARAMS.read_bytes()
    assert main(["start", str(houses), "--target", "price"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kiyas start: params.yaml: has 1 changed line that is not committed")
    assert PARAMS.read_bytes() == before and not list(Path().glob("params.before*"))
    assert main(["start", str(houses), "--target", "price", "--replace"]) == 0
    assert Path("params.before-start.yaml").read_bytes() == before


def test_its_own_proposal_may_be_replaced_until_somebody_changes_it(committed: Path) -> None:
    write_params_file({"seeds": [0]})
    refuse_edits()
    PARAMS.write_text(PARAMS.read_text(encoding="utf-8").replace("seeds: [0]", "seeds: [7]"), encoding="utf-8")
    with pytest.raises(StartError, match="not committed"):
        refuse_edits()


def test_without_a_commit_nobody_knows_what_was_changed(checkout: Path) -> None:
    refuse_edits()
