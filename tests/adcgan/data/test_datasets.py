"""Data sets and fingerprints; and every bad input as one line that says what to mend."""

import os
import subprocess
import sys

import numpy as np
import pytest
from small import dataset, mnist_arrays, refusal

from adcgan.data.datasets import DATASETS, Dataset, load


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Writes mnist.npz into a new $ADCGAN_DATA, with arrays replaced or (None) left out."""
    monkeypatch.setenv("ADCGAN_DATA", str(tmp_path))

    def write(**replaced):
        arrays = {name: array for name, array in (mnist_arrays() | replaced).items() if array is not None}
        np.savez(tmp_path / "mnist.npz", **arrays)
        return tmp_path / "mnist.npz"

    return write


# --- classes and fingerprints ---------------------------------------------------------------------------


def test_classes_are_given_by_number_or_by_name():
    labels = np.arange(10)
    images = np.zeros((10, 32, 32, 3), np.uint8)
    cifar = dataset("cifar10", train_images=images, test_images=images, train_labels=labels, test_labels=labels)
    assert cifar.class_index("cat") == cifar.class_index(3) == cifar.class_index("3") == 3
    for unknown in ("lynx", 10, -1, "1.0", ""):
        message = refusal(cifar.class_index, unknown)
        assert repr(str(unknown)) in message and "0 (airplane)" in message and "9 (truck)" in message


def test_the_fingerprint_is_of_the_content_alone_to_the_last_bit():
    whole = mnist_arrays()
    same = dataset(train_images=whole["train_images"][:, ::-1][:, ::-1])
    assert dataset().fingerprint == same.fingerprint
    swapped = dataset(train_images=whole["test_images"], test_images=whole["train_images"])
    found = {same.fingerprint, swapped.fingerprint}
    for name, values in whole.items():
        changed = values.copy()
        changed.flat[-1] ^= 1
        found.add(dataset(**{name: changed}).fingerprint)
    square, labels = np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int64)
    for images in (square, square.reshape(1, 4, 4, 1)):  # the same bytes
        found.add(Dataset("folder-x", ("a",), images, labels[: len(images)], square, labels).fingerprint)
    assert len(found) == 2 + 4 + 2


def test_digits_are_canonical_and_the_same_every_time(digits):
    assert digits.provenance == "canonical"
    assert load("digits").fingerprint == digits.fingerprint
    assert (digits.image_size, digits.channels, len(digits.classes)) == (28, 1, 10)
    per_class = np.bincount(digits.train_labels) / (np.bincount(digits.train_labels) + np.bincount(digits.test_labels))
    np.testing.assert_allclose(per_class, 2 / 3, atol=0.01)


# --- archives in $ADCGAN_DATA ---------------------------------------------------------------------------


def test_an_archive_in_ADCGAN_DATA_is_used_and_its_provenance_is_not_known(archive):
    archive()
    loaded = load("mnist")
    assert (loaded.train_images[..., 0] == mnist_arrays()["train_images"]).all()
    assert (loaded.test_labels == mnist_arrays()["test_labels"]).all() and loaded.test_labels.dtype == np.int64
    assert loaded.provenance == "a copy that this project does not know"


NOT_FINITE = mnist_arrays()["train_images"].astype(np.float32)
NOT_FINITE[0, 0, 0] = np.nan


@pytest.mark.parametrize(
    ("replaced", "complaint"),
    [
        ({"train_images": np.zeros((20, 32, 32), np.uint8)}, "(32, 32, 1); expected (28, 28, 1)"),
        ({"train_images": np.zeros((20, 784), np.uint8)}, "shape (20, 784)"),
        ({"train_images": np.zeros((20, 28, 28), np.float32)}, "float32; expected uint8"),
        ({"train_images": NOT_FINITE}, "1 values are not finite"),
        ({"train_labels": np.full(20, 10)}, "expected 0 to 9"),
        ({"test_labels": np.full(20, -1)}, "expected 0 to 9"),
        ({"train_labels": np.zeros(20)}, "expected integers"),
        ({"train_labels": np.zeros(19, int)}, "expected one label for each of 20 images"),
        ({"train_labels": None}, "'train_labels'"),
    ],
)
def test_a_bad_array_is_refused_by_name(archive, replaced, complaint):
    archive(**replaced)
    message = refusal(load, "mnist")
    assert complaint in message and "mnist" in message
    (name,) = replaced
    assert name in message or name.replace("_", " ") in message


def test_a_damaged_archive_and_one_of_python_objects_are_refused_by_their_path(archive):
    path = archive()
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"not an archive"):
        path.write_bytes(data)
        assert str(path) in refusal(load, "mnist")
    path = archive(train_labels=np.array([{}] * 20, dtype=object))
    assert str(path) in refusal(load, "mnist")


def test_a_data_directory_that_does_not_exist_is_said_and_not_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCGAN_DATA", str(tmp_path / "mistyped"))
    assert "mistyped', which is no directory" in refusal(load, "digits")


def test_an_unknown_data_set_or_image_format_is_refused_with_the_known_ones():
    message = refusal(load, "imagenet")
    assert "'imagenet'" in message and all(name in message for name in DATASETS)
    assert load("digits", image_size=28, channels=1).image_size == 28
    assert "28x28 images with 1 channels" in refusal(load, "digits", image_size=32)


# --- downloads -------------------------------------------------------------------------------------------


def test_a_download_without_torchvision_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    for name in ("mnist", "cifar10"):
        message = refusal(load, name)
        assert "torchvision" in message and "ADCGAN_DATA" in message and f"{name}.npz" in message


# Beside a CPU build of torch, torchvision's CUDA build imports only after its operators have been declared: in a
# process of its own, since that should not leak into other tests.
DECLARE = """
import sys, torch
library = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
                 "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"):
    try:
        library.define(operator)
    except RuntimeError:
        pass  # a torchvision that matches torch has declared it
"""
LOAD = """
from adcgan.cli import main
from adcgan.data.datasets import load
for name in ("mnist", "fashion_mnist"):
    loaded = load(name)
    print(loaded.train_images.shape, loaded.test_images.shape, loaded.train_labels.tolist(), loaded.provenance, sep="|")
sys.exit(main(["run", "--dataset", "cifar10"]))
"""


def write_idx(path, array):
    """The original format of MNIST: a magic number, the sizes, the bytes."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def test_downloaded_files_are_read_others_are_not_called_canonical_and_no_network_is_one_line(tmp_path):
    for folder in ("MNIST", "FashionMNIST"):  # as a download leaves them in the cache
        for split, count in (("train", 5), ("t10k", 3)):
            write_idx(tmp_path / folder / "raw" / f"{split}-images-idx3-ubyte", np.zeros((count, 28, 28)))
            write_idx(tmp_path / folder / "raw" / f"{split}-labels-idx1-ubyte", np.arange(count))
    refused = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}
    environment = os.environ | refused | {"ADCGAN_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", DECLARE + LOAD], capture_output=True, text=True, env=environment)
    expected = "(5, 28, 28, 1)|(3, 28, 28, 1)|[0, 1, 2, 3, 4]|a copy that this project does not know"
    assert [line for line in done.stdout.splitlines() if "|" in line] == [expected] * 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("adcgan: error: cifar10 cannot be downloaded into")
    assert "check the network" in line
