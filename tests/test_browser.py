"""Tests of pages do not pass unseen where their browser was installed."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import ROOT, chromium


@pytest.mark.parametrize(("needed", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_without_chromium_they_are_skipped_or_fail(
    monkeypatch: pytest.MonkeyPatch, needed: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("KIYAS_NEEDS_CHROMIUM", needed)
    with pytest.raises(outcome, match="there is no Chromium here"):
        chromium()


def test_continuous_integration_says_that_it_installed_it() -> None:
    assert "export KIYAS_NEEDS_CHROMIUM=1" in (ROOT / ".ci/run").read_text(encoding="utf-8")
