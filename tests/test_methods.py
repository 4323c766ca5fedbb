"""AD-CGAN step by step: who learns what, at which rate, under every option; and what the score answers to."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch

from adcgan import methods, scoring
from adcgan.config import ADCGANConfig, configure
from adcgan.errors import AdcganError
from adcgan.models.layers import Adam
from adcgan.scoring import auroc

WARM_UP, ADVERSARIAL = 0, 1  # epochs of the small configuration
# Settled around the method, not in it: `test_experiments` and `test_training` see to them.
ELSEWHERE = {"warm_up_count", "preprocessing", "test_set", "test_order", "last_batch"}
# What a choice needs beside it to mean something.
BESIDE = {
    "channels": {"image_size": 32},
    "dropout": {"image_size": 32, "channels": 3},
    "feature_tap": {"projection": "local"},
}
DEFAULT = configure("adcgan", "one-vs-all", 28, 1)
CHOICES = [
    (field.name, choice)
    for field in dataclasses.fields(ADCGANConfig)
    for choice in field.metadata["choices"] or ()
    if field.name not in ELSEWHERE and choice != getattr(DEFAULT, field.name)
]
NUMBERS = [
    ("latent_size", 50), ("width", 0.2), ("alpha", 0.0), ("beta", 0.0), ("latent_weight", 0.5),
    ("learning_rate_cgan", 1e-4), ("learning_rate_autoencoder", 1e-4), ("critic_steps", 3), ("lambda_", 0.5),
    ("rho", 1.0), ("test_latent_count", 4),
]  # fmt: skip


@pytest.fixture
def x(small_method, zeros):
    return small_method().pixels(zeros.train[:16])


def weights(method):
    """Every trainable weight with two or more dimensions: a bias may well have no gradient."""
    return {
        (name, part): parameter.detach().clone()
        for name, network in method.networks.items()
        for part, parameter in network.named_parameters()
        if parameter.ndim > 1
    }


def changes(method, step):
    """Networks of which every weight changed in ``step``, and networks of which any did."""
    before = weights(method)
    step()
    after = weights(method)
    changed = {key: not torch.equal(before[key], after[key]) for key in before}
    whole = {name for name in method.networks if all(value for key, value in changed.items() if key[0] == name)}
    return whole, {name for (name, _), value in changed.items() if value}


@pytest.mark.parametrize(
    ("step", "learners"),
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
def test_a_step_changes_all_weights_of_its_networks_and_no_other(small_method, x, step, learners, generator_optimiser):
    method = small_method(generator_optimiser=generator_optimiser)
    assert changes(method, lambda: step(method, x)) == (learners, learners)


def test_discriminators_learn_during_warm_up_where_asked_to(small_method, x):
    method = small_method(warm_up="with-discriminators")
    whole, _ = changes(method, lambda: method.step(x, WARM_UP))
    assert whole == {"E", "G", "D", "D_z"}


def test_the_critic_is_trainable_again_after_the_generators_step(small_method, x):
    method = small_method()
    method.generator_step(x, method.draw(x))
    assert all(parameter.requires_grad for parameter in method.D.parameters())
    assert all(parameter.grad is None for parameter in method.D.parameters())


def test_every_step_logs_finite_scalars_without_their_graphs(small_method, x):
    log = small_method().step(x, ADVERSARIAL)
    assert set(log) == {
        "L_adv_D", "L_cgan_real", "logit_gap", "L_adv_G", "L_cgan_fake", "L_dz", "L_AE", "L_E",
    }  # fmt: skip
    assert all(value.isfinite() and value.ndim == 0 and not value.requires_grad for value in log.values())


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


@pytest.fixture(scope="module")
def outcome(small_method):
    """All weights after a warm-up and an adversarial step, and the scores of four images, two of them anomalous."""

    @cache
    def measure(options):
        method = small_method(**dict(options))
        size, channels = method.config.image_size, method.config.channels
        images = np.random.default_rng(0).integers(0, 256, (8, size, size, channels), np.uint8)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            for epoch in (WARM_UP, ADVERSARIAL):
                method.begin_epoch(epoch)
                method.step(method.pixels(images), epoch)
            components = method.score(images[:4])
        return [*weights(method).values(), torch.as_tensor(scoring.normality_score(method.config, components))]

    return lambda **options: measure(tuple(options.items()))


@pytest.mark.parametrize(("name", "choice"), CHOICES + NUMBERS)
def test_every_choice_trains_and_scores_and_makes_a_difference(outcome, name, choice):
    beside = BESIDE.get(name, {})
    result, default = outcome(**beside | {name: choice}), outcome(**beside)
    assert all(values.isfinite().all() for values in result + default)
    assert len(result) != len(default) or any(
        a.shape != b.shape or not torch.equal(a, b) for a, b in zip(result, default, strict=True)
    )


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


def test_accumulated_critic_gradients_lead_elsewhere_than_zeroed_ones(small_method, x):
    after = {}
    for choice in ("zeroed", "accumulated"):
        method = small_method(critic_gradients=choice)
        torch.manual_seed(1)
        method.critic_step(x, method.draw(x))
        after[choice] = weights(method)["D", "to_local.0.0.parametrizations.weight.original"]
    assert not torch.equal(after["zeroed"], after["accumulated"])


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


def test_reconstructions_are_pictures_and_resemble_what_was_trained(trained, zeros):
    images = zeros.train[:20]
    reconstructions = trained.reconstruct(images)
    assert reconstructions.shape == images.shape and reconstructions.dtype == np.uint8

    def distance(others):
        return np.abs(others.astype(float) - images).mean()

    assert distance(reconstructions) < distance(np.zeros_like(images))


def test_noise_and_other_digits_are_more_anomalous_than_the_digit_trained_on(trained, zeros):
    noise = np.random.randint(0, 256, (40, 28, 28, 1), np.uint8)
    images = np.concatenate([zeros.test, noise])
    ns = scoring.normality_score(trained.config, trained.score(images))
    assert auroc(zeros.anomalous, ns[:-40]) > 0.8
    assert (ns[-40:] > np.median(ns[:-40][~zeros.anomalous])).all()


def test_the_normality_score_is_equation_4_with_the_configured_weights(small_config):
    components = {name: np.random.rand(5).astype(np.float32) for name in scoring.COMPONENTS}
    c = {name: values.astype(float) for name, values in components.items()}
    mean = scoring.normality_score(small_config(reduction="mean"), components)
    np.testing.assert_allclose(mean, 0.1 * c["L_GD"] + 0.9 * c["L_GR"] + 0.5 * c["L_FE"] + 0.5 * c["L_FL"])
    other = scoring.normality_score(small_config(reduction="mean", lambda_=0.25, rho=1.0), components)
    np.testing.assert_allclose(other, 0.25 * c["L_GD"] + 0.75 * c["L_GR"] + c["L_FE"])
    printed = scoring.normality_score(small_config(), components)  # of sums, where the components are means
    sums = {name: count * c[name] for name, count in scoring.terms(small_config()).items()}
    np.testing.assert_allclose(
        printed, 0.1 * sums["L_GD"] + 0.9 * sums["L_GR"] + 0.5 * sums["L_FE"] + 0.5 * sums["L_FL"]
    )


@pytest.mark.parametrize(("local_tap", "features"), [("block", 128 * 7 * 7), ("layer", 256 * 7 * 7)])
def test_printed_sums_have_as_many_terms_as_features_pixels_and_latents(small_config, local_tap, features):
    assert scoring.terms(small_config(width=1.0, architecture="t2p", local_tap=local_tap)) == {
        "L_GD": features, "L_GR": 28 * 28, "L_FE": 100, "L_FL": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {}, dict(architecture="t2p"), dict(local_tap="block"), dict(image_size=32, channels=3),
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


def test_an_unknown_method_is_refused_with_the_known_ones(small_config):
    with pytest.raises(AdcganError, match="unknown method 'gan': expected one of adcgan"):
        methods.build("gan", small_config(), torch.device("cpu"))
