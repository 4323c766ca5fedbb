"""AD-CGAN's configuration: each open choice is a named option, and a recipe gives all of them their values."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from .. import paper
from ..errors import AdcganError, choose
from .base import STATED, TrainedConfig, latent_size, option

RECIPES = ("printed", "script")
PLAIN = dict(critic_norm="spectral", dropout="none")  # what layer tables t2p settle, whichever the recipe


@cache
def open_choices() -> dict[int, dict]:
    """The open choices by number: ``choice``, what ``paper`` and ``script`` say, and ``recipes`` or ``settled``.

    ``recipes`` gives options their values under each of `RECIPES`; ``exception`` says where a recipe leaves its rule.
    """
    return yaml.safe_load((Path(__file__).parent / "open_choices.yaml").read_text())


def recipe_options(recipe: str, image_size: int) -> dict:
    """The values that a recipe gives AD-CGAN's options for images of this size."""
    found = {}
    for row in open_choices().values():
        for name, value in row.get("recipes", {}).get(recipe, {}).items():
            found[name] = value[image_size] if isinstance(value, dict) else value
    return found


@dataclass(frozen=True, kw_only=True)
class ADCGANConfig(TrainedConfig):
    """AD-CGAN's own choices, each with the number of its open choice; a recipe fills them in."""

    # budget and pixels
    epochs: int = option(STATED, "adversarial epochs (paper: 15 one-vs-all, 35 all-vs-one)", choice=18, at_least=0)
    warm_up_epochs: int = option(STATED, "warm-up epochs W (paper: 5 one-vs-all, 15 all-vs-one)", choice=18, at_least=0)
    warm_up_count: str = option(
        STATED, "are warm-up epochs added to the epochs or included in them", choices=("added", "included"), choice=18
    )
    pixel_range: str = option(STATED, "pixels in [0,1] or [-1,1]", choices=("unit", "symmetric"), choice=20)
    # networks
    architecture: str = option(
        STATED,
        "t2r: sizes of the authors' October 2021 models; t2p: a design that meets every count of Table 2",
        choices=("t2r", "t2p"),
        choice=40,
    )
    latent_size: int = option(STATED, "latent size L (paper: 100, CatsVsDogs 200)", at_least=1)
    projection: str = option(
        STATED, "which contrastive features are projected", choices=("local", "global", "both"), choice=4
    )
    logit_head: str = option(STATED, "the critic's last layers: two linear or one", choices=("mlp", "linear"), choice=5)
    local_tap: str = option(
        STATED, "local features: before the last block of layers, or before the last layer",
        choices=("block", "layer"), choice=3,
    )  # fmt: skip
    critic_norm: str = option(STATED, "the critic's normalisation", choices=("spectral+batch", "spectral"), choice=27)
    dropout: str = option(
        STATED, "Dropout2d 0.2 where the October 2021 models have it, or none", choices=("released", "none"), choice=39
    )
    encoder_output: str = option(
        STATED, "the encoder's last layer: affine LayerNorm, or nothing", choices=("layer-norm", "none"), choice=38
    )
    initialisation: str = option(
        STATED, "initial weights: PyTorch's, or Xavier", choices=("pytorch", "xavier"), choice=41
    )
    # losses
    reconstruction: str = option(
        STATED, "L_AE over pixels: their mean (the paper's words, October 2021 script), or the sum (its formula)",
        choices=("mean", "sum"), choice=44,
    )  # fmt: skip
    contrastive: str = option(
        STATED, "denominator of equation 1: other images' locations only, or all as printed",
        choices=("masked", "literal"), choice=1,
    )  # fmt: skip
    alpha: float = option(STATED, "weight of L_cgan(fake) in L_G (paper: 0.3)", choice=6, at_least=0)
    beta: float = option(STATED, "weight of L_cgan(real) in L_D (paper: 0.3)", choice=6, at_least=0)
    adversarial: str = option(
        STATED, "equation 6 on pairs (rsgan), or against the batch average (rasgan)",
        choices=("rsgan", "rasgan"), choice=8,
    )  # fmt: skip
    latent_role: str = option(
        STATED, "does the encoder fool D_z or help it", choices=("adversarial", "cooperative"), choice=11
    )
    latent_pair: str = option(
        STATED, "D_z compares (z,z) with (z,E(x)); alad: with (z,E(G(z))); marginal: single vectors",
        choices=("paper", "alad", "marginal"), choice=12,
    )  # fmt: skip
    latent_weight: float = option(STATED, "weight of D_z's term in the encoder's loss", choice=13, at_least=0)
    # optimisation
    learning_rate_cgan: float = option(STATED, "learning rate of G, D_cgan and D_z (paper: 3e-4)", at_least=0)
    learning_rate_autoencoder: float = option(STATED, "learning rate of E (paper: 2e-4)", at_least=0)
    optimiser: str = option(
        STATED,
        "Adam without decay (paper), or AdamW with the October 2021 decays",
        choices=("adam", "adamw"),
        choice=15,
    )
    generator_optimiser: str = option(
        STATED, "one optimiser for G in both its steps, or one per step", choices=("shared", "separate"), choice=14
    )
    critic_steps: int = option(STATED, "critic updates per generator update", choice=16, at_least=1)
    critic_gradients: str = option(
        STATED, "zero the critic's gradients between its updates, or let them add up",
        choices=("zeroed", "accumulated"), choice=16,
    )  # fmt: skip
    latent_draws: str = option(
        STATED, "a fresh z for every update, or one z for the whole batch", choices=("fresh", "shared"), choice=17
    )
    prior: str = option(STATED, "P_z: N(0,I), or uniform on [-1,1]", choices=("gaussian", "uniform"), choice=37)
    warm_up: str = option(
        STATED,
        "warm-up trains E and G only; with D and D_z too; or everything at a rising learning rate",
        choices=("autoencoder", "with-discriminators", "learning-rate"),
        choice=19,
    )
    # scoring
    lambda_: float = option(
        STATED, "equation 4's lambda: critic features against pixels (paper: 0.1)", choice=32, at_least=0
    )
    rho: float = option(
        STATED, "equation 4's rho: encoder against latent discriminator (paper: 0.5)", choice=32, at_least=0
    )
    reduction: str = option(
        STATED, "sums of equations 4 and 5 as means or as printed", choices=("mean", "sum"), choice=22
    )
    feature_tap: str = option(
        STATED, "f_D before or after the contrastive projection", choices=("projected", "raw"), choice=23
    )
    latent_feature: str = option(
        STATED,
        "L_FL with E(G(z)), D_z's arguments as in training; the same in the printed order; or with E(G(E(x)))",
        choices=("printed", "printed-order", "released"), choice=24,
    )  # fmt: skip
    test_latents: str = option(
        STATED, "z while scoring: the same for all images, or one per image", choices=("shared", "per-image"), choice=25
    )
    test_latent_count: int = option(STATED, "how many shared z are averaged over", choice=25, at_least=1)
    latent_output: str = option(
        STATED, "D_z in L_FL: logit or probability", choices=("logit", "probability"), choice=26
    )
    test_mode: str = option(
        STATED, "networks frozen while scoring; or batch norm by the test batch; or spectral norm iterating on",
        choices=("eval", "batch-statistics", "power-iteration"), choice=28,
    )  # fmt: skip

    def __post_init__(self):
        super().__post_init__()
        for name in ("lambda_", "rho"):
            if getattr(self, name) > 1:
                raise AdcganError(f"{name} is {getattr(self, name)}: expected a weight from 0 to 1")
        if self.test_mode == "batch-statistics" and min(self.test_batch_size, self.test_latent_count) < 2:
            raise AdcganError(
                "test_mode is 'batch-statistics': one image has none; give test_batch_size and test_latent_count of 2 "
                "or more"
            )
        if self.architecture == "t2p" and self.dropout == "released":
            raise AdcganError("dropout is 'released': the t2p networks have no dropout; use none, or architecture t2r")

    @property
    def total_epochs(self) -> int:
        """Epochs in all, warm-up among them."""
        added = self.warm_up_epochs if self.warm_up_count == "added" else 0
        return self.epochs + added

    @classmethod
    def stated(cls, scheme: str, image_size: int, options: dict, recipe: str | None) -> dict:
        """The paper's settings, the recipe's values (none given: printed), and what layer tables t2p settle."""
        settings, recipe = paper.settings(), recipe or RECIPES[0]
        choose("recipe", recipe, RECIPES)
        return (
            dict(
                batch_size=settings["batch_size"],
                warm_up_epochs=settings["epochs"][scheme]["warm_up"],
                epochs=settings["epochs"][scheme]["adversarial"],
                latent_size=latent_size(image_size),
                learning_rate_cgan=settings["learning_rate"]["cgan"],
                learning_rate_autoencoder=settings["learning_rate"]["autoencoder"],
            )
            | recipe_options(recipe, image_size)
            | (PLAIN if options.get("architecture") == "t2p" else {})
        )
