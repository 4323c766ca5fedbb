"""Options: a recipe's values at a scale by default, every name and value checked, one digest per configuration."""

import dataclasses

import pytest

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
from adcgan.errors import AdcganError

FIELDS = {field.name: field for field in dataclasses.fields(ADCGANConfig)}
FORMATS = {"mnist": (28, 1), "fashion_mnist": (28, 1), "cifar10": (32, 3), "cats_vs_dogs": (64, 3)}
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


def refusal(**options):
    with pytest.raises(AdcganError) as refused:
        default(**options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


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


def test_defaults_of_open_choices_are_those_of_recipe_printed():
    expected = dict(
        reconstruction="sum",
        contrastive="literal", adversarial="rsgan", latent_role="adversarial", latent_pair="paper", latent_weight=1.0,
        optimiser="adam", generator_optimiser="separate", critic_steps=2, critic_gradients="zeroed",
        latent_draws="shared", warm_up_count="added", warm_up="autoencoder", pixel_range="unit", preprocessing="none",
        reduction="sum", feature_tap="raw", latent_feature="printed-order", test_latents="shared",
        test_latent_count=16, latent_output="probability", test_mode="eval", test_set="official", test_order="stored",
        test_batch_size=256, validation_fraction=0.0, prior="gaussian", encoder_output="layer-norm",
        architecture="t2r", projection="global", logit_head="linear", local_tap="layer", critic_norm="spectral+batch",
        dropout="released", initialisation="pytorch", last_batch="drop", width=1.0, epoch_images=0,
    )  # fmt: skip
    config = default().to_dict()
    assert {name: config[name] for name in expected} == expected
    assert default(recipe="printed", scale="paper") == default()


@pytest.mark.parametrize("recipe", RECIPES)
def test_t2p_brings_its_own_normalisation_and_no_dropout(recipe):
    config = default(architecture="t2p", recipe=recipe)
    assert (config.critic_norm, config.dropout) == ("spectral", "none")
    assert default(architecture="t2p", recipe=recipe, projection="both").projection == "both"
    assert default(architecture="t2p", recipe=recipe, critic_norm="spectral+batch").critic_norm == "spectral+batch"


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_has_a_line_of_help_and_a_default_among_its_choices(name):
    metadata = FIELDS[name].metadata
    assert metadata["help"] and "\n" not in metadata["help"]
    assert metadata["choices"] is None or getattr(default(), name) in metadata["choices"]


def test_options_name_the_open_choice_that_they_settle():
    rows = {field.metadata["row"] for field in FIELDS.values()} - {None}
    assert rows <= set(open_choices())


def test_a_misspelt_option_is_refused_with_the_known_ones():
    message = refusal(contrasive="literal")
    assert "'contrasive'" in message and all(name in message for name in set(FIELDS) - set(FORMAT_NAMES))


@pytest.mark.parametrize("name", ["image_size", "channels", "method", "scheme"])
def test_what_the_cell_settles_is_no_option(name):
    with pytest.raises(AdcganError, match=f"unknown option of method adcgan '{name}': expected one of"):
        configure("adcgan", "one-vs-all", 28, 1, **{name: 64})


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.metadata["choices"]])
def test_a_misspelt_value_is_refused_with_the_choices(name):
    if name in FORMAT_NAMES:
        with pytest.raises(AdcganError) as refused:
            configure("adcgan", "one-vs-all", *({"image_size": 28, "channels": 1} | {name: 7}).values())
        message = str(refused.value)
    else:
        message = refusal(**{name: "nonsense"})
    assert all(str(choice) in message for choice in FIELDS[name].metadata["choices"])


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("epochs", "many", "expected int"),
        ("epochs", "1.5", "expected int"),
        ("epochs", 1.5, "expected int"),
        ("epochs", True, "expected int"),
        ("epochs", None, "expected int"),
        ("rho", "half", "expected float"),
        ("rho", [0.5], "expected float"),
        ("contrastive", 1, "expected str"),
        ("contrastive", None, "expected str"),
        ("batch_size", 1, "expected 2 or more"),
        ("epochs", -1, "expected 0 or more"),
        ("critic_steps", 0, "expected 1 or more"),
        ("test_latent_count", 0, "expected 1 or more"),
        ("alpha", -0.1, "expected 0 or more"),
        ("rho", 1.5, "from 0 to 1"),
        ("lambda_", 2.0, "from 0 to 1"),
        ("rho", float("nan"), "expected"),
        ("width", float("inf"), "expected"),
        ("width", 0.0, "positive"),
        ("validation_fraction", 1.0, "below 1"),
    ],
)
def test_a_value_of_the_wrong_type_or_range_is_refused_by_its_options_name(option, value, complaint):
    message = refusal(**{option: value})
    assert option in message and complaint in message


def test_a_configuration_that_trains_nothing_is_refused():
    assert "no epoch" in refusal(epochs=0, warm_up_epochs=0)
    assert "no epoch" in refusal(epochs=0, warm_up_count="included")
    assert "no epoch" in refusal(epochs=0, recipe="script"), "its warm-up is within the epochs"


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


def test_a_configuration_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        default().epochs = 3


def test_whole_numbers_and_text_stand_for_numbers():
    assert default(rho=1) == default(rho="1") == default(rho=1.0)
    assert default(epochs="3") == default(epochs=3)


def test_options_are_read_from_text():
    assert parse_options("adcgan", "epochs=1 contrastive=literal") == {"epochs": "1", "contrastive": "literal"}
    assert parse_options("adcgan", "epochs=1, rho=0.5") == {"epochs": "1", "rho": "0.5"}
    flags = parse_options("adcgan", "lambda=0.2 warm-up-epochs=3")  # as the command line's flags are written
    assert flags == parse_options("adcgan", "lambda_=0.2 warm_up_epochs=3")
    assert configure("adcgan", "one-vs-all", 28, 1, **flags).lambda_ == 0.2
    assert parse_options("adcgan", "") == {}
    assert parse_options("adcgan", {"epochs": 1}) == {"epochs": 1}
    with pytest.raises(AdcganError, match="'literal' has no value: expected NAME=VALUE"):
        parse_options("adcgan", "epochs=1 literal")


def digest_of(config, method="adcgan", scheme="one-vs-all", recipe="printed", scale="paper"):
    return digest(method, scheme, recipe, scale, config.to_dict())


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in FORMAT_NAMES])
def test_the_digest_changes_with_every_option(name):
    changed = default(**{name: another_value(name)})
    assert digest_of(changed) != digest_of(default())
    brought = dict(critic_norm="spectral", dropout="none") if name == "architecture" else {}
    assert changes(changed, "adcgan", "one-vs-all", "printed", "paper") == {name: another_value(name)} | brought


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


def test_the_digest_does_not_depend_on_the_order_of_options():
    one = default(epochs=1, contrastive="masked", rho=0.25)
    other = default(rho=0.25, contrastive="masked", epochs=1)
    assert digest_of(one) == digest_of(other)
    content = default().to_dict()
    backwards = dict(reversed(content.items()))
    assert digest("adcgan", "one-vs-all", None, None, content) == digest("adcgan", "one-vs-all", None, None, backwards)


def test_an_option_given_at_its_default_leaves_the_papers_digest():
    assert digest_of(default(epochs=15, rho=0.5)) == digest_of(default())
    assert changes(default(epochs=15, rho=0.5), "adcgan", "one-vs-all", "printed", "paper") == {}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_method_has_settings_for_every_image_size_recipe_and_scale(method, scheme):
    for image_size in (28, 32, 64):
        for recipe in RECIPES if method == "adcgan" else (None,):
            for scale in SCALES:
                given = dict(recipe=recipe, scale=scale)
                config = configure(method, scheme, image_size, 3, **given)
                assert changes(config, method, scheme, recipe, scale) == {}
                options = {name: value for name, value in config.to_dict().items() if name not in FORMAT_NAMES}
                assert configure(method, scheme, image_size, 3, **given | options) == config


@pytest.mark.parametrize("alone", ["test_batch_size", "test_latent_count"])
def test_batch_statistics_of_one_are_refused(alone):
    for count in (2, 1):
        options = {"test_mode": "batch-statistics", alone: count}
        if count > 1:
            configure("adcgan", "one-vs-all", 28, 1, **options)
        else:
            with pytest.raises(AdcganError, match="one image has none"):
                configure("adcgan", "one-vs-all", 28, 1, **options)
