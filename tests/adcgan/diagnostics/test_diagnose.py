"""Diagnostics beside a record: of its model and its test, made once, refused where they are of something else."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from small import refusal

from adcgan.cli import main
from adcgan.diagnostics import stale_noise
from adcgan.diagnostics.diagnose import diagnose
from adcgan.experiments import diagnosing, records, run
from adcgan.experiments.verify import HALF_PRECISION, verify
from adcgan.scoring import COMPONENTS, normality_score


def test_diagnostics_are_the_same_every_time_and_change_no_weight(diagnosis, trained, sample, zeros):
    before = {name: network.state_dict() for name, network in trained.networks.items()}
    before = {(n, key): value.clone() for n, state in before.items() for key, value in state.items()}
    random = torch.get_rng_state()
    again = diagnose(trained, *sample, zeros.train)
    assert torch.equal(random, torch.get_rng_state())
    assert again.variants == diagnosis.variants
    for one, other in ((again.draws, diagnosis.draws), (again.images, diagnosis.images)):
        assert {name: values.tobytes() for name, values in one.items()} == {
            name: values.tobytes() for name, values in other.items()
        }
    for (n, key), value in before.items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(trained.networks[n].state_dict()[key], value)


def first_of_each_kind(record):
    return [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]


def test_diagnostics_lie_beside_a_record_and_leave_its_files_as_they_were(diagnosed, record):
    names = {path.name for path in diagnosed.directory.iterdir()} - {run.LOCK}
    before = {path.name for path in record.directory.iterdir()} - {run.LOCK}
    assert names == before | {"diagnostics.json", "diagnostics.npz"}
    for name in before:
        assert (diagnosed.directory / name).read_bytes() == (record.directory / name).read_bytes()
    assert (diagnosed.directory / "diagnostics.npz").stat().st_size < 20_000
    verify(diagnosed)


def test_a_records_diagnostics_are_of_its_model_and_its_test(diagnosed):
    assert diagnosed.variants["score"]["NS"] == pytest.approx(diagnosed.auroc["NS"], abs=HALF_PRECISION)
    assert {values.dtype for values in diagnosed.draws.values()} == {np.dtype(np.float32)}
    assert {values.shape for values in diagnosed.draws.values()} == {(stale_noise.DRAWS,)}
    assert set(diagnosed.draws) == {
        "stale noise, NS", "stale noise, L_FL", "null, score, NS", "null, stale noise, NS",
    }  # fmt: skip
    said = diagnosed.diagnostics
    assert said["record"] == diagnosed.content["sha256"] and said["device"]["type"] == "cpu"
    assert said["cost"]["seconds"] > 0 and said["cost"]["processor_seconds"] > 0


def test_a_record_has_the_path_that_leads_to_its_scores(diagnosed):
    rows = first_of_each_kind(diagnosed)
    assert {values.dtype for values in diagnosed.one_image.values()} == {np.dtype(np.float16)}
    for name in COMPONENTS:
        np.testing.assert_allclose(diagnosed.one_image[name], diagnosed.components[name][rows], rtol=2**-10)
    values = normality_score(diagnosed.run.config, {name: diagnosed.one_image[name] for name in COMPONENTS})
    np.testing.assert_allclose(values, diagnosed.scores[rows], rtol=2**-9)


def test_a_record_is_diagnosed_once_unless_asked_again_and_without_training(copied, diagnosed, capsys, monkeypatch):
    runs, path = copied(diagnosed)
    monkeypatch.setattr("adcgan.training.Training", None)
    written = path.with_name("diagnostics.json")
    before = written.stat().st_mtime_ns
    assert not diagnosing.diagnosable(records.read(path, runs)) and main(["diagnose", str(path.parent)]) == 0
    assert "was diagnosed before" in capsys.readouterr().out and written.stat().st_mtime_ns == before
    assert main(["diagnose", "--again", "--device", "cpu", str(path)]) == 0  # by its file as by its directory
    assert written.stat().st_mtime_ns > before and diagnosing.record_at(path.parent).variants == diagnosed.variants


def test_diagnostics_on_other_data_or_of_another_method_are_refused(diagnosed, digits, tmp_path):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = dataclasses.replace(digits, test_images=images)
    message = refusal(diagnosing.diagnose, diagnosed, "cpu", dataset=changed, again=True)
    assert "was measured on other data" in message
    _, (one,) = run.requested("pca", "digits", "one-vs-all", [0], [0])
    record = run.execute(one, digits, tmp_path, "cpu")
    assert not diagnosing.diagnosable(record)
    assert "there are none of method pca" in refusal(diagnosing.diagnose, record, "cpu", dataset=digits)


def test_diagnosing_again_mends_what_a_process_left_that_was_killed_between_its_two_files(copied, diagnosed):
    runs, path = copied(diagnosed)
    with np.load(path.with_name("diagnostics.npz")) as archive:
        np.savez_compressed(path.with_name("diagnostics.npz"), **{name: archive[name] for name in list(archive)[1:]})
    found = records.find(diagnosed.run, runs)
    assert "diagnostics.npz is not the file that was recorded" in refusal(diagnosing.diagnose, found, "cpu")
    assert diagnosing.diagnose(found, "cpu", again=True)
    assert records.find(diagnosed.run, runs).variants == diagnosed.variants


def test_damaged_edited_or_foreign_diagnostics_are_refused_by_name(copied, diagnosed):
    _, record = copied(diagnosed)
    arrays, path = record.with_name("diagnostics.npz"), record.with_name("diagnostics.json")

    def message():
        return refusal(lambda: verify(diagnosing.record_at(record)))

    content, whole = json.loads(path.read_text()), arrays.read_bytes()
    changed = content["variants"]["reduction=mean"] | {"NS": 0.01}
    path.write_text(json.dumps(content | {"variants": content["variants"] | {"reduction=mean": changed}}))
    assert f"{path} does not have its own hash: it was edited" in message()
    del content["sha256"]  # as the first ones were written
    for edited in ("NS", "L_GR"):
        other = content["variants"]["score"] | {edited: 0.01}
        path.write_text(json.dumps(content | {"variants": content["variants"] | {"score": other}}))
        assert f"the diagnostics' AUROC of {edited} is 0.01, but its scores give" in message()
    path.write_text(json.dumps(content | {"record": "0" * 64}))
    assert "is not of the record beside it" in message()
    path.write_text(json.dumps(content))
    arrays.write_bytes(whole[:-9])
    assert "diagnostics.npz is not the file that was recorded" in message()
    arrays.unlink()
    assert "diagnostics.npz is missing" in message()
    for text in ("{", "[]", "NaN", '{"record": 1}'):
        path.write_text(text)
        assert str(path) in message() and "remove it and diagnose again" in message()


def test_a_run_of_recipe_script_is_diagnosed_with_the_stale_noise_that_its_record_has(copied, script_record, digits):
    runs, path = copied(script_record)
    assert diagnosing.diagnose(records.read(path, runs), "cpu", dataset=digits)
    record = records.read(path, runs)
    assert "reduction=sum" in record.variants and record.one_image == {}, "each image has a z by its place"
    for name, noise in record.content["stale_noise"].items():
        draws = record.draws[f"stale noise, {name}"]
        found = [draws.mean(), *np.quantile(draws, [0.05, 0.95])]
        assert found == pytest.approx([noise["mean"], noise["low"], noise["high"]], abs=HALF_PRECISION)
    verify(record)


def test_the_order_of_the_other_test_images_does_not_move_an_images_path(trained, sample, zeros):
    images, labels, anomalous = sample
    first = [anomalous.argmin(), anomalous.argmax()]
    order = np.concatenate([first, np.random.permutation(np.setdiff1d(np.arange(len(images)), first))])[:20]
    again = diagnose(trained, images[order], labels[order], anomalous[order], zeros.train[:20]).images
    for name, values in diagnose(trained, images[:20], labels[:20], anomalous[:20], zeros.train[:20]).images.items():
        np.testing.assert_allclose(again[name].astype(float), values.astype(float), rtol=2e-3, atol=1e-4)


def test_the_diagnostics_need_no_second_normal_image(digits, run_options, tmp_path):
    """With one normal test image there are no halves to compare, and a single z has no batch statistics."""
    zero = np.flatnonzero(digits.test_labels == 0)[:1]
    rows = np.concatenate([zero, np.flatnonzero(digits.test_labels == 1)[:9]])
    few = dataclasses.replace(digits, test_images=digits.test_images[rows], test_labels=digits.test_labels[rows])
    for options in (dict(test_latent_count=1), dict(test_batch_size=1)):
        _, (one,) = run.requested(
            "adcgan", "digits", "one-vs-all", [0], [0], run_options | dict(epochs=1, warm_up_epochs=0) | options
        )
        record = run.execute(one, few, tmp_path, "cpu")
        assert diagnosing.diagnose(record, "cpu", dataset=few)
        record = records.find(one, tmp_path)
        assert record.variants and not [name for name in record.draws if name.startswith("null")]
        batched = [name for name in record.variants if name.startswith("batch statistics")]
        assert bool(batched) == (options.get("test_latent_count") != 1)
