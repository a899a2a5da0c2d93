"""What is wrong with a YAML file that cannot be read at all, in one line that an editor's line numbers lead to."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from pipeline.params.schema.text_files import EncodingError, read_text

SHOWN = 60  # characters of the line


def syntax_fault(path: Path) -> str | None:
    """File, line and what stands there; None where the file is YAML, or no text.

    Args:
        path: of the file.
    """
    try:
        text = read_text(path)
        YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        return f"{path}, line {_line(error) + 1}: is not YAML: {_told(error)}. It reads: {_shown(text, _line(error))}"
    except (OSError, EncodingError):
        return None
    return None


def _line(error: MarkedYAMLError) -> int:
    """Counted from 0."""
    mark = error.problem_mark or error.context_mark
    return mark.line if mark else 0


def _told(error: MarkedYAMLError) -> str:
    """The parser's own words, and where what it was reading began."""
    begun = error.context_mark
    since = f", {error.context} that began in line {begun.line + 1}" if begun and begun.line != _line(error) else ""
    return f"{error.problem or error.context}{since}"


def _shown(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line].strip()[:SHOWN] if line < len(lines) else "(the end of the file)"
