"""Where signatures are demanded, no other champion is loaded; without keys nothing is signed or asked for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.champions.integrity.signing import (
    SIGNATURE,
    SIGNING_KEY,
    VERIFYING_KEY,
    SignatureError,
    refuse_unsignable,
    refuse_unsigned,
    sign,
)

pytest.importorskip("model_signing", reason="model-signing is not installed")


def make_keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A private and a public key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return make_keys(tmp_path, "champion")


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[Path, Path]) -> Path:
    """A folder as of a version, signed, and looked at by who demands it."""
    folder = tmp_path / "champions/1"
    (folder / "model/data").mkdir(parents=True)
    (folder / "model/data/model.skops").write_bytes(b"numbers")
    (folder / "champion.json").write_text('{"version": 1}', encoding="utf-8")
    monkeypatch.setenv(SIGNING_KEY, str(keys[0]))
    assert sign(folder)
    monkeypatch.setenv(VERIFYING_KEY, str(keys[1]))
    return folder


def test_what_was_signed_and_not_changed_is_accepted_in_every_checkout(version: Path, tmp_path: Path) -> None:
    refuse_unsigned(version)
    (tmp_path / "clone").mkdir()
    refuse_unsigned(version.rename(tmp_path / "clone/1"))


def test_an_earlier_version_put_in_the_place_of_another_is_refused(version: Path) -> None:
    with pytest.raises(SignatureError, match=r"champions/7: what was signed there is version 1, put in the place of"):
        refuse_unsigned(version.rename(version.with_name("7")))


def test_a_copy_of_the_model_alone_has_no_signature_and_is_told_so(version: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (version / "model").rename(tmp_path / "copy/model")
    with pytest.raises(SignatureError, match=r"copy: has no champion\.json, so this is a model without the version"):
        refuse_unsigned(tmp_path / "copy")


def test_a_key_whose_signatures_would_be_refused_is_named_before_anything_is_signed(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (version / SIGNATURE).read_bytes()
    monkeypatch.setenv(SIGNING_KEY, str(make_keys(tmp_path, "stranger")[0]))
    with pytest.raises(SignatureError, match=r"stranger\.key: is not the other half of KIYAS_VERIFYING_KEY = \S+\.pub"):
        sign(version)
    assert (version / SIGNATURE).read_bytes() == before


def test_a_disk_that_is_full_keeps_no_half_of_a_signature(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(path: Path, *_: object, **__: object) -> None:
        with path.open("w", encoding="utf-8") as stream:
            stream.write('{"half')
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (version / SIGNATURE).unlink()
    before = sorted(version.iterdir())
    refuse_unsignable()
    monkeypatch.setattr("pipeline.champions.integrity.signing.refuse_unsignable", lambda: None)
    monkeypatch.setattr(Path, "write_text", fill_up)
    with pytest.raises(OSError, match=r"signature\.json"):
        sign(version)
    assert sorted(version.iterdir()) == before


def test_byte_code_that_python_left_beside_packed_code_is_removed_and_not_trusted(version: Path) -> None:
    (version / "model/code/__pycache__").mkdir(parents=True)
    (version / "model/code/__pycache__/planted.pyc").write_bytes(b"anything")
    refuse_unsigned(version)
    assert not list(version.rglob("*.pyc"))


@pytest.mark.parametrize("change", ["flip", "add", "remove", "swap signature", "cut signature", "link"])
def test_whatever_was_changed_since_is_refused_in_one_sentence(
    version: Path, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, signature = version / "model/data/model.skops", version / SIGNATURE
    if change == "flip":
        model.write_bytes(b"numbess")
    elif change == "add":
        (version / "model/data/more.py").write_text("print()", encoding="utf-8")
    elif change == "remove":
        model.unlink()
    elif change == "swap signature":
        with monkeypatch.context() as patch:
            patch.delenv(VERIFYING_KEY)
            patch.setenv(SIGNING_KEY, str(make_keys(tmp_path, "stranger")[0]))
            sign(version)
    elif change == "cut signature":
        signature.write_bytes(signature.read_bytes()[:100])
    else:
        model.rename(tmp_path / "elsewhere")
        model.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SignatureError, match=r"champions/1: is not what was signed .+; `dvc checkout") as refused:
        refuse_unsigned(version)
    assert "\n" not in str(refused.value)


def test_a_key_that_is_none_is_named(version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no.key").write_text("no key", encoding="utf-8")
    monkeypatch.setenv(SIGNING_KEY, str(tmp_path / "no.key"))
    with pytest.raises(SignatureError, match=r"KIYAS_SIGNING_KEY = .*no\.key: nothing can be signed with it"):
        sign(version)
    monkeypatch.setenv(VERIFYING_KEY, str(tmp_path / "gone.pub"))
    with pytest.raises(SignatureError, match=r"KIYAS_VERIFYING_KEY = .*gone\.pub: there is no such file; name"):
        refuse_unsigned(version)


def test_without_keys_nothing_is_signed_and_nothing_is_demanded(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIGNING_KEY)
    with pytest.raises(SignatureError, match="KIYAS_SIGNING_KEY names no key for new ones"):
        sign(version)
    monkeypatch.delenv(VERIFYING_KEY)
    (version / SIGNATURE).unlink()
    assert not sign(version)
    refuse_unsigned(version)
    assert not (version / SIGNATURE).exists()


def test_without_the_library_the_extra_is_named(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(SignatureError, match=r"need the package model-signing; `pip install -e '\.\[signing\]'`"):
        refuse_unsigned(version)
