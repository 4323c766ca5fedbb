"""The two schemes (appendix A.2), and tests of fewer images."""

import dataclasses

import numpy as np
import pytest
from small import dataset, mnist_arrays, refusal

from adcgan.data.schemes import make_split, normal_first, subsample, watched
from adcgan.experiments import run


def test_one_vs_all_takes_the_class_as_normal(digits):
    split = make_split(digits, "one-vs-all", 3)
    assert (split.train == digits.train_images[digits.train_labels == 3]).all()
    assert split.test is digits.test_images
    assert (split.test_labels == digits.test_labels).all()
    assert (split.anomalous == (digits.test_labels != 3)).all()


def test_all_vs_one_takes_the_class_as_anomalous(digits):
    split = make_split(digits, "all-vs-one", 3)
    assert (split.train == digits.train_images[digits.train_labels != 3]).all()
    assert (split.anomalous == (digits.test_labels == 3)).all()


@pytest.mark.parametrize("scheme", ["one-vs-all", "all-vs-one"])
def test_the_test_set_may_have_the_anomalous_training_images_added(digits, scheme):
    official, extended = make_split(digits, scheme, 3), make_split(digits, scheme, 3, "with-train")
    extra = (digits.train_labels != 3) == (scheme == "one-vs-all")
    assert (extended.train == official.train).all()
    assert (extended.test == np.concatenate([official.test, digits.train_images[extra]])).all()
    assert (extended.test_labels == np.concatenate([official.test_labels, digits.train_labels[extra]])).all()
    assert (~extended.anomalous).sum() == (~official.anomalous).sum()
    assert extended.anomalous.sum() == official.anomalous.sum() + extra.sum()


def many(normal, anomalous_train, anomalous_test):
    """A data set of class 0, normal, and classes 1 and 2, with so many images of either kind."""
    counts = {"train": (20, *anomalous_train), "test": (normal, *anomalous_test)}
    labels = {name: np.repeat(np.arange(3), count) for name, count in counts.items()}
    arrays = {f"{name}_labels": values for name, values in labels.items()}
    number = np.arange(max(map(len, labels.values())), dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    for name, values in labels.items():  # every image holds its own number, and which part it is of
        images = np.zeros((len(values), 28, 28), np.uint8)
        images[:, 0, :2], images[:, 0, 2] = number[: len(values)], name == "test"
        arrays[f"{name}_images"] = images
    return dataset(**arrays)


def test_the_test_set_may_be_filled_up_to_ten_thousand_with_anomalies_of_both_splits():
    data = many(4000, (6000, 2000), (1500, 500))
    official, filled = make_split(data, "one-vs-all", 0), make_split(data, "one-vs-all", 0, "ten-thousand")
    assert len(filled.test) == len(filled.test_labels) == len(filled.anomalous) == 10_000
    assert (filled.test[~filled.anomalous] == official.test[~official.anomalous]).all(), "all normal ones, in order"
    assert (filled.train == official.train).all() and (filled.anomalous == (filled.test_labels != 0)).all()
    assert np.bincount(filled.test_labels).tolist() == [4000, 4500, 1500], "each class its share of 7,500 and 2,500"
    of_test = filled.test[filled.anomalous][:, 0, 2, 0] == 1
    assert of_test.any() and not of_test.all()
    whole = make_split(data, "one-vs-all", 0, "with-train")
    bytes_of = {image.tobytes(): label for image, label in zip(whole.test, whole.test_labels, strict=True)}
    assert len(bytes_of) == len(whole.test)
    assert [bytes_of[image.tobytes()] for image in filled.test] == filled.test_labels.tolist(), "some of them all"
    assert len({image.tobytes() for image in filled.test}) == 10_000, "none twice"
    assert (make_split(data, "one-vs-all", 0, "ten-thousand").test == filled.test).all(), "always the same"


def test_where_there_are_fewer_than_ten_thousand_images_all_are_taken(digits):
    filled, whole = (make_split(digits, "one-vs-all", 3, name) for name in ("ten-thousand", "with-train"))
    assert (filled.test == whole.test).all() and (filled.test_labels == whole.test_labels).all()


def test_normal_images_may_go_first_and_keep_their_order(digits):
    split = make_split(digits, "one-vs-all", 3)
    first = normal_first(split)
    count = int((~split.anomalous).sum())
    assert not first.anomalous[:count].any() and first.anomalous[count:].all() and first.train is split.train
    for kind in (False, True):
        assert (first.test[first.anomalous == kind] == split.test[split.anomalous == kind]).all()
        assert (first.test_labels[first.anomalous == kind] == split.test_labels[split.anomalous == kind]).all()


def test_the_images_read_after_an_epoch_are_some_of_either_kind_and_always_the_same():
    anomalous = np.random.default_rng(0).random(10_000) < 0.9
    rows = watched(anomalous, 1000)
    assert anomalous[rows].sum() == 1000 and (~anomalous[rows]).sum() == min(1000, (~anomalous).sum())
    assert (np.diff(rows) > 0).all() and rows.tolist() == watched(anomalous, 1000).tolist()
    assert set(watched(anomalous, 100)) < set(rows) and len(watched(anomalous, 100)) == 200
    assert watched(np.array([True, False, False]), 1000).tolist() == [0, 1, 2]


def test_all_vs_one_of_two_classes_is_refused():
    labels = np.repeat([0, 1], 10)
    images = np.zeros((20, 64, 64, 3), np.uint8)
    two = dataset("cats_vs_dogs", train_images=images, test_images=images, train_labels=labels, test_labels=labels)
    assert "cats_vs_dogs" in refusal(make_split, two, "all-vs-one", 0)
    assert make_split(two, "one-vs-all", 0).anomalous.sum() == 10


def test_an_unknown_scheme_is_refused_with_the_known_ones(digits):
    assert "one-vs-all, all-vs-one" in refusal(make_split, digits, "one-vs-rest", 0)


@pytest.mark.parametrize(
    ("empty", "complaint"), [("train_labels", "no normal training image"), ("test_labels", "no normal test image")]
)
def test_a_class_without_images_is_refused_by_name(empty, complaint):
    labels = mnist_arrays()[empty]
    message = refusal(make_split, dataset(**{empty: np.where(labels == 9, 8, labels)}), "one-vs-all", 9)
    assert complaint in message and "class 9" in message


def test_a_test_set_without_anomalies_is_refused():
    message = refusal(make_split, dataset(test_labels=np.zeros(20, np.int64)), "one-vs-all", 0)
    assert "no anomalous test image" in message


@pytest.mark.parametrize("scheme", ["one-vs-all", "all-vs-one"])
@pytest.mark.parametrize("count", [10, 50, 123, 400, 601])
def test_a_subsample_keeps_every_classs_share_and_the_order(digits, scheme, count):
    split = make_split(digits, scheme, 3)
    numbered = dataclasses.replace(split, test=np.arange(len(split.test)))  # each image its own number
    part = subsample(numbered, count)
    assert len(part.test) == count and (np.diff(part.test) > 0).all()
    assert (part.test_labels == split.test_labels[part.test]).all()
    assert (part.anomalous == split.anomalous[part.test]).all()
    assert part.train is split.train
    share = count / len(split.test)
    assert (np.abs(np.bincount(part.test_labels) - share * np.bincount(split.test_labels)) <= 1).all()


@pytest.mark.parametrize("count", [8, 100, 300])
def test_a_subsample_keeps_the_shares_of_classes_of_unlike_size(digits, count):
    split = make_split(digits, "all-vs-one", 0, "with-train")
    share = count / len(split.test)
    chosen = np.bincount(subsample(split, count).test_labels, minlength=10)
    assert (np.abs(chosen - share * np.bincount(split.test_labels)) <= 1).all()


def test_a_subsample_is_always_the_same_one_and_part_of_every_larger_one(digits):
    split = make_split(digits, "one-vs-all", 3)
    numbered = dataclasses.replace(split, test=np.arange(len(split.test)))
    first = subsample(numbered, 50).test
    np.random.seed(1)
    assert (subsample(numbered, 50).test == first).all()
    assert set(first) < set(subsample(numbered, 80).test)
    assert not (first == np.arange(50)).all()


@pytest.mark.parametrize("count", [602, 603, 10_000])
def test_a_subsample_of_all_images_or_more_is_all_of_them(digits, count):
    split = make_split(digits, "one-vs-all", 3)
    part = subsample(split, count)
    assert (part.test == split.test).all() and (part.test_labels == split.test_labels).all()
    assert (part.anomalous == split.anomalous).all()


def test_a_subsample_without_one_of_the_kinds_is_refused(digits):
    message = refusal(subsample, make_split(digits, "one-vs-all", 3), 1)
    assert "test_images is 1" in message and "too few for both normal and anomalous images" in message


def test_a_run_of_fifty_test_images_records_fifty_and_has_a_directory_of_its_own(digits, tmp_path):
    _, (whole,) = run.requested("pca", "digits", "one-vs-all", [3], [0])
    _, (part,) = run.requested("pca", "digits", "one-vs-all", [3], [0], dict(test_images=50))
    record = run.execute(part, digits, tmp_path, "cpu")
    images = record.content["images"]
    assert images["test_normal"] + images["test_anomalous"] == 50 == len(record.scores) == len(record.labels)
    assert images["train"] == (digits.train_labels == 3).sum()
    assert record.content["changes"] == {"test_images": 50}
    assert record.directory == part.directory(tmp_path) != whole.directory(tmp_path)
    expected = subsample(make_split(digits, "one-vs-all", 3), 50)
    assert (record.labels == expected.test_labels).all() and (record.anomalous == expected.anomalous).all()
    everything = run.execute(whole, digits, tmp_path, "cpu")
    assert len(everything.scores) == 602 and everything.directory.name == "seed-0"
