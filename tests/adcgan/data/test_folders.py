"""Directories of pictures: classes, splits, formats; and every bad picture as one line that names it."""

import os
import warnings

import numpy as np
import pytest
from PIL import Image
from small import refusal

from adcgan.data.datasets import cache_directory, load
from adcgan.data.folders import WHOLE, divide, find, gather, look, prepare, read, shown
from adcgan.data.schemes import make_split


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
    message = refusal(load, str(folder("one", classes=("cat",))))
    assert "1 class directories: expected two or more" in message and "`adcgan fit`" in message
    for nowhere in ("nowhere", "x" * 5000, "a\0b", "\ud800"):
        assert "not a directory" in refusal(load, str(tmp_path / nowhere))


def test_an_unreadable_or_truncated_picture_is_refused_by_its_path(folder):
    root = folder(size=(200, 200))
    bad = root / "dog" / "0.png"
    whole = bad.read_bytes()
    for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n truncated", whole[:-60]):
        bad.write_bytes(content)
        assert str(bad) in refusal(load, str(root))


# --- what lies in a folder -------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    """Writes small pictures at these places, whatever their ending, and returns the folder."""

    def write(*names, root="X"):
        for name in names:
            path = tmp_path / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4, 4)).save(path, "PNG")
        return tmp_path / root

    return write


def test_three_layouts_are_found_with_split_names_in_any_case(files):
    flat = divide(find(files("b.png", "a.png", root="flat")), None)
    assert [path.name for path in flat.normal] == ["a.png", "b.png"] and (flat.name, flat.test) == ("good", {})
    alone = divide(find(files("good/a.png", root="alone")), None)
    assert len(alone.normal) == 1 and (alone.name, alone.test) == ("good", {})
    classes = find(files("a/1.png", "b/1.png", "b/deep/2.png", root="classes"))
    assert {name: len(paths) for name, paths in classes.splits[WHOLE].items()} == {"a": 1, "b": 2}
    assert len(divide(classes, "b").normal) == 2 and list(divide(classes, "b").test) == ["a"]
    for train, test in (("train", "test"), ("Train", "TEST"), ("training", "val")):
        names = (f"{train}/good/a.png", f"{test}/good/b.png", f"{test}/crack/c.png", "ground_truth/crack/c.png")
        parted = divide(find(files(*names, root=train + test)), None)
        assert (len(parted.normal), sorted(parted.test), parted.name) == (1, ["crack", "good"], "good")


def test_a_folder_of_several_data_sets_or_with_train_beside_others_is_refused(files, tmp_path):
    many = files("cable/train/good/a.png", "bottle/train/good/a.png", root="many")
    assert "holds several data sets (bottle, cable): name one of them" in refusal(find, many)
    assert "holds other, train: expected train and test" in refusal(find, files("train/a.png", "other/b.png"))
    assert "holds test: expected train and test" in refusal(find, files("test/a.png", root="no-train"))
    three = find(files("train/g/a.png", "val/g/b.png", "test/g/c.png", root="three"))
    assert [path.name for path in three.splits["test"]["g"]] == ["c.png"]
    assert three.skipped == [(tmp_path / "three/val", "test is there: validation pictures are not used")]


def test_hidden_files_are_no_pictures_and_what_is_ignored_is_named(files, tmp_path):
    root = files("good/a.png", "good/.ipynb_checkpoints/a.png", "good/._a.png", ".git/x.png", "__MACOSX/good/a.png",
                 "good/b.jfif", "good/c.heic", "good/Thumbs.db", "loose.png", "good/ground_truth/m.png")  # fmt: skip
    found = find(root)
    assert [path.name for path in found.splits[WHOLE]["good"]] == ["a.png", "b.jfif"]
    reasons = {path.name: reason for path, reason in found.skipped}
    assert reasons.keys() == {"c.heic", "Thumbs.db", "loose.png", "ground_truth"}
    assert reasons["Thumbs.db"] == "no ending of a picture that Pillow reads" and "beside" in reasons["loose.png"]
    images, kept, skipped = read(found.splits[WHOLE]["good"], 28, 1)
    assert images.shape == (2, 28, 28, 1) and len(kept) == 2 and not skipped
    assert [len(some) for some in gather([root, root / "good/a.png"])] == [4, 3]


def test_a_run_takes_the_common_layout_with_kinds_of_anomaly_in_the_test_alone(files):
    root = files(*(f"train/good/{n}.png" for n in range(3)), "test/good/a.png", "test/crack/b.png")
    loaded = load(str(root))
    assert loaded.classes == ("crack", "good") and loaded.train_labels.tolist() == [1] * 3
    assert loaded.test_labels.tolist() == [0, 1]
    message = refusal(make_split, loaded, "one-vs-all", 0)
    assert "class 0 (crack): no normal training image; there are some of good: name another class" in message


def test_a_picture_is_upright_by_its_orientation(tmp_path):
    picture = Image.new("RGB", (40, 20), "white")
    picture.paste("black", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees: the black half is on top
    picture.save(tmp_path / "a.jpg", exif=exif)
    ((image,), _, _) = read([tmp_path / "a.jpg"], 28, 1)
    assert image[:8].max() < 60 and image[20:].min() > 200


def test_every_bad_picture_is_named_with_its_reason_in_one_line(folder, monkeypatch):
    root = folder()
    for name in ("0", "1"):
        (root / "cat" / f"{name}.png").write_bytes(b"")
    (root / "dog/0.png").write_bytes(b"GIF89a")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)  # in the place of a picture of 90 million pixels
    Image.new("L", (50, 31)).save(root / "dog/large.png")
    (root / "dog/gone.png").symlink_to("nowhere")  # a file that is not to be opened, as one without permission
    message = refusal(load, str(root))
    assert message.startswith("5 pictures cannot be read: ") and "gone.png (No such file or directory)" in message
    assert message.count("an empty file") == 2 and "0.png (not a picture that Pillow can read)" in message
    assert "large.png (Image size (1550 pixels) exceeds limit of 1500 pixels: make it smaller)" in message
    Image.new("L", (80, 80)).save(root / "dog/large.png")
    assert "Image size (6400 pixels) exceeds limit" in refusal(load, str(root))


def test_a_pipe_and_a_device_are_no_pictures_and_nothing_waits_for_them(folder):
    root = folder()
    os.mkfifo(root / "cat/pipe.png")
    (root / "dog/device.png").symlink_to("/dev/zero")
    message = refusal(load, str(root))
    assert message.startswith("2 pictures cannot be read: ") and message.count("not a file") == 2
    assert look([root / "cat/pipe.png"]).sizes == {}


def test_odd_metadata_say_nothing(tmp_path):
    path = tmp_path / "a.tiff"
    Image.new("1", (1, 1)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:97] + b"\0" + data[97:])  # a tag's data that would lie behind the end: seen at the reading
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read([path], 28, 1)
    assert not said


def test_what_is_not_square_is_stretched_or_cropped_to_its_middle():
    wide = Image.fromarray(np.tile(np.arange(0, 240, 4, np.uint8), (20, 1)))  # 60 x 20, brighter to the right
    stretched, cropped = prepare(wide, 28, 1), prepare(wide, 28, 1, "crop")
    assert stretched.shape == cropped.shape == (28, 28, 1)
    assert stretched[0, 0] < 10 and stretched[0, -1] > 220
    assert 70 < cropped[0, 0] < 90 and 145 < cropped[0, -1] < 165


def test_sizes_and_colours_are_counted_from_the_heads(folder, tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "grey.png")
    formats = look([tmp_path / "grey.png", tmp_path / "nowhere.png"])
    assert (formats.channels, formats.side) == (1, 28)
    every = look([*gather([folder()])[0], tmp_path / "grey.png"])
    assert (every.channels, every.side) == (3, 32)
    assert every.read_as(32, 3, "crop").startswith("10 of 40x30, 1 of 28x28; 10 in colour, 1 in grey; read as 32x32")


def test_names_that_are_no_utf_8_are_escaped_and_the_home_directory_is_expanded(files, monkeypatch):
    assert shown(os.fsdecode(b"caf\xe9\n.png")) == "caf\\xe9\\n.png" and shown("caf\u00e9") == "caf\u00e9"
    root = files("a/1.png", "b/1.png", *(f"a/{n}.png" for n in range(5)), *(f"b/{n}.png" for n in range(5)))
    monkeypatch.setenv("HOME", str(root.parent))
    assert load("~/X").classes == ("a", "b") and find("~/X").root == root
    monkeypatch.setenv("ADCGAN_CACHE", "~/cache")
    assert cache_directory() == root.parent / "cache"
    monkeypatch.setenv("ADCGAN_DATA", "~/data")
    assert f"{root.parent}/data', which is no directory" in refusal(load, "mnist")


def test_a_class_is_named_by_its_bytes_or_as_it_is_shown(files):
    raw = os.fsdecode(b"caf\xe9")
    root = files(*(f"{name}/{n}.png" for name in (raw, "tea") for n in range(5)))
    loaded = load(str(root))
    assert loaded.classes == ("caf\\xe9", "tea")
    for name in (raw, "caf\\xe9"):
        assert loaded.class_index(name) == 0 and divide(find(root), name).name == "caf\\xe9"


def test_the_name_of_a_class_goes_before_its_number(files):
    root = files(*(f"{name}/{n}.png" for name in ("1", "2", "10") for n in range(5)))
    loaded = load(str(root))
    assert loaded.classes == ("1", "10", "2")
    assert [loaded.class_index(name) for name in ("1", "10", "2", "0")] == [0, 1, 2, 0]
