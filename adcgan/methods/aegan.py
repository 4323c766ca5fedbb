"""AE-GAN: Rafiee and Fevens, "Unsupervised Anomaly Detection with a GAN Augmented Autoencoder", ICANN 2020.

An autoencoder whose decoder is the generator of a GAN. It is AD-CGAN without the relativistic loss, the contrast and
the latent discriminator. Sizes, constants and order of operations follow the authors' repository at 5b23031; where
it transforms test images at random, this file does not.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import scoring
from ..config.compared import AEGANConfig
from ..models import losses
from ..models.architectures import scaled
from ..models.compared import PointConvTranspose2d, Unflatten, initialise
from ..models.layers import Adam
from .base import Method, detach, frozen


def networks(config: AEGANConfig) -> tuple[nn.Module, nn.Module, nn.Module, nn.Module]:
    """E: x -> (N, L), G: z -> x, and D in two parts: x -> features f_D, features -> two logits (1 is real)."""
    L, C = config.latent_size, config.channels

    def w(width):
        return scaled(width, config)

    def c(i, o, kernel, stride=1, padding=0, slope=0.2, norm=True):
        activation = nn.LeakyReLU(slope) if slope else nn.ReLU()
        return [nn.Conv2d(i, o, kernel, stride, padding), *([nn.BatchNorm2d(o)] if norm else []), activation]

    def d(i, o, kernel, stride, padding=0, activation=nn.ReLU, kind=nn.ConvTranspose2d):
        return [kind(i, o, kernel, stride, padding), nn.BatchNorm2d(o), activation()]

    def dense(i, o):
        return [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]

    if config.image_size == 28:
        a, b, e, h, top = w(64), w(128), w(256), w(1024), w(6272)
        E = [*c(C, a, 3, slope=0.1, norm=False), *c(a, b, 3, 2, slope=0.1), *c(b, e, 3, 2, slope=0.1), nn.Flatten(),
             nn.Linear(25 * e, L)]  # fmt: skip
        G = [*dense(L, h), *dense(h, top), Unflatten(),
             *d(top, a, 5, 2, activation=nn.LeakyReLU, kind=PointConvTranspose2d),
             *d(a, a, 5, 2, activation=nn.LeakyReLU), nn.ConvTranspose2d(a, C, 4, 2)]  # fmt: skip
        f_D = c(C, a, 3, 2, slope=0.1, norm=False)
        D = [*c(a, b, 3, slope=0.1), *c(b, e, 3, 2, slope=0.1), nn.Flatten(), nn.Linear(25 * e, h), nn.Linear(h, 2)]
    elif config.image_size == 32:
        b, e, h = w(128), w(256), w(512)
        E = [*c(C, b, 4, 2), *c(b, e, 4, 2), *c(e, h, 4, 2), nn.Conv2d(h, L, 4, 1, 1), nn.Flatten()]
        G = [Unflatten(), *d(L, h, 4, 2, 1), *d(h, e, 4, 2), *d(e, b, 5, 2), nn.ConvTranspose2d(b, C, 4, 2)]
        f_D = [*c(C, b, 4, 2, norm=False), *c(b, e, 4, 2)]
        D = [*c(e, h, 4, 3), nn.Flatten(), nn.Linear(h, 2)]
    else:  # the 2022 copy's sizes, its critic with two logits instead of L
        a, b, e, h = w(64), w(128), w(256), w(512)
        E = [*c(C, b, 5, 2), *c(b, e, 5, 2), *c(e, h, 5, 2), nn.Conv2d(h, L, 5), nn.Flatten()]
        G = [*dense(L, 16 * e), Unflatten(4), *d(e, b, 4, 2, 1), *d(b, a, 4, 2, 1), *d(a, a, 4, 2, 1),
             nn.ConvTranspose2d(a, C, 4, 2, 1)]  # fmt: skip
        f_D = [layer for i, o in ((C, a), (a, b), (b, e), (e, e)) for layer in c(i, o, 3, 2, 1, slope=0)]
        D = [nn.Flatten(), nn.Linear(16 * e, 2)]
    parts = nn.Sequential(*E, nn.LayerNorm(L)), nn.Sequential(*G, nn.Tanh()), nn.Sequential(*f_D), nn.Sequential(*D)
    for network in parts:
        initialise(network, nn.init.xavier_uniform_, 0.01)
    return parts


def L_class(logits: Tensor, label: int) -> Tensor:
    """Cross-entropy of two-class logits (N, 2) against one label for all: 1 real, 0 generated."""
    return F.cross_entropy(logits, torch.full((len(logits),), label, device=logits.device))


class AEGAN(Method):
    """E, G and D; per batch the autoencoder, the generator, the discriminator."""

    config: AEGANConfig

    def __init__(self, config: AEGANConfig, device: torch.device):
        super().__init__(config, device)
        self.E, self.G, self.f_D, head = networks(config)
        self.D = nn.Sequential(self.f_D, head)
        self.networks = {"E": self.E, "G": self.G, "D": self.D}
        for network in self.networks.values():
            network.to(device=device, memory_format=torch.channels_last)
        decay = {"E": config.weight_decay_encoder, "G": config.weight_decay, "D": config.weight_decay}
        self.optimisers = {
            name: self.optimiser(Adam, name, config.learning_rate, weight_decay=decay[name]) for name in self.networks
        }

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """L_AE for E and G, then G against D on fresh z, then D on x and the same generated images."""
        L_AE = losses.L_AE(x, self.G(self.E(x)))
        self.update(["E", "G"], L_AE)
        x_f = self.G(torch.randn(len(x), self.config.latent_size, device=self.device))
        with frozen(self.D):
            L_G = L_class(self.D(x_f), 1)
            self.update(["G"], L_G)
        L_D = L_class(self.D(x), 1) + L_class(self.D(x_f.detach()), 0)
        self.update(["D"], L_D)
        return detach(L_AE=L_AE, L_G=L_G, L_D=L_D)

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """L_AE on held-out normal images."""
        with self.evaluating():
            total = sum(losses.L_AE(x, self.G(self.E(x))).item() * len(x) for _, x in self.test_batches(images))
        return {"validation_L_AE": total / len(images)}

    def batch_components(self, x: Tensor) -> dict[str, Tensor]:
        """L_GD, L_GR and L_FE, defined as AD-CGAN's."""
        E_x = self.E(x)
        again = self.G(E_x)
        return {
            "L_GD": scoring.L_GD(self.f_D(x), self.f_D(again)),
            "L_GR": scoring.L_GR(x, again),
            "L_FE": scoring.L_FE(E_x, self.E(again)),
        }

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E(x)) as uint8 pictures."""
        with self.evaluating():
            return self.to_uint8(self.G(self.E(self.pixels(images))))
