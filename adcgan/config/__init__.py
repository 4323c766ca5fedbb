"""What a run may be told: one frozen, flat configuration per method, every name checked.

A field is one line of the decisions register: its metadata carries the register's row, the choices,
and the line of help that becomes the command line's help. Values that the paper states come from
`adcgan.paper`; everything else has its default here, with the reason in the help text.
"""

import dataclasses
import hashlib
import json
from functools import cache
from keyword import iskeyword
from pathlib import Path

import yaml

from ..errors import AdcganError, choose
from .adcgan import ADCGANConfig
from .base import SCHEMES, SETTINGS_OF_SIZE, Config, TrainedConfig
from .compared import ADGANConfig, AEGANConfig, ALADConfig, AnoGANConfig
from .yardsticks import AutoencoderConfig, IsolationForestConfig, KNNConfig, OCSVMConfig, PCAConfig

__all__ = [
    "CONFIGS", "COMPARED", "SCHEMES", "YARDSTICKS", "ADCGANConfig", "Config", "TrainedConfig", "configure",
    "departures", "digest", "parse_options", "register",
]  # fmt: skip

COMPARED: dict[str, type[Config]] = {
    "alad": ALADConfig, "adgan": ADGANConfig, "aegan": AEGANConfig, "anogan": AnoGANConfig,
}  # fmt: skip
YARDSTICKS: dict[str, type[Config]] = {
    "pca": PCAConfig, "knn": KNNConfig, "ocsvm": OCSVMConfig, "isolation_forest": IsolationForestConfig,
    "autoencoder": AutoencoderConfig,
}  # fmt: skip
CONFIGS: dict[str, type[Config]] = {"adcgan": ADCGANConfig} | COMPARED | YARDSTICKS


@cache
def register() -> dict[int, dict[str, str]]:
    """The decisions register: row -> ``choice``, ``evidence`` and, where no option is offered, what is ``settled``."""
    return yaml.safe_load((Path(__file__).parent / "register.yaml").read_text())


def configure(method: str, scheme: str, image_size: int, channels: int, /, **options) -> Config:
    """The paper's settings for images of this size under this scheme, with ``options`` in their place.

    Raises AdcganError for an unknown method, scheme or option, or a value of the wrong type or range.
    """
    choose("method", method, CONFIGS)
    choose("scheme", scheme, SCHEMES)
    choose("image size", image_size, SETTINGS_OF_SIZE)
    kind = CONFIGS[method]
    names = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        choose(f"option of method {method}", name, [name for name in names if name not in ("image_size", "channels")])
    values = dict(image_size=image_size, channels=channels) | kind.stated(scheme, image_size, options)
    return kind(**values | {name: _convert(kind, name, value) for name, value in options.items()})


def departures(config: Config, method: str, scheme: str) -> dict:
    """The options in which ``config`` differs from the paper's settings: empty for a paper run."""
    stated = configure(method, scheme, config.image_size, config.channels).to_dict()
    return {name: value for name, value in config.to_dict().items() if value != stated[name]}


def digest(config: Config, method: str, scheme: str) -> str:
    """SHA-256 of the method, the image format and every departure from the paper's settings, as canonical JSON.

    Fields at their default are left out, so that a field added later leaves older digests as they are.
    """
    content = {
        "method": method,
        "scheme": scheme,
        "image": [config.image_size, config.channels],
        "departures": departures(config, method, scheme),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def parse_options(method: str, text: str | dict) -> dict:
    """Options as a dictionary, or as text: ``"epochs=1 contrastive=literal lambda=0"``, names as fields or as flags."""
    choose("method", method, CONFIGS)
    if isinstance(text, dict):
        return text
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
