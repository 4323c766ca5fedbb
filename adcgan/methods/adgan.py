"""ADGAN: Deecke et al., "Image Anomaly Detection with Generative Adversarial Networks", ECML PKDD 2018.

A Wasserstein GAN learns the normal images. For a test image the search moves both z and a private copy of the
generator towards it, from several starts; the mean error that remains is the score. Sizes, constants and order of
operations follow Golan and El-Yaniv's implementation at 6327041, except that the search uses batch norm's running
statistics throughout, where theirs updates the generator with the statistics of a single image.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.optim import Adam

from ..config.compared import ADGANConfig
from ..models.architectures import scaled
from ..models.compared import SameConv2d, SameConvTranspose2d, Unflatten, initialise
from .base import Method, detach, frozen, latents_of

BETAS, SEARCH_BETAS = (0.0, 0.9), (0.5, 0.999)
WIDTHS = (64, 128, 256)


def batch_norm(width: int, kind=nn.BatchNorm2d) -> nn.Module:
    """Keras's default batch norm."""
    return kind(width, eps=1e-3, momentum=0.01)


def generator(config: ADGANConfig) -> nn.Module:
    """G: z (N, L) -> x (N, C, H, H) in [-1, 1], H 32 or 64."""
    a, b, e = (scaled(width, config) for width in WIDTHS)
    modules = [nn.Linear(config.latent_size, 16 * e), batch_norm(16 * e, nn.BatchNorm1d), nn.ReLU(), Unflatten(4)]
    sizes = [e, b, a] + ([a] if config.image_size == 64 else []) + [config.channels]
    for channels, out in zip(sizes[:-1], sizes[1:], strict=True):
        modules.append(SameConvTranspose2d(channels, out, 3, 2))
        modules += [batch_norm(out), nn.ReLU()]
    return initialise(nn.Sequential(*modules[:-2], nn.Tanh()), nn.init.xavier_uniform_, 0.0)


def critic(config: ADGANConfig) -> nn.Module:
    """D: x (N, C, H, H) -> (N, 1), H 32 or 64."""
    sizes = [scaled(width, config) for width in WIDTHS + ((512,) if config.image_size == 64 else ())]
    modules, channels = [], config.channels
    for out in sizes:
        modules += [SameConv2d(channels, out, 3, 2), batch_norm(out), nn.ReLU()]
        channels = out
    return initialise(nn.Sequential(*modules, nn.Flatten(), nn.Linear(16 * channels, 1)), nn.init.xavier_uniform_, 0.0)


def gradient_penalty(D: nn.Module, x: Tensor, x_f: Tensor, u: Tensor) -> Tensor:
    """E (|dD/dx| - 1)^2 at u x + (1 - u) x_f, u (N, 1, 1, 1) uniform on [0, 1]: two-sided."""
    between = (u * x + (1 - u) * x_f).requires_grad_()
    (slope,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()


class ADGAN(Method):
    """G and a critic D; then, per test image, n_seed searches over z and G's weights."""

    scoring_cost = 60
    searches = True

    config: ADGANConfig

    def __init__(self, config: ADGANConfig, device: torch.device):
        super().__init__(config, device)
        self.shuffles = config.critic_steps  # every critic update has images of its own
        self.G, self.D = generator(config), critic(config)
        self.networks = {"G": self.G, "D": self.D}
        for network in self.networks.values():
            network.to(device)  # not channels-last: the penalty's second derivatives are a tenth slower with it
        self.optimisers = {name: self.optimiser(Adam, name, config.learning_rate, BETAS) for name in self.networks}

    def pixels(self, images: np.ndarray | Tensor) -> Tensor:
        """As `Method.pixels`, 28-pixel images with a black border of two pixels."""
        x = super().pixels(images)
        black = 0.0 if self.config.pixel_range == "unit" else -1.0
        return F.pad(x, (2, 2, 2, 2), value=black) if self.config.image_size == 28 else x

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """The critic's updates, then the generator's."""
        for part in x.chunk(self.config.critic_steps):
            x_f = self.generated(self.draw(part))
            L_W = self.D(x_f).mean() - self.D(part).mean()
            penalty = gradient_penalty(self.D, part, x_f, torch.rand(len(part), 1, 1, 1, device=self.device))
            self.update(["D"], L_W + self.config.gradient_penalty * penalty)
        with frozen(self.D):
            L_G = -self.D(self.G(self.draw(part))).mean()
            self.update(["G"], L_G)
        return detach(L_W=L_W, penalty=penalty, L_G=L_G)

    @torch.no_grad()
    def generated(self, z: Tensor) -> Tensor:
        """The critic's fakes: as in the source, by batch norm's running statistics."""
        mode = self.G.training
        self.G.eval()
        x_f = self.G(z)
        self.G.train(mode)
        return x_f

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The error that remains, mean over the starts; float32 (M,)."""
        errors = [
            self.search(x, self.first_latents(images[where]))[0].mean(1) for where, x in self.test_batches(images)
        ]
        return {"L_rec": torch.cat(errors).cpu().numpy()}

    def search(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Errors (N, n_seed) and images (N, n_seed, C, H, H) for x (N, C, H, H) from the starts z (N, n_seed, L).

        Every (image, start) has a z and a generator of its own, all started from the trained weights: a stack of
        weights, through which vmap sends each z. A sum of errors has for each its own gradient, and Adam works
        element by element, so this is the loop over images and starts, computed at once.
        """
        config = self.config
        shape, z = z.shape[:2], z.flatten(0, 1)
        x = x.repeat_interleave(shape[1], 0)
        weights = {
            name: weight.detach().expand(len(z), *weight.shape).clone() for name, weight in self.G.named_parameters()
        }
        statistics = dict(self.G.named_buffers())

        def one(weights, z):
            return functional_call(self.G, (weights, statistics), (z[None],))[0]

        def errors():
            return (vmap(one)(weights, z) - x).square().flatten(1).mean(1)

        with self.evaluating(), torch.enable_grad():
            variables = [z.requires_grad_()], [weight.requires_grad_() for weight in weights.values()]
            rates = config.search_rate_latent, config.search_rate_generator
            optimisers = [
                Adam(some, rate, SEARCH_BETAS, fused=True) for some, rate in zip(variables, rates, strict=True)
            ]
            for _ in range(config.search_steps):
                for some, optimiser in zip(variables, optimisers, strict=True):
                    optimiser.zero_grad()
                    errors().sum().backward(inputs=some)  # not autograd.grad: fused Adam wants the variables' strides
                    optimiser.step()
            with torch.no_grad():
                found = vmap(one)(weights, z)
        return (found - x).square().flatten(1).mean(1).view(shape), found.view(*shape, *found.shape[1:])

    def first_latents(self, images: np.ndarray) -> Tensor:
        """The starts z_j ~ N(0, I) of each image, from a seed that the image itself gives, (N, n_seed, L)."""
        return latents_of(images, self.config.search_seeds, self.config.latent_size).to(self.device)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """What the first start's search ends in, as uint8 pictures."""
        found = self.search(self.pixels(images), self.first_latents(images))[1][:, 0]
        border = (found.shape[-1] - self.config.image_size) // 2
        inside = slice(border, border + self.config.image_size)
        return self.to_uint8(found[:, :, inside, inside])
