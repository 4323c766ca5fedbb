"""The networks as layer tables: what `adcgan.models.networks` builds and what Table 2 is generated from.

Two sets (specification A.5): ``t2r``, the sizes of the authors' October 2021 models, and ``t2p``, a design
that meets every count of the paper's Table 2. No torch here, so that the book can read the tables.
"""

import math
from dataclasses import dataclass, replace

from ..config import ADCGANConfig, TrainedConfig

LATENT, IMAGE = "latent", "image"  # widths known only from the configuration: L and C
PROJECTED = 1024  # width of InfoMax-GAN's projections


@dataclass(frozen=True)
class Layer:
    """One row: a convolution, a transposed one, or a residual block of two 3x3 convolutions.

    ``bn`` and ``dropout`` mark where batch norm and Dropout2d stand when the configuration has them.
    """

    kind: str  # conv, deconv or residual
    out: int | str
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    spectral: bool = True
    bn: bool = True
    activation: str | None = "leaky"
    dropout: bool = False

    def size(self, side: int) -> int:
        """The side of the output for an input of ``side`` pixels."""
        if self.kind == "deconv":
            return (side - 1) * self.stride - 2 * self.padding + self.kernel
        return (side + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Tables:
    """The layers of one set at one image size. ``slope`` is LeakyReLU's, in encoder and critic."""

    encoder: tuple[Layer, ...]
    generator: tuple[Layer, ...]
    critic: tuple[Layer, ...]
    slope: float = 0.2
    head_width: int = 2048  # hidden width of the critic's two-layer logit head
    latent_discriminator: tuple[int, ...] = (64, 32, 1)


def _c(out, kernel, stride=1, padding=0, **rest):
    return Layer("conv", out, kernel, stride, padding, **rest)


def _d(out, kernel, stride=1, padding=0, *, activation="prelu", **rest):
    return Layer("deconv", out, kernel, stride, padding, activation=activation, **rest)


def _residual(width):
    return Layer("residual", width, 3, 1, 1, activation="prelu")


# The start of every T2-R generator: two 3x3 convolutions on the 1x1 latent.
_LATENT_STEM = (
    _c(128, 3, 1, 1, bn=False, activation="prelu"),
    _c(512, 3, 1, 1, spectral=False, activation="prelu"),
)

_T2R_28 = Tables(
    slope=0.1,
    encoder=(
        _c(64, 3, bn=False),
        _c(128, 3, 2),
        _c(256, 3, 2),
        _c(256, 3),
        _c(LATENT, 3, bn=False, activation=None),
    ),
    generator=(
        *_LATENT_STEM,
        _d(256, 4, 2),
        _d(128, 4, 2, 1),
        _residual(128),
        _d(64, 3, 2, 1),
        _d(64, 2, 2),
        _c(IMAGE, 3, bn=False, activation="tanh"),
    ),
    critic=(_c(64, 3, 2, bn=False), _c(128, 3, 2), _c(256, 3), _c(512, 3, 2)),
)

_T2R_32 = Tables(
    encoder=(
        _c(64, 5, 2, dropout=True),
        _c(128, 5),
        _c(256, 5, dropout=True),
        _c(512, 4, dropout=True),
        _c(LATENT, 3, bn=False, activation=None),
    ),
    generator=(
        *_LATENT_STEM,
        _d(512, 4, 2),
        _d(256, 4, 2, 1),
        _d(128, 4, 2, 1),
        _residual(128),
        _d(64, 4, 2, 1),
        _c(IMAGE, 3, 1, 1, bn=False, activation="tanh"),
    ),
    critic=(
        _c(64, 5, 1, 1, bn=False, dropout=True),
        _c(128, 4, 2),
        _c(256, 5),
        _c(512, 5, dropout=True),
        _c(1024, 3),
        _c(2048, 3, 2, dropout=True),
    ),
)

_T2R_64 = Tables(
    encoder=(
        _c(64, 7, 2, dropout=True),
        _c(128, 5),
        _c(256, 7, 2, dropout=True),
        _c(512, 5, dropout=True),
        _c(LATENT, 6, bn=False, activation=None),
    ),
    generator=(
        *_LATENT_STEM,
        _d(512, 5, 2),
        _d(256, 5, 2),
        _d(128, 5, 2),
        _residual(128),
        _d(64, 5, 2),
        _d(64, 4),
        _c(IMAGE, 3, 1, 1, bn=False, activation="tanh"),
    ),
    critic=(
        _c(64, 7, 1, 1, bn=False, dropout=True),
        _c(128, 5, 2),
        _c(256, 5),
        _c(512, 5, 2, dropout=True),
        _c(1024, 5),
        _c(2048, 5, 2, dropout=True),
    ),
)


def _plain(*layers, activation=None):
    """T2-P's encoder and generator: no spectral norm; ``activation`` replaces every hidden one."""
    return tuple(
        replace(
            layer,
            spectral=False,
            activation=activation if activation and layer.activation != "tanh" else layer.activation,
        )
        for layer in layers
    )


_T2P_28 = Tables(
    encoder=_plain(
        _c(64, 4, 2, 1, bn=False),
        _c(128, 4, 2, 1),
        _c(256, 3, 2, 1),
        _c(256, 3, 1, 1),
        _c(LATENT, 4, bn=False, activation=None),
    ),
    generator=_plain(
        _d(512, 4),
        _d(256, 3, 2, 1),
        _d(128, 4, 2, 1),
        _d(64, 4, 2, 1),
        _c(64, 3, 1, 1),
        _c(IMAGE, 3, 1, 1, bn=False, activation="tanh"),
        activation="relu",
    ),
    critic=(_c(64, 4, 2, 1, bn=False), _c(128, 4, 2, 1), _c(256, 3, 1, 1), _c(256, 3, 2, 1, activation="relu")),
)

_T2P_32 = Tables(
    encoder=_plain(
        _c(64, 4, 2, 1, bn=False),
        _c(128, 4, 2, 1),
        _c(256, 4, 2, 1),
        _c(512, 3, 1, 1),
        _c(LATENT, 4, bn=False, activation=None),
    ),
    generator=_plain(
        _d(512, 4),
        _d(256, 4, 2, 1),
        _d(128, 4, 2, 1),
        _d(64, 4, 2, 1),
        _c(64, 3, 1, 1),
        _c(64, 3, 1, 1),
        _c(IMAGE, 3, 1, 1, bn=False, activation="tanh"),
        activation="relu",
    ),
    critic=(
        _c(64, 3, 1, 1, bn=False),
        _c(128, 4, 2, 1),
        _c(128, 3, 1, 1),
        _c(256, 4, 2, 1),
        _c(256, 3, 1, 1),
        _c(512, 4, 2, 1, activation="relu"),
    ),
)

_T2P_64 = Tables(
    encoder=_plain(
        _c(64, 4, 2, 1, bn=False),
        _c(128, 4, 2, 1),
        _c(256, 4, 2, 1),
        _c(512, 4, 2, 1),
        _c(LATENT, 4, bn=False, activation=None),
    ),
    generator=_plain(
        _d(512, 4),
        _d(256, 4, 2, 1),
        _d(128, 4, 2, 1),
        _d(64, 4, 2, 1),
        _d(64, 4, 2, 1),
        _c(64, 3, 1, 1),
        _c(IMAGE, 3, 1, 1, bn=False, activation="tanh"),
        activation="relu",
    ),
    critic=(
        _c(64, 4, 2, 1, bn=False),
        _c(64, 3, 1, 1),
        _c(128, 4, 2, 1),
        _c(256, 4, 2, 1),
        _c(256, 3, 1, 1),
        _c(512, 4, 2, 1, activation="relu"),
    ),
)

TABLES = {
    ("t2r", 28): _T2R_28,
    ("t2r", 32): _T2R_32,
    ("t2r", 64): _T2R_64,
    ("t2p", 28): _T2P_28,
    ("t2p", 32): _T2P_32,
    ("t2p", 64): _T2P_64,
}


def tables(config: ADCGANConfig) -> Tables:
    """The layer tables that ``config`` asks for."""
    return TABLES[config.architecture, config.image_size]


def width(out: int | str, config: ADCGANConfig) -> int:
    """A table's width as a number of channels: L and C from the configuration, the rest times its ``width``."""
    if out == LATENT:
        return config.latent_size
    if out == IMAGE:
        return config.channels
    return scaled(out, config)


def scaled(hidden: int, config: TrainedConfig) -> int:
    """A hidden width times the configuration's ``width``, at least 1."""
    return max(1, round(hidden * config.width))


def local_index(config: ADCGANConfig) -> int:
    """Index of the critic layer whose output is the local map C_psi (open choice: which features are local).

    A block is two layers, so "before the last block" is the third from the end.
    """
    return len(tables(config).critic) - (3 if config.local_tap == "block" else 2)


def counts(config: ADCGANConfig) -> dict[str, dict[str, int]]:
    """Table 2: per module the number of conv, deconv and linear layers.

    As in the paper, the residual block and the local 1x1 projection are not counted.
    """
    sizes = tables(config)

    def count(layers, linear=0):
        kinds = [layer.kind for layer in layers]
        return {"conv": kinds.count("conv"), "deconv": kinds.count("deconv"), "linear": linear}

    head = {"mlp": 2, "linear": 1}[config.logit_head] + (config.projection == "global")
    return {
        "encoder": count(sizes.encoder),
        "generator": count(sizes.generator),
        "critic": count(sizes.critic, head),
        "latent_discriminator": count((), len(sizes.latent_discriminator)),
    }


def trace(layers: tuple[Layer, ...], channels: int, side: int, config: ADCGANConfig) -> list[tuple[int, int]]:
    """(channels, side) after each layer, for an input of ``channels`` x ``side`` x ``side``."""
    shapes = []
    for layer in layers:
        channels, side = width(layer.out, config), layer.size(side)
        shapes.append((channels, side))
    return shapes


def chance_L_cgan(config: ADCGANConfig) -> float:
    """Equation 1's value for a critic that cannot tell images apart, for N images with M x M locations each.

    log(1 + (N-1)M^2) with the masked denominator, log(N M^2) with the literal one: what the curves start from.
    """
    index = local_index(config)
    _, side = trace(tables(config).critic, config.channels, config.image_size, config)[index]
    if config.contrastive == "literal":
        return math.log(config.batch_size * side**2)
    return math.log(1 + (config.batch_size - 1) * side**2)
