"""Every choice and number of every trained method's options trains, scores and makes a difference."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from small import BATCH, TRAINED, build, parameters

from adcgan.config import METHODS, configure
from adcgan.scoring import normality_score

# Settled around the method, not in it: the tests of splits, runs and trainings see to them.
AROUND = {
    "preprocessing", "test_set", "test_order", "test_images", "last_batch", "epochs", "warm_up_epochs",
    "warm_up_count", "batch_size", "steps_per_epoch", "epoch_images", "validation_fraction", "patience",
    "test_batch_size",
}  # fmt: skip
# What a choice needs beside it to mean something.
BESIDE = {
    ("adcgan", "channels"): {"image_size": 32},
    ("adcgan", "dropout"): {"image_size": 32, "channels": 3},
    ("adcgan", "feature_tap"): {"projection": "local"},
}
NUMBERS = {
    "adcgan": dict(latent_size=50, width=0.2, alpha=0.0, beta=0.0, latent_weight=0.5, learning_rate_cgan=1e-4,
                   learning_rate_autoencoder=1e-4, critic_steps=3, lambda_=0.5, rho=1.0, test_latent_count=4),
    "alad": dict(latent_size=50, width=0.1, learning_rate=1e-3, ema_decay=0.5),
    "adgan": dict(latent_size=50, width=0.1, learning_rate=1e-3, critic_steps=1, gradient_penalty=1.0, search_seeds=3,
                  search_steps=3, search_rate_latent=0.1, search_rate_generator=1e-3),
    "aegan": dict(latent_size=50, width=0.1, learning_rate=1e-3, weight_decay=0.0, weight_decay_encoder=0.5,
                  lambda_=0.5, beta=0.5),
    "anogan": dict(latent_size=50, width=0.1, learning_rate=1e-3, search_steps=80, search_rate=1e-2, lambda_=0.5),
    "autoencoder": dict(latent_size=50, width=0.2),
}  # fmt: skip


def choices(name):
    """Every other choice, and another value of every number, that concerns training or scoring."""
    default = configure(name, "one-vs-all", 28, 1)
    for field in dataclasses.fields(METHODS[name].config):
        for choice in field.metadata["choices"] or ():
            if field.name not in AROUND and choice != getattr(default, field.name):
                yield name, field.name, choice
    for option, value in NUMBERS[name].items():
        yield name, option, value


@pytest.mark.parametrize("name", TRAINED)
def test_no_option_is_left_out(name):
    tried = {option for _, option, _ in choices(name)}
    assert tried | AROUND >= {field.name for field in dataclasses.fields(METHODS[name].config)}
    assert not tried & AROUND


@pytest.fixture(scope="module")
def outcome():
    """All weights after two steps, for AD-CGAN one of warm-up, and the scores of four images."""

    @cache
    def measure(name, options):
        method = build(name, **dict(options))
        size, channels = method.config.image_size, method.config.channels
        images = np.random.default_rng(0).integers(0, 256, (BATCH * method.shuffles, size, size, channels), np.uint8)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            for epoch in range(2):
                method.begin_epoch(epoch)
                method.step(method.pixels(images), epoch)
            components = method.score(images[:4])
        return [*parameters(method).values(), torch.as_tensor(normality_score(method.config, components))]

    return lambda name, **options: measure(name, tuple(options.items()))


@pytest.mark.parametrize(("name", "option", "choice"), [choice for name in TRAINED for choice in choices(name)])
def test_every_choice_trains_and_scores_and_makes_a_difference(outcome, name, option, choice):
    beside = BESIDE.get((name, option), {})
    result, default = outcome(name, **beside | {option: choice}), outcome(name, **beside)
    assert all(values.isfinite().all() for values in result + default)
    assert len(result) != len(default) or any(
        a.shape != b.shape or not torch.equal(a, b) for a, b in zip(result, default, strict=True)
    )
