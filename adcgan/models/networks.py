"""Encoder, generator, critic and latent discriminator (specification A.5), built from layer tables.

Shapes: N images, C channels, H side, L latent size, M side of the local map, K contrastive width.
Spectral norm is PyTorch's: one power iteration per training forward, none in eval mode.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ..config import ADCGANConfig
from .architectures import PROJECTED, Layer, local_index, tables, trace, width
from .layers import Conv2d, ConvTranspose2d, Linear, PReLU

DROPOUT = 0.2
RESIDUAL_EPS = 0.8  # the October 2021 models pass 0.8 as batch norm's second argument, which is eps


class Residual(nn.Module):
    """(N, K, M, M) -> the same: 2x + F(x), F = conv, BN, PReLU, conv, BN.

    A residual block x + F(x) whose output is added to its input once more, as in the October 2021 models.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            spectral_norm(Conv2d(channels, channels, 3, padding=1)),
            nn.BatchNorm2d(channels, eps=RESIDUAL_EPS),
            PReLU(),
            spectral_norm(Conv2d(channels, channels, 3, padding=1)),
            nn.BatchNorm2d(channels, eps=RESIDUAL_EPS),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).add_(x, alpha=2)


def _activation(name, slope):
    if name == "leaky":
        return nn.LeakyReLU(slope, inplace=True)  # what comes before, batch norm or a convolution, keeps its input only
    return {"prelu": PReLU, "relu": nn.ReLU, "tanh": nn.Tanh}[name]()


def _block(layer: Layer, channels, out, config, slope, batch_norm):
    """One table row as a module: convolution, batch norm, activation, dropout."""
    if layer.kind == "residual":
        return Residual(out)
    kind = Conv2d if layer.kind == "conv" else ConvTranspose2d
    convolution = kind(channels, out, layer.kernel, layer.stride, layer.padding)
    modules = [spectral_norm(convolution) if layer.spectral else convolution]
    if layer.bn and batch_norm:
        modules.append(nn.BatchNorm2d(out))
    if layer.activation:
        modules.append(_activation(layer.activation, slope))
    if layer.dropout and config.dropout == "released":
        modules.append(nn.Dropout2d(DROPOUT))
    return nn.Sequential(*modules)


def _stack(layers, channels, config, *, slope, batch_norm=True):
    blocks = []
    for layer in layers:
        out = width(layer.out, config)
        blocks.append(_block(layer, channels, out, config, slope, batch_norm))
        channels = out
    return nn.Sequential(*blocks)


class Encoder(nn.Module):
    """E: x (N, C, H, H) -> (N, L)."""

    def __init__(self, config: ADCGANConfig):
        super().__init__()
        sizes = tables(config)
        self.body = _stack(sizes.encoder, config.channels, config, slope=sizes.slope)
        layer_norm = config.encoder_output == "layer-norm"
        self.output = nn.LayerNorm(config.latent_size) if layer_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.body(x).flatten(1))  # (N, L, 1, 1) -> (N, L)


class Generator(nn.Module):
    """G, which is also the autoencoder's decoder: z (N, L) -> pixels (N, C, H, H) in the configured range."""

    def __init__(self, config: ADCGANConfig):
        super().__init__()
        sizes = tables(config)
        self.body = _stack(sizes.generator, config.latent_size, config, slope=sizes.slope)
        self.symmetric = config.pixel_range == "symmetric"

    def forward(self, z: Tensor) -> Tensor:
        t = self.body(z[:, :, None, None])  # (N, L, 1, 1) -> (N, C, H, H) in [-1, 1]
        return t if self.symmetric else (t + 1) / 2


class CriticFeatures(NamedTuple):
    """What the critic sees in x: ``logit`` (N,), ``local_map`` C_psi(x) (N, K, M, M), ``global_vector`` E_psi(x)."""

    logit: Tensor
    local_map: Tensor
    global_vector: Tensor


class Critic(nn.Module):
    """D_cgan: x (N, C, H, H) -> logit C(x), local map C_psi(x) and global vector E_psi(x)."""

    def __init__(self, config: ADCGANConfig):
        super().__init__()
        sizes = tables(config)
        batch_norm = config.critic_norm == "spectral+batch"
        body = _stack(sizes.critic, config.channels, config, slope=sizes.slope, batch_norm=batch_norm)
        tap = local_index(config) + 1
        self.to_local, self.to_global = body[:tap], body[tap:]
        shapes = trace(sizes.critic, config.channels, config.image_size, config)
        local, final = shapes[tap - 1][0], shapes[-1][0]
        self.project_local, self.project_global = _projections(config.projection, local, final)
        if config.logit_head == "mlp":
            hidden = width(sizes.head_width, config)
            self.head = nn.Sequential(spectral_norm(Linear(final, hidden)), nn.ReLU(), spectral_norm(Linear(hidden, 1)))
        else:
            self.head = spectral_norm(Linear(final, 1))

    def forward(self, x: Tensor) -> CriticFeatures:
        local_map = self.to_local(x)  # (N, K_l, M, M)
        global_vector = self.to_global(local_map).sum((2, 3))  # (N, K_g, m, m) -> (N, K_g)
        return CriticFeatures(self.head(global_vector).squeeze(1), local_map, global_vector)

    def contrastive_pair(self, features: CriticFeatures) -> tuple[Tensor, Tensor]:
        """C_psi (N, K, M, M) and phi_theta(E_psi) (N, K), projected to one width (open choice: which are)."""
        return self.project_local(features.local_map), self.project_global(features.global_vector)

    def f_D(self, x: Tensor, tap: str) -> Tensor:
        """Equation 4's features of the penultimate layer (N, K, M, M): ``tap`` "projected" or "raw"."""
        local_map = self.to_local(x)
        return self.project_local(local_map) if tap == "projected" else local_map


class Shortcut(nn.Module):
    """InfoMax-GAN's projection: a two-layer map to ``out`` plus a linear shortcut."""

    def __init__(self, layer, channels: int, out: int):
        super().__init__()
        self.body = nn.Sequential(layer(channels, channels), nn.ReLU(), layer(channels, out))
        self.shortcut = layer(channels, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


def _projections(which, local, final):
    def conv(channels, out):
        return spectral_norm(Conv2d(channels, out, 1))

    def linear(channels, out):
        return spectral_norm(Linear(channels, out))

    if which == "local":
        return conv(local, final), nn.Identity()
    if which == "global":
        return nn.Identity(), linear(final, local)
    return Shortcut(conv, local, PROJECTED), Shortcut(linear, final, PROJECTED)


class LatentDiscriminator(nn.Module):
    """D_z: a pair of latents (N, L), (N, L) -> logits (N, 1).

    "marginal", as the October 2021 script has it, judges each alone -> (N, 2), and bends the logit by LeakyReLU(0.2).
    """

    def __init__(self, config: ADCGANConfig):
        super().__init__()
        self.marginal = config.latent_pair == "marginal"
        width = config.latent_size * (1 if self.marginal else 2)
        modules = []
        *hidden, last = tables(config).latent_discriminator
        for out in hidden:
            modules += [spectral_norm(Linear(width, out)), nn.LeakyReLU(0.2)]
            width = out
        modules.append(spectral_norm(Linear(width, last)))
        self.body = nn.Sequential(*modules, *([nn.LeakyReLU(0.2)] if self.marginal else []))

    def forward(self, reference: Tensor, encoded: Tensor) -> Tensor:
        if self.marginal:
            return torch.cat([self.body(reference), self.body(encoded)], 1)
        return self.body(torch.cat([reference, encoded], 1))


def initialise(network: nn.Module, how: str) -> None:
    """Open choice, initial weights: leave PyTorch's initial weights, or draw Xavier's (gain 1, zero bias)."""
    if how == "pytorch":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            parametrised = hasattr(module, "parametrizations")
            weight = module.parametrizations.weight.original if parametrised else module.weight
            nn.init.xavier_uniform_(weight)
            nn.init.zeros_(module.bias)
