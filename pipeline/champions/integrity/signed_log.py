"""champions/log.jsonl signed: it says which version is the champion, so whoever changes it chooses who answers.

The signature lies beside it and is written anew with every decision. It is written before the log is replaced, under
another name, and takes its place afterwards: a kill in between leaves a log that one of the two is of. A log that was
cut short together with its older signature is whole by itself; DVC's digest, which git keeps, tells that.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.champions.integrity.signing import (
    SIGNING_KEY,
    VERIFYING_KEY,
    SignatureError,
    mismatch,
    public_half,
    refuse_unsignable,
    write_signature,
)

SUFFIX, NEXT = ".signature.json", ".next-signature.json"
LOOK = "look at it (`python -m pipeline champions`), then `KIYAS_SIGNING_KEY=FILE python -m pipeline sign` signs it"


def signatures_of(log: Path) -> tuple[Path, Path]:
    """Where the signature of a log is, and where that of its next state waits."""
    return log.with_suffix(SUFFIX), log.with_name(f".{log.stem}{NEXT}")


@contextmanager
def signing(log: Path, content: str) -> Iterator[None]:
    """Sign what a log will hold; within the block it is written. Nothing where no key is named.

    Raises:
        SignatureError: the key cannot be used, signatures are demanded and there is none to sign with, or the log as it
            stands is not what was signed: signing its next state would make that right.
    """
    refuse_unsignable()
    key = os.environ.get(SIGNING_KEY)
    if not key:
        yield
        return
    refuse_changed_log(log)
    signature, following = signatures_of(log)
    _sign(content, following, key)
    try:
        yield
    except BaseException:
        following.unlink(missing_ok=True)
        raise
    os.replace(following, signature)


def sign_log(log: Path) -> bool:
    """Sign a log as it stands, because a person has looked at it; returns whether there is a key and a log.

    Raises:
        SignatureError: the key cannot be used.
    """
    key = os.environ.get(SIGNING_KEY)
    if not key or not log.is_file():
        return False
    signature, following = signatures_of(log)
    _sign(log.read_text(encoding="utf-8"), signature, key)
    following.unlink(missing_ok=True)
    return True


def refuse_changed_log(log: Path) -> None:
    """Nothing where neither key is named, or there is no log yet.

    Raises:
        SignatureError: the log is not signed, with another key, or was changed since.
    """
    if not log.is_file() or not (os.environ.get(VERIFYING_KEY) or os.environ.get(SIGNING_KEY)):
        return
    signatures = [signature for signature in signatures_of(log) if signature.is_file()]
    if not signatures:
        raise SignatureError(f"{log}: is not signed, and the keys that are named demand it; {LOOK}")
    with _folder_of(log.read_text(encoding="utf-8")) as folder, public_half() as public:
        reasons = [mismatch(folder, public, signature) for signature in signatures]
    if all(reasons):
        raise SignatureError(
            f"{log}: is not what was signed ({reasons[0]}); `dvc checkout --force champions` brings back what was, or "
            f"{LOOK}"
        )


def _sign(content: str, signature: Path, key: str) -> None:
    with _folder_of(content) as folder:
        write_signature(folder, key, signature)


@contextmanager
def _folder_of(content: str) -> Iterator[Path]:
    """What is signed is a folder: here one with the log alone."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "log.jsonl").write_text(content, encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder)
