"""How a training step is executed: as written, or captured once as a CUDA graph and replayed.

A step of 32 small images is a thousand kernels of a few microseconds each; launched one by one from Python they leave
a GPU idle. `Captured` records the kernels of one step and replays them with one call, on a stream of its own, so that
several trainings can share the device. `Eager` is the readable reference and the oracle for parity.
"""

from contextlib import contextmanager

import torch
from torch import Tensor

from .methods.base import Method

WARM_STEPS = 3  # as written, before a capture: cuDNN chooses its kernels, the optimisers make their state


class Eager:
    """Runs `Method.step` as it is written and sums what it logs."""

    name = "eager"

    def __init__(self, method: Method, store: Tensor):
        self.method, self.store = method, store

    def begin(self, order: Tensor, epoch: int) -> None:
        """Start an epoch: ``order`` (batches, images) are the rows of ``store`` in each step."""
        self.order, self.epoch, self.cursor = order, epoch, 0
        self.totals: dict[str, Tensor] = {}

    def step(self, rows: Tensor | None = None) -> None:
        """The next batch of the epoch, or the given ``rows`` (an incomplete last batch)."""
        if rows is None:
            rows, self.cursor = self.order[self.cursor], self.cursor + 1
        for name, value in self.method.step(self.pixels(rows.to(self.store.device)), self.epoch).items():
            self.totals[name] = self.totals[name] + value if name in self.totals else value.clone()

    def pixels(self, rows: Tensor) -> Tensor:
        """The stored images of ``rows`` as the method wants them."""
        return self.method.pixels(self.store[rows])

    def sums(self) -> dict[str, float]:
        """What was logged in this epoch so far, summed over its steps. Waits for the device."""
        return {name: value.item() for name, value in self.totals.items()}

    def random_state(self) -> Tensor | None:
        """The state of the device's random generator, where it is not the CPU's."""
        device = self.method.device
        if device.type == "mps":
            return torch.mps.get_rng_state()
        return torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def set_random_state(self, state: Tensor | None) -> None:
        """The reverse of `random_state`."""
        if self.method.device.type == "cuda" and state is not None:
            torch.cuda.set_rng_state(state, self.method.device)
        elif self.method.device.type == "mps" and state is not None:
            torch.mps.set_rng_state(state)


class Captured(Eager):
    """Replays a CUDA graph of the whole step: images gathered, networks updated, losses summed, no host in between.

    Each instance has its own stream and its own random generator, so that what a training draws does not depend on
    what else runs on the device.
    """

    name = "captured"

    def __init__(self, method: Method, store: Tensor):
        super().__init__(method, store)
        device = method.device
        torch.backends.cudnn.benchmark = True  # shapes never change: cuDNN may try its kernels once
        self.stream = torch.cuda.Stream(device)
        self.default = torch.cuda.default_generators[device.index or 0]
        self.random = self.default.clone_state()
        self.graphs: dict[object, torch.cuda.CUDAGraph] = {}
        self.names: dict[object, list[str]] = {}
        self.seen: dict[object, int] = {}
        self.sum: dict[object, Tensor] = {}
        self.place = torch.zeros(1, dtype=torch.long, device=device)
        self.rows: Tensor | None = None

    def begin(self, order: Tensor, epoch: int) -> None:
        """Start an epoch: its order goes to the device at once."""
        self.epoch, self.phase = epoch, self.method.phase(epoch)
        self.stream.wait_stream(torch.cuda.current_stream(self.method.device))  # images, a checkpoint, a validation
        with torch.cuda.stream(self.stream):
            if self.rows is None:
                self.rows = order.to(self.store.device)
            else:
                self.rows.copy_(order)
            self.place.zero_()
            if self.phase in self.sum:
                self.sum[self.phase].zero_()

    def step(self, rows: Tensor | None = None) -> None:
        """The next batch: as written while warming, then captured, then replayed."""
        phase = self.phase
        with torch.cuda.stream(self.stream), self.own_random():
            if rows is not None:
                self.as_written(self.pixels(rows.to(self.store.device)))
            elif phase in self.graphs:
                self.graphs[phase].replay()
            elif self.seen.get(phase, 0) < WARM_STEPS:
                self.seen[phase] = self.seen.get(phase, 0) + 1
                self.whole()
            else:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, stream=self.stream):
                    self.whole()
                self.graphs[phase] = graph
                graph.replay()  # a capture records and does not run

    def whole(self) -> None:
        """One step with nothing left to the host."""
        rows = self.rows.index_select(0, self.place)[0]
        self.as_written(self.pixels(rows))
        self.place += 1

    def as_written(self, x: Tensor) -> None:
        """`Method.step`, its log added to the sums."""
        log = self.method.step(x, self.epoch)
        values = torch.stack(list(log.values()))
        if self.phase not in self.sum:
            self.names[self.phase], self.sum[self.phase] = list(log), torch.zeros_like(values)
        self.sum[self.phase] += values

    def sums(self) -> dict[str, float]:
        """As `Eager.sums`."""
        self.stream.synchronize()
        return dict(zip(self.names[self.phase], self.sum[self.phase].tolist(), strict=True))

    def random_state(self) -> Tensor:
        """The state of this training's own generator."""
        self.stream.synchronize()
        return self.random.get_state()

    def set_random_state(self, state: Tensor | None) -> None:
        """The reverse of `random_state`."""
        if state is not None:
            self.random.set_state(state)

    @contextmanager
    def own_random(self):
        """Inside the block the device's default generator, which dropout and randn use, is this training's."""
        before = self.default.graphsafe_get_state()
        self.default.graphsafe_set_state(self.random)
        try:
            yield
        finally:
            self.default.graphsafe_set_state(before)


def stepper(method: Method, store: Tensor, eager: bool) -> Eager:
    """The way to run ``method`` on its device: captured on CUDA unless ``eager``, as written elsewhere."""
    captured = method.device.type == "cuda" and not eager
    return Captured(method, store) if captured else Eager(method, store)
