"""Data sets as uint8 arrays with their official splits, and a fingerprint of what was used.

Where `$ADCGAN_DATA/<name>.npz` exists it is read (arrays ``train_images``, ``train_labels``,
``test_images``, ``test_labels``) and nothing is downloaded. Otherwise torchvision downloads the
canonical files into `$ADCGAN_CACHE` (default ``~/.cache/adcgan``) and checks their MD5.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock

from ..errors import AdcganError, choose
from .folders import IMAGE_SIZES, WHOLE, Found, expanded, find, read, refuse_unreadable, shown

MNIST_CLASSES = tuple("0123456789")
FASHION_CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
)  # fmt: skip
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class About(NamedTuple):
    """A data set: its title, classes, image format, and how many training images it has in all."""

    title: str
    classes: tuple[str, ...]
    image_size: int
    channels: int
    training_images: int
    published: bool = True  # is it one of the paper's

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, H, C) of an image."""
        return self.image_size, self.image_size, self.channels


DATASETS = {
    "digits": About("digits", MNIST_CLASSES, 28, 1, 1_437, published=False),
    "mnist": About("MNIST", MNIST_CLASSES, 28, 1, 60_000),
    "fashion_mnist": About("Fashion-MNIST", FASHION_CLASSES, 28, 1, 60_000),
    "cifar10": About("CIFAR-10", CIFAR_CLASSES, 32, 3, 50_000),
    "cats_vs_dogs": About("CatsVsDogs", ("cat", "dog"), 64, 3, 20_000),
}
TITLES = {name: about.title for name, about in DATASETS.items()}
CLASSES = {name: about.classes for name, about in DATASETS.items()}
PUBLISHED = tuple(name for name, about in DATASETS.items() if about.published)


def title(dataset: str) -> str:
    """How a data set is called in a text; a directory of pictures by the name that it has in its records."""
    return DATASETS[dataset].title if dataset in DATASETS else dataset


ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")

CANONICAL = "canonical"
OWN_SPLIT = "the paper gives no split: ours"
# What is known of a fingerprint. Anything else is reported as a copy that this project does not know.
PROVENANCE = {
    "7c12e4fee3f95075c7608c93c32e560933c7837dc10c0ad25b6be90b80e2cb27": CANONICAL,  # digits
    "b916d895ab90c001b9e79fabe4aa09c77596f704e7cdbce3304de78a1f356589": CANONICAL,  # mnist
    "63d06f8d76dfdc06557df4fb9999924ddb485d853db02fe928921e5bc9b793aa": CANONICAL,  # fashion_mnist
    "af3ac1c151ae205811329a42bfd1b691a534034f3420b1bbdbaba0931a42eea3": (
        "a public JPEG copy of CIFAR-10 (quality 75, chroma 4:2:0), not the canonical bytes"
    ),
    "ee057a040e5d93d883b47108cbd29f6775f52aae1a17fd1f28c7eec317ee7d02": (
        "Asirra pictures from a public 180x180 copy at 64x64, JPEG quality 90; files numbered below 10,000 of each "
        f"class train, the rest test ({OWN_SPLIT})"
    ),
}


@dataclass(frozen=True)
class Dataset:
    """A data set with its official split: images uint8 (N, H, W, C), labels int64 (N,) indexing ``classes``."""

    name: str
    classes: tuple[str, ...]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    note: str | None = None  # provenance known from how it was loaded, not from its bytes

    def __post_init__(self):
        for split in ("train", "test"):
            _check_images(
                getattr(self, f"{split}_images"),
                f"{self.name} {split} images",
                DATASETS[self.name].shape if self.name in DATASETS else None,
            )
            _check_labels(self, split)

    @property
    def image_size(self) -> int:
        """Side of the (square) images in pixels."""
        return self.train_images.shape[1]

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return self.train_images.shape[3]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the four arrays: name, type, shape and bytes of each, in a fixed order."""
        sha = hashlib.sha256()
        for name in ARRAYS:
            array = np.ascontiguousarray(getattr(self, name))
            sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()

    @property
    def provenance(self) -> str:
        """``canonical``, or one line that says what these bytes are instead."""
        return PROVENANCE.get(self.fingerprint) or self.note or "a copy that this project does not know"

    def class_index(self, name: str | int) -> int:
        """A class given by number or by name, as its number. Raises AdcganError if there is none."""
        text = shown(str(name))
        if text in self.classes:
            return self.classes.index(text)
        if text.isdecimal() and int(text) < len(self.classes):
            return int(text)
        known = ", ".join(f"{index} ({name})" for index, name in enumerate(self.classes))
        raise AdcganError(f"data set {self.name} has no class {text!r}: expected one of {known}")


def load(name: str, *, image_size: int | None = None, channels: int | None = None, progress: bool = True) -> Dataset:
    """A data set by name, or any directory of pictures in the ImageFolder layout by its path.

    ``image_size`` (28, 32 or 64) and ``channels`` (1 or 3) are for directories of pictures, by default
    64 and 3; a named data set has its own and refuses others.
    """
    if os.sep in name or os.path.isdir(name) and name not in DATASETS:
        size, depth = image_size or 64, channels or 3
        choose("image size", size, IMAGE_SIZES)
        choose("number of channels", depth, (1, 3))
        found = find(expanded(name))
        return _from_folder(found, "folder-" + shown(found.root.resolve().name), size, depth)
    choose("data set", name, (*DATASETS, "or the path of a directory of pictures"))
    size, depth = DATASETS[name].image_size, DATASETS[name].channels
    if (image_size or size, channels or depth) != (size, depth):
        raise AdcganError(
            f"data set {name} has {size}x{size} images with {depth} channels: "
            "leave image_size and channels out, they are for directories of pictures"
        )
    directory = os.path.expanduser(os.environ.get("ADCGAN_DATA", ""))
    if directory and not Path(directory).is_dir():
        raise AdcganError(
            f"ADCGAN_DATA is {directory!r}, which is no directory: expected one with {name}.npz, or unset"
        )
    archive = Path(directory) / f"{name}.npz" if directory else None
    if archive and archive.exists():
        return _from_archive(name, archive)
    if name == "digits":
        return _digits()
    if name == "cats_vs_dogs":
        return _cats_vs_dogs()
    return _download(name, progress)


def cache_directory() -> Path:
    """Where downloads go: `$ADCGAN_CACHE`, or ``~/.cache/adcgan``."""
    return Path(os.environ.get("ADCGAN_CACHE") or "~/.cache/adcgan").expanduser()


def _from_archive(name, path):
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in ARRAYS if key in archive}
    except Exception as error:  # zip, zlib, header: NumPy raises many kinds for a damaged file
        raise AdcganError(f"{path} cannot be read as an .npz archive ({error}): make it again or remove it") from error
    missing = [key for key in ARRAYS if key not in arrays]
    if missing:
        raise AdcganError(f"{path}: array {', '.join(map(repr, missing))} is missing; expected {', '.join(ARRAYS)}")
    for split in ("train", "test"):
        images = arrays[f"{split}_images"]
        if images.ndim == 3:
            arrays[f"{split}_images"] = images[..., None]
        labels = arrays[f"{split}_labels"]
        if labels.dtype.kind not in "iu":
            raise AdcganError(f"{path}: {split}_labels are {labels.dtype}; expected integers")
        arrays[f"{split}_labels"] = labels.astype(np.int64)
    return Dataset(name, CLASSES[name], **arrays)


def _digits():
    """scikit-learn's 8x8 digits at 28x28. It has no split: the first two thirds of each class train."""
    from PIL import Image
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    images = np.stack([np.asarray(Image.fromarray(image).resize((28, 28), Image.BILINEAR)) for image in small])
    return split_by_class(
        "digits", MNIST_CLASSES, images[..., None], bunch.target.astype(np.int64), train_share=2 / 3,
        note="scikit-learn's bundled digits at 28x28, split by this project",
    )  # fmt: skip


def split_by_class(name, classes, images, labels, *, train_share, note, seed=None) -> Dataset:
    """The first ``train_share`` of each class trains, the rest tests.

    Where ``seed`` is given, in a shuffled order: pictures are read class by class, and a share of the training images
    that is held out should hold every class.
    """
    train = np.zeros(len(labels), bool)
    for label in range(len(classes)):
        members = np.flatnonzero(labels == label)
        if seed is not None:
            members = np.random.default_rng([seed, label]).permutation(members)
        train[members[: int(len(members) * train_share)]] = True
    rows = np.flatnonzero(train)
    if seed is not None:
        rows = np.random.default_rng(seed).permutation(rows)
    return Dataset(name, classes, images[rows], labels[rows], images[~train], labels[~train], note)


def _from_folder(found: Found, name, image_size, channels, skip_unreadable=False):
    root = found.root
    names = sorted({name for split in found.splits.values() for name in split})
    if len(names) < 2 or "" in names:
        raise AdcganError(
            f"{shown(root)} has {len([name for name in names if name])} class directories: expected two or more, one "
            "per class; `adcgan fit` learns from normal pictures alone"
        )
    parts, dropped = {}, []
    for split, classes in found.splits.items():
        for each, paths in classes.items():
            if not paths:
                place = root if split == WHOLE else root / split
                raise AdcganError(f"class {shown(each)!r} has no images in {shown(place / each)}: expected one or more")
        labels = np.repeat([names.index(each) for each in classes], [len(paths) for paths in classes.values()])
        paths = [path for some in classes.values() for path in some]
        images, kept, skipped = read(paths, image_size, channels)
        dropped += skipped
        kept = set(kept)
        parts[split] = images, labels[[path in kept for path in paths]].astype(np.int64)
    if not skip_unreadable:
        refuse_unreadable(dropped)
    classes = tuple(map(shown, names))
    if WHOLE not in parts:
        (images, labels), test = parts["train"], parts.get("test")
        if test is None:
            raise AdcganError(f"{shown(root)} has train and no test: expected both; `adcgan fit` needs no test")
        mixed = np.random.default_rng(0).permutation(len(labels))
        note = "the user's pictures, mixed by seed 0"
        return Dataset(name, classes, images[mixed], labels[mixed], *test, note)
    note = "the user's pictures, 80/20 per class, seed 0"
    if name == "cats_vs_dogs":
        classes = CLASSES[name]
        note = f"Asirra pictures, 80/20 per class, seed 0 ({OWN_SPLIT}); {len(dropped)} unreadable files dropped"
    images, labels = parts[WHOLE]
    if not len(images):
        raise AdcganError(f"{shown(root)}: none of its {len(dropped)} pictures can be read: expected one per class")
    return split_by_class(name, classes, images, labels, train_share=0.8, note=note, seed=0)


def _cats_vs_dogs():
    root = cache_directory() / "cats_vs_dogs"
    if not root.is_dir():
        raise AdcganError(
            f"cats_vs_dogs: no directory {root}. Download 'Kaggle Cats and Dogs Dataset' (kagglecatsanddogs_5340.zip) "
            "from https://www.microsoft.com/download/details.aspx?id=54765 and move its PetImages folder there, "
            "or set ADCGAN_DATA to a directory that holds cats_vs_dogs.npz"
        )
    return _from_folder(find(root), "cats_vs_dogs", 64, 3, skip_unreadable=True)


def _download(name, progress):
    """Through torchvision, into the cache directory.

    Whether the bytes are canonical their fingerprint says; for CIFAR-10 torchvision, which compares the MD5 of the
    unpacked files with the published one at every reading.
    """
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision's CUDA build beside a CPU torch
        reason = str(error).splitlines()[0]
        raise AdcganError(
            f"{name} cannot be downloaded: torchvision does not load here ({reason}). Install a torchvision that "
            f"matches torch, or set ADCGAN_DATA to a directory that holds {name}.npz"
        ) from error
    kind = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "cifar10": datasets.CIFAR10}[name]
    root = cache_directory()
    if progress:
        print(f"{name}: looking in {root}, downloading what is missing", flush=True)
    arrays = {}
    for split in ("train", "test"):
        try:
            with FileLock(root / f"{name}.lock"):  # another process may be downloading it
                part = kind(root, train=split == "train", download=True)
        except Exception as error:
            reason = " ".join(str(error).split())  # torchvision's has a line for each mirror
            raise AdcganError(
                f"{name} cannot be downloaded into {root} ({reason}): check the network and the directory, remove what "
                f"an interrupted download left there, or set ADCGAN_DATA to a directory that holds {name}.npz"
            ) from error
        images = np.asarray(part.data)
        arrays[f"{split}_images"] = images if images.ndim == 4 else images[..., None]
        arrays[f"{split}_labels"] = np.asarray(part.targets, np.int64)
    return Dataset(name, CLASSES[name], **arrays, note=CANONICAL if name == "cifar10" else None)


def _check_images(images, where, shape):
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise AdcganError(f"{where}: {(~np.isfinite(images)).sum()} values are not finite; expected uint8 0 to 255")
    if images.dtype != np.uint8:
        raise AdcganError(f"{where}: type {images.dtype}; expected uint8, values 0 to 255")
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] not in (1, 3):
        raise AdcganError(f"{where}: shape {images.shape}; expected (N, H, H) or (N, H, H, 3)")
    if shape and images.shape[1:] != shape:
        raise AdcganError(f"{where}: images of shape {images.shape[1:]}; expected {shape}")


def _check_labels(dataset, split):
    images, labels = getattr(dataset, f"{split}_images"), getattr(dataset, f"{split}_labels")
    where = f"{dataset.name} {split} labels"
    if labels.shape != (len(images),):
        raise AdcganError(f"{where}: shape {labels.shape}; expected one label for each of {len(images)} images")
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(dataset.classes):
        raise AdcganError(f"{where}: values {labels.min()} to {labels.max()}; expected 0 to {len(dataset.classes) - 1}")
