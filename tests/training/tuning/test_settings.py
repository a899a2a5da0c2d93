"""What a network tries: its recipe first, known recipes where they fit its technique, each plan once, always alike."""

from __future__ import annotations

from itertools import islice

import pytest

from pipeline.params.training.search import Search
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training.tuning.settings import Changes, make_setting, settings_of

SEARCH = Search(settings=12, trainings=2.0)
HEAD = Phase(train="head", epochs=60, learning_rate=1e-3)
ALL = Phase(train="all", epochs=4, learning_rate=1e-4, schedule="cosine", warmup_epochs=1)


def first(
    *phases: Phase, search: Search = SEARCH, has_blocks: bool = True, count: int = 12
) -> list[tuple[str, Changes]]:
    settings = settings_of(Strategy(phases=list(phases)), 1e-4, search, has_blocks)
    return [(setting.name, setting.changes) for setting in islice(settings, count)]


def test_the_recipe_is_the_first_and_the_rates_nearest_to_it_and_known_recipes_follow_in_turn() -> None:
    names = [name for name, _ in first(HEAD, ALL)]
    assert names[:7] == ["recipe", "rate ×3", "fastai", "rate ×0.3", "ulmfit", "bit", "lp_ft"]
    assert all(name.startswith("draw ") for name in names[7:])


def test_settings_are_the_same_each_time_and_no_plan_stands_twice() -> None:
    settings = list(islice(settings_of(Strategy(phases=[HEAD, ALL]), 1e-4, SEARCH, True), 100))
    assert [setting.plan for setting in settings] == [
        setting.plan for setting in islice(settings_of(Strategy(phases=[HEAD, ALL]), 1e-4, SEARCH, True), 100)
    ]
    assert len({setting.plan for setting in settings}) == 100


def test_another_seed_draws_others() -> None:
    assert first(ALL)[8:] != first(ALL, search=SEARCH.model_copy(update={"seed": 1}))[8:]


def test_nothing_is_changed_that_the_technique_has_no_place_for() -> None:
    head_alone, scratch = first(HEAD, count=60), first(ALL, has_blocks=False, count=60)
    for _, changes in [*head_alone, *scratch]:
        assert changes.head_epochs is None and changes.layer_decay is None
    assert "lp_ft" not in dict(head_alone) | dict(scratch)  # there is no head phase before what it slows down


def test_a_change_leaves_what_is_trained_and_the_head_phase_as_they_are() -> None:
    strategy = Strategy(phases=[HEAD, ALL])
    changed = make_setting("", Changes(learning_rate=2.0, epochs=0.5, schedule="one_cycle"), strategy, 1e-4).strategy
    assert changed.phases[0] == HEAD
    assert changed.phases[1] == Phase(train="all", epochs=2, learning_rate=2e-4, schedule="one_cycle")
    assert make_setting("", Changes(head_epochs=1), strategy, 1e-4).strategy.phases == [
        HEAD.model_copy(update={"epochs": 1}),
        ALL,
    ]


@pytest.mark.parametrize("name", ["fastai", "ulmfit", "bit", "lp_ft"])
def test_a_known_recipe_is_left_out_where_it_is_not_named(name: str) -> None:
    without = SEARCH.model_copy(update={"recipes": [other for other in SEARCH.recipes if other != name]})
    assert name in dict(first(HEAD, ALL)) and name not in dict(first(HEAD, ALL, search=without, count=100))
