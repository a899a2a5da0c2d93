"""Rows of families.yaml: each says all that others ask of a family."""

from __future__ import annotations

import importlib

import matplotlib.lines
import pytest

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import trained_families
from pipeline.params.schema.families import Family, families, family_named
from pipeline.params.schema.reading import ParamsError, Strict
from pipeline.params.training.candidates import Candidate, training_stage
from tests.conftest import ROOT

ROWS = families()


@pytest.mark.parametrize("name", trained_families())
def test_every_family_that_is_trained_has_a_stage_of_its_own(name: str) -> None:
    stage = importlib.util.find_spec(f"pipeline.stages.{training_stage(name, None)}")
    assert stage is not None and stage.origin is not None
    assert "def train_candidate(" in (ROOT / stage.origin).read_text(encoding="utf-8")


@pytest.mark.parametrize("family", ROWS.values(), ids=list(ROWS))
def test_a_row_names_sections_of_params_yaml_and_the_class_of_its_architectures(family: Family) -> None:
    params = load_params(ROOT / "params.yaml")
    assert isinstance(params.named_in(family.section), list)
    if family.architecture is None:
        assert family.architectures is None
        return
    module, _, kind = family.architecture.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Strict)
    assert hasattr(params, str(family.architectures))


def test_each_family_has_a_marker_of_its_own_that_matplotlib_knows() -> None:
    markers = [family.marker for family in ROWS.values()]
    assert len(set(markers)) == len(markers)
    assert set(markers) <= set(matplotlib.lines.Line2D.markers)


@pytest.mark.parametrize("family", ROWS.values(), ids=list(ROWS))
def test_words_take_the_names_that_they_are_given(family: Family) -> None:
    names = {"name": "svm_hog", "backbone": "vgg16", "technique": "full"}
    candidate = family.words.candidate.format(**names)
    assert candidate in family.words.lead.format(candidate=candidate)
    assert "{" not in family.words.model.format(**names)


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParamsError, match=f"no row 'transformer'; rows: {', '.join(families())}"):
        family_named("transformer")


def test_a_classical_model_on_a_backbone_is_trained_and_measured_by_stages_of_its_own() -> None:
    alone, probe = Candidate("classical", "svm_hog"), Candidate("classical", "logistic-vgg16", backbone="vgg16")
    assert (alone.training_stage, alone.evaluation_stage) == ("baseline", "evaluate-classical@svm_hog")
    assert (probe.training_stage, probe.evaluation_stage) == ("probe", "evaluate-probe@logistic-vgg16")
    point = Candidate("cnn", "lecture", training_share=0.1)
    assert (point.training_stage, point.evaluation_stage) == ("cnn", "evaluate-growth@cnn-lecture-0.1")
