"""One image step by step: the steps are what the networks say, and lead to the components of its score."""

import numpy as np
import pytest
import torch

from adcgan.diagnostics.one_image import steps
from adcgan.scoring import COMPONENTS


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.fixture
def two(zeros):
    """The first normal and the first anomalous test image."""
    return zeros.test[[np.flatnonzero(~zeros.anomalous)[0], np.flatnonzero(zeros.anomalous)[0]]]


@pytest.fixture
def path(trained, two):
    return steps(trained, two)


def read_off(path):
    """Each component is read off the steps before it."""
    close(path["L_FE"], np.abs(path["E_x"] - path["E_G_E_x"]).mean(1))
    close(path["L_GD"], path["f_D_gap"].mean((1, 2)))
    close(path["L_FL"], np.abs(path["D_z_reference"] - path["D_z_image"]).sum(2).mean(1))


def test_the_steps_are_what_the_networks_say_of_each_image_alone(path, trained, two):
    E, G, D, D_z = (trained.networks[name] for name in ("E", "G", "D", "D_z"))
    z = torch.randn(16, 100, generator=torch.Generator().manual_seed(0))
    assert path["D_z_reference"].shape == path["D_z_image"].shape == (2, 16, 1)
    assert {path[name].shape for name in COMPONENTS} == {(2,)}
    with trained.evaluating():
        for n, image in enumerate(two):
            x = torch.tensor(image / 255, dtype=torch.float32).permute(2, 0, 1)[None]
            again = G(E(x))
            features = [D.to_local(picture)[0].numpy() for picture in (x, again)]
            close(path["E_x"][n], E(x)[0])
            close(path["E_G_E_x"][n], E(again)[0])
            close(path["f_D_x"][n], np.abs(features[0]).mean(0))
            close(path["f_D_G_E_x"][n], np.abs(features[1]).mean(0))
            close(path["f_D_gap"][n], np.abs(features[0] - features[1]).mean(0))
            for k in range(16):  # recipe printed: the printed order, probabilities
                E_of_G = E(G(z[k : k + 1]))
                close(path["D_z_reference"][n, k], D_z(E_of_G, z[k : k + 1])[0].sigmoid())
                close(path["D_z_image"][n, k], D_z(E(x), E_of_G)[0].sigmoid())


@pytest.mark.parametrize(
    "options", [{}, dict(latent_feature="printed"), dict(latent_feature="released"), dict(latent_output="logit")]
)
def test_the_components_are_read_off_the_steps_before_them_under_every_form_of_the_score(trained_as, two, options):
    method = trained_as(**options)
    path, components = steps(method, two), method.score(two)
    for name in COMPONENTS:
        close(path[name], components[name])
    read_off(path)


def test_features_after_their_projection_change_the_path_with_them(small_method, two):
    method = small_method(projection="local", feature_tap="projected", local_tap="block")
    path = steps(method, two)
    assert path["f_D_x"].shape == (2, 6, 6)
    close(path["L_GD"], method.score(two)["L_GD"])
    read_off(path)


@pytest.mark.parametrize(
    "options",
    [dict(test_mode="batch-statistics"), dict(test_mode="power-iteration"), dict(test_latents="per-image")],
)
def test_there_is_no_path_where_other_images_would_enter_it(trained_as, two, options):
    assert steps(trained_as(**options), two) is None
