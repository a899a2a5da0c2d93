"""What the benchmark of folding wrote keeps what docs/results/speed.md says of it."""

from __future__ import annotations

from pathlib import Path

from pipeline.ground.files import read_json

MEASURED = read_json(Path(__file__).parents[2] / "benchmarks/results/folding.json")["measured"]


def test_answers_are_faster_wherever_there_is_batch_norm_and_most_in_bfloat16() -> None:
    for backbone in ("resnet50", "inceptionv3"):
        plain, rounded = (
            MEASURED[f"{backbone} {precision}"]["times_as_fast"]["forward"]
            for precision in ("float32", "mixed_bfloat16")
        )
        assert 1.05 < plain < rounded


def test_in_float32_probabilities_stay_the_same_but_for_rounding() -> None:
    differences = [of["largest_difference"] for name, of in MEASURED.items() if name.endswith("float32")]
    assert differences and max(differences) < 1e-5
