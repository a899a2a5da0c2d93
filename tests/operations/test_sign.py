"""`sign` and `verify`, and that champions are loaded and served only as they were signed where that is demanded."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.answering import _load_pyfunc
from pipeline.champions.current import load_champion
from pipeline.champions.integrity.signing import SIGNING_KEY, VERIFYING_KEY, SignatureError
from pipeline.champions.log import ChampionError
from pipeline.champions.versions import Champion
from pipeline.operations import predict, retrain
from pipeline.operations.sign import run as sign
from pipeline.operations.verify import run as verify
from tests.champions.integrity.test_signing import make_keys
from tests.operations.conftest import paint, save

pytest.importorskip("model_signing", reason="model-signing is not installed")
pytestmark = pytest.mark.usefixtures("champion")

FOLDER = Path("champions/1")


@pytest.fixture
def public(checkout: Path, champion: Champion, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key that signatures are demanded of since the champion was registered; its other half is not named yet."""
    public = make_keys(checkout, "champion")[1]
    monkeypatch.setenv(VERIFYING_KEY, str(public))
    monkeypatch.setattr("pipeline.operations.sign.keep_champions", lambda: None)
    return public


@pytest.mark.usefixtures("public")
def test_an_unsigned_champion_answers_nobody_who_demands_a_signature(checkout: Path) -> None:
    photo = save(checkout / "asked/a.png", paint("blue", 1))
    ways = (load_champion, verify, lambda: _load_pyfunc(str(FOLDER / "model/data/model")))
    for load in (*ways, lambda: predict.run([str(photo)], as_json=False, parquet=None)):
        with pytest.raises(SignatureError, match=r"champions/1: is not signed, and KIYAS_VERIFYING_KEY demands it; `K"):
            load()


@pytest.mark.usefixtures("public")
def test_a_retraining_that_could_not_sign_what_it_registers_does_not_begin(checkout: Path) -> None:
    assert retrain.run(as_json=False, full=False, force=False, source=None, commit_it=False, push=False) == 1
    (log,) = (checkout / ".kiyas/retrain").glob("*.log")
    assert "KIYAS_SIGNING_KEY names no key for new ones" in log.read_text(encoding="utf-8")


def test_once_signed_it_is_loaded_until_it_is_changed(
    public: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SignatureError, match="KIYAS_SIGNING_KEY: names no key"):
        sign()
    monkeypatch.setenv(SIGNING_KEY, str(public.with_suffix(".key")))
    sign()
    verify()
    assert "as it was registered, and signed with the key of KIYAS_VERIFYING_KEY" in capsys.readouterr().out
    assert load_champion().class_names == ["blue", "green", "red"]
    with pytest.raises(SignatureError, match=r"signature\.json: is there already"):
        sign(1)
    served = FOLDER / "model/data/model/served.json"
    served.write_text(served.read_text(encoding="utf-8").replace("blue", "blua"), encoding="utf-8")
    with pytest.raises(SignatureError, match="is not what was signed"):
        load_champion()


def test_without_a_key_nothing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    verify(1)
    assert capsys.readouterr().out.endswith("seed 0: as it was registered\n")
    with pytest.raises(ChampionError, match="champions/9: is not here"):
        verify(9)
