"""The two recipes and the two scales: as section R of the specification tables them, and what is no table's run."""

import dataclasses

import pytest
from small import refusal

from adcgan.config import METHODS, RECIPES, SCALES, changes, configure, open_choices, settle
from adcgan.config.adcgan import recipe_options

# Specification R.1, typed from its table: number of the choice -> the options under `printed` and under `script`.
TABLE = {
    1: ({"contrastive": "literal"}, {"contrastive": "masked"}),
    3: ({"local_tap": "layer"}, {"local_tap": "block"}),
    4: ({"projection": "global"}, {"projection": "local"}),
    5: ({"logit_head": "linear"}, {"logit_head": "mlp"}),
    11: ({"latent_role": "adversarial"}, {"latent_role": "cooperative"}),
    12: ({"latent_pair": "paper"}, {"latent_pair": "marginal"}),
    14: ({"generator_optimiser": "separate"}, {"generator_optimiser": "shared"}),
    15: ({"optimiser": "adam"}, {"optimiser": "adamw"}),
    16: ({"critic_steps": 2, "critic_gradients": "zeroed"}, {"critic_steps": 2, "critic_gradients": "accumulated"}),
    17: ({"latent_draws": "shared"}, {"latent_draws": "shared"}),
    18: ({"warm_up_count": "added"}, {"warm_up_count": "included"}),
    21: ({"preprocessing": "none"}, {"preprocessing": "pad-shrink"}),
    22: ({"reduction": "sum"}, {"reduction": "mean"}),
    23: ({"feature_tap": "raw"}, {"feature_tap": "projected"}),
    24: ({"latent_feature": "printed-order"}, {"latent_feature": "released"}),
    25: ({"test_latents": "shared", "test_latent_count": 16}, {"test_latents": "per-image"}),
    26: ({"latent_output": "probability"}, {"latent_output": "logit"}),
    28: ({"test_mode": "eval"}, {"test_mode": "power-iteration"}),
    29: ({"test_order": "stored"}, {"test_order": "normal-first", "test_batch_size": 32}),
    30: ({"test_set": "official"}, {"test_set": "ten-thousand"}),
    42: ({"last_batch": "drop"}, {}),  # script: by image size, below
    44: ({"reconstruction": "sum"}, {"reconstruction": "mean"}),
}
# A.4's defaults, which hold in both recipes.
OTHERS = {
    "alpha": 0.3, "beta": 0.3, "adversarial": "rsgan", "latent_weight": 1.0, "warm_up": "autoencoder",
    "pixel_range": "unit", "critic_norm": "spectral+batch", "validation_fraction": 0.0, "lambda_": 0.1, "rho": 0.5,
    "prior": "gaussian", "encoder_output": "layer-norm", "dropout": "released", "architecture": "t2r",
    "initialisation": "pytorch", "width": 1.0, "batch_size": 32, "test_images": 0, "epoch_images": 0,
}  # fmt: skip
# Where a recipe leaves its rule, specification R.1's list of exceptions.
EXCEPTIONS = {1, 10, 11, 16, 29, 30, 32, 40}


@pytest.mark.parametrize("size, channels", [(28, 1), (32, 3), (64, 3)])
def test_each_recipe_is_the_specifications_table(size, channels):
    for place, recipe in enumerate(RECIPES):
        config = configure("adcgan", "one-vs-all", size, channels, recipe=recipe).to_dict()
        for number, columns in TABLE.items():
            assert {name: config[name] for name in columns[place]} == columns[place], (number, recipe)
        assert {name: config[name] for name in OTHERS} == OTHERS
    kept = configure("adcgan", "one-vs-all", size, channels, recipe="script").last_batch
    assert kept == ("keep" if size == 32 else "drop")  # the script keeps it on CIFAR-10


def test_printed_is_the_default_recipe_and_paper_the_default_scale():
    given = configure("adcgan", "all-vs-one", 32, 3, recipe="printed", scale="paper")
    assert configure("adcgan", "all-vs-one", 32, 3) == given
    assert settle("adcgan", None, None) == ("printed", "paper")


def test_every_open_choice_says_what_the_sources_say_and_what_the_recipes_take():
    fields = {field.name: field.metadata["choice"] for field in dataclasses.fields(METHODS["adcgan"].config)}
    assert set(open_choices()) == set(range(1, 45))
    for number, row in open_choices().items():
        assert row["choice"] and row["paper"] and row["script"], number
        assert ("recipes" in row) != ("settled" in row), number
        assert ("exception" in row) == (number in EXCEPTIONS) and len(row.get("exception", 6 * "x ").split()) > 5
        for recipe in RECIPES if "recipes" in row else ():
            assert {fields[name] for name in row["recipes"][recipe]} == {number}
    budget = {"epochs", "warm_up_epochs"}  # appendix A.3 states them by scheme
    options = {name for name, number in fields.items() if number} - budget
    for recipe in RECIPES:
        assert set(recipe_options(recipe, 28)) == options  # none is left to a default in the code


@pytest.mark.parametrize("method", [name for name, about in METHODS.items() if about.trained])
def test_laptop_is_a_quarter_of_the_widths_and_two_thousand_images_an_epoch(method):
    paper, laptop = (configure(method, "one-vs-all", 28, 1, scale=scale).to_dict() for scale in SCALES)
    differ = {name: laptop[name] for name in paper if paper[name] != laptop[name]}
    budget = {"steps_per_epoch": 15} if method == "adgan" else {"epoch_images": 2000}
    searches = {"test_images": 1000} if method in ("adgan", "anogan") else {}
    assert differ == {"width": 0.25} | budget | searches


def test_library_baselines_have_no_scale_and_alad_has_the_specifications_cap_at_both():
    assert settle("pca", None, "laptop") == settle("knn", None, None) == (None, None)
    for scheme in ("one-vs-all", "all-vs-one"):
        for scale in SCALES:
            assert configure("alad", scheme, 28, 1, scale=scale).epochs == 100


def test_a_changed_option_makes_an_ablation_and_a_recipes_own_value_does_not():
    for recipe in RECIPES:
        for scale in SCALES:
            known = dict(recipe=recipe, scale=scale)
            whole = configure("adcgan", "one-vs-all", 28, 1, **known)
            assert changes(whole, "adcgan", "one-vs-all", **known) == {}
            other = {"sum": "mean", "mean": "sum"}[whole.reduction]
            for value, expected in ((whole.reduction, {}), (other, {"reduction": other})):
                config = configure("adcgan", "one-vs-all", 28, 1, **known, reduction=value)
                assert changes(config, "adcgan", "one-vs-all", **known) == expected
    narrow = configure("adcgan", "one-vs-all", 28, 1, scale="laptop")
    assert changes(narrow, "adcgan", "one-vs-all", "printed", "paper") == {"width": 0.25, "epoch_images": 2000}


def test_a_recipe_of_another_method_and_an_unknown_recipe_or_scale_are_refused():
    def message(method, **given):
        return refusal(configure, method, "one-vs-all", 28, 1, **given)

    for method in set(METHODS) - {"adcgan"}:
        assert "recipes are AD-CGAN's" in message(method, recipe="printed")
    assert "'as-printed': expected one of printed, script" in message("adcgan", recipe="as-printed")
    assert "'phone': expected one of paper, laptop" in message("alad", scale="phone")
