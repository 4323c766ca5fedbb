"""Equations 1, 2, 3 and 6, one function each, with the paper's symbols; book/method.md shows them side by side.

Every loss is a mean over the batch, to be minimised; logits go in, never probabilities.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# --- Section 2.1: the autoencoder -------------------------------------------------------------


def L_AE(x: Tensor, reconstruction: Tensor, over_pixels: str = "mean") -> Tensor:
    """||x - G(E(x))||^2 as a mean over images and pixels; both (N, C, H, H). Section 2.1.

    ``over_pixels`` "sum": summed over an image's pixels, as the formula's squared norm says; the paper calls it the
    mean squared error (open choice: L_AE as a mean or a sum over pixels).
    """
    loss = F.mse_loss(reconstruction, x)
    return loss * x[0].numel() if over_pixels == "sum" else loss


# --- Equation 1: local features against global ones ---------------------------------------------


def pairing(C_psi: Tensor, phi_E: Tensor) -> Tensor:
    """g_theta for all pairs: S[n, n', i] = C_psi^(i)(x_n')^T phi_theta(E_psi(x_n)), shape (N, N, M^2).

    ``C_psi`` (N, K, M, M) local maps, ``phi_E`` (N, K) projected global vectors.
    Equation 1, book/method.md#equation-eq-1.
    """
    return torch.einsum("mki,nk->nmi", C_psi.flatten(2), phi_E)


def L_cgan(C_psi: Tensor, phi_E: Tensor, denominator: str = "literal") -> Tensor:
    """Equation 1, book/method.md#equation-eq-1: each location of an image must recognise its own image's global vector.

    ``denominator``: "literal" sets the positive against all locations of all images, as printed (least value
    log M^2); "masked" against those of the *other* images, as InfoMax-GAN's code and the script do (least value 0,
    chance log(1 + (N-1)M^2)).
    """
    S = pairing(C_psi, phi_E)  # (N, N, M^2)
    own = S.diagonal(dim1=0, dim2=1).T  # (N, M^2): S[n, n, i]
    if denominator == "literal":
        return (S.flatten(1).logsumexp(1, keepdim=True) - own).mean()
    same = torch.eye(len(S), dtype=torch.bool, device=S.device)[:, :, None]
    others = S.masked_fill(same, -torch.inf).flatten(1).logsumexp(1, keepdim=True)  # (N, 1)
    return F.softplus(others - own).mean()  # = log(e^own + e^others) - own


# --- Equation 6: the relativistic adversarial losses ----------------------------------------------


def L_adv_D(C_real: Tensor, C_fake: Tensor, form: str = "rsgan") -> Tensor:
    """Equation 6, book/method.md#equation-eq-6, critic: -E log sigma(C(x_r) - C(x_f)); logits (N,) paired by position.

    "rasgan" compares each logit with the average of the other kind (open choice: relativistic loss).
    """
    if form == "rasgan":
        return (F.softplus(C_fake.mean() - C_real) + F.softplus(C_fake - C_real.mean())).mean() / 2
    return F.softplus(C_fake - C_real).mean()


def L_adv_G(C_real: Tensor, C_fake: Tensor, form: str = "rsgan") -> Tensor:
    """Equation 6, book/method.md#equation-eq-6, generator: the critic's loss with real and fake exchanged."""
    return L_adv_D(C_fake, C_real, form)


# --- Equation 2: the two players of the contrastive GAN ----------------------------------------------


def L_G(L_adv_G: Tensor, L_cgan_fake: Tensor, alpha: float) -> Tensor:
    """Equation 2, book/method.md#equation-eq-2: the generator learns the contrast of fake images only."""
    return L_adv_G + alpha * L_cgan_fake


def L_D(L_adv_D: Tensor, L_cgan_real: Tensor, beta: float) -> Tensor:
    """Equation 2, book/method.md#equation-eq-2: the critic learns the contrast of real images only."""
    return L_adv_D + beta * L_cgan_real


# --- Equation 3: the discriminator on latents -----------------------------------------------------


def L_dz(D_z_same: Tensor, D_z_encoded: Tensor) -> Tensor:
    """Equation 3, book/method.md#equation-eq-3, as D_z minimises it, on logits: -log D_z(z, z) - log(1 - D_z(z, E(x))).

    The printed ``1 - log D_z`` is read as ``log(1 - D_z)`` (open choice: 1 − log D in equation 3).
    """
    return F.softplus(-D_z_same).mean() + F.softplus(D_z_encoded).mean()


def L_E(D_z_encoded: Tensor, role: str = "adversarial") -> Tensor:
    """The encoder's side of Equation 3, book/method.md#equation-eq-3, on logits of D_z(z, E(x)).

    "adversarial" (non-saturating): E wants the label 1; "cooperative", as the October 2021 script: E wants 0.
    """
    return F.softplus(-D_z_encoded if role == "adversarial" else D_z_encoded).mean()
