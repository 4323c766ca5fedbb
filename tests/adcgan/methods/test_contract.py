"""What every method promises: to train and score, to see images alone, to draw by the seed, to resume to the bit."""

import inspect
from functools import cache

import numpy as np
import pytest
import torch
from small import TINY, TRAINED, build, refusal, train

from adcgan.config import METHODS, configure
from adcgan.experiments import records, run
from adcgan.experiments.verify import verify
from adcgan.scoring import auroc, normality_score

COUNT = 12
every_method = pytest.mark.parametrize("name", METHODS)
every_trained_method = pytest.mark.parametrize("name", TRAINED)


@pytest.fixture
def sample(zeros):
    """Twelve test images, half of them normal."""
    kinds = [np.flatnonzero(zeros.anomalous == flag)[: COUNT // 2] for flag in (False, True)]
    return zeros.test[np.concatenate(kinds)]


@pytest.fixture(scope="module")
def learned(zeros, tmp_path_factory):
    """A method trained on the digit 0 for two epochs, or fitted to it."""

    def make(name, seed=0, count=40, **options):
        method = build(name, seed=seed, **options)
        if name in TRAINED:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                train(method, zeros.train[:count], tmp_path_factory.mktemp(name) / "checkpoint.pt", seed)
        else:
            method.fit(zeros.train, seed)
        return method

    return make


@pytest.fixture(scope="module")
def kept(learned):
    """The same, made once for all tests, which leave it as it is."""
    return cache(learned)


def same(a, b, tolerance, places=slice(None)):
    assert set(a) == set(b) != set()
    for name in a:
        np.testing.assert_allclose(a[name][places], b[name], rtol=tolerance, atol=tolerance, err_msg=name)


def bits(components):
    return {name: values.tobytes() for name, values in components.items()}


def identical(a, b):
    """Whether two nested states are the same to the bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    return a == b


@every_method
def test_scores_are_finite_numbers_of_each_image_and_reconstructions_are_pictures(kept, sample, name):
    method = kept(name)
    components = method.score(sample)
    for values in components.values():
        assert values.shape == (COUNT,) and values.dtype == np.float32 and np.isfinite(values).all()
    score = normality_score(method.config, components)
    assert score.shape == (COUNT,) and score.dtype == np.float64 and np.isfinite(score).all()
    pictures = method.reconstruct(sample)
    if name in TRAINED or name == "pca":
        assert pictures.shape == sample.shape and pictures.dtype == np.uint8
    else:
        assert pictures is None


@every_method
def test_a_score_is_told_the_images_and_nothing_else(kept, name):
    for function in (kept(name).score, kept(name).reconstruct):
        assert list(inspect.signature(function).parameters) == ["images"]


@every_method
def test_neither_the_order_nor_the_batch_nor_the_other_test_images_matter(learned, kept, sample, name):
    method, tolerance = kept(name), 1e-4 if name in ("adgan", "anogan") else 1e-5
    together, order = method.score(sample), np.random.permutation(COUNT)
    same(together, method.score(sample[order]), tolerance, order)
    alone = [method.score(sample[n : n + 1]) for n in range(COUNT)]
    same(together, {part: np.concatenate([one[part] for one in alone]) for part in together}, tolerance)
    if name in TRAINED:
        batched = build(name, test_batch_size=5)
        batched.load_state(method.state())
        same(together, batched.score(sample), tolerance)


@every_method
def test_scoring_draws_nothing_and_changes_nothing(kept, sample, name):
    method, networks = kept(name), getattr(kept(name), "networks", {}).values()
    if name in TRAINED:
        method.train()

    def everything():
        weights = [value.clone() for network in networks for value in network.state_dict().values()]
        modes = [module.training for network in networks for module in network.modules()]
        learning = [(p.requires_grad, p.grad is None) for network in networks for p in network.parameters()]
        random = torch.get_rng_state(), np.random.get_state()[1].tolist()
        return weights, modes, learning, random, torch.is_grad_enabled(), sample.tobytes()

    before = everything()
    once, twice = method.score(sample), method.score(sample)
    method.reconstruct(sample)
    assert bits(once) == bits(twice) and identical(before, everything())


@every_method
def test_the_seed_gives_every_bit(learned, kept, sample, name):
    np.random.seed(7)
    torch.manual_seed(7)
    first = bits(kept(name).score(sample))
    assert bits(learned(name).score(sample)) == first
    assert (bits(learned(name, seed=1).score(sample)) == first) == ("one-vs-all" not in METHODS[name].repeated)


@every_trained_method
def test_an_interrupted_and_resumed_training_ends_in_the_same_bits(zeros, sample, tmp_path, name):
    images, options = zeros.train[:24], dict(epochs=2 if name == "adcgan" else 3)
    whole, interrupted = build(name, **options), build(name, **options)
    torch.manual_seed(1)
    history = train(whole, images, tmp_path / "whole.pt")

    def interrupt(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    interrupted.begin_epoch = interrupt
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, images, tmp_path / "checkpoint.pt")
    resumed = build(name, seed=99, **options)  # other weights, which the checkpoint replaces
    assert not identical(resumed.state()["networks"], interrupted.state()["networks"])
    torch.manual_seed(99)
    continued = train(resumed, images, tmp_path / "checkpoint.pt")
    assert (continued.resumed, history.resumed) == (1, 0)
    assert continued.losses == history.losses and len(history.losses) == 3
    assert identical(resumed.state(), whole.state())
    assert bits(resumed.score(sample)) == bits(whole.score(sample))


@every_trained_method
def test_a_step_logs_finite_scalars_without_their_graphs(zeros, name):
    method = build(name)
    x = method.pixels(zeros.train[: method.config.batch_size * method.shuffles])
    log = method.step(x, 1)
    assert all(value.isfinite() and value.ndim == 0 and not value.requires_grad for value in log.values()) and log
    assert all(torch.is_tensor(value) for value in log.values())


@every_method
def test_a_whole_run_leaves_a_record_that_reads_back_and_verifies(digits, tmp_path, name):
    options = TINY.get(name, {}) | (dict(batch_size=8, epochs=1, epoch_images=24) if name in TRAINED else {})
    options = {key: value for key, value in options.items() if name != "adgan" or key != "epoch_images"}
    _, (one,) = run.requested(name, "digits", "one-vs-all", [0], [0], options | dict(test_images=40))
    written = run.execute(one, digits, tmp_path, "cpu")
    (record,) = records.read_all(tmp_path)
    assert record.content == written.content and record.run == one
    verify(record)
    assert record.directory == one.directory(tmp_path) and len(record.scores) == len(record.labels) == 40
    assert set(record.auroc) == {"NS", *record.components}
    assert bool(record.content["losses"]) == (records.MODEL in [path.name for path in record.directory.iterdir()])
    assert bool(record.per_epoch) == (name in TRAINED and name not in ("adgan", "anogan")), "not where it searches"
    shown = ["normal", "anomalous", "most normal", "most anomalous"]
    reconstructed = [f"{kind}, reconstructed" for kind in shown] if name in (*TRAINED, "pca") else []
    assert set(record.picture_rows()) == {*shown, *reconstructed}


@every_method
def test_an_unknown_option_or_value_is_refused_with_the_known_ones(name):
    message = refusal(configure, name, "one-vs-all", 28, 1, colour="red")
    assert f"unknown option of method {name} 'colour'" in message and "test_images" in message
    assert "expected one of official" in refusal(configure, name, "one-vs-all", 28, 1, test_set="all")


@pytest.mark.parametrize("name", [name for name, about in METHODS.items() if about.kind == "baseline"])
def test_a_baseline_finds_other_digits_and_noise_more_anomalous_than_the_digit_learned(learned, zeros, name):
    method = learned(name, **(dict(count=None, epochs=10) if name in TRAINED else {}))
    images = np.concatenate([zeros.test, np.random.randint(0, 256, (20, 28, 28, 1), np.uint8)])
    scores = normality_score(method.config, method.score(images))
    assert auroc(zeros.anomalous, scores[:-20]) > 0.9
    assert (scores[-20:] > np.median(scores[:-20][~zeros.anomalous])).all()
