"""What is not YAML is answered with file, line and what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.configuration.syntax import syntax_fault


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\na: 2\n", 2, 'found duplicate key "a"'),
        ("a: [1, 2\nb: 3\n", 2, "a flow sequence that began in line 1. It reads: b: 3"),
        ('a: "open\nb: 3\n', 3, "It reads: (the end of the file)"),
        ("a: 1\n\tb: 2\n", 2, "It reads: b: 2"),
    ],
)
def test_the_line_is_named_with_what_it_reads(tmp_path: Path, text: str, line: int, told: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    fault = syntax_fault(path)
    assert fault is not None
    assert fault.startswith(f"{path}, line {line}: is not YAML: ")
    assert told in fault


def test_yaml_has_no_fault_and_what_is_not_there_neither(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    assert syntax_fault(path) is None
    path.write_text("a: 1\n", encoding="utf-8")
    assert syntax_fault(path) is None
