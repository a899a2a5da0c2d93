"""Why a model does not become a file."""

from __future__ import annotations


class ExportError(ValueError):
    """A model that cannot be exported, or would answer otherwise than it does here."""


class UnconvertibleError(ExportError):
    """A format has no way to say something that a model computes; the message is half a sentence."""
