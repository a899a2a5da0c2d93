"""The command as a scheduler sees it: an exit code, JSON alone on stdout, a log file, a webhook, one at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.__main__ import main
from pipeline.champions.log import LOCK, news, read_log
from pipeline.champions.versions import Champion
from pipeline.configuration.loading import load_params
from pipeline.ground.files import write_json
from pipeline.ground.locks import hold_at_once
from pipeline.ground.paths import DATASET
from pipeline.operations import retrain
from pipeline.operations.retraining import publishing
from pipeline.operations.retraining.intake.acceptance import Intake
from pipeline.operations.retraining.outcome import Outcome
from pipeline.operations.watching import looking
from tests.operations.conftest import COLOURS
from tests.operations.retraining.test_outcome import Receiver, address  # noqa: F401


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "KIYAS_WEBHOOK", "KIYAS_DEBUG", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


def test_a_failure_ends_with_1_and_leaves_its_reason_in_json_log_and_webhook(
    checkout: Path,
    address: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The miniature checkout is no DVC repository, so `dvc repro prepare` fails."""
    monkeypatch.setenv("KIYAS_WEBHOOK", address)
    assert main(["retrain", "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["ending"], summary["exit_code"]) == ("failed", 1)
    assert "`dvc repro prepare` failed" in summary["reasons"][0]
    assert "retrain: failed. `dvc repro prepare` failed" in Path(summary["log"]).read_text(encoding="utf-8")
    assert [body for _, body in Receiver.received] == [summary]


def test_a_password_in_a_source_that_cannot_be_had_stays_out_of_json_and_log(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(source: str, kind: str, has_classes: bool) -> None:
        raise ValueError(f"cannot get {source}")

    monkeypatch.setattr(retrain, "reproduce", lambda *_: None)
    monkeypatch.setattr(retrain, "bring_data", lambda: None)
    monkeypatch.setattr(retrain, "fetch_into_incoming", refuse)
    assert main(["retrain", "--json", "--from", "https://ada:pa55word@shop.example/new.zip?sig=5ec2e7"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["reasons"] == ["cannot get https://***@shop.example/new.zip?sig=***"]
    assert Path(summary["log"]).stat().st_mode & 0o077 == 0
    assert "pa55word" not in (written := Path(summary["log"]).read_text(encoding="utf-8")) and "5ec2e7" not in written


def test_the_newest_logs_stay(checkout: Path) -> None:
    folder = checkout / ".kiyas/retrain"
    folder.mkdir(parents=True)
    for day in range(60):
        (folder / f"2025{day:04d}T000000Z-1.log").touch()
    with retrain._logged() as newest:
        pass
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 50 and names[-1] == newest.name and names[0] == "20250011T000000Z-1.log"


def test_what_fails_in_data_unlabelled_changes_neither_a_promotion_nor_its_code_nor_its_commit(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is looked at behind the commit, where no lock keeps others waiting."""
    order = []

    def run_out_of_memory() -> list[str]:
        with hold_at_once(LOCK, "watch"):
            order.append("looked")
        raise MemoryError

    promoted = Outcome("promoted", ["It is better."], champion=2, version=2, batch="b")
    monkeypatch.setattr(retrain, "_retrain", lambda *_: promoted)
    monkeypatch.setattr(retrain, "commit", lambda *_: order.append("committed"))
    monkeypatch.setattr(retrain, "refuse_what_cannot_be_kept", lambda *_: None)
    monkeypatch.setattr(looking, "_said_of_unlabelled", run_out_of_memory)
    assert main(["retrain", "--json", "--commit"]) == 10
    summary = json.loads(capsys.readouterr().out)
    assert order == ["committed", "looked"]
    assert (summary["ending"], summary["batch"], summary["version"]) == ("promoted", "b", 2)
    (told,) = summary["unlabelled"]
    assert told.startswith("data/unlabelled was not looked at: memory ran out; end other programs")


def test_a_second_one_fails_by_the_name_of_the_first(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hold_at_once(LOCK, "rollback"):
        assert main(["retrain", "--json"]) == 1
    assert "`rollback` (process" in json.loads(capsys.readouterr().out)["reasons"][0]


def test_on_a_github_runner_that_keeps_nothing_it_refuses_to_start(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["retrain", "--json"]) == 1
    assert "this runner keeps nothing" in json.loads(capsys.readouterr().out)["reasons"][0]


def test_once_refused_photos_are_gone_nothing_is_asked_and_their_data_are_undecided(
    champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrain, "data_hash", lambda: "prepared anew")
    monkeypatch.setattr(retrain, "publish", lambda params: None)
    for _ in range(2):
        assert retrain._refuse(load_params(), Intake("refused", ["Unusable."])).exit_code == 20
    assert [entry.event for entry in read_log()] == ["promoted", "refused"]
    assert news(read_log(), "prepared anew") == ["The prepared data are new since the last decision."]
    ended = retrain._nothing(Intake("nothing", ["data/incoming is empty."]), full=False)
    assert ended.exit_code == 0
    assert ended.reasons[1].startswith(
        "No data are new since the last decision, and no version waits for one; `--force`"
    )


def test_a_decision_is_shown_in_mlflow_and_kept_by_dvc(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(publishing, "sync_if_possible", lambda params: done.append("shown"))
    monkeypatch.setattr(publishing, "keep_champions", lambda: done.append("kept"))
    publishing.publish(load_params())
    assert done == ["shown", "kept"]


def test_a_decision_that_was_not_published_to_its_end_is_published_by_the_next_call(
    champion: Champion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill, or a full disk, came between the decision and the end of publishing it."""
    done: list[str] = []
    monkeypatch.setattr(retrain, "publish", lambda params: done.append("published"))
    retrain._settle(load_params())
    assert done == ["published"]
    monkeypatch.setattr(retrain, "is_kept", lambda: True)
    retrain._settle(load_params())
    assert done == ["published"]


def test_costs_that_say_nothing_of_a_class_are_refused_before_anything_is_trained(
    champion: Champion, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class without a cost would cost nothing."""
    reproduced: list[str] = []
    monkeypatch.setattr(retrain, "reproduce", lambda targets, _: reproduced.extend(targets))
    for name, answer in (("bring_data", None), ("enrol_advised", None), ("is_kept", True)):
        monkeypatch.setattr(retrain, name, lambda answer=answer: answer)
    monkeypatch.setattr(retrain, "take_in", lambda *_: Intake("nothing", []))
    monkeypatch.setattr(retrain, "data_hash", lambda: "prepared anew")
    classes = list(COLOURS)
    counts = {"test": dict.fromkeys(classes, 20)}
    write_json(DATASET, {"task": "multiclass", "class_names": classes, "counts": counts})
    yaml, params_yaml = YAML(typ="safe"), Path("params.yaml")
    content = yaml.load(params_yaml.read_text(encoding="utf-8"))
    content["compare"] |= {"score": "cost", "costs": {"blue": {"*": 5.0}, "green": {"*": 1.0}}}
    yaml.dump(content, params_yaml)
    assert main(["retrain", "--json", "--force"]) == 1
    (reason,) = json.loads(capsys.readouterr().out)["reasons"]
    assert reason.startswith("params.yaml: compare.costs: says nothing of class 'red'")
    assert reproduced == ["prepare"]
