"""Data sets and fingerprints; and every bad input as one line that says what to mend."""

import sys

import numpy as np
import pytest
from PIL import Image
from small import dataset, mnist_arrays, refusal

from adcgan.data import datasets
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


@pytest.fixture
def folder(tmp_path):
    """Writes a directory of pictures, one sub-directory per class, and returns it."""

    def write(root="pictures", classes=("cat", "dog"), count=5, size=(40, 30)):
        for value, name in enumerate(classes):
            directory = tmp_path / root / name
            directory.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", size, (100 * value + number, 0, 255)).save(directory / f"{number}.png")
        return tmp_path / root

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


def test_the_fingerprint_is_of_the_content_alone():
    assert dataset().fingerprint == dataset().fingerprint
    backwards = mnist_arrays()["train_images"][:, ::-1]
    assert dataset(train_images=backwards[:, ::-1]).fingerprint == dataset().fingerprint


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_the_fingerprint_changes_with_one_bit_of_any_array(name):
    changed = mnist_arrays()[name].copy()
    changed.flat[-1] ^= 1
    assert dataset(**{name: changed}).fingerprint != dataset().fingerprint


def test_the_fingerprint_tells_train_from_test_and_one_shape_from_another():
    whole = mnist_arrays()
    swapped = dataset(train_images=whole["test_images"], test_images=whole["train_images"])
    assert swapped.fingerprint != dataset().fingerprint
    square, labels = np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int64)
    wide = square.reshape(1, 4, 4, 1)  # the same bytes
    shapes = [Dataset("folder-x", ("a",), images, labels[: len(images)], square, labels) for images in (square, wide)]
    assert shapes[0].fingerprint != shapes[1].fingerprint


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
        ({"train_images": np.zeros((20, 28, 28, 3), np.uint8)}, "(28, 28, 3); expected (28, 28, 1)"),
        ({"train_images": np.zeros((20, 784), np.uint8)}, "shape (20, 784)"),
        ({"test_images": np.zeros((20, 28, 30), np.uint8)}, "shape (20, 28, 30"),
        ({"train_images": np.zeros((20, 28, 28), np.float32)}, "float32; expected uint8"),
        ({"train_images": np.zeros((20, 28, 28), np.int64)}, "int64; expected uint8"),
        ({"train_images": NOT_FINITE}, "1 values are not finite"),
        ({"train_labels": np.full(20, 10)}, "expected 0 to 9"),
        ({"test_labels": np.full(20, -1)}, "expected 0 to 9"),
        ({"train_labels": np.zeros(20)}, "expected integers"),
        ({"train_labels": np.zeros(19, int)}, "expected one label for each of 20 images"),
        ({"train_labels": np.zeros((20, 1), int)}, "expected one label for each of 20 images"),
        ({"train_labels": None}, "'train_labels'"),
        ({"test_images": None}, "'test_images'"),
    ],
)
def test_a_bad_array_is_refused_by_name(archive, replaced, complaint):
    archive(**replaced)
    message = refusal(load, "mnist")
    assert complaint in message and "mnist" in message
    (name,) = replaced
    assert name in message or name.replace("_", " ") in message


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"not an archive"]
)
def test_a_damaged_archive_is_refused_by_its_path(archive, damage):
    path = archive()
    path.write_bytes(damage(path.read_bytes()))
    assert str(path) in refusal(load, "mnist")


def test_an_archive_of_python_objects_is_refused_unread(archive):
    path = archive(train_labels=np.array([{}] * 20, dtype=object))
    assert str(path) in refusal(load, "mnist")


# --- directories of pictures ---------------------------------------------------------------------------


def test_a_directory_of_pictures_is_split_80_to_20_by_class_the_same_way_every_time(folder):
    root = folder(count=10)
    loaded = load(str(root), image_size=32)
    assert loaded.name == "folder-pictures" and loaded.classes == ("cat", "dog")
    assert loaded.train_images.shape == (16, 32, 32, 3) and loaded.test_images.shape == (4, 32, 32, 3)
    assert np.bincount(loaded.test_labels).tolist() == [2, 2]
    assert ((loaded.train_images[..., 0].mean((1, 2)) > 50) == loaded.train_labels).all()
    assert loaded.provenance.startswith("the user's pictures")
    assert load(str(root), image_size=32).fingerprint == loaded.fingerprint


def test_pictures_are_64_pixels_in_colour_unless_told_otherwise(folder):
    root = folder()
    assert load(str(root)).train_images.shape[1:] == (64, 64, 3)
    assert load(str(root), image_size=28, channels=1).train_images.shape[1:] == (28, 28, 1)
    assert "expected one of 28, 32, 64" in refusal(load, str(root), image_size=48)
    assert "expected one of 1, 3" in refusal(load, str(root), channels=2)


def test_a_directory_with_train_and_test_keeps_their_split(folder):
    root = folder("pictures/train", count=3).parent
    folder("pictures/test", count=2)
    loaded = load(str(root))
    assert sorted(loaded.train_labels) == [0, 0, 0, 1, 1, 1] and loaded.test_labels.tolist() == [0, 0, 1, 1]
    for image, label in zip(loaded.train_images, loaded.train_labels, strict=True):  # drawn in `folder`
        assert image[0, 0, 0] // 100 == label


def test_pictures_are_mixed_so_that_a_share_kept_aside_holds_every_class(folder):
    classes = ("ape", "bee", "cat")
    whole = load(str(folder(classes=classes, count=50)))
    folder("parted/test", classes, count=1)
    parted = load(str(folder("parted/train", classes, count=50).parent))
    for loaded in (whole, parted):
        last = loaded.train_labels[-len(loaded.train_labels) // 5 :]
        assert set(last) == {0, 1, 2} and np.bincount(last).min() >= 5
    assert load(str(folder("again", classes, count=50))).fingerprint == whole.fingerprint, "the same every time"


def test_a_data_directory_that_does_not_exist_is_said_and_not_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCGAN_DATA", str(tmp_path / "mistyped"))
    assert "mistyped', which is no directory" in refusal(load, "digits")


def test_train_and_test_of_different_classes_are_refused(folder):
    root = folder("pictures/train").parent
    test = folder("pictures/test", classes=("cat", "cow"))
    message = refusal(load, str(root))
    assert str(test) in message and "cat, cow" in message and "cat, dog" in message


def test_pictures_deeper_in_a_classs_directory_belong_to_it(folder):
    root = folder(count=5)
    (root / "cat" / "more").mkdir()
    (root / "cat" / "0.png").rename(root / "cat" / "more" / "0.png")
    assert len(load(str(root)).train_labels) == 8


def test_a_class_without_pictures_is_refused_by_name(folder):
    root = folder()
    (root / "empty").mkdir()
    assert f"class 'empty' has no images in {root / 'empty'}" in refusal(load, str(root))


def test_a_directory_without_classes_is_refused(folder, tmp_path):
    root = folder(classes=("cat",))
    assert "1 class directories: expected two or more" in refusal(load, str(root))
    assert "not a directory" in refusal(load, str(tmp_path / "nowhere"))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n truncated"])
def test_an_unreadable_picture_is_refused_by_its_path(folder, content):
    bad = folder() / "dog" / "bad.png"
    bad.write_bytes(content)
    assert str(bad) in refusal(load, str(bad.parent.parent))


@pytest.mark.parametrize(("mode", "values"), [("I;16", np.uint16([[1000, 60000]])), ("F", np.float32([[0, 1]]))])
def test_a_picture_of_more_than_8_bits_a_channel_is_refused_and_not_clipped(folder, mode, values):
    picture = Image.fromarray(values)
    assert picture.mode == mode
    root = folder()
    picture.save(root / "cat" / "deep.tiff")
    assert f"deep.tiff is not a readable picture (mode {mode}: expected 8 bits a channel)" in refusal(load, str(root))


def test_a_transparent_picture_lies_on_white(folder):
    shape = np.zeros((8, 8, 4), np.uint8)  # black, and only its left half is there
    shape[:, :4, 3] = 255
    root = folder()
    for number in range(5):
        Image.fromarray(shape).save(root / "cat" / f"{number}.png")
    loaded = load(str(root), image_size=28, channels=1)
    image = loaded.train_images[loaded.train_labels == loaded.classes.index("cat")][0, ..., 0]
    assert image[:, :8].max() < 20 < 235 < image[:, 20:].min()


def test_a_truncated_picture_is_refused_by_its_path(folder):
    bad = folder(size=(200, 200)) / "dog" / "0.png"
    bad.write_bytes(bad.read_bytes()[:-60])
    assert str(bad) in refusal(load, str(bad.parent.parent))


# --- cats_vs_dogs and downloads ---------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ADCGAN_CACHE", str(tmp_path))
    return tmp_path


def test_cats_vs_dogs_without_its_directory_says_where_to_get_it(cache):
    message = refusal(load, "cats_vs_dogs")
    assert str(cache / "cats_vs_dogs") in message and "https://www.microsoft.com/" in message
    assert "PetImages" in message and "cats_vs_dogs.npz" in message


def test_cats_vs_dogs_drops_unreadable_pictures_and_says_how_many(cache, folder):
    root = folder("cats_vs_dogs", classes=("Cat", "Dog"), count=5)
    (root / "Cat" / "666.jpg").write_bytes(b"")
    (root / "Dog" / "11702.jpg").write_bytes(b"damaged")
    loaded = load("cats_vs_dogs")
    assert "2 unreadable files dropped" in loaded.provenance
    assert loaded.classes == ("cat", "dog")
    assert loaded.train_images.shape == (8, 64, 64, 3) and loaded.test_labels.tolist() == [0, 1]


def test_cats_vs_dogs_of_unreadable_pictures_alone_is_refused(cache, folder):
    root = folder("cats_vs_dogs", classes=("Cat", "Dog"), count=1)
    for path in root.rglob("*.png"):
        path.write_bytes(b"damaged")
    assert str(root) in refusal(load, "cats_vs_dogs")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_a_download_without_torchvision_names_the_remedy(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    message = refusal(load, name)
    assert "torchvision" in message and "ADCGAN_DATA" in message and f"{name}.npz" in message


def test_an_unknown_data_set_is_refused_with_the_known_ones():
    message = refusal(load, "imagenet")
    assert "'imagenet'" in message and all(name in message for name in DATASETS)


def test_a_named_data_set_keeps_its_own_image_format():
    assert load("digits", image_size=28, channels=1).image_size == 28
    assert "28x28 images with 1 channels" in refusal(load, "digits", image_size=32)


def test_downloads_go_to_ADCGAN_CACHE(cache):
    assert datasets.cache_directory() == cache
