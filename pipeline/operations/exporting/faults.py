"""Why a model does not become a file."""

from __future__ import annotations

LONGEST_REASON = 200  # characters that are told of another library's error


class ExportError(ValueError):
    """A model that cannot be exported, or would answer otherwise than it does here."""


class UnconvertibleError(ExportError):
    """A format has no way to say something that a model computes; the message is half a sentence."""


def reason_of(error: Exception) -> str:
    """What a library says, in one line."""
    return " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
