"""`sign` and `verify`, and that champions are loaded and served only as they were signed where that is demanded."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.champions.answering import _load_pyfunc
from pipeline.champions.by_hand import promote_by_hand
from pipeline.champions.current import load_champion
from pipeline.champions.integrity.signed_log import refuse_changed_log, sign_log
from pipeline.champions.integrity.signing import SIGNING_KEY, VERIFYING_KEY, SignatureError
from pipeline.champions.log import LOG, ChampionError, read_log
from pipeline.champions.versions import Champion, add_version
from pipeline.ground.files import write_json
from pipeline.ground.paths import DATASET
from pipeline.operations import predict, retrain
from pipeline.operations.retraining.intake.acceptance import Intake
from pipeline.operations.sign import run as sign
from pipeline.operations.verify import run as verify
from pipeline.ownership import md5
from tests.champions.integrity.test_signing import make_keys
from tests.champions.test_versions import filled
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
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)  # a retraining there asks for a server first
    return public


def as_it_is() -> dict[str, str]:
    """What DVC would have added of version 1."""
    return {file.relative_to("champions").as_posix(): md5(file) for file in FOLDER.rglob("*") if file.is_file()}


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


def test_a_retraining_whose_champion_would_not_be_loaded_ends_before_anything_is_trained(
    public: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduced: list[str] = []
    monkeypatch.setenv(SIGNING_KEY, str(public.with_suffix(".key")))
    with pytest.raises(
        SignatureError, match=r"champions/log\.jsonl: is not signed, and the keys that are named demand"
    ):
        refuse_changed_log(LOG)
    sign_log(LOG)
    monkeypatch.setattr(retrain, "reproduce", lambda targets, _: reproduced.extend(targets))
    answers = {"bring_data": None, "enrol_advised": None, "data_hash": "prepared anew", "is_kept": True}
    for name, answer in answers.items():
        monkeypatch.setattr(retrain, name, lambda answer=answer: answer)
    monkeypatch.setattr(retrain, "take_in", lambda *_: Intake("nothing", []))
    classes = ["blue", "green", "red"]
    write_json(DATASET, {"task": "multiclass", "class_names": classes, "counts": {"test": dict.fromkeys(classes, 20)}})
    assert retrain.run(as_json=True, full=False, force=True, source=None, commit_it=False, push=False) == 1
    assert "champions/1: is not signed, and KIYAS_VERIFYING_KEY demands it" in capsys.readouterr().out
    assert reproduced == ["prepare"]


@pytest.mark.usefixtures("public")
def test_what_would_not_be_loaded_does_not_become_the_champion(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv(VERIFYING_KEY)
        add_version(filled, "data")
    before = read_log()
    with pytest.raises(SignatureError, match=r"champions/2: is not signed, and KIYAS_VERIFYING_KEY demands it"):
        promote_by_hand(2)
    assert read_log() == before


def test_once_signed_it_is_loaded_until_it_is_changed(
    public: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SignatureError, match="KIYAS_SIGNING_KEY: names no key"):
        sign()
    monkeypatch.setenv(SIGNING_KEY, str(public.with_suffix(".key")))
    sign()
    verify()
    told = capsys.readouterr().out
    assert "seed 0: signed\nchampions/log.jsonl: signed\n" in told
    assert told.endswith("seed 0: signed with the key of KIYAS_VERIFYING_KEY\n")
    monkeypatch.setattr("pipeline.champions.integrity.keeping._added", as_it_is)
    verify()
    assert "as it was registered, and signed with the key of KIYAS_VERIFYING_KEY" in capsys.readouterr().out
    assert load_champion().class_names == ["blue", "green", "red"]
    signature = (FOLDER / "signature.json").read_bytes()
    sign(1)
    assert "was signed before; to sign it anew, delete its signature.json" in capsys.readouterr().out
    assert (FOLDER / "signature.json").read_bytes() == signature, "what was registered once never changes"
    served = FOLDER / "model/data/model/served.json"
    served.write_text(served.read_text(encoding="utf-8").replace("blue", "blua"), encoding="utf-8")
    with pytest.raises(SignatureError, match="is not what was signed"):
        load_champion()


def test_without_a_key_nothing_is_asked_for_and_what_cannot_be_compared_is_not_called_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ChampionError, match=r"champions/1: there is nothing to compare it with: .+; `dvc fetch champ"):
        verify(1)
    monkeypatch.setattr("pipeline.champions.integrity.keeping._added", as_it_is)
    verify(1)
    assert capsys.readouterr().out.endswith("seed 0: as it was registered\n")
    with pytest.raises(ChampionError, match="champions/9: is not here"):
        verify(9)
