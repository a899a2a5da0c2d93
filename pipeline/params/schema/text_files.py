"""Text that people write: UTF-8, or a refusal that shows the place."""

from __future__ import annotations

import codecs
from pathlib import Path

SHOWN = 12  # characters on each side of a byte that is not UTF-8
ADVICE = "save it as UTF-8 (an editor offers it as the encoding of `Save as`, a spreadsheet as `CSV UTF-8`)"


class EncodingError(ValueError):
    """A file is not UTF-8; the message says in which line, what stands there and what to do, and not the file."""


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, without the byte-order mark that some editors put first.

    Raises:
        EncodingError: it is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise EncodingError(_fault(file.read_bytes())) from None


def _fault(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return f"is UTF-16, not UTF-8; {ADVICE}"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        before, after = content[: error.start].rpartition(b"\n")[2], content[error.start :].partition(b"\n")[0]
        place = before.decode("utf-8")[-SHOWN:] + after[:SHOWN].decode("utf-8", "replace").rstrip()
        return f"line {line}: is not UTF-8, from byte 0x{content[error.start]:02X} in {place!r} on; {ADVICE}"
    return f"is not UTF-8; {ADVICE}"
