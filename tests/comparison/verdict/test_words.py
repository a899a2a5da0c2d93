"""Names as words."""

from __future__ import annotations

from pipeline.comparison.verdict.words import short_name


def test_a_short_name_leaves_the_family_out() -> None:
    assert short_name("finetune-resnet50-full", "finetune") == "resnet50 · full"
    assert short_name("classical-svm_hog", "classical") == "svm_hog"
