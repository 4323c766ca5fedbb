"""Options: a recipe's values at a scale by default, every name and value checked, one digest per configuration."""

import dataclasses
from itertools import product

import pytest
from small import refusal

from adcgan import paper
from adcgan.config import (
    METHODS,
    RECIPES,
    SCALES,
    SCHEMES,
    ADCGANConfig,
    changes,
    configure,
    digest,
    open_choices,
    parse_options,
)
from adcgan.data.datasets import DATASETS, PUBLISHED
from adcgan.errors import AdcganError

FIELDS = {field.name: field for field in dataclasses.fields(ADCGANConfig)}
FORMATS = {name: (DATASETS[name].image_size, DATASETS[name].channels) for name in PUBLISHED}
FORMAT_NAMES = ("image_size", "channels")
VALUES = {"width": 0.5, "validation_fraction": 0.1}  # where "the default and one more" would not do


def default(scheme="one-vs-all", **options):
    return configure("adcgan", scheme, 28, 1, **options)


def another_value(name):
    """A valid value of the option that is not its default."""
    field, value = FIELDS[name], getattr(default(), name)
    if field.metadata["choices"]:
        return next(choice for choice in field.metadata["choices"] if choice != value)
    return VALUES.get(name, value + 1 if field.type is int else value / 2)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("dataset", FORMATS)
def test_defaults_are_what_the_paper_states(dataset, scheme):
    stated = paper.settings()
    config = configure("adcgan", scheme, *FORMATS[dataset])
    assert config.image_size == stated["image_size"][dataset]
    assert config.latent_size == stated["latent_size"][dataset]
    assert config.batch_size == stated["batch_size"]
    assert config.epochs == stated["epochs"][scheme]["adversarial"]
    assert config.warm_up_epochs == stated["epochs"][scheme]["warm_up"]
    assert config.total_epochs == config.epochs + config.warm_up_epochs
    assert config.learning_rate_cgan == stated["learning_rate"]["cgan"]
    assert config.learning_rate_autoencoder == stated["learning_rate"]["autoencoder"]
    assert (config.alpha, config.beta) == (stated["alpha"], stated["beta"])
    assert (config.lambda_, config.rho) == (stated["lambda"], stated["rho"])
    assert config.optimiser == stated["optimizer"]
    assert changes(config, "adcgan", scheme, "printed", "paper") == {}


@pytest.mark.parametrize("recipe", RECIPES)
def test_t2p_brings_its_own_normalisation_and_no_dropout(recipe):
    config = default(architecture="t2p", recipe=recipe)
    assert (config.critic_norm, config.dropout) == ("spectral", "none")
    assert default(architecture="t2p", recipe=recipe, projection="both").projection == "both"
    assert default(architecture="t2p", recipe=recipe, critic_norm="spectral+batch").critic_norm == "spectral+batch"


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("epochs", "many", "expected int"),
        ("epochs", "1.5", "expected int"),
        ("epochs", True, "expected int"),
        ("rho", "half", "expected float"),
        ("contrastive", 1, "expected str"),
        ("batch_size", 1, "expected 2 or more"),
        ("epochs", -1, "expected 0 or more"),
        ("alpha", -0.1, "expected 0 or more"),
        ("rho", 1.5, "from 0 to 1"),
        ("rho", float("nan"), "expected"),
        ("width", float("inf"), "expected"),
        ("width", 0.0, "positive"),
        ("validation_fraction", 1.0, "below 1"),
    ],
)
def test_a_value_of_the_wrong_type_or_range_is_refused_by_its_options_name(option, value, complaint):
    message = refusal(default, **{option: value})
    assert option in message and complaint in message


def test_a_configuration_that_trains_nothing_is_refused():
    assert "no epoch" in refusal(default, epochs=0, warm_up_epochs=0)
    assert "no epoch" in refusal(default, epochs=0, warm_up_count="included")
    assert "no epoch" in refusal(default, epochs=0, recipe="script"), "its warm-up is within the epochs"


@pytest.mark.parametrize(
    ("method", "scheme", "image_size", "complaint"),
    [
        ("gan", "one-vs-all", 28, "unknown method 'gan': expected one of adcgan"),
        ("adcgan", "one-vs-rest", 28, "unknown scheme 'one-vs-rest': expected one of one-vs-all, all-vs-one"),
        ("adcgan", "one-vs-all", 30, "unknown image size 30: expected one of 28, 32, 64"),
        ("adcgan", "one-vs-all", "28", "unknown image size '28': expected one of 28, 32, 64"),
    ],
)
def test_an_unknown_method_scheme_or_size_is_refused_with_the_known_ones(method, scheme, image_size, complaint):
    with pytest.raises(AdcganError, match=complaint):
        configure(method, scheme, image_size, 1)


def test_options_are_read_from_text():
    assert parse_options("adcgan", "epochs=1 contrastive=literal") == {"epochs": "1", "contrastive": "literal"}
    assert parse_options("adcgan", "epochs=1, rho=0.5") == {"epochs": "1", "rho": "0.5"}
    flags = parse_options("adcgan", "lambda=0.2 warm-up-epochs=3")  # as the command line's flags are written
    assert flags == parse_options("adcgan", "lambda_=0.2 warm_up_epochs=3")
    assert configure("adcgan", "one-vs-all", 28, 1, **flags).lambda_ == 0.2
    assert parse_options("adcgan", "") == {}
    assert parse_options("adcgan", {"epochs": 1}) == {"epochs": 1}
    for text in ("scale=laptop", {"recipe": "script"}, {1: 2}):
        assert "recipe and scale are given beside the options" in refusal(parse_options, "adcgan", text)
    with pytest.raises(AdcganError, match="'literal' has no value: expected NAME=VALUE"):
        parse_options("adcgan", "epochs=1 literal")


def digest_of(config, method="adcgan", scheme="one-vs-all", recipe="printed", scale="paper"):
    return digest(method, scheme, recipe, scale, config.to_dict())


def test_the_digest_changes_with_the_image_format_the_scheme_the_recipe_and_the_scale():
    formats = [(28, 1), (28, 3), (32, 3), (64, 3)]
    digests = {
        digest_of(configure("adcgan", scheme, *format, recipe=recipe, scale=scale), "adcgan", scheme, recipe, scale)
        for scheme in SCHEMES
        for format in formats
        for recipe in RECIPES
        for scale in SCALES
    }
    assert len(digests) == 2 * 4 * 2 * 2
    assert len({digest_of(default(), recipe=recipe, scale=scale) for recipe in RECIPES for scale in SCALES}) == 4


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in FORMAT_NAMES])
def test_every_option_has_help_a_default_and_another_value_that_changes_the_digest(name):
    changed = default(**{name: another_value(name)})
    assert digest_of(changed) != digest_of(default())
    brought = dict(critic_norm="spectral", dropout="none") if name == "architecture" else {}
    assert changes(changed, "adcgan", "one-vs-all", "printed", "paper") == {name: another_value(name)} | brought
    metadata = FIELDS[name].metadata
    assert metadata["help"] and "\n" not in metadata["help"] and metadata["choice"] in {None, *open_choices()}
    if metadata["choices"]:
        message = refusal(default, **{name: "nonsense"})
        assert name in message and all(str(choice) in message for choice in metadata["choices"])


def test_a_misspelt_option_and_what_the_run_settles_are_refused_with_the_known_options():
    for name in ("contrasive", "image_size", "channels", "method", "scheme"):
        message = refusal(configure, "adcgan", "one-vs-all", 28, 1, **{name: 64})
        assert f"unknown option of method adcgan '{name}': expected one of" in message
    assert all(name in message for name in set(FIELDS) - set(FORMAT_NAMES))


def test_batch_statistics_of_one_image_or_of_one_latent_are_refused():
    for name in ("test_batch_size", "test_latent_count"):
        default(test_mode="batch-statistics", **{name: 2})
        assert "one image has none" in refusal(default, test_mode="batch-statistics", **{name: 1})


def test_an_option_given_at_its_default_in_any_order_or_as_text_leaves_the_digest():
    assert default(rho=1) == default(rho="1") == default(rho=1.0)
    assert digest_of(default(epochs="15", rho=0.5)) == digest_of(default(rho=0.5)) == digest_of(default())
    content = default().to_dict()
    backwards = dict(reversed(content.items()))
    assert digest("adcgan", "one-vs-all", None, None, content) == digest("adcgan", "one-vs-all", None, None, backwards)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_settings_for_every_scheme_image_size_recipe_and_scale(method):
    recipes = RECIPES if method == "adcgan" else (None,)
    for scheme, image_size, recipe, scale in product(SCHEMES, (28, 32, 64), recipes, SCALES):
        given = dict(recipe=recipe, scale=scale)
        config = configure(method, scheme, image_size, 3, **given)
        assert changes(config, method, scheme, recipe, scale) == {}
        options = {name: value for name, value in config.to_dict().items() if name not in FORMAT_NAMES}
        assert configure(method, scheme, image_size, 3, **given | options) == config
