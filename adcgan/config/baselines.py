"""The baselines' choices. None was tuned: library defaults, or one common value with its reason."""

from dataclasses import dataclass

from .base import STATED, Config, TrainedConfig, budget, latent_size, option


@dataclass(frozen=True, kw_only=True)
class PCAConfig(Config):
    """Reconstruction error after projection on the leading principal components."""

    variance: float = option(0.95, "share of the variance kept by the components", at_least=0.01, at_most=0.9999)


@dataclass(frozen=True, kw_only=True)
class KNNConfig(Config):
    """Mean distance in pixel space to the nearest training images."""

    neighbours: int = option(5, "how many nearest images (scikit-learn's default)", at_least=1)


@dataclass(frozen=True, kw_only=True)
class OCSVMConfig(Config):
    """One-class SVM with a Gaussian kernel on PCA features."""

    variance: float = option(0.95, "share of the variance kept by the PCA features", at_least=0.01, at_most=0.9999)
    nu: float = option(0.1, "bound on the share of training images outside", at_least=0.001, at_most=1)
    training_images: int = option(
        10_000, "train on this many images drawn by the seed where there are more: time grows with their square",
        at_least=2,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class IsolationForestConfig(Config):
    """Isolation forest on pixels."""

    trees: int = option(100, "trees (scikit-learn's default)", at_least=1)


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig(TrainedConfig):
    """A plain autoencoder with AD-CGAN's encoder and decoder: its warm-up for the whole budget, and nothing else."""

    epochs: int = option(STATED, "epochs: AD-CGAN's 20 or 50", at_least=0)
    pixel_range: str = option("unit", "pixels in [0,1] or [-1,1]", choices=("unit", "symmetric"), choice=20)
    latent_size: int = option(STATED, "latent size L: AD-CGAN's", at_least=1)

    @classmethod
    def stated(cls, scheme: str, image_size: int, options: dict, recipe: str | None) -> dict:
        """AD-CGAN's budget and latent size."""
        return dict(epochs=budget(scheme), latent_size=latent_size(image_size))
