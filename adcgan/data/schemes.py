"""The paper's two schemes (appendix A.2): which images of a data set are normal, which are trained on and tested."""

from dataclasses import dataclass

import numpy as np

from ..config import SCHEMES
from ..errors import AdcganError, choose
from .datasets import Dataset


@dataclass(frozen=True)
class Split:
    """One experiment's images: what is trained on, what is tested, and which test images are anomalous.

    ``train`` uint8 (N, H, W, C), normal images only; ``test`` likewise, of every class;
    ``test_labels`` (M,) the class and ``anomalous`` (M,) True where it is not normal.
    """

    train: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    anomalous: np.ndarray


TEN_THOUSAND = 10_000


def make_split(dataset: Dataset, scheme: str, label: int, test_set: str = "official") -> Split:
    """The paper's A.2: one-vs-all takes class ``label`` as normal, all-vs-one as anomalous.

    ``test_set`` "official" is the test split; "with-train" adds the anomalous training images, as the October 2021
    script does; "ten-thousand" takes so many of both splits' anomalous images, the same share of each class, that they
    make 10,000 with all normal ones. Raises AdcganError where either side would be empty.
    """
    choose("scheme", scheme, SCHEMES)
    if scheme == "all-vs-one" and len(dataset.classes) == 2:
        raise AdcganError(
            f"all-vs-one does not apply to {dataset.name}: with two classes it is one-vs-all of the other "
            "(appendix A.2); use one-vs-all"
        )

    def normal(labels):
        return (labels == label) if scheme == "one-vs-all" else (labels != label)

    train = dataset.train_images[normal(dataset.train_labels)]
    test, labels = dataset.test_images, dataset.test_labels
    if test_set != "official":
        others = ~normal(dataset.train_labels)
        test = np.concatenate([test, dataset.train_images[others]])
        labels = np.concatenate([labels, dataset.train_labels[others]])
    if test_set == "ten-thousand":
        kept = normal(labels)
        wanted = max(TEN_THOUSAND - int(kept.sum()), 1)
        kept[share(np.flatnonzero(~kept), labels, wanted)] = True
        test, labels = test[kept], labels[kept]
    anomalous = ~normal(labels)
    where = f"{dataset.name}, {scheme}, class {label} ({dataset.classes[label]})"
    if len(train) == 0:
        there = ", ".join(dataset.classes[label] for label in np.unique(dataset.train_labels)) or "no class"
        raise AdcganError(f"{where}: no normal training image; there are some of {there}: name another class")
    if anomalous.all() or not anomalous.any():
        kind = "normal" if anomalous.all() else "anomalous"
        raise AdcganError(f"{where}: no {kind} test image; expected at least one, check the data set's labels")
    return Split(train, test, labels, anomalous)


def per_epoch_rows(anomalous: np.ndarray, count: int) -> np.ndarray:
    """Rows of the test images that are scored after every epoch: at most ``count`` of either kind, always the same.

    ``anomalous`` is (M,). What an AUROC estimates does not depend on how many there are of either kind, so these few
    stand for the whole test.
    """
    kinds = [np.flatnonzero(anomalous == kind) for kind in (False, True)]
    return np.sort(np.concatenate([np.random.default_rng(0).permutation(rows)[:count] for rows in kinds]))


def share(rows: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of ``rows`` (K,), from every class its share to within one image, always the same ones, sorted.

    ``labels`` (M,) are the classes of all images.
    """
    if count >= len(rows):
        return rows
    found, sizes = np.unique(labels[rows], return_counts=True)
    shares = sizes * count / len(rows)
    quotas = np.floor(shares).astype(int)
    quotas[np.argsort(quotas - shares, kind="stable")[: count - quotas.sum()]] += 1  # the largest remainders
    chosen = [
        np.random.default_rng([0, int(label)]).permutation(rows[labels[rows] == label])[:quota]
        for label, quota in zip(found, quotas, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def subsample(split: Split, count: int) -> Split:
    """At most ``count`` test images of ``split``, from every class its share (`share`).

    Raises AdcganError where one kind would be missing.
    """
    rows = share(np.arange(len(split.test)), split.test_labels, count)
    anomalous = split.anomalous[rows]
    if anomalous.all() or not anomalous.any():
        raise AdcganError(f"test_images is {count}: too few for both normal and anomalous images; give more")
    return Split(split.train, split.test[rows], split.test_labels[rows], anomalous)


def normal_first(split: Split) -> Split:
    """The same split, its normal test images before the anomalous ones, as the October 2021 script scores them."""
    rows = np.argsort(split.anomalous, kind="stable")
    return Split(split.train, split.test[rows], split.test_labels[rows], split.anomalous[rows])
