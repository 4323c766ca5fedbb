"""The compared methods' choices: the sources' settings, and defaults where the sources are silent.

A value without a source in its help line is this project's choice; the reason stands there.
"""

from dataclasses import dataclass

from ..errors import AdcganError
from .base import LAPTOP_SEARCHES, LAPTOP_WIDTH, STATED, TrainedConfig, budget, latent_size, option


@dataclass(frozen=True, kw_only=True)
class ALADConfig(TrainedConfig):
    """ALAD (Zenati et al., ICDM 2018), as the authors' image experiments run it."""

    epochs: int = option(100, "epochs at most, the early stop within them; not stated by the source")
    validation_fraction: float = option(
        0.1, "share of the normal training images that the early stop watches (this paper's A.3: 10 %)", at_least=0
    )
    patience: int = option(
        10, "stop after more epochs than this without a lower score on those images (source: 10); 0: never", at_least=0
    )
    latent_size: int = option(STATED, "latent size L (source: 100; 64 pixels 200 as AD-CGAN)", at_least=1)
    learning_rate: float = option(2e-4, "Adam's rate in all five networks (source)", at_least=0)
    ema_decay: float = option(
        0.999, "decay of the averaged weights that score (source); 0: the last ones", at_least=0, at_most=1
    )
    spectral_norm: str = option(
        "on", "spectral norm in E and the discriminators, as the source's README runs it", choices=("on", "off")
    )
    latent_cycle: str = option("on", "the discriminator D_zz, as the source's README runs it", choices=("on", "off"))
    score: str = option(
        "features", "NS: D_xx's features (source), its cross-entropy, or the distance to the reconstruction",
        choices=("features", "cross-entropy", "l1", "l2"),
    )  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        if self.patience and not self.validation_fraction:
            raise AdcganError(
                "patience without validation_fraction: no image is held out to watch; set both or neither to 0"
            )

    @classmethod
    def stated(cls, scheme: str, image_size: int, options: dict, recipe: str | None) -> dict:
        """AD-CGAN's latent size."""
        return dict(latent_size=latent_size(image_size))


@dataclass(frozen=True, kw_only=True)
class ADGANConfig(TrainedConfig):
    """ADGAN (Deecke et al., 2018), as Golan and El-Yaniv's implementation runs it."""

    batch_size: int = option(128, "images per update (source: 128)", at_least=2)
    epochs: int = option(100, "epochs (source: 100)")
    steps_per_epoch: int = option(100, "generator updates in an epoch (source: 100)", at_least=1)
    latent_size: int = option(256, "latent size (source: 256)", at_least=1)
    learning_rate: float = option(1e-4, "Adam's rate in training (source)", at_least=0)
    critic_steps: int = option(2, "critic updates per generator update (source: 2)", at_least=1)
    gradient_penalty: float = option(20.0, "weight of the two-sided gradient penalty (source: 20)", at_least=0)
    search_seeds: int = option(8, "starts z_j of the search per test image (source: 8)", at_least=1)
    search_steps: int = option(5, "pairs of updates of z and of the generator per start (source: 5)", at_least=1)
    search_rate_latent: float = option(0.25, "Adam's rate for z in the search (source)", at_least=0)
    search_rate_generator: float = option(5e-5, "Adam's rate for the generator in the search (source)", at_least=0)
    test_batch_size: int = option(16, "test images searched at once, each with its own generators", at_least=1)

    @classmethod
    def at(cls, scale: str | None) -> dict:
        """Scale "laptop": a quarter of the widths, 15 generator updates an epoch, searches for 1,000 test images."""
        narrow = dict(width=LAPTOP_WIDTH, steps_per_epoch=15, test_images=LAPTOP_SEARCHES)
        return narrow if scale == "laptop" else {}


@dataclass(frozen=True, kw_only=True)
class AEGANConfig(TrainedConfig):
    """AE-GAN (Rafiee and Fevens, ICANN 2020), as its authors' repository runs it."""

    epochs: int = option(25, "epochs (source: 25)")
    latent_size: int = option(100, "latent size (source: 100)", at_least=1)
    learning_rate: float = option(1e-4, "Adam's rate (source)", at_least=0)
    weight_decay: float = option(0.5, "L2 term in D's and G's Adam (source: 0.5; 0 for a sensitivity run)", at_least=0)
    weight_decay_encoder: float = option(1e-3, "L2 term in E's Adam (source)", at_least=0)
    lambda_: float = option(0.1, "weight of D's features against pixels (source: 0.1)", at_least=0, at_most=1)
    beta: float = option(1.0, "weight of the latent term (source: 1)", at_least=0)


@dataclass(frozen=True, kw_only=True)
class AnoGANConfig(TrainedConfig):
    """AnoGAN (Schlegl et al., 2017) with the networks of ALAD's generator and image discriminator."""

    epochs: int = option(STATED, "epochs of the GAN; not stated: AD-CGAN's 20 or 50")
    latent_size: int = option(STATED, "latent size L: AD-CGAN's", at_least=1)
    learning_rate: float = option(2e-4, "Adam's rate in training (source)", at_least=0)
    search_steps: int = option(500, "updates of z per test image (source: 500)", at_least=1)
    search_rate: float = option(1e-3, "Adam's rate for z (the ALAD authors' AnoGAN)", at_least=0)
    lambda_: float = option(0.1, "weight of D's features against pixels (source: 0.1)", at_least=0, at_most=1)
    weighting: str = option(
        "paper", "lambda weighs the features (paper), or the pixels as in the ALAD authors' AnoGAN",
        choices=("paper", "alad"),
    )  # fmt: skip

    @classmethod
    def stated(cls, scheme: str, image_size: int, options: dict, recipe: str | None) -> dict:
        """AD-CGAN's budget and latent size."""
        return dict(epochs=budget(scheme), latent_size=latent_size(image_size))

    @classmethod
    def at(cls, scale: str | None) -> dict:
        """As every trained method; searches for 1,000 test images at scale "laptop"."""
        return super().at(scale) | (dict(test_images=LAPTOP_SEARCHES) if scale == "laptop" else {})
