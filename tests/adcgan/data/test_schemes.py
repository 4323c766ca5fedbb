"""The two schemes (appendix A.2), and tests of fewer images."""

import dataclasses

import numpy as np
import pytest
from small import dataset, mnist_arrays, refusal

from adcgan.data.schemes import make_split, normal_first, per_epoch_rows, subsample


@pytest.mark.parametrize("scheme", ["one-vs-all", "all-vs-one"])
def test_a_scheme_takes_the_class_as_normal_or_as_anomalous(digits, scheme):
    split = make_split(digits, scheme, 3)
    one = scheme == "one-vs-all"
    assert (split.train == digits.train_images[(digits.train_labels == 3) == one]).all()
    assert split.test is digits.test_images and (split.test_labels == digits.test_labels).all()
    assert (split.anomalous == ((digits.test_labels == 3) != one)).all()


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
    rows = per_epoch_rows(anomalous, 1000)
    assert anomalous[rows].sum() == 1000 and (~anomalous[rows]).sum() == min(1000, (~anomalous).sum())
    assert (np.diff(rows) > 0).all() and rows.tolist() == per_epoch_rows(anomalous, 1000).tolist()
    assert set(per_epoch_rows(anomalous, 100)) < set(rows) and len(per_epoch_rows(anomalous, 100)) == 200
    assert per_epoch_rows(np.array([True, False, False]), 1000).tolist() == [0, 1, 2]


@pytest.mark.parametrize("scheme", ["one-vs-all", "all-vs-one"])
@pytest.mark.parametrize("count", [10, 123, 601])
def test_a_subsample_keeps_every_classs_share_and_the_order(digits, scheme, count):
    split = make_split(digits, scheme, 3, "with-train")
    numbered = dataclasses.replace(split, test=np.arange(len(split.test)))  # each image its own number
    part = subsample(numbered, count)
    assert len(part.test) == count and (np.diff(part.test) > 0).all()
    assert (part.test_labels == split.test_labels[part.test]).all()
    assert (part.anomalous == split.anomalous[part.test]).all()
    assert part.train is split.train
    share = count / len(split.test)
    assert (np.abs(np.bincount(part.test_labels) - share * np.bincount(split.test_labels)) <= 1).all()


def test_a_subsample_is_always_the_same_one_and_part_of_every_larger_one(digits):
    split = make_split(digits, "one-vs-all", 3)
    numbered = dataclasses.replace(split, test=np.arange(len(split.test)))
    first = subsample(numbered, 50).test
    np.random.seed(1)
    assert (subsample(numbered, 50).test == first).all()
    assert set(first) < set(subsample(numbered, 80).test)
    assert not (first == np.arange(50)).all()
    assert (subsample(split, 10_000).test == split.test).all(), "more than there are: all"


def test_splits_without_images_of_a_kind_are_refused_by_name(digits):
    labels = {name: mnist_arrays()[name] for name in ("train_labels", "test_labels")}
    for name, complaint in (("train_labels", "no normal training image"), ("test_labels", "no normal test image")):
        message = refusal(make_split, dataset(**{name: np.where(labels[name] == 9, 8, labels[name])}), "one-vs-all", 9)
        assert complaint in message and "class 9" in message
    one_class = dataset(test_labels=np.zeros(20, np.int64))
    assert "no anomalous test image" in refusal(make_split, one_class, "one-vs-all", 0)
    message = refusal(subsample, make_split(digits, "one-vs-all", 3), 1)
    assert "test_images is 1" in message and "too few for both normal and anomalous images" in message
    assert "one-vs-all, all-vs-one" in refusal(make_split, digits, "one-vs-rest", 0)


def test_all_vs_one_of_two_classes_is_refused():
    labels, images = np.repeat([0, 1], 10), np.zeros((20, 64, 64, 3), np.uint8)
    two = dataset("cats_vs_dogs", train_images=images, test_images=images, train_labels=labels, test_labels=labels)
    assert "cats_vs_dogs" in refusal(make_split, two, "all-vs-one", 0)
    assert make_split(two, "one-vs-all", 0).anomalous.sum() == 10
