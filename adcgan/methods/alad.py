"""ALAD: Zenati et al., "Adversarially Learned Anomaly Detection", ICDM 2018, for images.

An encoder E and a generator G are trained together against three discriminators of pairs: D_xz tells (x, E(x))
from (G(z), z), D_xx tells (x, x) from (x, G(E(x))), D_zz tells (z, z) from (z, E(G(z))). An image is scored by how
far D_xx's features of (x, x) and (x, G(E(x))) lie apart. Sizes, constants and order of operations follow the authors'
repository at 1f1c310 (CIFAR-10; the 28 and 64 pixel networks are this project's).
"""

from copy import deepcopy
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from ..config.compared import ALADConfig
from ..models.architectures import scaled
from ..models.compared import SameConv2d, Unflatten, initialise
from ..models.layers import Adam, Conv2d, ConvTranspose2d, Linear
from .base import Method, detach, frozen

BETAS = (0.5, 0.999)
SLOPE, DROPOUT = 0.2, 0.2
WIDTHS = {28: (128, 256, 512), 32: (128, 256, 512), 64: (128, 256, 512, 512)}  # each halves the side, down to 4
DEVIATION = 0.01  # of the normal initial weights


def batch_norm(width: int) -> nn.BatchNorm2d:
    """TensorFlow's default batch norm."""
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


def widths(config) -> list[int]:
    """Channels of the encoder's maps, from the image down to 4 x 4."""
    return [scaled(width, config) for width in WIDTHS[config.image_size]]


def normal(network: nn.Module) -> nn.Module:
    """The source's initial weights: N(0, 0.01), biases 0."""
    return initialise(network, partial(nn.init.normal_, std=DEVIATION), 0.0)


def normalised(network: nn.Module, config) -> nn.Module:
    """Initial weights, then spectral norm on every layer that the source normalises: all but the last."""
    layers = [module for module in normal(network).modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    if config.spectral_norm == "on":
        for layer in layers[:-1]:
            spectral_norm(layer)
    return network


def halving(channels: int, out: int, norm: bool) -> nn.Sequential:
    """Half the side: convolution of 4, stride 2, batch norm where ``norm``, LeakyReLU."""
    return nn.Sequential(
        SameConv2d(channels, out, 4, 2), *([batch_norm(out)] if norm else []), nn.LeakyReLU(SLOPE)
    )  # fmt: skip


def tower(config, first_norm: bool) -> nn.Sequential:
    """x (N, C, H, H) -> maps (N, K, 4, 4), in steps of half the side."""
    sizes = [config.channels, *widths(config)]
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return nn.Sequential(*(halving(a, b, first_norm or n > 0) for n, (a, b) in enumerate(pairs)))


def encoder(config) -> nn.Sequential:
    """E: x (N, C, H, H) -> (N, L)."""
    last = Conv2d(widths(config)[-1], config.latent_size, 4)
    return normalised(nn.Sequential(tower(config, first_norm=True), last, nn.Flatten()), config)


def generator(config) -> nn.Sequential:
    """G: z (N, L) -> x (N, C, H, H) in [-1, 1]; no spectral norm."""
    *hidden, top = widths(config)
    modules = [Unflatten(), ConvTranspose2d(config.latent_size, top, 4), batch_norm(top), nn.ReLU()]
    channels = top
    for step, out in enumerate([*reversed(hidden), config.channels]):
        kernel = 3 if config.image_size == 28 and step == 0 else 4  # 4 -> 7, not 8
        modules.append(ConvTranspose2d(channels, out, kernel, 2, 1))
        modules += [batch_norm(out), nn.ReLU()] if step < len(hidden) else [nn.Tanh()]
        channels = out
    return normal(nn.Sequential(*modules))


class PairDiscriminator(nn.Module):
    """D_xz: pairs x (N, C, H, H), z (N, L) -> logits (N,)."""

    def __init__(self, config):
        super().__init__()
        top, hidden = widths(config)[-1], [scaled(width, config) for width in (512, 512, 1024)]
        self.x = nn.Sequential(tower(config, first_norm=False), nn.Flatten())
        self.z = nn.Sequential(
            Linear(config.latent_size, hidden[0]), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
            Linear(hidden[0], hidden[1]), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
        )  # fmt: skip
        self.join = nn.Sequential(
            Linear(16 * top + hidden[1], hidden[2]), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
            Linear(hidden[2], 1),
        )  # fmt: skip
        normalised(self, config)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.join(torch.cat([self.x(x), self.z(z)], 1)).squeeze(1)


class ImageDiscriminator(nn.Module):
    """D_xx: pairs of images, joined along their height (N, C, 2H, H) -> logits (N,) and features (N, K)."""

    def __init__(self, config):
        super().__init__()
        first, second = (scaled(width, config) for width in (64, 128))
        self.features = nn.Sequential(
            SameConv2d(config.channels, first, 5, 2), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
            SameConv2d(first, second, 5, 2), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT), nn.Flatten(),
        )  # fmt: skip
        self.logit = Linear(second * (config.image_size // 2) * (config.image_size // 4), 1)
        normalised(self, config)

    def forward(self, x: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(torch.cat([x, other], 2))
        return self.logit(features).squeeze(1), features


class LatentDiscriminator(nn.Module):
    """D_zz: pairs of latents (N, L), (N, L) -> logits (N,)."""

    def __init__(self, config):
        super().__init__()
        self.body = nn.Sequential(
            Linear(2 * config.latent_size, 64), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
            Linear(64, 32), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT), Linear(32, 1),
        )  # fmt: skip
        normalised(self, config)

    def forward(self, z: Tensor, other: Tensor) -> Tensor:
        return self.body(torch.cat([z, other], 1)).squeeze(1)


def L_pairs(first: Tensor, second: Tensor) -> Tensor:
    """Cross-entropy of logits (N,): the label 1 for the pairs of ``first``, 0 for those of ``second``."""
    return (F.softplus(-first) + F.softplus(second)).mean()


class ALAD(Method):
    """Five networks, one discriminator update and one update of G and E a batch, averaged weights for the score."""

    config: ALADConfig
    shuffles = 2  # the update of G and E sees the images in an order of its own
    monitored = "validation_features"

    def __init__(self, config: ALADConfig, device: torch.device):
        super().__init__(config, device)
        self.E, self.G = encoder(config), generator(config)
        self.D_xz, self.D_xx, self.D_zz = PairDiscriminator(config), ImageDiscriminator(config), None
        self.networks = {"E": self.E, "G": self.G, "D_xz": self.D_xz, "D_xx": self.D_xx}
        if config.latent_cycle == "on":
            self.D_zz = self.networks["D_zz"] = LatentDiscriminator(config)
        for network in self.networks.values():
            network.to(device=device, memory_format=torch.channels_last)
        self.optimisers = {name: self.optimiser(Adam, name, config.learning_rate, BETAS) for name in self.networks}
        self.discriminators = [network for name, network in self.networks.items() if name.startswith("D")]
        self.averages = {name: deepcopy(self.networks[name]).requires_grad_(False) for name in ("E", "G", "D_xx")}
        self.networks |= {f"{name}_average": network for name, network in self.averages.items()}

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """The discriminators on one batch, G and E on another."""
        first, second = x.chunk(2)
        return self.discriminator_step(first, self.draw(first)) | self.generator_step(second, self.draw(second))

    def discriminator_step(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """D_xz, D_xx and D_zz learn to tell their pairs apart, each by its own optimiser."""
        with torch.no_grad():
            E_x, G_z = self.E(x), self.G(z)
            reconstruction = self.G(E_x)
        log = {"L_xz": L_pairs(self.D_xz(x, E_x), self.D_xz(G_z, z))}
        log["L_xx"] = L_pairs(self.D_xx(x, x)[0], self.D_xx(x, reconstruction)[0])
        if self.D_zz:
            with torch.no_grad():
                again = self.E(G_z)
            log["L_zz"] = L_pairs(self.D_zz(z, z), self.D_zz(z, again))
        self.update([name for name in ("D_xz", "D_xx", "D_zz") if name in self.networks], sum(log.values()))
        self.average("D_xx")
        return detach(**log)

    def generator_step(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """G and E learn with every label exchanged; each term reaches only the network that the source gives it to."""
        with frozen(*self.discriminators):
            E_x, G_z = self.E(x), self.G(z)
            log = {"L_GE": L_pairs(self.D_xz(G_z, z), self.D_xz(x, E_x))}
            log["L_cycle_x"] = L_pairs(self.D_xx(x, self.G(E_x))[0], self.D_xx(x, x)[0])
            if self.D_zz:
                log["L_cycle_z"] = L_pairs(self.D_zz(z, self.E(G_z)), self.D_zz(z, z))
            self.update(["E", "G"], sum(log.values()))
        self.average("E", "G")
        return detach(**log)

    @torch.no_grad()
    def average(self, *names: str) -> None:
        """Move the averaged weights of the named networks towards the current ones.

        Batch norm's statistics are taken over. Spectral norm follows the averaged weights by a power iteration a
        step, as it follows the current ones: their vectors would not fit.
        """
        for name in names:
            mean, now = self.averages[name], self.networks[name]
            torch._foreach_lerp_(list(mean.parameters()), list(now.parameters()), 1 - self.config.ema_decay)
            statistics = dict(now.named_buffers())
            for buffer, value in mean.named_buffers():
                if "parametrizations" not in buffer:
                    value.copy_(statistics[buffer])
            for layer in mean.modules():
                if is_parametrized(layer, "weight"):
                    layer.weight  # noqa: B018  to read it in training mode is one power iteration

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """The mean score of held-out normal images: what the early stop watches, without labels."""
        return {self.monitored: float(self.components(images)["features"].mean())}

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The source's four scores, by the averaged weights; float32 (M,)."""
        return self.components(images)

    def components(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """D_xx's features and cross-entropy, L1 and L2 of x - G(E(x)); norms as means, which rank alike."""
        E, G, D_xx = (self.averages[name] for name in ("E", "G", "D_xx"))
        rows = []
        with self.evaluating():
            for _, x in self.test_batches(images):
                reconstruction = G(E(x))
                (_, same), (logit, other) = D_xx(x, x), D_xx(x, reconstruction)
                difference = (x - reconstruction).flatten(1)
                rows.append(
                    torch.stack(
                        [
                            (same - other).abs().mean(1),
                            F.softplus(-logit),
                            difference.abs().mean(1),
                            difference.square().mean(1).sqrt(),
                        ]
                    )
                )
        values = torch.cat(rows, 1).cpu().numpy()
        return dict(zip(("features", "cross-entropy", "l1", "l2"), values, strict=True))

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E(x)) by the averaged weights, as uint8 pictures."""
        with self.evaluating():
            return self.to_uint8(self.averages["G"](self.averages["E"](self.pixels(images))))
