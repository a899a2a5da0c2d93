"""The page's sections on what goes beyond accuracy, where it was measured."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.comparison.report.material import Material
from pipeline.comparison.report.page import render
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.comparison.tables.studies.claim_measurements import measure_claims
from pipeline.comparison.tables.studies.claims import judge_claims
from pipeline.comparison.tables.studies.properties import measure_properties
from pipeline.comparison.verdict.verdict import decide
from pipeline.ground.files import read_json, write_json
from pipeline.params.compare import Compare
from pipeline.params.training.candidates import Candidate
from pipeline.trials import evaluation_folder

SETTINGS = Compare(confidence=0.95, margin=0.01, resamples=300)
STEPS = [1.0, 0.5, 0.2]


def write_all(candidate: Candidate, shift: float) -> None:
    folder, random = evaluation_folder(candidate.name), np.random.default_rng(len(candidate.name))
    shares = {"clean_correct": 0.6, "contrast_1_correct": 0.5, "contrast_5_correct": 0.3, "shift_4_correct": 0.6}
    shares |= {"shift_4_same": shift, "mirror_same": 0.9, "mirror_correct": 0.6}
    parts = [(measure, n, float(random.random() < share)) for measure, share in shares.items() for n in range(200)]
    parts += [
        (name, n, random.normal(0.2, 0.1)) for name in ("explanation_gain", "own_explanation_gain") for n in range(9)
    ]
    altered = pd.DataFrame(parts, columns=["measure", "example", "value"]).assign(seed=0)
    altered["example"] = altered["example"].astype(str)
    test = pd.read_parquet(folder / "predictions.parquet").query("split == 'test'")
    sure = [
        test[["seed", "example"]].assign(measure=measure, value=value)
        for measure, value in (("confidence", 0.8), ("confidence_scaled", 0.6), ("brier", 1.25), ("brier_scaled", 0.5))
    ]
    pd.concat([altered, *sure]).to_parquet(folder / "measures.parquet", index=False)
    accuracy = {"shift_4": 0.6, "mirror": 0.6, "contrast_1": 0.5, "contrast_5": 0.3}
    robustness = {"pixels": "a", "clean_accuracy": 0.6, "accuracy": accuracy, "consistency": {"shift_4": shift}}
    sections = {"robustness": robustness, "calibration": {"bins": 15}}
    write_json(folder / "metrics.json", read_json(folder / "metrics.json") | sections)
    bins = [{"confidence": 0.8, "accuracy": 0.5, "count": 10}]
    write_json(folder / "figures" / "reliability.json", {"before": bins, "after": bins})
    curves = {f"{order}_{kind}": STEPS for order in ("occlusion", "chance") for kind in ("deletion", "insertion")}
    Image.new("RGB", (120, 120)).save(folder / "figures" / "explained-0.jpg")
    photo = {"file": "explained-0.jpg", "example": "a.jpg", "label": 1, "predicted": 2, "probability": 0.7}
    method = "permutation" if candidate.family == "classical" else "gradcam"
    write_json(folder / "figures" / "explanations.json", {"method": method, "curves": curves, "photos": [photo]})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, simulation: SimpleNamespace) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("beyond"))
        chosen = ("classical-majority", "classical-svm_hog", "cnn-lecture", "finetune-resnet50-full")
        truths = [truth for truth in simulation.default_truths() if truth.candidate.name in chosen]
        candidates = simulation.write(truths, seeds=(0, 1), test=120, development=200)
        for candidate, shift in zip(candidates, (1.0, 0.6, 0.95, 0.9), strict=True):
            write_all(candidate, shift)
        yield render(material(candidates, simulation))


def material(candidates: list[Candidate], simulation: SimpleNamespace) -> Material:
    measured = read_measurements(candidates)
    facts = simulation.facts_of(measured, SETTINGS)
    properties = measure_properties(measured, SETTINGS)
    measurements = measure_claims(measured, align(measured), properties, [], SETTINGS)
    claims = judge_claims(measured, measurements, SETTINGS.confidence)
    return Material(measured, facts, decide(facts), SETTINGS, {}, properties, claims)


def text_of(page: str, section: str) -> str:
    found = re.search(rf'<section id="{section}">(.*?)</section>', page, flags=re.DOTALL)
    assert found, f"the page has no section {section}"
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).replace("\u00a0", " ").split())


def test_every_property_has_its_table_and_figure(page: str) -> None:
    text = text_of(page, "properties")
    for title in ("same answer when shifted", "accuracy lost by it", "calibration error", "gain by occlusion"):
        assert title in text
    section = page[page.index('id="properties"') : page.index('id="cost"')]
    assert section.count("<svg") == 4  # shifts, corruptions, reliability, patches
    assert section.count('<td class="rank') == 3 * 4


def test_the_brier_score_stands_before_and_after_scaling_as_a_number(page: str) -> None:
    text = text_of(page, "properties")
    assert "Brier score, scaled" in text
    assert re.search(r"1\.250 1\.\d{3} to 1\.\d{3} 0\.500 0\.\d{3} to 0\.\d{3}", text)


def test_pictures_tell_candidate_kind_of_explanation_and_whether_it_was_right(page: str) -> None:
    text = text_of(page, "properties")
    assert "classical-svm_hog: permutation importance of patches" in text
    assert "cnn-lecture: Grad-CAM" in text and "finetune-resnet50-full: Grad-CAM" in text
    assert text.count("wrong: Avocado , taken for Banana 70 % sure") == 3


def test_the_table_of_claims_has_a_verdict_for_each_group_that_one_is_about(page: str) -> None:
    text = text_of(page, "claims")
    for said in ("A CNN does not mind where the object is.", "A CNN stands noise.", "Deep networks overfit."):
        assert said in text
    assert "Deep learning scales" not in text, "there was no study of data sizes"
    verdicts = re.findall(r"supported|contradicted|cannot tell", text.split("Means over")[0])
    assert len(verdicts) == 6 * 2 + 1
    position = text[text.index("same answer when shifted") : text.index("accuracy lost")]
    assert position.count("supported against machine learning") == 2


def test_links_lead_to_the_sections(page: str) -> None:
    assert re.findall(r'<a href="#(\w+)"', page) == re.findall(r'<section id="(\w+)"', page)
