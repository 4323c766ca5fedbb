"""What every method is to the trainer and the scorer: a step on a batch, a score for every test image."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.optim import Optimizer
from tqdm import tqdm

from ..config import Config, TrainedConfig
from ..errors import AdcganError
from ..models.layers import keep_memory


class Method:
    """What the trainer and the scorer ask of a method. Subclasses fill `networks` and `optimisers`.

    ``networks`` and ``optimisers`` map names to modules and optimisers: together with the random
    generators they are the whole state of a training.
    """

    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    shuffles = 1  # independently shuffled batches that one step is given, one after another in x
    # What scoring a test image takes in the time of an image's share of a training epoch; measured on a CPU from the
    # committed records, rounded up. A time limit leaves room for it.
    scoring_cost: float = 1
    searches = False  # does it optimise for every test image: then no AUROC is read after each epoch
    monitored: str | None = None  # the value of `validate` that an early stop watches

    def __init__(self, config: TrainedConfig, device: torch.device):
        self.config, self.device = config, device
        if device.type == "cpu":
            keep_memory()

    def begin_epoch(self, epoch: int) -> None:
        """Called before the first batch of ``epoch`` (from 0): schedules go here."""

    def phase(self, epoch: int) -> object:
        """Epochs of one phase make the same `step`, with the same learning rates: what may be captured once."""
        return None

    def step(self, x: Tensor, epoch: int) -> dict[str, Tensor]:
        """One training batch, pixels (N * shuffles, C, H, H): updates the networks, returns detached scalars to log."""
        raise AssertionError("every method defines step")

    def draw(self, x: Tensor) -> Tensor:
        """z ~ N(0, I), (N, L): one for each image of the batch x."""
        return torch.randn(len(x), self.config.latent_size, device=self.device)

    def validate(self, images: np.ndarray) -> dict[str, float]:
        """What can be watched on held-out normal images, by name; no labels are involved."""
        return {}

    def batch_components(self, x: Tensor) -> dict[str, Tensor]:
        """Components of the score of a batch of pixels (N, C, H, H): name -> (N,); of a method without a search."""
        raise AssertionError("every method defines batch_components, or score")

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Components of the score for uint8 images (M, H, H, C): name -> float32 (M,)."""
        with self.evaluating():
            batches = [self.batch_components(x) for _, x in self.test_batches(images)]
        return {name: torch.cat([batch[name] for batch in batches]).cpu().numpy() for name in batches[0]}

    def settle(self) -> None:
        """Called when no more training follows: what every score needs again is computed once."""

    def reconstruct(self, images: np.ndarray) -> np.ndarray | None:
        """uint8 reconstructions of uint8 images (M, H, H, C), or None for a method that has none."""
        return None

    def optimiser(self, kind: type[Optimizer], name: str, *arguments, **options) -> Optimizer:
        """An optimiser of the named network, fused: on a CPU a quarter of AE-GAN's step, on CUDA fit for a graph."""
        options |= {"fused": True, "capturable": self.device.type == "cuda"}
        return kind(self.networks[name].parameters(), *arguments, **options)

    def update(self, names: list[str], loss: Tensor) -> None:
        """One step of the named networks' optimisers on ``loss``."""
        for name in names:
            self.optimisers[name].zero_grad()
        loss.backward()
        for name in names:
            self.optimisers[name].step()

    def train(self) -> None:
        """All networks in training mode."""
        for network in self.networks.values():
            network.train()

    def state(self) -> dict:
        """Weights and optimiser states, for a checkpoint."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        }

    def load_state(self, state: dict) -> None:
        """The reverse of `state`."""
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])

    def pixels(self, images: np.ndarray | Tensor) -> Tensor:
        """uint8 (N, H, H, C) -> float (N, C, H, H) on the device, in the configured range."""
        x = torch.as_tensor(images).to(self.device).permute(0, 3, 1, 2).float() / 255
        return x if self.config.pixel_range == "unit" else 2 * x - 1

    def to_uint8(self, x: Tensor) -> np.ndarray:
        """The reverse of `pixels`."""
        unit = x if self.config.pixel_range == "unit" else (x + 1) / 2
        return (unit * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()

    def test_batches(self, images: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
        """Test images in order, as (where, pixels); with a bar where it takes long.

        A last image that would be alone joins the batch before: one image has no batch statistics.
        """
        count, size = len(images), self.config.test_batch_size
        starts = list(range(0, count, size))
        if len(starts) > 1 and count - starts[-1] == 1:
            starts.pop()
        with tqdm(total=count, desc="scoring", unit="image", delay=20, mininterval=20, leave=False) as bar:
            for start, end in zip(starts, [*starts[1:], count], strict=True):
                where = slice(start, end)
                yield where, self.pixels(images[where])
                bar.update(end - start)

    @contextmanager
    def evaluating(self):
        """Eval mode without gradients: running statistics, no dropout, spectral norm frozen.

        Under test_mode "batch-statistics" batch norm alone uses the test batch; under "power-iteration" spectral norm
        alone goes on iterating, a step a forward pass. Neither remembers anything of it afterwards.
        """
        modules = [module for network in self.networks.values() for module in network.modules()]
        before = [module.training for module in modules]
        norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
        momenta = [module.momentum for module in norms]
        vectors = []  # of spectral norm, to be put back
        for module in modules:
            module.training = False
        mode = getattr(self.config, "test_mode", "eval")
        if mode == "batch-statistics":
            for norm in norms:
                norm.training, norm.momentum = True, 0.0
        if mode == "power-iteration":
            spectral = [module.parametrizations.weight[0] for module in modules if is_parametrized(module, "weight")]
            vectors = [(buffer, buffer.clone()) for norm in spectral for buffer in norm.buffers()]
            for norm in spectral:
                norm.training = True
        try:
            with torch.no_grad():
                yield
        finally:
            for module, training in zip(modules, before, strict=True):
                module.training = training
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
            for buffer, value in vectors:
                buffer.copy_(value)


class Baseline:
    """A method that is fitted in one go, by a library: no networks, nothing to resume."""

    def __init__(self, config: Config, device: torch.device):
        self.config = config

    def fit(self, images: np.ndarray, seed: int) -> None:
        """Learn from normal uint8 images (N, H, H, C)."""
        raise AssertionError("every baseline defines fit")

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learnt, by name, to be stored; of those baselines that own pictures are scored with."""
        raise AssertionError(f"{type(self).__name__} is not stored")

    def set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """The reverse of `arrays`. Raises AdcganError or KeyError for arrays of another form."""
        raise AdcganError(f"{type(self).__name__} is not stored")

    def check_arrays(self, *rows: np.ndarray, kind: type = np.float32) -> None:
        """Raise AdcganError unless all are (K, values of an image) of this type."""
        values = self.config.image_size**2 * self.config.channels
        if any(some.shape[1:] != (values,) or some.dtype != kind or not len(some) for some in rows):
            raise AdcganError("its arrays are not those of its configuration")

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """As `Method.score`."""
        raise AssertionError("every baseline defines score")

    def reconstruct(self, images: np.ndarray) -> np.ndarray | None:
        """As `Method.reconstruct`."""
        return None


def latents_of(images: np.ndarray, count: int, size: int) -> Tensor:
    """z ~ N(0, I) for every image, (N, count, size), from a seed that its own pixels give.

    So a search that starts there depends neither on the order of the test images nor on the others.
    """
    seeds = [int.from_bytes(hashlib.sha256(image.tobytes()).digest()[:8]) for image in np.ascontiguousarray(images)]
    draws = [torch.randn(count, size, generator=torch.Generator().manual_seed(seed >> 1)) for seed in seeds]
    return torch.stack(draws)


@contextmanager
def frozen(*networks: nn.Module):
    """Inside the block the networks are used, not trained: no gradients for their weights."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)


def detach(**tensors: Tensor) -> dict[str, Tensor]:
    """Scalars for the log, without their graphs."""
    return {name: value.detach() for name, value in tensors.items()}
