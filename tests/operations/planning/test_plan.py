"""What is due joined with what it takes, and how it is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.configuration.loading import load_params
from pipeline.dvc_command import VersioningError
from pipeline.operations import plan as command
from pipeline.operations import repro
from pipeline.operations.planning import plan as planning
from pipeline.operations.planning.due import GraphState, Inputs
from pipeline.operations.planning.plan import first_pass, make_plan
from pipeline.operations.planning.words import duration, duration_range, size

STATES = {
    "prepare": "unchanged",
    "baseline@svm_hog": "changed",
    "evaluate-classical@svm_hog": "follows",
    "finetune@resnet50-full": "cached",
    "compare": "changed",
}


@pytest.fixture(autouse=True)
def some_are_due(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {"evaluate-classical@svm_hog": Inputs(("baseline@svm_hog",))}
    monkeypatch.setattr(planning, "graph_state", lambda targets, mends: GraphState(dict(STATES), inputs))  # type: ignore[arg-type]


def test_a_plan_adds_up_what_is_due_and_restores_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    plan = make_plan(load_params())
    assert plan.due_names == list(STATES)[1:]
    assert plan.unchanged == ["prepare"]
    by_name = {stage.name: stage for stage in plan.due}
    assert by_name["finetune@resnet50-full"].seconds < 5 < by_name["finetune@resnet50-full"].forecast.seconds
    assert plan.total.seconds == pytest.approx(sum(stage.seconds for stage in plan.due))
    assert plan.total.low < plan.total.seconds < plan.total.high


def test_the_table_has_a_row_a_stage_and_at_most_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(no_measuring=True) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith(tuple(STATES))]
    assert [row.split()[0] for row in rows] == list(STATES)[1:]
    assert max(len(row) for row in rows) <= 80
    assert "4 stages are due; 1 more are as they were" in lines
    run = make_plan(load_params()).total
    about = f"about {duration(run.seconds)}"
    assert f"time    {about}, {duration_range(run.low, run.high)}" in lines
    assert f"memory  up to {size(run.memory)}, disk {size(run.disk)} more beside what `keep` allows" in lines
    repro._announce(make_plan(load_params()))
    assert capsys.readouterr().out == (
        f"4 stages are due: {about} ({duration_range(run.low, run.high)}), up to {size(run.memory)} of memory and "
        f"{size(run.disk)} of disk\n"
    )


def test_programs_get_seconds_bytes_and_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(as_json=True, no_measuring=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert [stage["state"] for stage in told["stages"]] == list(STATES.values())[1:]
    assert told["total"]["seconds"] == pytest.approx(sum(stage["seconds"] for stage in told["stages"]), abs=1)
    assert told["stages"][0]["candidate"] == "classical-svm_hog"
    running = [stage for stage in told["stages"] if stage["state"] != "cached"]
    assert told["total"]["memory_bytes"] == max(stage["memory_bytes"] for stage in running) > 1e8
    assert told["total"]["disk_bytes"] == sum(stage["disk_bytes"] for stage in running) > 1e6
    kept = next(stage for stage in told["stages"] if stage["state"] == "cached")
    assert kept["memory_bytes"] > told["total"]["memory_bytes"], "what is restored needs none of it"


def test_an_unknown_stage_is_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(targets: object, mends: bool) -> GraphState:
        raise VersioningError("'compar' is no stage of dvc.yaml; did you mean 'compare'?")

    monkeypatch.setattr(planning, "graph_state", refuse)
    assert command.run(["compar"], no_measuring=True) == 2
    assert capsys.readouterr().err == "kiyas plan: 'compar' is no stage of dvc.yaml; did you mean 'compare'?\n"


def test_without_params_yaml_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").unlink()
    assert command.run() == 2
    assert "params.yaml: there is no such file" in capsys.readouterr().err


def test_minutes_say_what_fits_and_write_cuts_params_yaml(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "refuse_edits", lambda: None)
    before = load_params()
    assert command.run(no_measuring=True, minutes=15) == 0
    assert "left out" in capsys.readouterr().out
    assert load_params() == before
    assert command.run(no_measuring=True, minutes=15, write=True) == 0
    assert len(load_params().candidates()) < len(before.candidates())


def test_a_plan_has_the_order_of_repro_in_which_cheap_candidates_of_every_backbone_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = {"prepare": Inputs()}
    for backbone in ("vgg16", "resnet50"):
        inputs[f"weights@{backbone}"] = Inputs()
        for strategy in ("full", "feature_extractor"):
            name = f"finetune@{backbone}-{strategy}"
            inputs[name] = Inputs(("prepare", f"weights@{backbone}"))
            inputs[f"evaluate-{name}"] = Inputs((name,))
    state = GraphState(dict.fromkeys([*inputs, "compare"], "changed"), inputs)
    monkeypatch.setattr(planning, "graph_state", lambda targets, mends: state)
    plan, params = make_plan(load_params()), load_params()
    cheap = ["finetune@vgg16-feature_extractor", "finetune@resnet50-feature_extractor"]
    first = ["prepare", "weights@vgg16", cheap[0], f"evaluate-{cheap[0]}"]
    first += ["weights@resnet50", cheap[1], f"evaluate-{cheap[1]}"]
    assert plan.due_names == [*first, *(name for name in state.stages if name not in first)]
    assert first_pass(plan, params, inputs) == first
    assert make_plan(params, ["compare"]).due_names == list(state.stages), "of named stages DVC has its own order"
    without = params.model_copy(update={"finetune": params.finetune.model_copy(update={"strategies": []})})
    assert first_pass(plan, without, inputs) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--write"], "--write cuts params.yaml to what fits into some minutes: say how many"),
        (["--json", "--minutes", "30"], "--json prints what is due, and --minutes says in sentences what fits"),
        (["compare", "--minutes", "5"], "compare --minutes 5: minutes are for all that params.yaml names; leave out"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("params.yaml").read_bytes()
    assert main(["plan", *options]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"kiyas plan: {said}") and not told.out
    assert Path("params.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [((100, 400), "2 to 7 min"), ((20, 400), "20 s to 7 min"), ((3000, 8000), "50 min to 2 h 13 min")],
)
def test_a_range_names_its_unit_once_where_it_is_one(seconds: tuple[float, float], words: str) -> None:
    assert duration_range(*seconds) == words
