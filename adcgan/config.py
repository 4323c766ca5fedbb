"""What a run may be told: one frozen, flat configuration per method, every name checked.

A field is one line of the decisions register: its metadata carries the register's row, the choices,
and the line of help that becomes the command line's help. Values that the paper states come from
`adcgan.paper`; everything else has its default here, with the reason in the help text.
"""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass

from . import paper
from .errors import AdcganError, choose

SCHEMES = ("one-vs-all", "all-vs-one")


def option(default, help, *, choices=None, row=None, at_least=None):
    """A configuration field: default, one line of help, admitted values and the register's row."""
    metadata = {"help": help, "choices": choices, "row": row, "at_least": at_least}
    if default is STATED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


STATED = object()  # the value is stated by the paper, per data set or scheme: `configure` fills it in


@dataclass(frozen=True, kw_only=True)
class Config:
    """What every method shares: data, budget, evaluation. Built by `configure`, never by hand."""

    image_size: int = option(STATED, "side of the image in pixels", choices=(28, 32, 64))
    channels: int = option(STATED, "image channels", choices=(1, 3))
    batch_size: int = option(STATED, "images per batch (paper: 32)", at_least=2)
    warm_up_epochs: int = option(STATED, "warm-up epochs W (paper: 5 one-vs-all, 15 all-vs-one)", row=18, at_least=0)
    epochs: int = option(STATED, "adversarial epochs (paper: 15 one-vs-all, 35 all-vs-one)", row=18, at_least=0)
    warm_up_count: str = option(
        "added", "are warm-up epochs added to the epochs or included in them", choices=("added", "included"), row=18
    )
    pixel_range: str = option("unit", "pixels in [0,1] or [-1,1]", choices=("unit", "symmetric"), row=20)
    preprocessing: str = option(
        "none", "zero-pad by 3 (32) or 4 (28) pixels a side, then shrink back", choices=("none", "pad-shrink"), row=21
    )
    test_set: str = option(
        "official",
        "official test split, or with the anomalous classes' training images added",
        choices=("official", "with-train"),
        row=30,
    )
    validation_fraction: float = option(
        0.0, "share of the normal training images kept aside to watch the loss", row=32, at_least=0
    )
    last_batch: str = option(
        "drop", "drop or keep an incomplete last batch (of two images or more)", choices=("drop", "keep"), row=42
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        if self.validation_fraction >= 1:
            raise AdcganError(f"validation_fraction is {self.validation_fraction}: expected 0 to below 1")
        if self.total_epochs < 1:
            raise AdcganError("nothing to train: warm_up_epochs and epochs leave no epoch; give at least one")

    @property
    def total_epochs(self) -> int:
        """Epochs in all, warm-up among them."""
        added = self.warm_up_epochs if self.warm_up_count == "added" else 0
        return self.epochs + added

    def to_dict(self) -> dict:
        """Field names to values, as stored in a record."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class ADCGANConfig(Config):
    """AD-CGAN's own choices. The defaults are the `paper` protocol: the paper's equations, leak-free scoring."""

    # networks
    architecture: str = option(
        "t2r",
        "t2r: sizes of the authors' October 2021 models; t2p: a design that meets every count of Table 2",
        choices=("t2r", "t2p"),
        row=40,
    )
    latent_size: int = option(STATED, "latent size L (paper: 100, CatsVsDogs 200)", at_least=1)
    width: float = option(1.0, "multiplies every hidden width (1 = the paper's; less only for smoke runs)", at_least=0)
    projection: str = option(
        STATED, "which contrastive features are projected", choices=("local", "global", "both"), row=4
    )
    logit_head: str = option(STATED, "the critic's last layers: two linear or one", choices=("mlp", "linear"), row=5)
    local_tap: str = option(
        "block", "local features: before the last block of layers, or before the last layer",
        choices=("block", "layer"), row=3,
    )  # fmt: skip
    critic_norm: str = option(STATED, "the critic's normalisation", choices=("spectral+batch", "spectral"), row=27)
    dropout: str = option(
        STATED, "Dropout2d 0.2 where the October 2021 models have it, or none", choices=("released", "none"), row=39
    )
    encoder_output: str = option(
        "layer-norm", "the encoder's last layer: affine LayerNorm, or nothing", choices=("layer-norm", "none"), row=38
    )
    initialisation: str = option(
        "pytorch", "initial weights: PyTorch's, or Xavier", choices=("pytorch", "xavier"), row=41
    )
    # losses
    contrastive: str = option(
        "masked", "denominator of equation 1: other images' locations only, or all as printed",
        choices=("masked", "literal"), row=1,
    )  # fmt: skip
    alpha: float = option(STATED, "weight of L_cgan(fake) in L_G (paper: 0.3)", row=6, at_least=0)
    beta: float = option(STATED, "weight of L_cgan(real) in L_D (paper: 0.3)", row=6, at_least=0)
    adversarial: str = option(
        "rsgan", "equation 6 on pairs (rsgan), or against the batch average (rasgan)",
        choices=("rsgan", "rasgan"), row=8,
    )  # fmt: skip
    latent_role: str = option(
        "adversarial", "does the encoder fool D_z or help it", choices=("adversarial", "cooperative"), row=11
    )
    latent_pair: str = option(
        "paper", "D_z compares (z,z) with (z,E(x)); alad: with (z,E(G(z))); marginal: single vectors",
        choices=("paper", "alad", "marginal"), row=12,
    )  # fmt: skip
    latent_weight: float = option(1.0, "weight of D_z's term in the encoder's loss", row=13, at_least=0)
    # optimisation
    learning_rate_cgan: float = option(STATED, "learning rate of G, D_cgan and D_z (paper: 3e-4)", at_least=0)
    learning_rate_autoencoder: float = option(STATED, "learning rate of E (paper: 2e-4)", at_least=0)
    optimiser: str = option(
        "adam", "Adam without decay (paper), or AdamW with the October 2021 decays", choices=("adam", "adamw"), row=15
    )
    generator_optimiser: str = option(
        "shared", "one optimiser for G in both its steps, or one per step", choices=("shared", "separate"), row=14
    )
    critic_steps: int = option(2, "critic updates per generator update", row=16, at_least=1)
    critic_gradients: str = option(
        "zeroed", "zero the critic's gradients between its updates, or let them add up",
        choices=("zeroed", "accumulated"), row=16,
    )  # fmt: skip
    latent_draws: str = option(
        "fresh", "a fresh z for every update, or one z for the whole batch", choices=("fresh", "shared"), row=17
    )
    prior: str = option("gaussian", "P_z: N(0,I), or uniform on [-1,1]", choices=("gaussian", "uniform"), row=37)
    warm_up: str = option(
        "autoencoder",
        "warm-up trains E and G only; with D and D_z too; or everything at a rising learning rate",
        choices=("autoencoder", "with-discriminators", "learning-rate"),
        row=19,
    )
    # scoring
    lambda_: float = option(STATED, "equation 4's lambda: critic features against pixels (paper: 0.1)", at_least=0)
    rho: float = option(STATED, "equation 4's rho: encoder against latent discriminator (paper: 0.5)", at_least=0)
    reduction: str = option("mean", "sums of equations 4 and 5 as means or as printed", choices=("mean", "sum"), row=22)
    feature_tap: str = option(
        STATED, "f_D before or after the contrastive projection", choices=("projected", "raw"), row=23
    )
    latent_feature: str = option(
        "printed", "L_FL with E(G(z)) as printed, or with E(G(E(x)))", choices=("printed", "released"), row=24
    )
    test_latents: str = option(
        "shared", "z while scoring: the same for all images, one per image, or the October 2021 script's rule",
        choices=("shared", "per-image", "released"), row=25,
    )  # fmt: skip
    test_latent_count: int = option(16, "how many shared z are averaged over", row=25, at_least=1)
    latent_output: str = option("logit", "D_z in L_FL: logit or probability", choices=("logit", "probability"), row=26)
    test_mode: str = option(
        "eval", "batch norm while scoring: running statistics, or those of the test batch",
        choices=("eval", "batch-statistics"), row=28,
    )  # fmt: skip
    test_batch_size: int = option(256, "images per batch while scoring", row=29, at_least=1)

    def __post_init__(self):
        super().__post_init__()
        for name in ("lambda_", "rho"):
            if getattr(self, name) > 1:
                raise AdcganError(f"{name} is {getattr(self, name)}: expected a weight from 0 to 1")
        if self.architecture == "t2p" and self.dropout == "released":
            raise AdcganError("dropout is 'released': the t2p networks have no dropout; use none, or architecture t2r")
        if self.width == 0:
            raise AdcganError("width is 0: expected a positive factor, 1 for the paper's networks")


CONFIGS: dict[str, type[Config]] = {"adcgan": ADCGANConfig}

# What the two sets of layer tables settle (register rows 4, 5, 23, 27, 39).
ARCHITECTURES = {
    "t2r": dict(
        projection="local", logit_head="mlp", feature_tap="projected", critic_norm="spectral+batch", dropout="released"
    ),
    "t2p": dict(projection="global", logit_head="linear", feature_tap="raw", critic_norm="spectral", dropout="none"),
}

# Data sets that the paper does not have take the settings of the paper's data set of the same image size.
SETTINGS_OF_SIZE = {28: "mnist", 32: "cifar10", 64: "cats_vs_dogs"}


def configure(method: str, scheme: str, image_size: int, channels: int, **options) -> Config:
    """The paper's settings for images of this size under this scheme, with ``options`` in their place.

    Raises AdcganError for an unknown method, scheme or option, or a value of the wrong type or range.
    """
    choose("method", method, CONFIGS)
    choose("scheme", scheme, SCHEMES)
    choose("image size", image_size, SETTINGS_OF_SIZE)
    kind = CONFIGS[method]
    names = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        choose(f"option of method {method}", name, names)
    stated = paper.settings()
    values = dict(
        image_size=image_size,
        channels=channels,
        batch_size=stated["batch_size"],
        warm_up_epochs=stated["epochs"][scheme]["warm_up"],
        epochs=stated["epochs"][scheme]["adversarial"],
        latent_size=stated["latent_size"][SETTINGS_OF_SIZE[image_size]],
        alpha=stated["alpha"],
        beta=stated["beta"],
        learning_rate_cgan=stated["learning_rate"]["cgan"],
        learning_rate_autoencoder=stated["learning_rate"]["autoencoder"],
        lambda_=stated["lambda"],
        rho=stated["rho"],
    )
    architecture = options.get("architecture", "t2r")
    choose("architecture", architecture, ARCHITECTURES)
    values.update(ARCHITECTURES[architecture])
    values = {name: value for name, value in values.items() if name in names}
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
    """Options as a dictionary, or as text: ``"epochs=1 contrastive=literal"``."""
    choose("method", method, CONFIGS)
    if isinstance(text, dict):
        return text
    options = {}
    for part in text.replace(",", " ").split():
        name, equals, value = part.partition("=")
        if not equals:
            raise AdcganError(f"option {part!r} has no value: expected NAME=VALUE, separated by spaces")
        options[name] = value
    return options


def _convert(kind, name, value):
    """``value`` as the field's type; text from a command line or a notebook parameter is read as such."""
    wanted = next(field.type for field in dataclasses.fields(kind) if field.name == name)
    if isinstance(value, str) and wanted is not str:
        try:
            return wanted(value)
        except ValueError:
            raise AdcganError(f"option {name} is {value!r}: expected {wanted.__name__}") from None
    if wanted is float and type(value) is int:
        return float(value)
    return value


def _check(field, value):
    choices, at_least = field.metadata["choices"], field.metadata["at_least"]
    if type(value) is not field.type:
        raise AdcganError(
            f"option {field.name} is {value!r}: expected {field.type.__name__}, not {type(value).__name__}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise AdcganError(f"option {field.name} is {value!r}: expected a finite number")
    if choices and value not in choices:
        expected = ", ".join(str(choice) for choice in choices)
        raise AdcganError(f"option {field.name} is {value!r}: expected one of {expected}")
    if at_least is not None and not value >= at_least:
        raise AdcganError(f"option {field.name} is {value!r}: expected {at_least} or more")
