"""ALAD, ADGAN, AE-GAN, AnoGAN and the plain autoencoder: losses, steps, averages, early stop, searches, scores."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from small import BATCH, build, learners, parameters, refusal, train
from torch import nn

from adcgan.config import configure
from adcgan.methods.base import latents_of
from adcgan.scoring import normality_score

BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d


@pytest.fixture(scope="module")
def fitted(zeros, tmp_path_factory):
    """Methods trained on the digit 0 for two epochs, by name. Tests leave them as they are."""

    @cache
    def make(name):
        method = build(name)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            train(method, zeros.train[:60], tmp_path_factory.mktemp(name) / "checkpoint.pt")
        return method

    return make


@pytest.fixture
def fitted_as(fitted):
    """The trained networks behind other options."""

    def make(name, **options):
        method = build(name, **options)
        method.load_state(fitted(name).state())
        return method

    return make


@pytest.fixture
def sample(zeros):
    """Twelve test images, half of them normal."""
    normal, anomalous = np.flatnonzero(~zeros.anomalous), np.flatnonzero(zeros.anomalous)
    rows = np.concatenate([normal[:6], anomalous[:6]])
    return zeros.test[rows]


def batch(method, zeros):
    """What one step is given."""
    return method.pixels(zeros.train[: BATCH * method.shuffles])


def array(values):
    return values.detach().numpy().astype(float)


# --- losses -------------------------------------------------------------------------------------------------


def stirred(name, **options):
    """A method in eval mode that does not learn, its weights such that logits are far from 0."""
    method = build(name, learning_rate=0.0, **(dict(spectral_norm="off") if name == "alad" else {}), **options)
    for network in method.networks.values():
        network.eval()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.normal_(module.weight, std=2 * nn.init._calculate_fan_in_and_fan_out(module.weight)[0] ** -0.5)
                nn.init.normal_(module.bias, std=0.1)
            elif isinstance(module, BATCH_NORMS):
                nn.init.normal_(module.running_mean, std=0.1)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return method


def cross_entropy(logits, label):
    """-log of the probability that the sigmoid of each logit gives ``label``, mean."""
    probability = 1 / (1 + np.exp(-array(logits)))
    return -np.log(probability if label else 1 - probability).mean()


def specified_losses(method, x):
    """What each network learns from, as the specification has it, in the order in which a step draws: by network."""
    name, config = type(method).__name__, method.config
    F = nn.functional

    def draw():
        return torch.randn(BATCH, config.latent_size)

    def entropy(logits, label):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    def class_entropy(logits, label):
        return F.cross_entropy(logits, torch.full((BATCH,), label))

    if name == "ALAD":
        E, G, D_xz, D_xx, D_zz = (method.networks[name] for name in ("E", "G", "D_xz", "D_xx", "D_zz"))
        (x, y), z, w = x.chunk(2), draw(), draw()
        cycle = entropy(D_xx(y, y)[0], 0.0) + entropy(D_xx(y, G(E(y)))[0], 1.0)
        cycle = cycle + entropy(D_zz(w, w), 0.0) + entropy(D_zz(w, E(G(w))), 1.0)
        return {
            "D_xz": entropy(D_xz(x, E(x)), 1.0) + entropy(D_xz(G(z), z), 0.0),
            "D_xx": entropy(D_xx(x, x)[0], 1.0) + entropy(D_xx(x, G(E(x)))[0], 0.0),
            "D_zz": entropy(D_zz(z, z), 1.0) + entropy(D_zz(z, E(G(z))), 0.0),
            "G": entropy(D_xz(G(w), w), 1.0) + cycle,
            "E": entropy(D_xz(y, E(y)), 0.0) + cycle,
        }
    E, G, D = (method.networks.get(name) for name in ("E", "G", "D"))
    if name == "AEGAN":
        generated = G(draw())
        return {
            "E": F.mse_loss(G(E(x)), x),
            "G": class_entropy(D(generated), 1),
            "D": class_entropy(D(x), 1) + class_entropy(D(generated), 0),
        }
    if name == "AnoGAN":
        return {"D": entropy(D(x), 1.0) + entropy(D(G(draw())), 0.0), "G": entropy(D(G(draw())), 1.0)}
    generated, u = G(draw()).detach(), torch.rand(BATCH, 1, 1, 1)
    between = (u * x + (1 - u) * generated).requires_grad_()
    each = [torch.autograd.grad(D(point[None]).squeeze(), point, create_graph=True)[0] for point in between]
    penalty = sum((slope.norm() - 1) ** 2 for slope in each) / BATCH
    return {"D": D(generated).mean() - D(x).mean() + 20 * penalty, "G": -D(G(draw())).mean()}


@pytest.mark.parametrize(
    ("name", "options"), [("alad", {}), ("aegan", {}), ("anogan", {}), ("adgan", dict(critic_steps=1))]
)
def test_every_network_learns_from_its_own_loss_and_from_no_other(zeros, name, options):
    method = stirred(name, **options)
    x = batch(method, zeros)
    torch.manual_seed(1)
    losses = specified_losses(method, x)
    expected = {
        name: torch.autograd.grad(loss, list(method.networks[name].parameters()), retain_graph=True)
        for name, loss in losses.items()
    }
    torch.manual_seed(1)
    method.step(x, 0)
    for name, gradients in expected.items():
        scale = max(gradient.abs().max().item() for gradient in gradients)
        assert scale > 1e-4
        for parameter, gradient in zip(method.networks[name].parameters(), gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4 * scale, msg=name)


# --- steps ---------------------------------------------------------------------------------------------------


def discriminator_step(method, x):
    return method.discriminator_step(x[:BATCH], method.draw(x[:BATCH]))


def generator_step(method, x):
    return method.generator_step(x[BATCH:], method.draw(x[BATCH:]))


def whole_step(method, x):
    return method.step(x, 0)


@pytest.mark.parametrize(
    ("name", "step", "expected"),
    [
        ("alad", discriminator_step, {"D_xz", "D_xx", "D_zz", "D_xx_average"}),
        ("alad", generator_step, {"E", "G", "E_average", "G_average"}),
        ("alad", whole_step, {"E", "G", "D_xz", "D_xx", "D_zz", "E_average", "G_average", "D_xx_average"}),
        ("adgan", whole_step, {"G", "D"}),
        ("aegan", whole_step, {"E", "G", "D"}),
        ("anogan", whole_step, {"G", "D"}),
        ("autoencoder", whole_step, {"E", "G"}),
    ],
)
def test_a_step_changes_all_weights_of_its_networks_and_no_other(zeros, name, step, expected):
    method = build(name)
    x = batch(method, zeros)
    assert learners(method, lambda: step(method, x)) == (expected, expected)
    learning = {name for name in method.networks if not name.endswith("_average")}
    assert all(p.requires_grad for name in learning for p in method.networks[name].parameters())


@pytest.mark.parametrize(
    ("name", "rate", "betas", "decays"),
    [
        ("alad", 2e-4, (0.5, 0.999), {name: 0 for name in ("E", "G", "D_xz", "D_xx", "D_zz")}),
        ("adgan", 1e-4, (0.0, 0.9), {"G": 0, "D": 0}),
        ("aegan", 1e-4, (0.9, 0.999), {"E": 1e-3, "G": 0.5, "D": 0.5}),
        ("anogan", 2e-4, (0.5, 0.999), {"G": 0, "D": 0}),
    ],
)
def test_optimisers_have_the_sources_rates_and_each_its_own_network(name, rate, betas, decays):
    method = build(name)
    assert set(method.optimisers) == set(decays)
    for network, optimiser in method.optimisers.items():
        (group,) = optimiser.param_groups
        assert isinstance(optimiser, torch.optim.Adam)
        assert (group["lr"], group["betas"], group["weight_decay"]) == (rate, betas, decays[network])
        assert [id(p) for p in group["params"]] == [id(p) for p in method.networks[network].parameters()]


# --- ALAD's averages and early stop ------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.999, 0.0])
@pytest.mark.parametrize(("step", "averaged"), [(discriminator_step, {"D_xx"}), (generator_step, {"E", "G"})])
def test_alads_averages_follow_their_weights_by_the_decay_and_take_over_the_statistics(zeros, decay, step, averaged):
    method = build("alad", ema_decay=decay, learning_rate=1e-2)
    x = batch(method, zeros)
    for _ in range(3):
        means = {name: [p.clone() for p in mean.parameters()] for name, mean in method.averages.items()}
        step(method, x)
        for name, mean in method.averages.items():
            now = method.networks[name]
            for before, after, raw in zip(means[name], mean.parameters(), now.parameters(), strict=True):
                expected = decay * before + (1 - decay) * raw if name in averaged else before
                torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-7)
            if name in averaged:
                assert all(torch.equal(value, now.state_dict()[part]) for part, value in mean.named_buffers()
                           if "running" in part)  # fmt: skip
    assert set(method.averages) == {"E", "G", "D_xx"}


def test_alad_scores_by_its_averages_alone(fitted_as, sample):
    method = fitted_as("alad")
    before, shown = method.score(sample), method.reconstruct(sample)
    for name in ("E", "G", "D_xx"):
        for parameter in method.networks[name].parameters():
            parameter.data += 1
    after = method.score(sample)
    assert all((before[name] == after[name]).all() for name in before)
    assert (method.reconstruct(sample) == shown).all()
    for parameter in method.averages["E"].parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    assert (method.score(sample)["features"] != before["features"]).any()


def test_alad_stops_early_by_its_normal_images_and_a_stopped_training_stays_stopped(zeros, tmp_path):
    images, seen = zeros.train[:50], []
    method = build("alad", epochs=20, patience=1, learning_rate=1e-3, ema_decay=0.5)
    validate = method.validate
    method.validate = lambda held_out: seen.append(held_out) or validate(held_out)
    history = train(method, images, tmp_path / "checkpoint.pt")
    assert all((held_out == images[45:]).all() for held_out in seen)
    watched = [epoch["validation_features"] for epoch in history.losses]
    best, without = np.inf, 0
    for epoch, value in enumerate(watched):
        best, without = (value, 0) if value < best else (best, without + 1)
        assert without <= 1 or epoch == len(watched) - 1
    assert without == 2 and 3 <= len(watched) < 20
    again = train(build("alad", epochs=20, patience=1), images, tmp_path / "checkpoint.pt")
    assert again.losses == history.losses and history.ended == again.ended == "early stop"


def test_alad_says_so_where_no_image_is_left_to_watch_its_loss_on(zeros, tmp_path):
    method = build("alad", validation_fraction=0.004)
    message = refusal(train, method, zeros.train, tmp_path / "checkpoint.pt")
    assert "none is held out" in message and "larger validation_fraction than 0.004" in message


def test_a_training_that_no_early_stop_ended_says_that_the_cap_did(zeros, tmp_path):
    history = train(build("alad", epochs=2, patience=1), zeros.train[:50], tmp_path / "checkpoint.pt")
    assert len(history.losses) == 2 and history.ended == "cap"


# --- scores ----------------------------------------------------------------------------------------------


def evaluated(network):
    return deepcopy(network).eval().requires_grad_(False)


def alad_alone(method, image):
    E, G, D_xx = (evaluated(method.networks[f"{name}_average"]) for name in ("E", "G", "D_xx"))
    x = method.pixels(image[None])
    reconstruction = G(E(x))
    logit, other = D_xx(x, reconstruction)
    difference = (array(x) - array(reconstruction)).ravel()
    return {
        "features": np.abs(array(D_xx(x, x)[1]) - array(other)).mean(),
        "cross-entropy": cross_entropy(logit, 1),
        "l1": np.abs(difference).mean(),
        "l2": np.linalg.norm(difference) / len(difference) ** 0.5,
    }


def aegan_alone(method, image):
    E, G, f_D = evaluated(method.E), evaluated(method.G), evaluated(method.f_D)
    x = method.pixels(image[None])
    again = G(E(x))
    return {
        "L_GD": np.abs(array(f_D(x)) - array(f_D(again))).mean(),
        "L_GR": np.abs(array(x) - array(again)).mean(),
        "L_FE": np.abs(array(E(x)) - array(E(again))).mean(),
    }


def autoencoder_alone(method, image):
    E, G = evaluated(method.E), evaluated(method.G)
    x = method.pixels(image[None])
    return {"L_AE": ((array(x) - array(G(E(x)))) ** 2).mean()}


@pytest.mark.parametrize(
    ("name", "alone"), [("alad", alad_alone), ("aegan", aegan_alone), ("autoencoder", autoencoder_alone)]
)
def test_components_are_those_of_the_definition_image_by_image(fitted, sample, name, alone):
    measured = fitted(name).score(sample)
    for n, image in enumerate(sample):
        expected = alone(fitted(name), image)
        assert set(measured) == set(expected)
        for component, value in expected.items():
            assert measured[component].shape == (len(sample),) and measured[component].dtype == np.float32
            assert measured[component][n] == pytest.approx(value, rel=1e-4), component


def adgan_alone(method, image):
    """The loop over the starts: a generator of its own for each, and two optimisers in turn."""
    config, x, errors, ends = method.config, method.pixels(image[None]), [], []
    for z in method.first_latents(image[None])[0]:
        G = deepcopy(method.G).eval()
        z = z[None].clone().requires_grad_()
        of_z = torch.optim.Adam([z], config.search_rate_latent, (0.5, 0.999))
        of_G = torch.optim.Adam(G.parameters(), config.search_rate_generator, (0.5, 0.999))
        for _ in range(config.search_steps):
            for optimiser in (of_z, of_G):
                of_z.zero_grad(), of_G.zero_grad()
                ((G(z) - x) ** 2).mean().backward()
                optimiser.step()
        ends.append(G(z).detach())
        errors.append(((array(ends[-1]) - array(x)) ** 2).mean())
    return {"L_rec": np.mean(errors)}, ends[0]


def anogan_alone(method, image):
    """The loop over the steps of one image: z moves, the networks do not."""
    config, x = method.config, method.pixels(image[None])
    G, f = evaluated(method.G), evaluated(method.f)
    z = method.first_latents(image[None]).clone().requires_grad_()
    optimiser = torch.optim.Adam([z], config.search_rate)
    features, pixels = (0.1, 0.9) if config.weighting == "paper" else (0.9, 0.1)
    for _ in range(config.search_steps):
        optimiser.zero_grad()
        residual, discrimination = (x - G(z)).abs().sum(), (f(x) - f(G(z))).abs().sum()
        (pixels * residual + features * discrimination).backward()
        optimiser.step()
    end = G(z).detach()
    return {"L_R": np.abs(array(x) - array(end)).sum(), "L_D": np.abs(array(f(x)) - array(f(end))).sum()}, end


@pytest.mark.parametrize(
    ("name", "alone", "options"),
    [
        ("adgan", adgan_alone, dict(search_seeds=2, search_steps=3)),
        ("adgan", adgan_alone, dict(search_seeds=2, search_steps=3, search_rate_generator=1e-3)),
        ("anogan", anogan_alone, dict(search_steps=3)),
        ("anogan", anogan_alone, dict(search_steps=3, search_rate=0.1, weighting="alad")),
    ],
)
def test_the_batched_search_finds_what_a_plain_loop_finds_for_each_image_alone(sample, name, alone, options):
    method, images = stirred(name, **options), sample[[0, -1]]
    before = parameters(method)
    measured, shown = method.score(images), method.reconstruct(images)
    assert all(torch.equal(before[key], value) for key, value in parameters(method).items())
    rates = {"search_rate", "search_rate_latent", "search_rate_generator"} & method.config.to_dict().keys()
    unmoved = build(name, **options | dict.fromkeys(rates, 0.0))
    unmoved.load_state(method.state())
    start = unmoved.score(images)
    for n, image in enumerate(images):
        expected, end = alone(method, image)
        assert set(measured) == set(expected)
        for component, value in expected.items():
            assert measured[component][n] == pytest.approx(value, rel=1e-4, abs=1e-4)
        picture = method.to_uint8(end[:, :, 2:30, 2:30] if name == "adgan" else end)[0].astype(int)
        assert np.abs(shown[n] - picture).max() <= 1
    assert (normality_score(method.config, measured) < normality_score(method.config, start)).all()


def test_a_search_starts_from_normal_latents_that_the_image_alone_gives(zeros):
    images = zeros.test[:40]
    starts = latents_of(images, 3, 50)
    assert starts.shape == (40, 3, 50) and len(starts.flatten(0, 1).unique(dim=0)) == 120
    assert starts.mean().item() == pytest.approx(0, abs=0.05) and starts.std().item() == pytest.approx(1, rel=0.05)
    assert torch.equal(latents_of(images[::-1], 3, 50).flip(0), starts)
    assert torch.equal(latents_of(np.asfortranarray(images[7:8]), 3, 50)[0], starts[7])
    changed = images[:1].copy()
    changed[0, 0, 0, 0] ^= 1
    assert not torch.equal(latents_of(changed, 3, 50), starts[:1])


@pytest.mark.parametrize(
    ("name", "options", "names", "formula"),
    [
        ("alad", {}, ("features", "cross-entropy", "l1", "l2"), lambda c: c["features"]),
        ("alad", dict(score="l2"), ("features", "cross-entropy", "l1", "l2"), lambda c: c["l2"]),
        ("alad", dict(score="cross-entropy"), ("features", "cross-entropy", "l1", "l2"), lambda c: c["cross-entropy"]),
        ("aegan", {}, ("L_GD", "L_GR", "L_FE"), lambda c: 0.9 * c["L_GR"] + 0.1 * c["L_GD"] + c["L_FE"]),
        ("aegan", dict(lambda_=0.25, beta=2), ("L_GD", "L_GR", "L_FE"),
         lambda c: 0.75 * c["L_GR"] + 0.25 * c["L_GD"] + 2 * c["L_FE"]),
        ("anogan", {}, ("L_R", "L_D"), lambda c: 0.9 * c["L_R"] + 0.1 * c["L_D"]),
        ("anogan", dict(weighting="alad"), ("L_R", "L_D"), lambda c: 0.1 * c["L_R"] + 0.9 * c["L_D"]),
        ("anogan", dict(lambda_=0.25), ("L_R", "L_D"), lambda c: 0.75 * c["L_R"] + 0.25 * c["L_D"]),
        ("pca", {}, ("error",), lambda c: c["error"]),
    ],
)  # fmt: skip
def test_the_normality_score_is_the_methods_formula(name, options, names, formula):
    components = {component: np.random.rand(5).astype(np.float16) for component in names}
    score = normality_score(configure(name, "one-vs-all", 28, 1, **options), components)
    assert score.dtype == np.float64
    np.testing.assert_allclose(score, formula({key: values.astype(float) for key, values in components.items()}))


# --- details of the sources ------------------------------------------------------------------------------


def test_adgans_critic_sees_fakes_by_running_statistics_and_the_generator_trains_on_its_own():
    method = stirred("adgan")
    method.train()
    modes = []
    method.G.register_forward_hook(lambda module, *_: modes.append(module.training))
    method.step(torch.rand(2 * BATCH, 1, 32, 32), 0)
    assert modes == [False, False, True] and method.G.training


def test_alads_averaged_networks_have_a_spectral_norm_of_their_own(zeros):
    method = build("alad", ema_decay=0.9)
    method.train()
    for _ in range(25):
        method.step(batch(method, zeros), 0)
    with method.evaluating():
        for layer in [m for m in method.averages["D_xx"].modules() if isinstance(m, nn.Conv2d)]:
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("name", "watched", "component"),
    [("alad", "validation_features", "features"), ("autoencoder", "validation_L_AE", "L_AE"),
     ("aegan", "validation_L_AE", None)],
)  # fmt: skip
def test_what_is_watched_on_held_out_images_is_their_mean_score_or_reconstruction_error(
    fitted, zeros, name, watched, component
):
    method, images = fitted(name), zeros.train[-7:]
    if component:
        expected = method.score(images)[component].mean()
    else:
        with method.evaluating():
            x = method.pixels(images)
            expected = ((array(x) - array(method.G(method.E(x)))) ** 2).mean()
    assert method.validate(images) == {watched: pytest.approx(expected, rel=1e-4)}
