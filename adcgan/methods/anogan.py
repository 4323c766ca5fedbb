"""AnoGAN: Schlegl et al., "Unsupervised Anomaly Detection with Generative Adversarial Networks", IPMI 2017.

A DCGAN learns the normal images. A test image is then searched for in its latent space: z moves for 500 steps
towards an image G(z) that resembles it in pixels and in the discriminator's features, and what remains is the score.
The networks are ALAD's generator and the image tower of its pair discriminator, without spectral norm.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config.compared import AnoGANConfig
from ..models.layers import Adam
from .alad import BETAS, generator, normal, tower, widths
from .base import Method, detach, frozen, latents_of


class AnoGAN(Method):
    """G and D, and the search for every test image."""

    scoring_cost = 140
    searches = True

    config: AnoGANConfig

    def __init__(self, config: AnoGANConfig, device: torch.device):
        super().__init__(config, device)
        self.G = generator(config)
        self.f = nn.Sequential(tower(config, first_norm=False), nn.Flatten())
        self.D = normal(nn.Sequential(self.f, nn.Linear(16 * widths(config)[-1], 1)))
        self.networks = {"G": self.G, "D": self.D}
        for network in self.networks.values():
            network.to(device=device, memory_format=torch.channels_last)
        self.optimisers = {name: self.optimiser(Adam, name, config.learning_rate, BETAS) for name in self.networks}

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """D learns 1 for x and 0 for G(z); G, on fresh z, learns to be given 1."""
        with torch.no_grad():
            x_f = self.G(self.draw(x))
        L_D = F.softplus(-self.D(x)).mean() + F.softplus(self.D(x_f)).mean()
        self.update(["D"], L_D)
        with frozen(self.D):
            L_G = F.softplus(-self.D(self.G(self.draw(x)))).mean()
            self.update(["G"], L_G)
        return detach(L_D=L_D, L_G=L_G)

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """L_R and L_D at the end of every image's search; float32 (M,)."""
        rows = []
        for where, x in self.test_batches(images):
            z = self.search(x, self.first_latents(images[where]))
            with self.evaluating():
                rows.append(torch.stack(self.losses(x, self.f(x), z)))
        return dict(zip(("L_R", "L_D"), torch.cat(rows, 1).cpu().numpy(), strict=True))

    def search(self, x: Tensor, z: Tensor) -> Tensor:
        """z after the search for every image of x (N, C, H, H), from the latents z (N, L) on.

        The images do not meet: a sum of losses has for each z its own gradient, and Adam works element by element.
        """
        config = self.config
        with self.evaluating(), torch.enable_grad(), frozen(*self.networks.values()):
            f_x = self.f(x)
            z = z.clone().requires_grad_()
            optimiser = Adam([z], config.search_rate)
            weight = config.lambda_ if config.weighting == "paper" else 1 - config.lambda_
            for _ in range(config.search_steps):
                L_R, L_D = self.losses(x, f_x, z)
                (z.grad,) = torch.autograd.grad(((1 - weight) * L_R + weight * L_D).sum(), z)
                optimiser.step()
        return z.detach()

    def losses(self, x: Tensor, f_x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """L_R = sum |x - G(z)| and L_D = sum |f(x) - f(G(z))|, each (N,)."""
        G_z = self.G(z)
        return (x - G_z).abs().flatten(1).sum(1), (f_x - self.f(G_z)).abs().sum(1)

    def first_latents(self, images: np.ndarray) -> Tensor:
        """Where each image's search starts: z ~ N(0, I) from a seed that the image itself gives, (N, L)."""
        return latents_of(images, 1, self.config.latent_size).flatten(0, 1).to(self.device)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(z) at the end of the search, as uint8 pictures."""
        z = self.search(self.pixels(images), self.first_latents(images))
        with self.evaluating():
            return self.to_uint8(self.G(z))
