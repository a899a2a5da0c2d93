"""Champions signed with a key of yours, and checked with its other half before they are loaded.

    openssl ecparam -name prime256v1 -genkey -noout -out champion.key
    openssl ec -in champion.key -pubout -out champion.pub
    KIYAS_SIGNING_KEY=champion.key python -m pipeline retrain            # whoever registers
    KIYAS_VERIFYING_KEY=champion.pub python -m pipeline predict a.jpg    # whoever asks

By the library model-signing of the sigstore project (an extra: pip install -e '.[signing]'), with an elliptic-curve
key and without any network. Keys are named in the environment: params.yaml and the bundle of a model can be changed
together with what they would protect.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.ground.files import read_json, replacing, write_json

SIGNING_KEY, VERIFYING_KEY = (
    "KIYAS_SIGNING_KEY",
    "KIYAS_VERIFYING_KEY",
)  # files in PEM, the private one and the public one
SIGNATURE = "signature.json"  # beside champion.json, over every other file of a version
DESCRIBED = "champion.json"
HOW = "`KIYAS_SIGNING_KEY=FILE python -m pipeline sign {version}` signs what you trust"


class SignatureError(ValueError):
    """A champion is not signed as is demanded, or cannot be signed."""


def sign(version: Path) -> bool:
    """Sign a version's folder with the key that KIYAS_SIGNING_KEY names; returns whether it names one.

    Raises:
        SignatureError: the key cannot be used, or signatures are demanded and there is none to sign with.
        OSError: the signature cannot be written; nothing half-written stays.
    """
    refuse_unsignable()
    key = os.environ.get(SIGNING_KEY)
    if not key:
        return False
    _remove_byte_code(version)
    write_signature(version, key, version / SIGNATURE)
    return True


def refuse_unsignable() -> None:
    """
    Raises:
        SignatureError: signatures are demanded and a new version could not be signed, or not so that it could be
            loaded: something is signed and checked, since a training of hours must not end with that.
    """
    key, public = os.environ.get(SIGNING_KEY), os.environ.get(VERIFYING_KEY)
    if public and not key:
        raise SignatureError(
            f"{VERIFYING_KEY} demands that every champion is signed, and {SIGNING_KEY} names no key for new ones; set "
            "it to the file of the private key"
        )
    if not key:
        return
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder)
        write_json(trial / DESCRIBED, {})
        write_signature(trial, key, trial / SIGNATURE)
        if public and (reason := mismatch(trial, Path(public), trial / SIGNATURE)):
            raise SignatureError(
                f"{SIGNING_KEY} = {key}: is not the other half of {VERIFYING_KEY} = {public}, so what it signs could "
                f"not be loaded ({reason}); name the two keys of one pair"
            )


def refuse_unsigned(version: Path) -> None:
    """Nothing where KIYAS_VERIFYING_KEY names no key.

    Args:
        version: the folder of a version.

    Raises:
        SignatureError: it is not signed, with another key, or was changed since, or it is another version than its
            folder says.
    """
    key = os.environ.get(VERIFYING_KEY)
    if not key:
        return
    _refuse_missing_key(key)
    if not (version / DESCRIBED).is_file():
        raise SignatureError(
            f"{version}: has no {DESCRIBED}, so this is a model without the version that a signature is of, such as a "
            f"copy from a registry, and {VERIFYING_KEY} demands one; load it from champions/<version> of a checkout"
        )
    how = HOW.format(version=version.name)
    if not (version / SIGNATURE).is_file():
        raise SignatureError(f"{version}: is not signed, and {VERIFYING_KEY} demands it; {how}")
    _remove_byte_code(version)
    back = "`dvc checkout --force champions` brings back what was registered"
    if reason := mismatch(version, Path(key), version / SIGNATURE):
        raise SignatureError(
            f"{version}: is not what was signed with the key of {VERIFYING_KEY} = {key} ({reason}); {back}, and {how}"
        )
    signed = read_json(version / DESCRIBED).get("version")
    if version.name.isdigit() and version.name != str(signed):
        raise SignatureError(
            f"{version}: what was signed there is version {signed}, put in the place of another; {back}"
        )


def write_signature(folder: Path, key: str, signature: Path) -> None:
    """Sign every file of a folder.

    Raises:
        SignatureError: the key cannot be used.
        OSError: the signature cannot be written; nothing half-written stays.
    """
    signing = _library("signing")
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=key).set_hashing_config(_hashing())
        with replacing(signature) as temporary:
            config.sign(folder, temporary)
    except OSError as error:
        if error.filename is None or Path(error.filename) != Path(key):
            raise
        raise SignatureError(
            f"{SIGNING_KEY} = {key}: {error.strerror}; name the file of a private key, in PEM"
        ) from None
    except Exception as error:  # of several libraries, for what is no key
        raise SignatureError(
            f"{SIGNING_KEY} = {key}: nothing can be signed with it ({_reason(error)}); name the file of a private key "
            "on an elliptic curve, in PEM and without a password"
        ) from None


def mismatch(folder: Path, public: Path, signature: Path) -> str | None:
    """Why a signature of a folder does not hold; None where it does."""
    verifying = _library("verifying")
    try:
        verifying.Config().use_elliptic_key_verifier(public_key=public).set_hashing_config(_hashing()).verify(
            folder, signature
        )
    except Exception as error:  # of several libraries: another key, a signature that was cut off, a file that changed
        return _reason(error)
    return None


@contextmanager
def public_half() -> Iterator[Path]:
    """The key that signatures are checked with: that of KIYAS_VERIFYING_KEY, else the other half of KIYAS_SIGNING_KEY.

    Raises:
        SignatureError: there is no such file, or it is no key.
    """
    if public := os.environ.get(VERIFYING_KEY):
        _refuse_missing_key(public)
        yield Path(public)
        return
    from cryptography.hazmat.primitives import serialization

    private = os.environ[SIGNING_KEY]
    try:
        key = serialization.load_pem_private_key(Path(private).read_bytes(), None).public_key()
    except (OSError, TypeError, ValueError) as error:
        raise SignatureError(f"{SIGNING_KEY} = {private}: is no private key in PEM ({_reason(error)})") from None
    with tempfile.TemporaryDirectory() as folder:
        pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        Path(folder, "public.pem").write_bytes(pem)
        yield Path(folder, "public.pem")


def _refuse_missing_key(public: str) -> None:
    if not Path(public).is_file():
        raise SignatureError(f"{VERIFYING_KEY} = {public}: there is no such file; name that of the public key, in PEM")


def _hashing() -> Any:
    ignored = [SIGNATURE]
    return _library("hashing").Config().set_ignored_paths(paths=ignored, ignore_git_paths=False)


def _library(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"model_signing.{module}")
    except ImportError:
        raise SignatureError(
            f"{SIGNING_KEY} and {VERIFYING_KEY} need the package model-signing; `pip install -e '.[signing]'`"
        ) from None


def _remove_byte_code(version: Path) -> None:
    """Python leaves it in the code of a version that was served; it is not signed, so it must not be run either."""
    for folder in list(version.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)


def _reason(error: Exception) -> str:
    """In one line, without the digests, which are told as Python's objects."""
    reason = re.sub(r": Expected 'Digest.*?\)', Actual 'Digest.*?\)'", "", " ".join(str(error).split()))
    return reason or type(error).__name__
