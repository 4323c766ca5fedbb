"""What runs will take on this machine: recorded processor seconds, scaled by a few training steps timed here."""

import math
import time

import numpy as np
import torch

from .. import methods
from ..config import TrainedConfig
from . import grid
from .provenance import choose_device
from .records import Run

STEPS = 4  # timed; one more goes before


class Costs:
    """Estimates for one machine from `plan.rates`; steps are timed only for kinds that need it, once each."""

    def __init__(self, rates: dict[grid.Kind, grid.Rate], device: str):
        self.rates, self.device = rates, device
        self.timed: dict[tuple, float] = {}
        self.here: float | None = None

    def of(self, run: Run) -> tuple[float | None, str]:
        """Processor seconds of a run, and what they are estimated from; None where nothing is known."""
        rate = None if run.changes else self.rates.get(grid.kind(run))
        if rate and not math.isnan(rate.processor):
            here = self.factor()
            return rate.processor * here, f"{rate.measured} measured, this machine takes {here:.2f} times theirs"
        if grid.steps(run):
            return grid.steps(run) * self.step(run), "steps timed here, scoring not counted"
        return (rate.seconds, f"{rate.measured} measured, in wall seconds") if rate else (None, "")

    def factor(self) -> float:
        """How long a step takes here against the records': of the cheapest kind that has both; timed once."""
        if self.here is None:
            planned = {grid.kind(run): run for run in grid.planned(seeds=(0,)) if grid.kind(run) in self.rates}
            known = [(rate.step, kind) for kind, rate in self.rates.items() if kind in planned and rate.step > 0]
            self.here = 1.0  # library baselines alone are measured: taken as they are
            if known:
                step, kind = min(known, key=lambda pair: pair[0])
                self.here = self.step(planned[kind]) / step
        return self.here

    def step(self, run: Run) -> float:
        """Processor seconds of a training step here, the mean over warm-up and other epochs; timed once a kind."""
        config = run.config
        like = (run.method, run.recipe, run.scale, config.image_size, config.channels, grid.named(run.changes))
        if like not in self.timed:
            self.timed[like] = step_seconds(run, self.device)
        return self.timed[like]


def step_seconds(run: Run, device: str = "cpu") -> float:
    """Processor seconds of one training step of ``run`` on made-up images, the mean over its epochs' phases."""
    config: TrainedConfig = run.config
    where = choose_device(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            method = methods.build(run.method, config, where)
            shape = (config.batch_size * method.shuffles, config.image_size, config.image_size, config.channels)
            x = method.pixels(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
            method.train()
            warm_up = min(getattr(config, "warm_up_epochs", 0), config.total_epochs)
            phases = {0: warm_up, config.total_epochs - 1: config.total_epochs - warm_up}
            return sum(_median(method, x, epoch) * count for epoch, count in phases.items()) / config.total_epochs
    finally:
        torch.set_num_threads(threads)


def _median(method, x, epoch):
    times = []
    for _ in range(STEPS + 1):
        started = time.process_time()
        method.step(x, epoch)
        times.append(time.process_time() - started)
    return float(np.median(times[1:]))
