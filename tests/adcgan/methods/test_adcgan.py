"""AD-CGAN step by step: who learns what, at which rate, under every option; and what the score answers to."""

import numpy as np
import pytest
import torch
from small import learners
from torch import nn

from adcgan import scoring
from adcgan.models.layers import Adam
from adcgan.scoring import auroc

WARM_UP, ADVERSARIAL = 0, 1  # epochs of the small configuration


@pytest.fixture
def x(small_method, zeros):
    return small_method().pixels(zeros.train[:16])


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (lambda method, x: method.critic_step(x, method.draw(x)), {"D"}),
        (lambda method, x: method.generator_step(x, method.draw(x)), {"G"}),
        (lambda method, x: method.latent_step(x, method.draw(x)), {"D_z"}),
        (lambda method, x: method.autoencoder_step(x, method.draw(x)), {"E", "G"}),
        (lambda method, x: method.step(x, WARM_UP), {"E", "G"}),
        (lambda method, x: method.step(x, ADVERSARIAL), {"E", "G", "D", "D_z"}),
    ],
    ids=["critic", "generator", "latent", "autoencoder", "warm-up", "whole"],
)
@pytest.mark.parametrize("generator_optimiser", ["shared", "separate"])
def test_a_step_changes_all_weights_of_its_networks_and_no_other(small_method, x, step, expected, generator_optimiser):
    method = small_method(generator_optimiser=generator_optimiser)
    assert learners(method, lambda: step(method, x)) == (expected, expected)
    assert all(parameter.requires_grad for network in method.networks.values() for parameter in network.parameters())


@pytest.mark.parametrize("generator_optimiser", ["shared", "separate"])
def test_optimisers_have_the_papers_rates_and_each_its_own_network(small_method, generator_optimiser):
    method = small_method(generator_optimiser=generator_optimiser)
    autoencoder = {"shared": {"E"}, "separate": {"E", "G_AE"}}[generator_optimiser]
    assert set(method.optimisers) == set(method.networks) | autoencoder
    for name, optimiser in method.optimisers.items():
        (group,) = optimiser.param_groups
        rate = 2e-4 if name in autoencoder else 3e-4
        assert type(optimiser) is Adam
        assert (group["lr"], group["betas"], group["weight_decay"]) == (rate, (0.5, 0.999), 0)
        network = method.networks[name.removesuffix("_AE")]
        assert [id(p) for p in group["params"]] == [id(p) for p in network.parameters()]


def test_discriminators_learn_during_warm_up_where_asked_to(small_method, x):
    method = small_method(warm_up="with-discriminators")
    assert learners(method, lambda: method.step(x, WARM_UP))[0] == {"E", "G", "D", "D_z"}


def test_adamw_has_the_decays_of_the_october_2021_script(small_method):
    decays = {"E": ("AdamW", 0.05), "G": ("AdamW", 0.05), "D": ("AdamW", 0.01), "D_z": ("Adam", 0.05)}
    for sharing, more in (("shared", {}), ("separate", {"G_AE": ("AdamW", 0.05)})):
        optimisers = small_method(optimiser="adamw", generator_optimiser=sharing).optimisers
        kinds = {name: (type(o).__name__, o.param_groups[0]["weight_decay"]) for name, o in optimisers.items()}
        assert kinds == decays | more


def test_learning_rates_rise_linearly_over_a_learning_rate_warm_up(small_method):
    method = small_method(warm_up="learning-rate", warm_up_epochs=4)
    rates = []
    for epoch in range(6):
        method.begin_epoch(epoch)
        rates.append([method.optimisers[name].param_groups[0]["lr"] for name in ("E", "G_AE", "D")])
    np.testing.assert_allclose(rates, np.outer([0.25, 0.5, 0.75, 1, 1, 1], [2e-4, 2e-4, 3e-4]))


def test_accumulated_critic_gradients_are_the_sum_over_the_updates(small_method, x):
    def gradient(critic_gradients, critic_steps):
        # A rate of 0 leaves the critic where it is, so that both updates of a pair see the same weights.
        method = small_method(learning_rate_cgan=0.0, critic_gradients=critic_gradients, critic_steps=critic_steps,
                              latent_draws="shared", critic_norm="spectral", logit_head="mlp")  # fmt: skip
        method.G.eval(), method.D.eval()  # spectral norm and batch norm frozen
        method.critic_step(x, torch.ones(len(x), 100))
        return method.D.head[0].parametrizations.weight.original.grad

    torch.testing.assert_close(gradient("zeroed", 2), gradient("zeroed", 1))
    torch.testing.assert_close(gradient("accumulated", 2), 2 * gradient("zeroed", 1))


@pytest.mark.parametrize(("latent_draws", "different"), [("fresh", 4), ("shared", 1)])
def test_latents_are_fresh_for_every_update_or_one_for_the_batch(small_method, x, latent_draws, different):
    method = small_method(latent_draws=latent_draws)
    seen = []
    method.G.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].detach()))
    method.D_z.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].detach()))
    method.step(x, ADVERSARIAL)
    decoded = seen.pop(-2)  # the autoencoder's step decodes E(x); every other latent was drawn
    assert not any(torch.equal(decoded, z) for z in seen)
    # Two critic updates, the generator's, and one for D_z's side and the encoder's.
    assert len(seen) == 6 and len(torch.stack(seen).unique(dim=0)) == different


@pytest.mark.parametrize(("prior", "spread", "largest"), [("gaussian", 1.0, 6.0), ("uniform", 3**-0.5, 1.0)])
def test_latents_follow_the_prior(small_method, prior, spread, largest):
    method = small_method(prior=prior)
    for z in (method.draw(torch.empty(500)), method.test_latents(4)):
        assert z.std().item() == pytest.approx(spread, rel=0.05)
        assert z.abs().max() <= largest


@pytest.mark.parametrize(("pixel_range", "lowest"), [("unit", 0.0), ("symmetric", -1.0)])
def test_pixels_and_pictures_convert_into_each_other(small_method, pixel_range, lowest):
    method = small_method(pixel_range=pixel_range)
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    pixels = method.pixels(images)
    assert pixels.shape == (1, 1, 16, 16)
    assert (pixels.min(), pixels.max()) == (lowest, 1)
    assert (method.to_uint8(pixels) == images).all()


def test_noise_and_other_digits_are_more_anomalous_than_the_digit_trained_on(trained, zeros):
    noise = np.random.randint(0, 256, (40, 28, 28, 1), np.uint8)
    images = np.concatenate([zeros.test, noise])
    ns = scoring.normality_score(trained.config, trained.score(images))
    assert auroc(zeros.anomalous, ns[:-40]) > 0.8
    assert (ns[-40:] > np.median(ns[:-40][~zeros.anomalous])).all()
    normal = zeros.train[:20]
    errors = [np.abs(other.astype(float) - normal).mean() for other in (trained.reconstruct(normal), 0 * normal)]
    assert errors[0] < errors[1], "reconstructions resemble what was trained on"


def test_the_normality_score_is_equation_4_with_the_configured_weights(small_config):
    components = {name: np.random.rand(5).astype(np.float32) for name in scoring.COMPONENTS}
    c = {name: values.astype(float) for name, values in components.items()}
    mean = scoring.normality_score(small_config(reduction="mean"), components)
    np.testing.assert_allclose(mean, 0.1 * c["L_GD"] + 0.9 * c["L_GR"] + 0.5 * c["L_FE"] + 0.5 * c["L_FL"])
    other = scoring.normality_score(small_config(reduction="mean", lambda_=0.25, rho=1.0), components)
    np.testing.assert_allclose(other, 0.25 * c["L_GD"] + 0.75 * c["L_GR"] + c["L_FE"])
    summed = scoring.normality_score(small_config(), components)  # of sums, where the components are means
    sums = {name: count * c[name] for name, count in scoring.terms(small_config()).items()}
    np.testing.assert_allclose(
        summed, 0.1 * sums["L_GD"] + 0.9 * sums["L_GR"] + 0.5 * sums["L_FE"] + 0.5 * sums["L_FL"]
    )


@pytest.mark.parametrize(
    "options",
    [
        {}, dict(architecture="t2p", image_size=32, channels=3), dict(local_tap="block"),
        *(dict(projection=name, feature_tap="projected") for name in ("local", "global", "both")),
    ],
)  # fmt: skip
def test_the_terms_of_L_GD_are_the_features_that_the_critic_has(small_method, small_config, options):
    config = small_config(**options)
    x = torch.zeros(1, config.channels, config.image_size, config.image_size)
    features = small_method(**options).D.f_D(x, config.feature_tap)
    assert scoring.terms(config)["L_GD"] == features.numel()


@pytest.mark.parametrize("latent_output", ["logit", "probability"])
@pytest.mark.parametrize("latent_feature", ["printed", "printed-order", "released"])
def test_components_are_those_of_the_equations_on_the_networks(trained_as, zeros, latent_feature, latent_output):
    trained = trained_as(latent_feature=latent_feature, latent_output=latent_output)
    images = zeros.test[:3]
    measured = trained.score(images)
    Z = torch.randn(1, 16, 100, generator=torch.Generator().manual_seed(0))[0]
    E, G, D, D_z = (trained.networks[name] for name in ("E", "G", "D", "D_z"))

    def output(first, second):
        logit = D_z(second, first) if latent_feature == "printed-order" else D_z(first, second)
        return logit if latent_output == "logit" else 1 / (1 + (-logit).exp())

    with trained.evaluating():
        for n, x in enumerate(trained.pixels(images)):
            x = x[None]
            again = G(E(x))
            assert measured["L_GR"][n] == pytest.approx((x - again).abs().mean().item(), rel=1e-4)
            assert measured["L_FE"][n] == pytest.approx((E(x) - E(again)).abs().mean().item(), rel=1e-4)
            maps = D.to_local(x), D.to_local(again)
            assert measured["L_GD"][n] == pytest.approx((maps[0] - maps[1]).abs().mean().item(), rel=1e-4)
            differences = []
            for z in Z:
                middle = E(again) if latent_feature == "released" else E(G(z[None]))
                differences.append(output(z[None], middle) - output(middle, E(x)))
            assert measured["L_FL"][n] == pytest.approx(torch.cat(differences).abs().mean().item(), rel=1e-4)


@pytest.mark.parametrize("projection", ["local", "both"])
def test_the_features_of_L_GD_may_be_taken_after_their_projection(small_method, zeros, projection):
    method = small_method(projection=projection, feature_tap="projected")
    measured, D = method.score(zeros.test[:3])["L_GD"], method.D
    with method.evaluating():
        x = method.pixels(zeros.test[:3])
        maps = [D.project_local(D.to_local(image)) for image in (x, method.G(method.E(x)))]
        expected = (maps[0] - maps[1]).abs().mean((1, 2, 3)).numpy()
    np.testing.assert_allclose(measured, expected, rtol=1e-4)


@pytest.mark.parametrize("reconstruction", ["sum", "mean"])
def test_validation_watches_the_reconstruction_error(trained_as, zeros, reconstruction):
    trained, images = trained_as(reconstruction=reconstruction), zeros.train[:10]
    with trained.evaluating():
        x = trained.pixels(images)
        squares = (x - trained.G(trained.E(x))) ** 2
        expected = (squares.mean() if reconstruction == "mean" else squares.sum() / len(images)).item()
    assert trained.validate(images) == {"validation_L_AE": pytest.approx(expected, rel=1e-4)}


# --- what scoring may depend on under options that let it ---------------------------------------------------


def test_a_z_for_each_image_is_given_by_its_place_alone(trained_as):
    Z = trained_as(test_latents="per-image").test_latents(6)
    assert Z.shape == (6, 1, 100) and len(Z.unique(dim=0)) == 6
    assert torch.equal(trained_as(test_latents="per-image").test_latents(4), Z[:4]), "whatever comes after"


@pytest.mark.parametrize("test_mode", ["eval", "batch-statistics", "power-iteration"])
def test_scoring_leaves_no_trace_in_the_networks_and_batch_statistics_alone_see_the_other_images(
    trained_as, zeros, test_mode
):
    method = trained_as(test_mode=test_mode)
    method.train()
    seen = set()
    for network in method.networks.values():
        for module in network.modules():
            module.register_forward_hook(lambda m, *_: seen.add((isinstance(m, nn.BatchNorm2d), m.training)))

    def states():
        return {
            (name, part): value.clone()
            for name, network in method.networks.items()
            for part, value in network.state_dict().items()
        }

    before, images = states(), zeros.test[:40]
    spectral = [part for _, part in before if part.endswith(("._u", "._v"))]
    running = [part for _, part in before if part.endswith(("running_mean", "running_var"))]
    assert spectral and running
    together = method.score(images)
    if test_mode != "power-iteration":
        assert seen >= {(False, False), (True, test_mode == "batch-statistics")}
    method.reconstruct(images)
    after = states()
    # PyTorch counts the batches that batch norm has seen; with a fixed momentum nothing reads the count.
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {part.rpartition(".")[2] for _, part in changed} <= {"num_batches_tracked"}
    assert all(module.training for network in method.networks.values() for module in network.modules())
    apart = method.score(images[:10])
    assert np.allclose(together["L_GR"][:10], apart["L_GR"], rtol=1e-4) == (test_mode != "batch-statistics")


def test_training_mode_comes_back_after_a_failed_score(trained_as):
    method = trained_as()
    method.train()
    with pytest.raises(RuntimeError):
        method.score(np.zeros((2, 5, 5, 1), np.uint8))
    assert all(module.training for network in method.networks.values() for module in network.modules())
