"""AD-CGAN: section 2 of the paper, from top to bottom.

Four networks train together on normal images only: the encoder E, the generator G (also the autoencoder's
decoder), the critic D_cgan of the contrastive GAN, and the discriminator D_z on latents. An image is scored by how
badly they agree about it and its reconstruction G(E(x)).
"""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW

from .. import losses, scores
from ..config import ADCGANConfig
from ..networks import Critic, Encoder, Generator, LatentDiscriminator, initialise
from . import Method, Study, protocols, walk
from .layers import detach, frozen

BETAS = (0.5, 0.999)  # register row 15
WEIGHT_DECAY = {"E": 0.05, "G": 0.05, "D": 0.01, "D_z": 0.05}  # the October 2021 script's, for optimiser "adamw"
TAPS = ("projected", "raw")  # where f_D may be read, register row 23
TEST_LATENT_SEED = 0  # register row 25: one set of z for every test image of every cell


class Seen(NamedTuple):
    """What one pass of the networks says of M test images: components (M,) that no z enters, and latents (M, L)."""

    L_GD_projected: Tensor
    L_GD_raw: Tensor
    L_GR: Tensor
    L_FE: Tensor
    E_x: Tensor
    E_again: Tensor


class ADCGAN(Method):
    """E, G, D_cgan and D_z, their four optimisers, one training step (A.6) and the score (A.7)."""

    scoring_cost = 4  # most of it the study of protocols

    config: ADCGANConfig

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
        with torch.no_grad():  # register row 9: no path from the real logits to G
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
        """The first W epochs (register row 18)."""
        return epoch < self.config.warm_up_epochs

    def rate(self, epoch: int) -> float:
        """Share of the learning rates in an epoch: 1, or rising over W epochs in register row 19's other reading."""
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
        """z ~ P_z, (N, L): one for each image of the batch x (register row 37)."""
        return self.as_prior(torch.randn(len(x), self.config.latent_size, device=self.device))

    def as_prior(self, z: Tensor) -> Tensor:
        """Gaussian draws as draws from P_z, on the device: N(0, I), or uniform on [-1, 1] by 2 Phi(z) - 1."""
        z = z.to(self.device)
        return z if self.config.prior == "gaussian" else torch.erf(z / 2**0.5)

    def again(self, z: Tensor) -> Tensor:
        """A fresh z for the next update, or the same one (register row 17)."""
        return self.draw(z) if self.config.latent_draws == "fresh" else z

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """L_AE on normal images kept aside (register row 32)."""
        total = 0.0
        with self.evaluating():
            for _, x in self.test_batches(images):
                total += losses.L_AE(x, self.G(self.E(x)), self.config.reconstruction).item() * len(x)
        return {"validation_L_AE": total / len(images)}

    # --- Section 2.2: the normality score -------------------------------------------------------------

    def score(self, images: np.ndarray, anomalous: np.ndarray) -> dict[str, np.ndarray]:
        """L_GD, L_GR, L_FE and L_FL of every image (A.7), each the mean of its terms; float32 (M,)."""
        return self.components(self.look(images), anomalous)

    def look(self, images: np.ndarray) -> Seen:
        """One pass over the test images: what their scores need, whichever z is used afterwards."""
        batches = []
        with self.evaluating():
            for _, x in self.test_batches(images):
                E_x = self.E(x)
                reconstruction = self.G(E_x)
                E_again = self.E(reconstruction)
                taps = [scores.L_GD(*(self.D.f_D(image, tap) for image in (x, reconstruction))) for tap in TAPS]
                batches.append(Seen(*taps, scores.L_GR(x, reconstruction), scores.L_FE(E_x, E_again), E_x, E_again))
        return Seen(*(torch.cat(part) for part in zip(*batches, strict=True)))

    def components(self, seen: Seen, anomalous: np.ndarray) -> dict[str, np.ndarray]:
        """Equations 4 and 5 from one pass; ``anomalous`` (M,) is read by the released rule for z alone."""
        Z, row = self.test_latents(anomalous)
        encoded = self.encoded_latents(Z)
        size, L_FL = self.config.test_batch_size, []
        with self.evaluating():  # all batches in one: under "power-iteration" D_z goes on from each to the next
            for rows, *values in zip(row.split(size), *(part.split(size) for part in seen), strict=True):
                each = [self.L_FL(Seen(*values), Z[rows, k], encoded[rows, k]) for k in range(Z.shape[1])]
                L_FL.append(torch.stack(each).mean(0))
        components = {
            "L_GD": seen.L_GD_projected if self.config.feature_tap == "projected" else seen.L_GD_raw,
            "L_GR": seen.L_GR,
            "L_FE": seen.L_FE,
            "L_FL": torch.cat(L_FL),
        }
        return {name: values.cpu().numpy() for name, values in components.items()}

    def L_FL(self, seen: Seen, z: Tensor, E_of_G_z: Tensor) -> Tensor:
        """Equation 5's second term for every image, (M,), each with its own row of ``z`` and ``E_of_G_z`` (M, L)."""
        if self.config.latent_feature == "released":
            E_of_G_z = seen.E_again
        return scores.L_FL(self.D_z_output, z, E_of_G_z, seen.E_x)

    def encoded_latents(self, Z: Tensor) -> Tensor:
        """E(G(z)) for a table of z's, of the table's shape (R, k, L)."""
        with self.evaluating():
            parts = Z.flatten(0, 1).split(self.config.test_batch_size)
            return torch.cat([self.E(self.G(z)) for z in parts]).view_as(Z)

    def reading(self, **options) -> ADCGAN:
        """The same networks behind other scoring options."""
        other = copy(self)
        other.config = replace(self.config, **options)
        return other

    @property
    def z_passes(self) -> int:
        """How often G runs on z in a training step, for once on E(x)."""
        return self.config.critic_steps + 1 + 2 * (self.config.latent_pair == "alad")

    def averaged_anew(self, normal: np.ndarray, z_passes: int = 0) -> ADCGAN:
        """The same weights, G's running statistics averaged anew over G(E(x)) of ``normal`` images (N, H, H, C).

        In training G runs on z more often than on E(x), so what its batch norm has averaged, and decodes E(x) with at
        the test, is mostly of G(z) (register row 28). With `z_passes` on z for each on E(x) the average is over both,
        as in training. Wu and Johnson (2021) call the averaging "precise".
        """
        other = copy(self)
        other.G = deepcopy(self.G)
        other.networks = self.networks | {"G": other.G}
        norms = [module for module in other.G.modules() if isinstance(module, nn.BatchNorm2d)]
        generator = torch.Generator().manual_seed(TEST_LATENT_SEED)
        with other.evaluating():
            for norm in norms:
                norm.reset_running_stats()
                norm.training, norm.momentum = True, None  # no momentum: the mean over the batches
            two = self.reading(test_batch_size=max(2, self.config.test_batch_size))  # one image has no statistics
            for _, x in two.test_batches(normal):
                for _ in range(z_passes):
                    other.G(self.as_prior(torch.randn(len(x), self.config.latent_size, generator=generator)))
                other.G(other.E(x))
        return other

    def watch(self, images: np.ndarray, anomalous: np.ndarray, normal: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
        """The score's components, and those with G's batch norm averaged anew over the ``normal`` images."""
        anew = self.averaged_anew(normal)
        return {
            scores.SCORE: self.score(images, anomalous),
            scores.RECONSTRUCTION_STATISTICS: anew.score(images, anomalous),
        }

    def study(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        anomalous: np.ndarray,
        left_out: np.ndarray,
        normal: np.ndarray,
    ) -> Study:
        """What the other protocols make of the same weights."""
        return protocols.study(self, images, labels, anomalous, left_out, normal)

    def walk(self, images: np.ndarray) -> dict[str, np.ndarray] | None:
        """The path of each image to its score (`adcgan.methods.walk`)."""
        return walk.walk(self, images)

    def test_latents(self, anomalous: np.ndarray) -> tuple[Tensor, Tensor]:
        """The z of the test: a table Z (R, k, L) and each image's row in it, (M,). Register row 25.

        "shared": one row of k z's for every image. "per-image": a row each. "released": the October 2021
        script's loop, where a z is drawn for each normal image and every anomaly reuses the last one.
        """
        config, count = self.config, len(anomalous)
        generator = torch.Generator().manual_seed(TEST_LATENT_SEED)
        shared = config.test_latents == "shared"
        rows, k = (1, config.test_latent_count) if shared else (count, 1)
        Z = torch.randn(rows, k, config.latent_size, generator=generator)
        row = torch.zeros(count, dtype=torch.long) if shared else torch.arange(count)
        if config.test_latents == "released":
            flags = torch.as_tensor(anomalous)
            row[flags] = int((~flags).nonzero().max())
        return self.as_prior(Z), row.to(self.device)

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
