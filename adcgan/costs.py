"""What runs will take on this machine: recorded processor seconds, scaled by a few training steps timed here."""

import math
import time

import numpy as np
import torch

from . import experiments, methods, plan
from .config import TrainedConfig
from .records import Cell

STEPS = 4  # timed; one more goes before


class Costs:
    """Estimates for one machine from `plan.rates`; steps are timed only for kinds that need it, once each."""

    def __init__(self, rates: dict[plan.Kind, plan.Rate], device: str):
        self.rates, self.device = rates, device
        self.timed: dict[tuple, float] = {}
        self.here: float | None = None

    def of(self, cell: Cell) -> tuple[float | None, str]:
        """Processor seconds of a run, and what they are estimated from; None where nothing is known."""
        rate = None if cell.changes else self.rates.get(plan.kind(cell))
        if rate and not math.isnan(rate.processor):
            here = self.factor()
            return rate.processor * here, f"{rate.cells} measured, this machine takes {here:.2f} times theirs"
        if plan.steps(cell):
            return plan.steps(cell) * self.step(cell), "steps timed here, scoring not counted"
        return (rate.seconds, f"{rate.cells} measured, in wall seconds") if rate else (None, "")

    def factor(self) -> float:
        """How long a step takes here against the records': of the cheapest kind that has both; timed once."""
        if self.here is None:
            cells = {plan.kind(cell): cell for cell in plan.cells(seeds=(0,)) if plan.kind(cell) in self.rates}
            known = [(rate.step, kind) for kind, rate in self.rates.items() if kind in cells and rate.step > 0]
            self.here = 1.0  # library baselines alone are measured: taken as they are
            if known:
                step, kind = min(known, key=lambda pair: pair[0])
                self.here = self.step(cells[kind]) / step
        return self.here

    def step(self, cell: Cell) -> float:
        """Processor seconds of a training step here, the mean over warm-up and other epochs; timed once a kind."""
        config = cell.config
        like = (cell.method, cell.recipe, cell.scale, config.image_size, config.channels, plan.named(cell.changes))
        if like not in self.timed:
            self.timed[like] = step_seconds(cell, self.device)
        return self.timed[like]


def step_seconds(cell: Cell, device: str = "cpu") -> float:
    """Processor seconds of one training step of ``cell`` on made-up images, the mean over its epochs' phases."""
    config: TrainedConfig = cell.config
    where = experiments.choose_device(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            method = methods.build(cell.method, config, where)
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
