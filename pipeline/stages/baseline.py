"""baseline@{model}: a classical model on features of photos or columns of a table, tuned and fitted once a seed.

    python -m pipeline baseline --model svm_hog
    dvc repro baseline@svm_hog

Reads data/prepared/development; the test split is not among its inputs. Writes results/classical-<model>/.
"""

from __future__ import annotations

from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.ground.fingerprints import fingerprint
from pipeline.models.classical import compute_features
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.candidates import Candidate
from pipeline.stages.assembly.training.classical_trials import ClassicalPlan, Features, fit_trials


def run(model: str) -> None:
    train_candidate(Candidate("classical", model=model))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    data, model = load_prepared(DEVELOPMENT), candidate.model
    with Stopwatch() as watch:
        values = compute_features(load_classical(model), data.inputs)
    features = Features(values, watch.seconds)
    plan = ClassicalPlan(
        candidate, model, features, fingerprint("baseline", {"model": model}, candidate.training_share)
    )
    fit_trials(plan, data)
