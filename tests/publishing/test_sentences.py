"""Figures in sentences that are written by hand."""

from __future__ import annotations

import pytest

import publishing.__main__ as command
from publishing.measurements import in_sentences
from publishing.paths import DOCS
from publishing.sentences import Sentence, with_figures

PAGE = """# A page of 2 lines

- With 58 photos it had 0.448 and was
  −1.5 points behind; with 1,000 it had 0.5.
"""


def test_figures_are_put_in_their_places_wherever_lines_break() -> None:
    sentence = Sentence("it had {} and was {} points behind; with {} it had {}.", ["0.512", "3", "20,000", "0.61"])
    assert with_figures(PAGE, [sentence]) == PAGE.replace("0.448", "0.512").replace("−1.5", "3").replace(
        "1,000 it had 0.5.", "20,000 it had 0.61."
    )


def test_what_is_as_it_should_be_stays_to_the_last_byte() -> None:
    assert with_figures(PAGE, [Sentence("With {} photos it had {}", ["58", "0.448"])]) == PAGE


@pytest.mark.parametrize(
    ("text", "figures", "reason"),
    [
        ("With {} pictures", ["58"], "0 times"),
        ("it had {}", ["0.5"], "2 times"),
        ("With {} photos it had {}", ["58"], "2 places and 1 figures"),
    ],
)
def test_a_sentence_that_is_not_there_once_is_a_fault(text: str, figures: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        with_figures(PAGE, [Sentence(text, figures)])


def test_a_figure_that_was_typed_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = DOCS / "how-to/photos.md"
    monkeypatch.setattr(command, "PAGES", {})
    monkeypatch.setattr(command, "PLACES", {})
    (sentence,) = in_sentences.SENTENCES[page]()
    monkeypatch.setattr(in_sentences, "SENTENCES", {page: lambda: [sentence]})
    assert command.main(["--check"]) == 0
    typed = Sentence(sentence.text, ["3,167", *sentence.figures[1:]])
    monkeypatch.setattr(in_sentences, "SENTENCES", {page: lambda: [typed]})
    assert command.main(["--check"]) == 1
    assert "docs/how-to/photos.md: differs" in capsys.readouterr().out


def test_the_page_of_a_sentence_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {DOCS / "index.md": lambda: [Sentence("nowhere {}", ["1"])]}
    monkeypatch.setattr(command, "PAGES", {})
    monkeypatch.setattr(command, "PLACES", {})
    monkeypatch.setattr(in_sentences, "SENTENCES", gone)
    with pytest.raises(ValueError, match=r"docs/index\.md: .*nowhere"):
        command.main(["--check"])
