"""A plain convolutional autoencoder: AD-CGAN's encoder and decoder, trained on L_AE alone, scored by it."""

import numpy as np
import torch
from torch import Tensor

from ..config import configure
from ..config.baselines import AutoencoderConfig
from ..models import losses
from ..models.layers import Adam
from ..models.networks import Encoder, Generator
from .adcgan import BETAS
from .base import Method, detach


class Autoencoder(Method):
    """E and G as in AD-CGAN's warm-up."""

    config: AutoencoderConfig

    def __init__(self, config: AutoencoderConfig, device: torch.device):
        super().__init__(config, device)
        shared = {name: getattr(config, name) for name in ("latent_size", "width", "pixel_range")}
        whole = configure("adcgan", "one-vs-all", config.image_size, config.channels, **shared)
        self.E, self.G = Encoder(whole), Generator(whole)
        self.networks = {"E": self.E, "G": self.G}
        for network in self.networks.values():
            network.to(device=device, memory_format=torch.channels_last)
        rates = {"E": whole.learning_rate_autoencoder, "G": whole.learning_rate_cgan}
        self.optimisers = {name: self.optimiser(Adam, name, rates[name], BETAS) for name in self.networks}

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """L_AE for E and G."""
        L_AE = losses.L_AE(x, self.G(self.E(x)))
        self.update(["E", "G"], L_AE)
        return detach(L_AE=L_AE)

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """L_AE on held-out normal images."""
        return {"validation_L_AE": float(self.score(images)["L_AE"].mean())}

    def batch_components(self, x: Tensor) -> dict[str, Tensor]:
        """The squared error of every image, mean over its pixels."""
        return {"L_AE": (x - self.G(self.E(x))).square().flatten(1).mean(1)}

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E(x)) as uint8 pictures."""
        with self.evaluating():
            return self.to_uint8(self.G(self.E(self.pixels(images))))
