"""AD-CGAN: section 2 of the paper, from top to bottom.

Four networks train together on normal images only: the encoder E, the generator G (also the autoencoder's
decoder), the critic D_cgan of the contrastive GAN, and the discriminator D_z on latents. An image is scored by how
badly they agree about it and its reconstruction G(E(x)).
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import scoring
from ..config import ADCGANConfig
from ..models import losses
from ..models.layers import Adam, AdamW
from ..models.networks import Critic, Encoder, Generator, LatentDiscriminator, initialise
from .base import Method, detach, frozen

BETAS = (0.5, 0.999)  # open choice: optimiser
WEIGHT_DECAY = {"E": 0.05, "G": 0.05, "D": 0.01, "D_z": 0.05}  # the October 2021 script's, for optimiser "adamw"
TEST_LATENT_SEED = 0  # open choice: which z at the test: one set of z for every test image of every run


class Seen(NamedTuple):
    """What one pass of the networks says of M test images: components (M,) that no z enters, and latents (M, L)."""

    L_GD: Tensor
    L_GR: Tensor
    L_FE: Tensor
    E_x: Tensor
    E_again: Tensor


class ADCGAN(Method):
    """E, G, D_cgan and D_z, their four optimisers, one training step (A.6) and the score (A.7)."""

    config: ADCGANConfig
    settled: tuple[Tensor, Tensor] | None = None

    def __init__(self, config: ADCGANConfig, device: torch.device):
        super().__init__(config, device)
        self.E, self.G = Encoder(config), Generator(config)
        self.D, self.D_z = Critic(config), LatentDiscriminator(config)
        self.networks = {"E": self.E, "G": self.G, "D": self.D, "D_z": self.D_z}
        for network in self.networks.values():
            initialise(network, config.initialisation)
            network.to(device=device, memory_format=torch.channels_last)  # make bench: 3 % faster on two CPU cores
        rate = config.learning_rate_cgan
        self.optimisers = {
            "E": self._optimiser("E", config.learning_rate_autoencoder),
            "G": self._optimiser("G", rate),
            "D": self._optimiser("D", rate),
            "D_z": self._optimiser("D_z", rate),
        }
        if config.generator_optimiser == "separate":
            self.optimisers["G_AE"] = self._optimiser("G", config.learning_rate_autoencoder)

    # --- Section 2.1: training ----------------------------------------------------------------------

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """One batch of A.6: warm-up trains the autoencoder, then all four networks take their turns."""
        if self.warming_up(epoch) and self.config.warm_up != "learning-rate":
            log = {}
            if self.config.warm_up == "with-discriminators":
                log |= self.critic_step(x, self.draw(x)) | self.latent_step(x, self.draw(x))
            return log | self.autoencoder_step(x, None)
        z = self.draw(x)
        log = self.critic_step(x, z)
        log |= self.generator_step(x, self.again(z))
        z = self.again(z)
        log |= self.latent_step(x, z)
        return log | self.autoencoder_step(x, z)

    def critic_step(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """(a) D_cgan learns L_adv_D + beta L_cgan(x_r), equation 2, ``critic_steps`` times."""
        config = self.config
        for repeat in range(config.critic_steps):
            z = self.again(z) if repeat else z
            if repeat == 0 or config.critic_gradients == "zeroed":
                self.optimisers["D"].zero_grad()
            with torch.no_grad():
                x_f = self.G(z)
            real, fake = self.D(x), self.D(x_f)
            L_adv = losses.L_adv_D(real.logit, fake.logit, config.adversarial)
            L_cgan = losses.L_cgan(*self.D.contrastive_pair(real), config.contrastive)
            losses.L_D(L_adv, L_cgan, config.beta).backward()
            self.optimisers["D"].step()
        gap = real.logit.mean() - fake.logit.mean()
        return detach(L_adv_D=L_adv, L_cgan_real=L_cgan, logit_gap=gap)

    def generator_step(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """(b) G learns L_adv_G + alpha L_cgan(x_f), equation 2; D_cgan is used but not updated."""
        config = self.config
        self.optimisers["G"].zero_grad()
        with (
            torch.no_grad()
        ):  # open choice: gradient through the real logits in the generator's step: no path from the real logits to G
            real_logit = self.D(x).logit
        with frozen(self.D):
            fake = self.D(self.G(z))
            L_adv = losses.L_adv_G(real_logit, fake.logit, config.adversarial)
            L_cgan = losses.L_cgan(*self.D.contrastive_pair(fake), config.contrastive)
            losses.L_G(L_adv, L_cgan, config.alpha).backward()
        self.optimisers["G"].step()
        return detach(L_adv_G=L_adv, L_cgan_fake=L_cgan)

    def latent_step(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """(c) D_z learns equation 3: (z, z) against (z, E(x))."""
        self.optimisers["D_z"].zero_grad()
        with torch.no_grad():
            encoded = self.encoded_latent(x, z)
        L_dz = losses.L_dz(self.D_z(z, z), self.D_z(z, encoded))
        L_dz.backward()
        self.optimisers["D_z"].step()
        return detach(L_dz=L_dz)

    def autoencoder_step(self, x: Tensor, z: Tensor | None) -> dict[str, Tensor]:
        """(d) E and G learn L_AE; after warm-up (``z`` given) also E's side of equation 3.

        That side reaches G only under ``latent_pair`` "alad", through E(G(z)).
        """
        config = self.config
        decoder = "G_AE" if config.generator_optimiser == "separate" else "G"
        self.optimisers["E"].zero_grad()
        self.optimisers[decoder].zero_grad()
        E_x = self.E(x)
        loss = L_AE = losses.L_AE(x, self.G(E_x), config.reconstruction)
        log = {"L_AE": L_AE}
        if z is not None:
            encoded = self.encoded_latent(x, z) if config.latent_pair == "alad" else E_x
            log["L_E"] = losses.L_E(self.D_z(z, encoded), config.latent_role)
            loss = L_AE + config.latent_weight * log["L_E"]
        loss.backward()
        self.optimisers["E"].step()
        self.optimisers[decoder].step()
        return detach(**log)

    def encoded_latent(self, x: Tensor, z: Tensor) -> Tensor:
        """The latent that D_z must tell from z: E(x), or E(G(z)) for ``latent_pair`` "alad"; (N, L)."""
        return self.E(self.G(z)) if self.config.latent_pair == "alad" else self.E(x)

    def warming_up(self, epoch: int) -> bool:
        """The first W epochs (open choice: what warm-up is, and whether its epochs count)."""
        return epoch < self.config.warm_up_epochs

    def rate(self, epoch: int) -> float:
        """Share of the learning rates in an epoch: 1, or rising over W epochs where that is the warm-up."""
        rising = self.config.warm_up == "learning-rate" and self.config.warm_up_epochs
        return min(1.0, (epoch + 1) / self.config.warm_up_epochs) if rising else 1.0

    def phase(self, epoch: int) -> object:
        """Warm-up or not, and the share of the learning rates."""
        return self.warming_up(epoch), self.rate(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Set the learning rates."""
        for name, optimiser in self.optimisers.items():
            autoencoder = name in ("E", "G_AE")
            rate = self.config.learning_rate_autoencoder if autoencoder else self.config.learning_rate_cgan
            for group in optimiser.param_groups:
                group["lr"] = self.rate(epoch) * rate

    def draw(self, x: Tensor) -> Tensor:
        """z ~ P_z, (N, L): one for each image of the batch x (open choice: prior of z)."""
        return self.as_prior(torch.randn(len(x), self.config.latent_size, device=self.device))

    def as_prior(self, z: Tensor) -> Tensor:
        """Gaussian draws as draws from P_z, on the device: N(0, I), or uniform on [-1, 1] by 2 Phi(z) - 1."""
        z = z.to(self.device)
        return z if self.config.prior == "gaussian" else torch.erf(z / 2**0.5)

    def again(self, z: Tensor) -> Tensor:
        """A fresh z for the next update, or the same one (open choice: one z for all updates of a batch)."""
        return self.draw(z) if self.config.latent_draws == "fresh" else z

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """L_AE on held-out normal images (open choice: the 10 % for validation)."""
        total = 0.0
        with self.evaluating():
            for _, x in self.test_batches(images):
                total += losses.L_AE(x, self.G(self.E(x)), self.config.reconstruction).item() * len(x)
        return {"validation_L_AE": total / len(images)}

    # --- Section 2.2: the normality score -------------------------------------------------------------

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """L_GD, L_GR, L_FE and L_FL of every image (A.7), each the mean of its terms; float32 (M,)."""
        if self.settled:
            return super().score(images)
        return self.components(self.forward_pass(images))

    def forward_pass(self, images: np.ndarray) -> Seen:
        """One pass over the test images: what their scores need, whichever z is used afterwards."""
        with self.evaluating():
            batches = [self.see(x) for _, x in self.test_batches(images)]
        return Seen(*(torch.cat(part) for part in zip(*batches, strict=True)))

    def see(self, x: Tensor) -> Seen:
        """One pass over a batch of pixels (N, C, H, H)."""
        E_x = self.E(x)
        reconstruction = self.G(E_x)
        E_again = self.E(reconstruction)
        L_GD = scoring.L_GD(*(self.D.f_D(image, self.config.feature_tap) for image in (x, reconstruction)))
        return Seen(L_GD, scoring.L_GR(x, reconstruction), scoring.L_FE(E_x, E_again), E_x, E_again)

    def components(self, seen: Seen) -> dict[str, np.ndarray]:
        """Equations 4 and 5 from one pass."""
        Z = self.test_latents(len(seen.L_GR))
        encoded = self.encoded_latents(Z)
        size, L_FL = self.config.test_batch_size, []
        with self.evaluating():  # all batches in one: under "power-iteration" D_z goes on from each to the next
            for start in range(0, len(seen.L_GR), size):
                some = Seen(*(part[start : start + size] for part in seen))
                rows = slice(start, start + size) if len(Z) > 1 else slice(0, 1)
                pairs = zip(Z[rows].unbind(1), encoded[rows].unbind(1), strict=True)
                each = [self.L_FL(some, z.expand_as(some.E_x), E_of_G.expand_as(some.E_x)) for z, E_of_G in pairs]
                L_FL.append(torch.stack(each).mean(0))
        components = {"L_GD": seen.L_GD, "L_GR": seen.L_GR, "L_FE": seen.L_FE, "L_FL": torch.cat(L_FL)}
        return {name: values.cpu().numpy() for name, values in components.items()}

    def batch_components(self, x: Tensor) -> dict[str, Tensor]:
        """As `score`, of one batch, with the z's that `settle` has fixed: D_z sees all pairs in one pass."""
        seen, k = self.see(x), len(self.settled[0])
        Z, encoded = (some.repeat(x.shape[0], 1) for some in self.settled)  # (N k, L): every image with every z
        repeated = Seen(*(part.repeat_interleave(k, 0) for part in seen))
        L_FL = self.L_FL(repeated, Z, encoded).unflatten(0, (-1, k)).mean(1)
        return {"L_GD": seen.L_GD, "L_GR": seen.L_GR, "L_FE": seen.L_FE, "L_FL": L_FL}

    def settle(self) -> None:
        """Fix the z's that all images share, and their E(G(z)), both (k, L): they cost as much as a dozen images."""
        if self.config.test_latents == "shared":
            Z = self.test_latents(1)
            self.settled = Z[0], self.encoded_latents(Z)[0]

    def L_FL(self, seen: Seen, z: Tensor, E_of_G_z: Tensor) -> Tensor:
        """Equation 5's second term for every image, (M,), each with its own row of ``z`` and ``E_of_G_z`` (M, L)."""
        if self.config.latent_feature == "released":
            E_of_G_z = seen.E_again
        return scoring.L_FL(self.D_z_output, z, E_of_G_z, seen.E_x)

    def encoded_latents(self, Z: Tensor) -> Tensor:
        """E(G(z)) for a table of z's, of the table's shape (R, k, L); the z's themselves where no score reads it."""
        if self.config.latent_feature == "released":
            return Z
        with self.evaluating():
            parts = Z.flatten(0, 1).split(self.config.test_batch_size)
            return torch.cat([self.E(self.G(z)) for z in parts]).view_as(Z)

    def test_latents(self, count: int) -> Tensor:
        """The z of the test, (R, k, L): one row of k z's for all images ("shared"), or a row with one z for each."""
        config = self.config
        generator = torch.Generator().manual_seed(TEST_LATENT_SEED)
        rows, k = (1, config.test_latent_count) if config.test_latents == "shared" else (count, 1)
        return self.as_prior(torch.randn(rows, k, config.latent_size, generator=generator))

    def variant(self, **options) -> ADCGAN:
        """The same networks behind other scoring options."""
        other = copy(self)
        other.config, other.settled = replace(self.config, **options), None
        return other

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """G(E(x)) as uint8 pictures (M, H, H, C)."""
        with self.evaluating():
            return self.to_uint8(self.G(self.E(self.pixels(images))))

    def D_z_output(self, reference: Tensor, encoded: Tensor) -> Tensor:
        """What equation 5 reads of D_z for pairs of latents (N, L): logits or probabilities, (N, outputs)."""
        if self.config.latent_feature == "printed-order":
            reference, encoded = encoded, reference
        logit = self.D_z(reference, encoded)
        return logit if self.config.latent_output == "logit" else logit.sigmoid()

    # --- helpers -----------------------------------------------------------------------------------------

    def _optimiser(self, name, rate):
        if self.config.optimiser == "adam":
            return self.optimiser(Adam, name, rate, BETAS)
        kind = Adam if name == "D_z" else AdamW  # the script gives D_z plain Adam with an L2 term
        return self.optimiser(kind, name, rate, BETAS, weight_decay=WEIGHT_DECAY[name])
