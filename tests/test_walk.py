"""One image's path to its score: each step is the score's own, and a record keeps it."""

import dataclasses

import numpy as np
import pytest
import torch

from adcgan import experiments, records
from adcgan.scores import COMPONENTS, normality_score


@pytest.fixture
def two(zeros):
    """The first normal and the first anomalous test image."""
    return zeros.test[[np.flatnonzero(~zeros.anomalous)[0], np.flatnonzero(zeros.anomalous)[0]]]


@pytest.fixture
def path(trained, two):
    return trained.walk(two)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_path_has_a_value_of_every_step_for_each_image(path):
    assert {name: values.shape[0] for name, values in path.items()} == dict.fromkeys(path, 2)
    assert path["E_x"].shape == path["E_G_E_x"].shape == (2, 100)
    assert path["D_z_reference"].shape == path["D_z_image"].shape == (2, 16, 1)
    assert path["f_D_x"].shape == path["f_D_G_E_x"].shape == path["f_D_gap"].shape == (2, 6, 6)
    assert {path[name].shape for name in COMPONENTS} == {(2,)}


def test_each_component_is_read_off_the_steps_before_it(path):
    close(path["L_FE"], np.abs(path["E_x"] - path["E_G_E_x"]).mean(1))
    close(path["L_GD"], path["f_D_gap"].mean((1, 2)))
    close(path["L_FL"], np.abs(path["D_z_reference"] - path["D_z_image"]).sum(2).mean(1))


def test_the_steps_are_what_the_networks_say_of_each_image_alone(path, trained, two):
    E, G, D, D_z = (trained.networks[name] for name in ("E", "G", "D", "D_z"))
    z = torch.randn(16, 100, generator=torch.Generator().manual_seed(0))
    for network in (E, G, D, D_z):
        network.eval()
    with torch.no_grad():
        for n, image in enumerate(two):
            x = torch.tensor(image / 255, dtype=torch.float32).permute(2, 0, 1)[None]
            again = G(E(x))
            features = [D.project_local(D.to_local(picture))[0].numpy() for picture in (x, again)]
            close(path["E_x"][n], E(x)[0])
            close(path["E_G_E_x"][n], E(again)[0])
            close(path["f_D_x"][n], np.abs(features[0]).mean(0))
            close(path["f_D_G_E_x"][n], np.abs(features[1]).mean(0))
            close(path["f_D_gap"][n], np.abs(features[0] - features[1]).mean(0))
            for k in range(16):
                E_of_G = E(G(z[k : k + 1]))
                close(path["D_z_reference"][n, k], D_z(z[k : k + 1], E_of_G)[0])
                close(path["D_z_image"][n, k], D_z(E_of_G, E(x))[0])


@pytest.mark.parametrize(
    "options", [dict(feature_tap="raw"), dict(latent_feature="released"), dict(latent_output="probability")]
)
def test_other_readings_of_the_score_change_the_path_with_it(trained_as, two, options):
    method = trained_as(**options)
    path, components = method.walk(two), method.score(two, np.array([False, True]))
    for name in COMPONENTS:
        close(path[name], components[name])
    close(path["L_GD"], path["f_D_gap"].mean((1, 2)))
    close(path["L_FL"], np.abs(path["D_z_reference"] - path["D_z_image"]).sum(2).mean(1))


@pytest.mark.parametrize("options", [dict(test_mode="batch-statistics"), dict(test_latents="per-image")])
def test_there_is_no_path_where_other_images_would_enter_it(trained_as, two, options):
    assert trained_as(**options).walk(two) is None


def first_of_each_kind(record):
    return [np.flatnonzero(record.anomalous == flag)[0] for flag in (False, True)]


def test_a_record_keeps_the_path_that_leads_to_its_scores(record):
    rows = first_of_each_kind(record)
    assert {values.dtype for values in record.walk.values()} == {np.dtype(np.float16)}
    for name in COMPONENTS:
        np.testing.assert_allclose(record.walk[name], record.components[name][rows], rtol=2**-10)
    scores = normality_score(record.cell.config, {name: record.walk[name] for name in COMPONENTS})
    np.testing.assert_allclose(scores, record.scores[rows], rtol=2**-9)
    assert (record.directory / records.WALK).stat().st_size < 10_000


def test_the_path_in_a_record_is_listed_and_read_back(record, runs_of):
    assert records.WALK in record.content["files"]
    again = records.read(record.directory / records.RECORD, runs_of(record)).walk
    assert {name: values.tobytes() for name, values in again.items()} == {
        name: values.tobytes() for name, values in record.walk.items()
    }


def test_a_record_without_a_path_is_valid(record, tmp_path):
    added = ("format", "pictures", "files")
    content = {name: value for name, value in record.content.items() if name not in added}
    arrays = {"labels": record.labels, "anomalous": record.anomalous} | record.components
    rows = {name: row[..., None] for name, row in record.picture_rows().items()}
    written = records.write(record.cell, tmp_path, content, arrays, rows, record.study)
    assert written.walk == {} and records.WALK not in written.content["files"]


def test_the_order_of_the_other_test_images_does_not_matter(record, digits, run_options, tmp_path):
    """The same run, with every test image but the first of each kind in another place."""
    first = first_of_each_kind(record)
    others = np.random.permutation(np.setdiff1d(np.arange(len(digits.test_images)), first))
    order = np.concatenate([first, others])
    shuffled = dataclasses.replace(digits, test_images=digits.test_images[order], test_labels=digits.test_labels[order])
    again = experiments.run(record.cell, shuffled, tmp_path, "cpu")
    assert not (again.labels == record.labels).all()
    for name, values in record.walk.items():
        np.testing.assert_allclose(again.walk[name].astype(float), values.astype(float), rtol=2e-3, atol=1e-4)
