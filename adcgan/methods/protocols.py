"""The protocol study's measurements on one set of AD-CGAN weights, made when a cell is scored.

The `paper` protocol is the result: equations 4 and 5, deterministic, blind to the labels. The others are diagnostics.
`released` is what the authors' public script of October 2021 does: L_FL with E(G(E(x))), and a z that is drawn for
every normal image but not for the anomalous ones, which all get the one left over from the last normal image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..evaluation import auroc, aurocs
from ..scores import BOTH, RECONSTRUCTION_STATISTICS, TRAINING_STATISTICS, normality_score
from . import Study

if TYPE_CHECKING:
    from .adcgan import ADCGAN

RELEASED = {"latent_feature": "released", "test_latents": "released"}
# Scoring options read on the same weights, one change at a time against the paper protocol, and the released one.
READINGS = {
    "paper": {},
    "released": RELEASED,
    "reduction=sum": {"reduction": "sum"},
    "feature_tap=raw": {"feature_tap": "raw"},
    "feature_tap=projected": {"feature_tap": "projected"},
    "latent_feature=released": {"latent_feature": "released"},
    "latent_feature=printed-order": {"latent_feature": "printed-order"},
    "test_latents=per-image": {"test_latents": "per-image"},
    "test_latents=released": {"test_latents": "released"},
    "latent_output=probability": {"latent_output": "probability"},
}
DRAWS = 200  # left-over z's, and random splits of the normal images
LOOKS = 10  # of those splits, where each needs a pass of the networks of its own
# Mode, order of the test images, batch size. The script's spectral norm iterates while it scores, normal images first.
BATCHED = [
    ("batch-statistics", "shuffled order", 32),
    ("batch-statistics", "shuffled order", 256),
    ("batch-statistics", "label order", 32),
    ("batch-statistics", "label order", 256),
    ("power-iteration", "shuffled order", 32),
    ("power-iteration", "normal images first", 32),
]
SEED = 1  # of the study's own draws; the score's z's have seed 0


def study(
    method: ADCGAN,
    images: np.ndarray,
    labels: np.ndarray,
    anomalous: np.ndarray,
    left_out: np.ndarray,
    normal: np.ndarray,
) -> Study:
    """Every diagnostic of these weights on uint8 ``images`` (M, H, H, C).

    Readings: each of `READINGS`, of the test with the anomalies ``left_out`` of it, where there are any, of the modes
    in which the batches matter, `BATCHED`, and of G's batch norm averaged anew over the ``normal`` training images,
    this with the components as means and as sums, and over what it is trained on, z's among them.
    Draws: AUROC over `DRAWS` left-over z's, over other z's that all images share, and between random halves of the
    normal images (nulls). Per image: L_FL under the released protocol.
    """
    seen = method.look(images)
    readings, parts = {}, {}
    for name, options in READINGS.items():
        if not options.items() <= vars(method.config).items() or name == "paper":
            parts[name], readings[name] = read(method.reading(**options), seen, anomalous)
    if len(left_out):
        readings["test_set=with-train"] = enlarged(method, seen, anomalous, left_out)
    mixed = method.averaged_anew(normal, method.z_passes)
    _, readings[TRAINING_STATISTICS] = read(mixed, mixed.look(images), anomalous)
    anew = method.averaged_anew(normal)
    seen_anew = anew.look(images)
    _, readings[RECONSTRUCTION_STATISTICS] = read(anew, seen_anew, anomalous)
    _, readings[BOTH] = read(anew.reading(reduction="sum"), seen_anew, anomalous)
    for mode, order, size in batched_modes(method):
        rows, other = ordered(order, labels, anomalous), method.reading(test_mode=mode, test_batch_size=size)
        _, measured = read(other, other.look(images[rows]), anomalous[rows])
        readings[batched(mode, order, size)] = measured
    draws = {}
    if (~anomalous).sum() > 1:  # one image has no halves
        draws = null(method, seen, parts["paper"], anomalous) | null_in_order(method, images[~anomalous])
    draws |= shared(method, seen, parts["paper"], anomalous)
    for name in ("released", "test_latents=released"):
        draws |= left_over(name, method.reading(**READINGS[name]), seen, anomalous)
    draws = {name: values.astype(np.float32) for name, values in draws.items()}
    return Study(readings, draws, {"L_FL released": parts["released"]["L_FL"]})


def batched_modes(method: ADCGAN) -> list[tuple[str, str, int]]:
    """Those of `BATCHED` that apply: with a single test latent E(G(z)) has no batch to take statistics of."""
    alone = method.config.test_latent_count < 2
    return [kind for kind in BATCHED if not (alone and kind[0] == "batch-statistics")]


def batched(mode: str, order: str, size: int) -> str:
    """The name of a reading of `BATCHED`.

    Under "power-iteration" E, G and D alone went on iterating in the readings recorded before D_z did too, so these
    have a name of their own.
    """
    return f"{mode}{' of all networks,' * (mode == 'power-iteration')} {order}, batches of {size}"


def read(method: ADCGAN, seen, anomalous: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The components that a reading gives, and the AUROC of NS and of each."""
    components = method.components(seen, anomalous)
    values = {"NS": normality_score(method.config, components), **components}
    return components, {name: round(auroc(anomalous, score), 5) for name, score in values.items()}


def enlarged(method: ADCGAN, seen, anomalous: np.ndarray, left_out: np.ndarray) -> dict[str, float]:
    """As `read`, of the test images seen and the anomalies ``left_out`` (K, H, H, C) together: register row 30."""
    both = type(seen)(*(torch.cat(parts) for parts in zip(seen, method.look(left_out), strict=True)))
    _, measured = read(method, both, np.concatenate([anomalous, np.ones(len(left_out), bool)]))
    return measured


def left_over(name: str, method: ADCGAN, seen, anomalous: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC of NS and of L_FL under a reading with the released rule for z, over `DRAWS` draws of the left-over z, and
    the mean of L_FL over the anomalies, which is how far the draw moves them together.

    The normal images keep the z's that they have in the reading: only what is left over for the anomalies changes.
    """
    components = method.components(seen, anomalous)
    L_FL = np.tile(components["L_FL"], (DRAWS, 1))
    flags = torch.as_tensor(anomalous, device=seen.E_x.device)
    L_FL[:, anomalous] = L_FL_of_draws(method, type(seen)(*(part[flags] for part in seen)))
    NS = normality_score(method.config, components | {"L_FL": L_FL})
    return {
        f"left over, {name}, NS": aurocs(anomalous, NS),
        f"left over, {name}, L_FL": aurocs(anomalous, L_FL),
        f"left over, {name}, mean L_FL": L_FL[:, anomalous].mean(1),
    }


def shared(method: ADCGAN, seen, components: dict[str, np.ndarray], anomalous: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC of NS where all images share other z's than the score's: one each of `DRAWS`, and sets of as many as its.

    What the choice of the fixed z's is worth (register row 25); the labels enter none of it.
    """
    L_FL, count = L_FL_of_draws(method, seen), method.config.test_latent_count
    values = {"one shared z": L_FL}
    if count <= DRAWS:
        sets = L_FL[: DRAWS // count * count].reshape(DRAWS // count, count, -1).mean(1)
        values[f"{count} shared z's"] = sets
    scores = {name: normality_score(method.config, components | {"L_FL": L_FL}) for name, L_FL in values.items()}
    return {f"{name}, NS": aurocs(anomalous, NS) for name, NS in scores.items()}


def null(method: ADCGAN, seen, components: dict[str, np.ndarray], anomalous: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC of NS between random halves of the normal images, where there is nothing to find, over `DRAWS` splits.

    Under the released rule the half called anomalous gets a left-over z; the other half a z for each image.
    """
    normal = ~anomalous
    flags = torch.as_tensor(normal, device=seen.E_x.device)
    seen = type(seen)(*(part[flags] for part in seen))
    components = {name: values[normal] for name, values in components.items()}
    pretended = splits(int(normal.sum()))
    released = method.reading(**RELEASED)
    nobody = np.zeros_like(pretended[0])  # then each image has a z of its own
    own = released.components(seen, nobody)["L_FL"]
    given = {"paper": components["L_FL"], "released": np.where(pretended, L_FL_of_draws(released, seen), own)}
    scores = {name: normality_score(method.config, components | {"L_FL": L_FL}) for name, L_FL in given.items()}
    return {f"null, {name}, NS": aurocs(pretended, np.broadcast_to(NS, pretended.shape)) for name, NS in scores.items()}


def splits(count: int) -> np.ndarray:
    """Which half of ``count`` normal images is called anomalous, for `DRAWS` random splits: bool (DRAWS, count)."""
    random = np.random.default_rng(SEED)
    return np.stack([random.permutation(count) < count // 2 for _ in range(DRAWS)])


def null_in_order(method: ADCGAN, images: np.ndarray) -> dict[str, np.ndarray]:
    """As `null`, over `LOOKS` splits, for the modes in which batches matter, where their order knows the labels."""
    draws = {}
    for mode, order, size in batched_modes(method):
        if order == "shuffled order":
            continue
        other, values = method.reading(test_mode=mode, test_batch_size=size), []
        for pretended in splits(len(images))[:LOOKS]:
            rows = ordered(order, pretended, pretended)
            _, measured = read(other, other.look(images[rows]), pretended[rows])
            values.append(measured["NS"])
        draws[f"null, {batched(mode, order, size)}, NS"] = np.array(values)
    return draws


def L_FL_of_draws(method: ADCGAN, seen) -> np.ndarray:
    """L_FL of the images seen for each of `DRAWS` z's that all of them share, (DRAWS, M)."""
    generator = torch.Generator().manual_seed(SEED)
    Z = method.as_prior(torch.randn(DRAWS, 1, method.config.latent_size, generator=generator))
    pairs = zip(Z, method.encoded_latents(Z), strict=True)
    with method.evaluating():
        rows = [method.L_FL(seen, z.expand_as(seen.E_x), E_of_G_z.expand_as(seen.E_x)) for z, E_of_G_z in pairs]
    return torch.stack(rows).cpu().numpy()


def ordered(order: str, labels: np.ndarray, anomalous: np.ndarray) -> np.ndarray:
    """Rows of the test images in the named order; the shuffled one is fixed and knows no label."""
    if order == "shuffled order":
        return np.random.default_rng(SEED).permutation(len(labels))
    return np.argsort({"label order": labels, "normal images first": anomalous}[order], kind="stable")
