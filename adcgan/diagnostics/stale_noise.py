"""The October 2021 script's rule for z at the test, which depends on the labels.

The script draws a z for every normal image. It draws none for the anomalous ones: all of them meet the z of the last
normal image, the stale noise. Which z that is, is chance, so its effect is a distribution over draws.
"""

from __future__ import annotations

import numpy as np
import torch

from ..methods.adcgan import ADCGAN, Seen
from ..scoring import aurocs, normality_score

DRAWS = 200
SEED = 1  # of the stale z's; the score's z's have seed 0


def outputs(method: ADCGAN, images: np.ndarray) -> dict[str, np.ndarray]:
    """What D_z says of single vectors, float32: of E(x), E(G(E(x))) and each image's own z, (M,), and of stale z's.

    For networks with ``latent_pair`` "marginal", as the script has them. `adcgan.diagnostics.stale.of_outputs` makes of
    these L_FL under any stale z. ``D_z_stale`` is (`DRAWS`,).
    """
    seen, size = method.forward_pass(images), method.config.test_batch_size
    own = method.variant(test_latents="per-image").test_latents(len(images))[:, 0]
    vectors = {"D_z_x": seen.E_x, "D_z_reconstruction": seen.E_again, "D_z_own": own, "D_z_stale": stale(method)}
    with method.evaluating():  # all in one: under "power-iteration" spectral norm iterates from batch to batch
        parts = {name: [method.D_z.body(some)[:, 0] for some in of.split(size)] for name, of in vectors.items()}
    return {name: torch.cat(part).cpu().numpy() for name, part in parts.items()}


def of_pairs(method: ADCGAN, seen: Seen, anomalous: np.ndarray, L_FL: np.ndarray) -> np.ndarray:
    """L_FL for each stale z, (`DRAWS`, M), with any D_z: ``L_FL`` (M,) stays for the normal images."""
    values = np.tile(L_FL, (DRAWS, 1))
    flags = torch.as_tensor(anomalous, device=seen.E_x.device)
    values[:, anomalous] = shared(method, Seen(*(part[flags] for part in seen)))
    return values


def shared(method: ADCGAN, seen: Seen) -> np.ndarray:
    """L_FL of the images seen for each of `DRAWS` z's that all of them share, (`DRAWS`, M)."""
    Z = stale(method)[:, None]
    pairs = zip(Z, method.encoded_latents(Z), strict=True)
    with method.evaluating():
        rows = [method.L_FL(seen, z.expand_as(seen.E_x), E_of_G.expand_as(seen.E_x)) for z, E_of_G in pairs]
    return torch.stack(rows).cpu().numpy()


def stale(method: ADCGAN) -> torch.Tensor:
    """The stale z's, (`DRAWS`, L)."""
    generator = torch.Generator().manual_seed(SEED)
    return method.as_prior(torch.randn(DRAWS, method.config.latent_size, generator=generator))


def released(method: ADCGAN) -> ADCGAN:
    """The same networks under the script's L_FL, a z for each image."""
    return method.variant(latent_feature="released", test_latents="per-image")


def draws(
    method: ADCGAN, seen: Seen, components: dict[str, np.ndarray], anomalous: np.ndarray
) -> dict[str, np.ndarray]:
    """AUROC of NS and of L_FL over `DRAWS` stale z's, under the script's L_FL, everything else as scored."""
    script = released(method)
    L_FL = of_pairs(script, seen, anomalous, script.components(seen)["L_FL"])
    NS = normality_score(method.config, components | {"L_FL": L_FL})
    return {"stale noise, NS": aurocs(anomalous, NS), "stale noise, L_FL": aurocs(anomalous, L_FL)}
