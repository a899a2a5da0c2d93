"""The log of decisions is signed with the champions: whoever changes it would choose who answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.champions.by_hand import promote_by_hand
from pipeline.champions.current import load_champion
from pipeline.champions.integrity import signed_log
from pipeline.champions.integrity.signed_log import refuse_changed_log, sign_log, signatures_of
from pipeline.champions.integrity.signing import SIGNING_KEY, VERIFYING_KEY, SignatureError
from pipeline.champions.log import LOG, Entry, append, now, read_log
from pipeline.champions.versions import add_version
from tests.champions.integrity.test_signing import make_keys
from tests.champions.test_versions import filled

pytest.importorskip("model_signing", reason="model-signing is not installed")

SIGNATURE, NEXT = signatures_of(LOG)
KEPT = Entry(now(), "kept", None, 1, "data", ["It is better."])


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Both halves are named, and two versions are registered, of which the first is the champion."""
    monkeypatch.chdir(tmp_path)
    keys = make_keys(tmp_path, "champion")
    monkeypatch.setenv(SIGNING_KEY, str(keys[0]))
    monkeypatch.setenv(VERIFYING_KEY, str(keys[1]))
    add_version(filled, "data")
    add_version(filled, "data")
    return keys


def choose(version: int) -> None:
    """What somebody who can write the log, but has no key, would do."""
    lines = LOG.read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1]) | {"champion": version}
    LOG.write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n", encoding="utf-8")


def test_a_log_that_somebody_changed_loads_and_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_changed_log(LOG)
    choose(2)
    told = r"champions/log\.jsonl: is not what was signed .+; `dvc checkout --force champions` .+`python -m pipeline"
    for act in (load_champion, lambda: append(KEPT), lambda: add_version(filled, "data"), lambda: promote_by_hand(1)):
        with pytest.raises(SignatureError, match=told):
            act()
    assert len(read_log()) == 2 and not Path("champions/3").exists()
    monkeypatch.delenv(VERIFYING_KEY)  # who signs without checking must not make it right by the way
    with pytest.raises(SignatureError, match=told):
        append(KEPT)


@pytest.mark.parametrize("change", ["no signature", "another key", "cut signature", "a line more"])
def test_a_log_without_a_signature_that_holds_is_refused(change: str, tmp_path: Path) -> None:
    if change == "no signature":
        SIGNATURE.unlink()
    elif change == "another key":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SIGNING_KEY, str(make_keys(tmp_path, "stranger")[0]))
            sign_log(LOG)
    elif change == "cut signature":
        SIGNATURE.write_bytes(SIGNATURE.read_bytes()[:80])
    else:
        LOG.write_bytes(LOG.read_bytes() + LOG.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(SignatureError, match=r"champions/log\.jsonl: is not (signed|what was signed)") as refused:
        refuse_changed_log(LOG)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("moment", ["before the log is replaced", "after it"])
def test_a_kill_between_log_and_signature_leaves_a_log_that_is_signed(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    before = LOG.read_bytes()

    def replace(source: str | Path, target: str | Path) -> None:
        if Path(target) == (LOG if moment.startswith("before") else SIGNATURE):
            raise Killed
        os.rename(source, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("os.replace", replace)
        patch.setattr(signed_log.Path, "unlink", lambda *_, **__: None)  # a kill puts nothing away
        append(KEPT)
    assert (LOG.read_bytes() == before) is moment.startswith("before") and NEXT.is_file()
    refuse_changed_log(LOG)
    append(KEPT)
    refuse_changed_log(LOG)
    assert not NEXT.exists()


def test_a_person_who_looked_at_it_signs_it_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(2)
    assert sign_log(LOG)
    refuse_changed_log(LOG)
    for key in (SIGNING_KEY, VERIFYING_KEY):
        monkeypatch.delenv(key)
    append(KEPT)  # without keys nothing is signed or asked for
    refuse_changed_log(LOG)
    assert not sign_log(LOG) and len(read_log()) == 3
