"""From a user's request to a record: everything checked first, run once, and nothing left changed."""

import dataclasses
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
import pytest
import torch

from adcgan import scoring
from adcgan.config import METHODS
from adcgan.data import schemes
from adcgan.errors import AdcganError
from adcgan.experiments import provenance, records, run
from adcgan.methods.adcgan import ADCGAN
from adcgan.scoring import COMPONENTS, SCORE, auroc


def plan(dataset="digits", scheme="one-vs-all", classes=(0,), seeds=(0,), recipe=None, scale=None, **options):
    given = dict(recipe=recipe, scale=scale)
    return run.requested("adcgan", dataset, scheme, list(classes), list(seeds), options, **given)


def test_a_plan_is_every_class_under_every_seed():
    _, cells = plan(classes=["3", 5], seeds=[0, 7])
    assert [(cell.label, cell.seed) for cell in cells] == [(3, 0), (3, 7), (5, 0), (5, 7)]
    assert [cell.label for cell in plan(classes=[])[1]] == list(range(10))


def test_a_plan_fills_in_the_recipe_and_the_scale():
    _, (default,) = plan()
    _, (other,) = plan(recipe="script", scale="laptop")
    assert (default.recipe, default.scale) == ("printed", "paper")
    assert (other.recipe, other.scale, other.config.width) == ("script", "laptop", 0.25)
    assert default.changes == other.changes == {}
    _, (library,) = run.requested("knn", "digits", "one-vs-all", [0], [0], scale="laptop")
    assert (library.recipe, library.scale) == (None, None)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (dict(dataset="imagenet"), "unknown data set 'imagenet'"),
        (dict(classes=["lynx"]), "no class 'lynx'"),
        (dict(scheme="one-vs-rest"), "unknown scheme 'one-vs-rest'"),
        (dict(seeds=[-1]), "seed -1: expected a whole number"),
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
        plan(**request_)
    assert "\n" not in str(refused.value)


def test_a_finished_cell_is_read_and_not_run_again(record, digits, runs_of):
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


@pytest.fixture(scope="module")
def varied(digits, run_options, tmp_path_factory):
    """A record under options that act around the method, and the random states before and after its run."""
    options = run_options | dict(
        epochs=2, warm_up_count="included", preprocessing="pad-shrink", test_set="with-train", last_batch="keep",
        test_order="normal-first", epoch_images=40, validation_fraction=0.1,
    )  # fmt: skip
    _, (cell,) = plan(**options)
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    record = run.execute(cell, digits, tmp_path_factory.mktemp("varied"), "cpu")
    return record, before, (torch.get_rng_state(), np.random.get_state()[1])


def test_a_run_leaves_the_callers_random_generators_as_they_were(varied):
    _, before, after = varied
    assert torch.equal(before[0], after[0]) and (before[1] == after[1]).all()


def test_options_around_the_method_reach_the_run(varied, digits):
    record = varied[0]
    assert len(record.content["losses"]) == 2
    assert all("validation_L_AE" in epoch for epoch in record.content["losses"])
    anomalous = (digits.test_labels != 0).sum() + (digits.train_labels != 0).sum()
    assert record.content["images"]["test_anomalous"] == anomalous == record.anomalous.sum()
    assert (record.picture_rows()["normal"][:, 0] == 0).all()  # the black frame of pad-shrink
    assert (np.diff(record.anomalous.astype(int)) >= 0).all(), "normal ones first"
    assert record.content["cost"]["steps"] == 2 * 3  # 40 images in batches of 16, an incomplete one kept


def test_no_checkpoint_is_left_beside_a_record(record):
    names = sorted(path.name for path in record.directory.iterdir())
    assert names == ["model.safetensors", "pictures.png", "record.json", "scores.npz"]


def test_runs_in_an_unwritable_place_are_refused_before_any_training(digits, run_options, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    _, (cell,) = plan(**run_options)
    with pytest.raises(AdcganError, match="cannot be written") as refused:
        run.execute(cell, digits, tmp_path / "file", "cpu")
    assert str(tmp_path / "file") in str(refused.value) and "\n" not in str(refused.value)
    assert "epoch" not in capsys.readouterr().err


def test_an_unknown_device_is_refused_with_the_known_ones(digits, run_options, tmp_path):
    _, (cell,) = plan(**run_options)
    with pytest.raises(AdcganError, match="unknown device 'tpu': expected auto, cpu, cuda or cuda:N"):
        run.execute(cell, digits, tmp_path, "tpu")
    assert not list(tmp_path.rglob(records.RECORD))


@pytest.mark.parametrize(
    ("name", "devices", "chosen"),
    [("auto", 0, "cpu"), ("auto", 2, "cuda:0"), ("cpu", 2, "cpu"), ("cuda", 1, "cuda:0"), ("cuda:1", 2, "cuda:1")],
)
def test_a_device_is_taken_at_its_word_and_auto_prefers_a_gpu(monkeypatch, name, devices, chosen):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert str(provenance.choose_device(name)) == chosen


@pytest.mark.parametrize(
    ("name", "devices", "complaint"),
    [
        ("cuda", 0, "no CUDA device here"),
        ("cuda:2", 2, "2 CUDA devices"),
        ("cpu:0", 1, "unknown"),
        ("cuda:x", 1, "unknown"),
    ],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, name, devices, complaint):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    with pytest.raises(AdcganError, match=complaint):
        provenance.choose_device(name)


@pytest.fixture
def fresh():
    """As in a process that has not asked for the revision yet."""
    provenance.code_revision.cache_clear()
    yield
    provenance.code_revision.cache_clear()


def test_the_recorded_revision_is_gits_or_the_environments(monkeypatch, fresh):
    monkeypatch.setenv("ADCGAN_REVISION", "a" * 40)
    monkeypatch.setenv("PATH", "")  # no Git to be found
    assert provenance.code_revision()["revision"] == "a" * 40


def test_a_copy_inside_somebody_elses_repository_has_not_that_ones_revision(monkeypatch, fresh, tmp_path):
    for arguments in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"],
    ):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    monkeypatch.delenv("ADCGAN_REVISION", raising=False)
    monkeypatch.setattr(run, "__file__", str(tmp_path / "experiments.py"))
    (tmp_path / "experiments.py").touch()
    assert provenance.code_revision()["revision"] is None
    subprocess.run(["git", "-C", tmp_path, "add", "experiments.py"], check=True)
    provenance.code_revision.cache_clear()
    assert len(provenance.code_revision()["revision"]) == 40


def test_two_starts_on_one_cell_do_not_take_each_others_probe_for_a_failure(tmp_path):
    def start(_):
        for _ in range(500):
            run._make_writable(tmp_path / "cell")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, range(2)))  # raises what a start raises
    assert not list((tmp_path / "cell").iterdir())


@pytest.mark.parametrize("seed", [-1, 2**32, True])
def test_a_seed_is_one_that_every_method_takes(seed):
    with pytest.raises(AdcganError, match="expected a whole number from 0 to 4294967295"):
        run.requested("pca", "digits", "one-vs-all", [0], [seed])


def test_a_time_box_leaves_what_scoring_takes(digits, run_options, tmp_path, monkeypatch):
    """The time asked for before scoring, in epochs, is the method's cost of an image times the test's share."""
    asked = []
    real = run.training.Training.check_time
    monkeypatch.setattr(
        run.training.Training, "check_time", lambda self, epochs: (asked.append(epochs), real(self, epochs))
    )
    _, (cell,) = plan(**run_options | dict(epochs=1, warm_up_epochs=0))
    record = run.execute(cell, digits, tmp_path, "cpu")
    images = record.content["images"]
    test = images["test_normal"] + images["test_anomalous"]
    assert asked[-1] == pytest.approx(ADCGAN.scoring_cost * test / (images["train"] // 16 * 16))


def test_the_recorded_revision_is_that_of_the_start_whatever_becomes_of_the_checkout(
    monkeypatch, fresh, digits, tmp_path
):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ADCGAN_REVISION", "a" * 40)
    _, (cell,) = run.requested("pca", "digits", "one-vs-all", [3], [0])
    work = run.training.fit

    def changing(*arguments, **options):
        monkeypatch.setenv("ADCGAN_REVISION", "b" * 40)
        return work(*arguments, **options)

    monkeypatch.setattr(run.training, "fit", changing)
    assert run.execute(cell, digits, tmp_path).content["code"]["revision"] == "a" * 40


def test_a_record_names_the_revisions_that_trained_it_before_the_one_that_ended_it(
    digits, run_options, monkeypatch, tmp_path
):
    _, (cell,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], run_options)
    checkpoint = cell.directory(tmp_path) / records.CHECKPOINT
    revision = {"version": "0", "revision": "a" * 40, "dirty": True}
    monkeypatch.setattr(run, "code_revision", lambda: revision)
    work = run.work(cell, digits, tmp_path, "cpu")
    while not checkpoint.exists():
        next(work)
    work.close()
    monkeypatch.setattr(run, "code_revision", lambda: revision | {"revision": "b" * 40, "dirty": False})
    record = run.execute(cell, digits, tmp_path, "cpu")
    code = records.read(record.directory / records.RECORD, tmp_path).content["code"]
    assert code == {"version": "0", "revision": "b" * 40, "dirty": False, "earlier": ["a" * 40 + "+changed"]}


# --- what is read after an epoch --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["adcgan", "autoencoder"])
def test_what_is_read_after_an_epoch_changes_no_bit_of_the_training(method, digits, run_options, tmp_path, monkeypatch):
    options = run_options if method == "adcgan" else dict(width=0.1, batch_size=16, epochs=2)
    _, (cell,) = run.requested(method, "digits", "one-vs-all", [0], [0], options)
    read = run.execute(cell, digits, tmp_path / "read", "cpu")
    monkeypatch.setattr(run.PerEpoch, "auroc", lambda self: {})
    blind = run.execute(cell, digits, tmp_path / "blind", "cpu")
    assert all(read.watched) and len(read.watched) == len(read.content["losses"]) == len(blind.watched)
    assert not any(blind.watched) and "per_epoch_seconds" not in blind.content["cost"]
    assert read.content["losses"] == blind.content["losses"] and read.auroc == blind.auroc
    assert read.content["model"] == blind.content["model"]
    for name, values in blind.components.items():
        assert read.components[name].tobytes() == values.tobytes()


def test_after_an_epoch_the_score_of_that_epochs_networks_is_read(record):
    """After the last epoch they are the ones that are scored; of the test some images of either kind are read."""
    count = record.content["per_epoch"]["images"]
    assert count == record.content["images"]["train"] // 16 * 16 // 5, "a fifth of what an epoch trains on"
    rows = schemes.watched(record.anomalous, count)
    assert record.anomalous[rows].sum() == (~record.anomalous[rows]).sum() == count
    last = record.watched[-1][SCORE]
    assert set(last) == {"NS", "reduction=mean", *COMPONENTS} and set(record.watched[-1]) == {SCORE}
    mean = sum(
        weight * record.components[name].astype(float)
        for name, weight in zip(COMPONENTS, (0.1, 0.9, 0.5, 0.5), strict=True)
    )
    values = {"NS": record.scores, "reduction=mean": mean, **record.components}
    for name, some in values.items():
        low, high = records._band(record.anomalous[rows], some[rows])
        assert low <= last[name] <= high, name
    assert len({epoch[SCORE]["NS"] for epoch in record.watched}) > 1


def test_a_score_that_is_not_finite_ends_no_training(small_method, zeros):
    method = small_method()
    few = run.PerEpoch(method, zeros)
    few.limit(100)
    components = method.score(few.images)
    assert len(few.images) == 40 and few.auroc() == {
        name: pytest.approx(auroc(few.anomalous, values), abs=1e-5)
        for name, values in scoring.with_scores(method.config, components).items()
    }
    with torch.no_grad():
        next(method.E.parameters()).fill_(float("nan"))
    assert few.auroc() == {}


def test_at_most_a_thousand_images_of_either_kind_are_read_and_at_least_one(small_method, zeros):
    few = run.PerEpoch(small_method(), zeros)
    for images, count in ((6000, 1000), (60_000, 1000), (500, 100), (3, 1)):
        few.limit(images)
        assert few.count == count and few.anomalous.sum() == min(count, zeros.anomalous.sum())


def test_every_trained_method_is_read_but_those_that_search(digits, tmp_path):
    kinds = {name: getattr(import_module(f"adcgan.methods.{file}"), kind) for name, (file, kind) in METHODS.items()}
    trained = {name for name, about in METHODS.items() if about.trained}
    assert {name for name in trained if kinds[name].searches} == {"adgan", "anogan"}
    options = dict(width=0.05, batch_size=8, epochs=1, search_steps=1, test_images=20)
    _, (cell,) = run.requested("anogan", "digits", "one-vs-all", [0], [0], options)
    record = run.execute(cell, digits, tmp_path, "cpu")
    assert record.watched == [] and "per_epoch" not in record.content
