"""From a user's request to a record: everything checked first, run once, and nothing left changed."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from small import refusal

from adcgan import scoring
from adcgan.data import schemes
from adcgan.errors import AdcganError
from adcgan.experiments import records, run
from adcgan.experiments.verify import _band
from adcgan.methods.autoencoder import Autoencoder
from adcgan.scoring import COMPONENTS, auroc


def requested(dataset="digits", scheme="one-vs-all", classes=(0,), seeds=(0,), recipe=None, scale=None, **options):
    given = dict(recipe=recipe, scale=scale)
    return run.requested("adcgan", dataset, scheme, list(classes), list(seeds), options, **given)


def test_a_request_is_every_class_under_every_seed():
    _, runs = requested(classes=["3", 5], seeds=[0, 7])
    assert [(one.label, one.seed) for one in runs] == [(3, 0), (3, 7), (5, 0), (5, 7)]
    assert [one.label for one in requested(classes=[])[1]] == list(range(10))
    (default, *_), (other, *_) = requested()[1], requested(recipe="script", scale="laptop")[1]
    assert (default.recipe, default.scale) == ("printed", "paper")
    assert (other.recipe, other.scale, other.config.width) == ("script", "laptop", 0.25)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (dict(dataset="imagenet"), "unknown data set 'imagenet'"),
        (dict(classes=["lynx"]), "no class 'lynx'"),
        (dict(scheme="one-vs-rest"), "unknown scheme 'one-vs-rest'"),
        (dict(seeds=[-1]), "seed -1: expected a whole number"),
        (dict(seeds=[2**32]), "expected a whole number from 0 to 4294967295"),
        (dict(seeds=[0.5]), "seed 0.5: expected a whole number"),
        (dict(seeds=[]), "no seed given"),
        (dict(dataset="cats_vs_dogs", recipe="scripted"), "unknown recipe 'scripted'"),
        (dict(dataset="cats_vs_dogs", scale="huge"), "unknown scale 'huge'"),
        (dict(image_size="big"), "image_size is 'big': expected a whole number"),
        (dict(image_size=32), "leave image_size and channels out"),
        (dict(dataset="cats_vs_dogs", contrasive="literal"), "unknown option of method adcgan 'contrasive'"),
        (dict(dataset="cats_vs_dogs", contrastive="both"), "contrastive is 'both'"),
    ],
)
def test_a_bad_request_is_refused_in_one_line_before_data_is_looked_for(request_, complaint):
    with pytest.raises(AdcganError, match=complaint) as refused:
        requested(**request_)
    assert "\n" not in str(refused.value)


def test_a_finished_run_is_read_and_not_run_again(record, digits, runs_of):
    before = {path: path.stat().st_mtime_ns for path in runs_of(record).rglob("*")}
    again = run.execute(record.run, digits, runs_of(record), "cpu")
    assert again.content == record.content
    assert {path: path.stat().st_mtime_ns for path in runs_of(record).rglob("*")} == before


def test_a_record_of_other_data_is_not_taken_for_this_ones(record, digits, runs_of):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = dataclasses.replace(digits, test_images=images)
    with pytest.raises(AdcganError, match="data") as refused:
        run.execute(record.run, changed, runs_of(record), "cpu")
    assert str(record.directory) in str(refused.value) and "\n" not in str(refused.value)


def test_two_folders_of_one_name_do_not_stand_in_one_directory_of_runs(digits, tmp_path):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    mine, other = (dataclasses.replace(digits, name="folder-[images]", test_images=some)
                   for some in (digits.test_images, images))  # fmt: skip
    _, planned = run.requested("pca", "digits", "one-vs-all", [0, 1], [0])
    first, second = (dataclasses.replace(one, dataset=mine.name) for one in planned)
    record = run.execute(first, mine, tmp_path)
    for one in (first, second):
        message = refusal(run.execute, one, other, tmp_path)
        assert f"{record.directory} was measured on other data" in message and "name another directory" in message
    assert run.execute(second, mine, tmp_path).run == second


def test_runs_in_an_unwritable_place_are_refused_before_any_training(digits, run_options, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    _, (one,) = requested(**run_options)
    with pytest.raises(AdcganError, match="cannot be written") as refused:
        run.execute(one, digits, tmp_path / "file", "cpu")
    assert str(tmp_path / "file") in str(refused.value) and "\n" not in str(refused.value)
    assert "epoch" not in capsys.readouterr().err


def test_two_starts_on_one_run_do_not_take_each_others_probe_for_a_failure(tmp_path):
    def start(_):
        for _ in range(500):
            run._make_writable(tmp_path / "run")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, range(2)))  # raises what a start raises
    assert not list((tmp_path / "run").iterdir())


def test_a_time_box_leaves_what_scoring_takes(digits, tmp_path, monkeypatch):
    """The time asked for before scoring, in epochs, is the method's cost of an image times the test's share."""
    asked = []
    monkeypatch.setattr(run.training.Training, "check_time", lambda self, epochs: asked.append(epochs))
    options = dict(width=0.05, epochs=1, epoch_images=32, test_images=50)
    _, (one,) = run.requested("autoencoder", "digits", "one-vs-all", [0], [0], options)
    run.execute(one, digits, tmp_path, "cpu")
    assert asked[-1] == pytest.approx(Autoencoder.scoring_cost * 50 / 32)


def test_a_record_names_the_revisions_that_trained_it_before_the_one_that_ended_it(digits, monkeypatch, tmp_path):
    options = dict(width=0.05, batch_size=32, epochs=2)
    _, (one,) = run.requested("autoencoder", "digits", "one-vs-all", [0], [0], options)
    checkpoint = one.directory(tmp_path) / records.CHECKPOINT
    revision = {"version": "0", "revision": "a" * 40, "dirty": True}
    monkeypatch.setattr(run, "code_revision", lambda: revision)
    work = run.work(one, digits, tmp_path, "cpu")
    while not checkpoint.exists():
        next(work)
    work.close()
    monkeypatch.setattr(run, "code_revision", lambda: revision | {"revision": "b" * 40, "dirty": False})
    record = run.execute(one, digits, tmp_path, "cpu")
    code = records.read(record.directory / records.RECORD, tmp_path).content["code"]
    assert code == {"version": "0", "revision": "b" * 40, "dirty": False, "earlier": ["a" * 40 + "+changed"]}


# --- what is read after an epoch --------------------------------------------------------------------------


def test_after_an_epoch_the_score_of_that_epochs_networks_is_read(record):
    """After the last epoch they are the ones that are scored; of the test some images of either kind are read."""
    count = record.content["per_epoch"]["images"]
    assert count == 96 // 5, "a fifth of what an epoch trains on"
    rows = schemes.per_epoch_rows(record.anomalous, count)
    assert record.anomalous[rows].sum() == (~record.anomalous[rows]).sum() == count
    last = record.per_epoch[-1]
    assert set(last) == {"NS", "reduction=mean", *COMPONENTS}
    mean = sum(
        weight * record.components[name].astype(float)
        for name, weight in zip(COMPONENTS, (0.1, 0.9, 0.5, 0.5), strict=True)
    )
    values = {"NS": record.scores, "reduction=mean": mean, **record.components}
    for name, some in values.items():
        low, high = _band(record.anomalous[rows], some[rows])
        assert low <= last[name] <= high, name
    assert len({epoch["NS"] for epoch in record.per_epoch}) > 1


def test_what_is_read_after_an_epoch_changes_no_bit_and_options_around_the_method_reach_the_run(
    digits, tmp_path, monkeypatch
):
    options = dict(width=0.1, batch_size=16, warm_up_epochs=1, epochs=2, warm_up_count="included", epoch_images=40,
                   preprocessing="pad-shrink", test_set="with-train", last_batch="keep", test_order="normal-first",
                   validation_fraction=0.1)  # fmt: skip
    _, (one,) = requested(**options)
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    record = run.execute(one, digits, tmp_path / "read", "cpu")
    after = torch.get_rng_state(), np.random.get_state()[1]
    assert torch.equal(before[0], after[0]) and (before[1] == after[1]).all(), "the caller's generators are left alone"
    monkeypatch.setattr(run.PerEpoch, "auroc", lambda self: {})
    blind = run.execute(one, digits, tmp_path / "blind", "cpu")
    assert all(record.per_epoch) and len(record.per_epoch) == 2 and not any(blind.per_epoch)
    assert "per_epoch_seconds" not in blind.content["cost"]
    for name in ("losses", "auroc", "model"):
        assert record.content[name] == blind.content[name]
    for name, values in blind.components.items():
        assert record.components[name].tobytes() == values.tobytes()
    assert len(record.content["losses"]) == 2
    assert all("validation_L_AE" in epoch for epoch in record.content["losses"])
    anomalous = (digits.test_labels != 0).sum() + (digits.train_labels != 0).sum()
    assert record.content["images"]["test_anomalous"] == anomalous == record.anomalous.sum()
    assert (record.picture_rows()["normal"][:, 0] == 0).all()  # the black frame of pad-shrink
    assert (np.diff(record.anomalous.astype(int)) >= 0).all(), "normal ones first"
    assert record.content["cost"]["steps"] == 2 * 3  # 40 images in batches of 16, an incomplete one kept


def test_a_run_of_fewer_test_images_is_an_ablation_of_its_own_and_later_seeds_keep_few_pictures(digits, tmp_path):
    _, (whole, other) = run.requested("pca", "digits", "one-vs-all", [3], [0, 1])
    _, (part,) = run.requested("pca", "digits", "one-vs-all", [3], [0], dict(test_images=50))
    record, everything, later = (run.execute(one, digits, tmp_path, "cpu") for one in (part, whole, other))
    images = record.content["images"]
    assert images["test_normal"] + images["test_anomalous"] == 50 == len(record.scores)
    assert record.content["changes"] == {"test_images": 50} and record.directory != everything.directory
    expected = schemes.subsample(schemes.make_split(digits, "one-vs-all", 3), 50)
    assert (record.labels == expected.test_labels).all() and (record.anomalous == expected.anomalous).all()
    assert len(everything.scores) == 602 and everything.directory.name == "seed-0"
    columns = [len(one.picture_rows()["normal"]) for one in (everything, later)]
    assert columns == [run.COLUMNS, run.FEW_COLUMNS]


def test_a_score_that_is_not_finite_ends_no_training(small_method, zeros):
    method = small_method()
    few = run.PerEpoch(method, zeros)
    few.limit(100)
    components = method.score(few.images)
    assert len(few.images) == 40 and few.auroc() == {
        name: pytest.approx(auroc(few.anomalous, values), abs=1e-5)
        for name, values in scoring.with_scores(method.config, components).items()
    }
    for images, count in ((6000, 1000), (60_000, 1000), (500, 100), (3, 1)):  # at most a thousand, at least one
        few.limit(images)
        assert few.count == count and few.anomalous.sum() == min(count, zeros.anomalous.sum())
    with torch.no_grad():
        next(method.E.parameters()).fill_(float("nan"))
    assert few.auroc() == {}
