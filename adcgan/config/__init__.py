"""What a run may be told: one frozen, flat configuration per method, every name checked.

A field's metadata carries the number of its open choice, the admitted values and the line of help that becomes the
command line's help. AD-CGAN's values come from a recipe (`open_choices.yaml`), budgets and rates from `adcgan.paper`,
a smaller budget from a scale; everything else has its default here, with the reason in the help text.
"""

import dataclasses
import hashlib
import json
from keyword import iskeyword
from typing import NamedTuple

from ..errors import AdcganError, choose
from .adcgan import RECIPES, ADCGANConfig, open_choices
from .base import SCALES, SCHEMES, SETTINGS_OF_SIZE, Config, TrainedConfig
from .baselines import AutoencoderConfig, IsolationForestConfig, KNNConfig, OCSVMConfig, PCAConfig
from .compared import ADGANConfig, AEGANConfig, ALADConfig, AnoGANConfig

__all__ = [
    "COMPARED", "METHODS", "OFFERED", "RECIPES", "SCALES", "SCHEMES", "ADCGANConfig", "Config", "TrainedConfig",
    "changes", "configure", "digest", "open_choices", "parse_options", "settle",
]  # fmt: skip


class About(NamedTuple):
    """A method: its configuration, the file and class in `adcgan.methods`, its title, and what it is for."""

    config: type[Config]
    code: str  # file:class
    title: str
    kind: str  # "proposed", "compared" or "baseline"
    published: bool = False  # has it figures in the paper's tables
    repeated: tuple[str, ...] = SCHEMES  # those in which it draws at random: it is run there with more than one seed

    @property
    def trained(self) -> bool:
        """Is it trained by gradient steps: then it has a scale. A library fits the others."""
        return issubclass(self.config, TrainedConfig)


METHODS: dict[str, About] = {
    "adcgan": About(ADCGANConfig, "adcgan:ADCGAN", "AD-CGAN", "proposed", published=True),
    "alad": About(ALADConfig, "alad:ALAD", "ALAD", "compared", published=True),
    "adgan": About(ADGANConfig, "adgan:ADGAN", "ADGAN", "compared", published=True),
    "aegan": About(AEGANConfig, "aegan:AEGAN", "AE-GAN", "compared", published=True),
    "anogan": About(AnoGANConfig, "anogan:AnoGAN", "AnoGAN", "compared"),
    "pca": About(PCAConfig, "baselines:PCA", "PCA reconstruction", "baseline", repeated=()),
    "knn": About(KNNConfig, "baselines:KNN", "nearest neighbours", "baseline", repeated=()),
    "ocsvm": About(OCSVMConfig, "baselines:OCSVM", "one-class SVM", "baseline", repeated=SCHEMES[1:]),
    "isolation_forest": About(IsolationForestConfig, "baselines:IsolationForest", "isolation forest", "baseline"),
    "autoencoder": About(AutoencoderConfig, "autoencoder:Autoencoder", "autoencoder", "baseline"),
}
OFFERED = ("adcgan", "autoencoder", "aegan", "pca", "knn")  # for own pictures
COMPARED = tuple(name for name, about in METHODS.items() if about.kind == "compared")


def settle(method: str, recipe: str | None, scale: str | None) -> tuple[str | None, str | None]:
    """The recipe and the scale of a run, defaults filled in: "printed" and "paper".

    Recipes are AD-CGAN's; another method refuses one and has None. Library baselines have no scale: None whatever is
    given. Raises AdcganError for an unknown method, recipe or scale.
    """
    choose("method", method, METHODS)
    if recipe is not None:
        choose("recipe", recipe, RECIPES)
        if method != "adcgan":
            raise AdcganError(f"recipe {recipe!r} given to method {method}: recipes are AD-CGAN's; leave it out")
    if scale is not None:
        choose("scale", scale, SCALES)
    trained = METHODS[method].trained
    return (recipe or RECIPES[0] if method == "adcgan" else None), (scale or SCALES[0] if trained else None)


def configure(
    method: str,
    scheme: str,
    image_size: int,
    channels: int,
    /,
    *,
    recipe: str | None = None,
    scale: str | None = None,
    **options,
) -> Config:
    """The settings of a recipe at a scale for images of this size under this scheme, ``options`` in their place.

    ``recipe`` and ``scale`` as in `settle`. Raises AdcganError for an unknown method, recipe, scale, scheme or option,
    or a value of the wrong type or range.
    """
    recipe, scale = settle(method, recipe, scale)
    choose("scheme", scheme, SCHEMES)
    choose("image size", image_size, SETTINGS_OF_SIZE)
    kind = METHODS[method].config
    names = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        choose(f"option of method {method}", name, [name for name in names if name not in ("image_size", "channels")])
    values = dict(image_size=image_size, channels=channels) | kind.stated(scheme, image_size, options, recipe)
    values |= kind.at(scale)
    return kind(**values | {name: _convert(kind, name, value) for name, value in options.items()})


def changes(config: Config, method: str, scheme: str, recipe: str | None, scale: str | None) -> dict:
    """The options in which ``config`` differs from its recipe at its scale: empty for a run of the tables."""
    whole = configure(method, scheme, config.image_size, config.channels, recipe=recipe, scale=scale).to_dict()
    return {name: value for name, value in config.to_dict().items() if value != whole[name]}


def digest(method: str, scheme: str, recipe: str | None, scale: str | None, config: dict) -> str:
    """SHA-256 of a run's method, scheme, recipe, scale and whole configuration, as canonical JSON."""
    content = {"method": method, "scheme": scheme, "recipe": recipe, "scale": scale, "config": config}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def parse_options(method: str, text: str | dict) -> dict:
    """Options as a dictionary, or as text: ``"epochs=1 contrastive=literal lambda=0"``, names as fields or as flags.

    Raises AdcganError for what cannot be the name of one: recipe and scale settle options, and are none.
    """
    choose("method", method, METHODS)
    options = dict(text) if isinstance(text, dict) else _parsed(text)
    for name in options:
        if not isinstance(name, str) or name in ("recipe", "scale"):
            raise AdcganError(
                f"{name!r} is no option of method {method}: recipe and scale are given beside the options"
            )
    return options


def _parsed(text):
    options = {}
    for part in text.replace(",", " ").split():
        name, equals, value = part.partition("=")
        if not equals:
            raise AdcganError(f"option {part!r} has no value: expected NAME=VALUE, separated by spaces")
        name = name.replace("-", "_")
        options[name + "_" * iskeyword(name)] = value
    return options


def _convert(kind, name, value):
    """``value`` as the field's type; text from a command line or a notebook parameter is read as such."""
    wanted = next(field.type for field in dataclasses.fields(kind) if field.name == name)
    if isinstance(value, str) and wanted is not str:
        try:
            value = wanted(value)
        except ValueError:
            raise AdcganError(f"option {name} is {value!r}: expected {wanted.__name__}") from None
    if type(value) is int and abs(value) >= 2**63:  # torch's sizes have 64 bits
        raise AdcganError(f"option {name} is {value}: expected a number below 2^63")
    if wanted is float and type(value) is int:
        return float(value)
    return value
