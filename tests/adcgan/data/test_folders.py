"""Directories of pictures: classes, splits, formats; and every bad picture as one line that names it."""

import numpy as np
import pytest
from PIL import Image
from small import refusal

from adcgan.data.datasets import load


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


@pytest.mark.parametrize(("mode", "values"), [("I;16", np.uint16([[1000, 60000]])), ("F", np.float32([[0, 1]]))])
def test_a_picture_of_more_than_8_bits_a_channel_is_refused_and_not_clipped(folder, mode, values):
    picture = Image.fromarray(values)
    assert picture.mode == mode
    root = folder()
    picture.save(root / "cat" / "deep.tiff")
    assert f"deep.tiff (mode {mode}: expected 8 bits a channel)" in refusal(load, str(root))


def test_a_transparent_picture_lies_on_white(folder):
    shape = np.zeros((8, 8, 4), np.uint8)  # black, and only its left half is there
    shape[:, :4, 3] = 255
    root = folder()
    for number in range(5):
        Image.fromarray(shape).save(root / "cat" / f"{number}.png")
    loaded = load(str(root), image_size=28, channels=1)
    image = loaded.train_images[loaded.train_labels == loaded.classes.index("cat")][0, ..., 0]
    assert image[:, :8].max() < 20 < 235 < image[:, 20:].min()


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


def test_a_directory_with_train_and_test_keeps_their_split_mixed_so_that_any_part_holds_every_class(folder):
    classes = ("ape", "bee", "cat")
    root = folder("pictures/train", classes, count=50).parent
    (root / "train/ape/more").mkdir()
    (root / "train/ape/0.png").rename(root / "train/ape/more/0.png")  # deeper in a class's directory: of that class
    folder("pictures/test", classes, count=2)
    whole = load(str(folder("whole", classes, count=50)))
    loaded = load(str(root))
    assert np.bincount(loaded.train_labels).tolist() == [50] * 3 and loaded.test_labels.tolist() == [0, 0, 1, 1, 2, 2]
    for image, label in zip(loaded.train_images, loaded.train_labels, strict=True):  # drawn in `folder`
        assert image[0, 0, 0] // 100 == label
    for some in (loaded, whole):
        last = some.train_labels[-len(some.train_labels) // 5 :]
        assert np.bincount(last, minlength=3).min() >= 5


def test_directories_that_hold_no_classes_or_no_pictures_are_refused_by_name(folder, tmp_path):
    root = folder()
    (root / "empty").mkdir()
    assert f"class 'empty' has no images in {root / 'empty'}" in refusal(load, str(root))
    assert "1 class directories: expected two or more" in refusal(load, str(folder("one", classes=("cat",))))
    assert "not a directory" in refusal(load, str(tmp_path / "nowhere"))
    parted = folder("parted/train").parent
    test = folder("parted/test", classes=("cat", "cow"))
    message = refusal(load, str(parted))
    assert str(test) in message and "cat, cow" in message and "cat, dog" in message


def test_an_unreadable_or_truncated_picture_is_refused_by_its_path(folder):
    root = folder(size=(200, 200))
    bad = root / "dog" / "0.png"
    whole = bad.read_bytes()
    for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n truncated", whole[:-60]):
        bad.write_bytes(content)
        assert str(bad) in refusal(load, str(root))
