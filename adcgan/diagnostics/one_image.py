"""One image step by step: what it passes through on its way to its score, so that the book can show it.

Every number comes from the functions that the score itself uses.
"""

from __future__ import annotations

import numpy as np
import torch

from ..methods.adcgan import ADCGAN


def steps(method: ADCGAN, images: np.ndarray) -> dict[str, np.ndarray] | None:
    """Equations 4 and 5 step by step for uint8 ``images`` (n, H, H, C): name -> float32 (n, ...).

    E_x, E_G_E_x: latents (n, L). f_D_x, f_D_G_E_x, f_D_gap: the critic's features of x, those of G(E(x)), and the
    difference of the two, as the mean of |.| over channels, (n, M, M). D_z_reference, D_z_image: D_z(z, E(G(z))) and
    D_z(E(G(z)), E(x)) for each of the k test latents, (n, k, outputs). L_GD, L_GR, L_FE, L_FL: (n,).
    None under options that let an image's score depend on the other test images or on its place among them.
    """
    if method.config.test_mode != "eval" or method.config.test_latents != "shared":
        return None
    seen = method.forward_pass(images)
    Z = method.test_latents(len(images))
    z, E_of_G_z = Z[0], method.encoded_latents(Z)[0]
    with method.evaluating():
        x = method.pixels(images)
        f_D_x, f_D_G_E_x = (method.D.f_D(image, method.config.feature_tap) for image in (x, method.G(seen.E_x)))
        pairs = list(_pairs(method, seen, E_of_G_z))
        reference = torch.stack([method.D_z_output(z, middle) for middle, _ in pairs])
        image = torch.stack([method.D_z_output(middle, E_x) for middle, E_x in pairs])
    path = {
        "E_x": seen.E_x,
        "E_G_E_x": seen.E_again,
        "f_D_x": f_D_x.abs().mean(1),
        "f_D_G_E_x": f_D_G_E_x.abs().mean(1),
        "f_D_gap": (f_D_x - f_D_G_E_x).abs().mean(1),
        "D_z_reference": reference,
        "D_z_image": image,
    }
    return {name: values.cpu().numpy() for name, values in path.items()} | method.components(seen)


def _pairs(method, seen, E_of_G_z):
    """For each image what L_FL takes for E(G(z)), and E(x) as often, both (k, L)."""
    for E_x, E_again in zip(seen.E_x, seen.E_again, strict=True):
        middle = E_again if method.config.latent_feature == "released" else E_of_G_z
        yield middle.expand_as(E_of_G_z), E_x.expand_as(E_of_G_z)
