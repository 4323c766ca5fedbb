"""The paper's two schemes (appendix A.2): which images of a data set are normal, which are trained on and tested."""

from dataclasses import dataclass

import numpy as np

from .config import SCHEMES
from .data import Dataset
from .errors import AdcganError, choose


@dataclass(frozen=True)
class Split:
    """One experiment's images: what is trained on, what is tested, and which test images are anomalous.

    ``train`` uint8 (N, H, W, C), normal images only; ``test`` likewise, of every class;
    ``test_labels`` (M,) the class and ``anomalous`` (M,) True where it is not normal. ``left_out`` (K,): rows of
    the data set's training images that are anomalous and not tested either; the study of protocols scores them.
    """

    train: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    anomalous: np.ndarray
    left_out: np.ndarray


def make_split(dataset: Dataset, scheme: str, label: int, test_set: str = "official") -> Split:
    """The paper's A.2: one-vs-all takes class ``label`` as normal, all-vs-one as anomalous.

    ``test_set`` "official" is the test split; "with-train" adds the anomalous training images, as the
    October 2021 script does. Raises AdcganError where either side would be empty.
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
    left_out = np.flatnonzero(~normal(dataset.train_labels))
    if test_set == "with-train":
        test = np.concatenate([test, dataset.train_images[left_out]])
        labels, left_out = np.concatenate([labels, dataset.train_labels[left_out]]), left_out[:0]
    anomalous = ~normal(labels)
    where = f"{dataset.name}, {scheme}, class {label} ({dataset.classes[label]})"
    if len(train) == 0:
        raise AdcganError(f"{where}: no normal training image; expected at least one, check the data set's labels")
    if anomalous.all() or not anomalous.any():
        kind = "normal" if anomalous.all() else "anomalous"
        raise AdcganError(f"{where}: no {kind} test image; expected at least one, check the data set's labels")
    return Split(train, test, labels, anomalous, left_out)


def watched(anomalous: np.ndarray, count: int = 1000) -> np.ndarray:
    """Rows of the test images that are scored after every epoch: at most ``count`` of either kind, always the same.

    ``anomalous`` is (M,). What an AUROC estimates does not depend on how many there are of either kind, so these few
    stand for the whole test.
    """
    kinds = [np.flatnonzero(anomalous == kind) for kind in (False, True)]
    return np.sort(np.concatenate([np.random.default_rng(0).permutation(rows)[:count] for rows in kinds]))


def subsample(split: Split, count: int) -> Split:
    """``count`` test images of ``split``, from every class its share to within one image, always the same ones.

    No image is left out beside them: a test that was made smaller is not made larger again.
    Raises AdcganError where the test has no more than ``count`` images, or one kind would be missing.
    """
    total = len(split.test)
    if count >= total:
        raise AdcganError(f"test_images is {count}: the test has {total} images; give fewer, or 0 for all of them")
    labels, sizes = np.unique(split.test_labels, return_counts=True)
    shares = sizes * count / total
    quotas = np.floor(shares).astype(int)
    quotas[np.argsort(quotas - shares, kind="stable")[: count - quotas.sum()]] += 1  # the largest remainders
    chosen = [
        np.random.default_rng([0, int(label)]).permutation(np.flatnonzero(split.test_labels == label))[:quota]
        for label, quota in zip(labels, quotas, strict=True)
    ]
    rows = np.sort(np.concatenate(chosen))
    anomalous = split.anomalous[rows]
    if anomalous.all() or not anomalous.any():
        raise AdcganError(f"test_images is {count}: too few for both normal and anomalous images; give more")
    return Split(split.train, split.test[rows], split.test_labels[rows], anomalous, split.left_out[:0])
