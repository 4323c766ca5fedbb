"""What one training step of AD-CGAN costs here: `make bench`. Ratios in one run; absolute times are this machine's.

Times the warm-up step and the full step at 28 pixels, batch 32, and the full step with the default (channels-last)
and the contiguous memory format in turn, so that a drift of the machine's speed falls on both.
"""

import statistics
import time

import torch

from adcgan.config import configure
from adcgan.experiments import choose_device
from adcgan.methods import build

REPEATS = 7


def main() -> None:
    """Print seconds per step and the ratio of the two memory formats."""
    device = choose_device("auto")
    config = configure("adcgan", "one-vs-all", 28, 1)
    formats = {"channels-last": torch.channels_last, "contiguous": torch.contiguous_format}
    methods = {name: build("adcgan", config, device) for name in formats}
    for name, method in methods.items():
        for network in method.networks.values():
            network.to(memory_format=formats[name])
    x = torch.rand(config.batch_size, 1, 28, 28, device=device)
    times = {(name, kind): [] for name in formats for kind in ("warm-up", "full")}
    for repeat in range(REPEATS + 1):
        for name, method in methods.items():
            method.train()
            for kind, epoch in (("warm-up", 0), ("full", config.warm_up_epochs)):
                started = time.perf_counter()
                method.step(x, epoch)
                if device.type == "cuda":
                    torch.cuda.synchronize()
                if repeat:  # the first is a warm-up of the machine
                    times[name, kind].append(time.perf_counter() - started)
    print(f"{device}, {torch.get_num_threads()} threads, batch {config.batch_size}, medians of {REPEATS}")
    for (name, kind), values in times.items():
        print(f"{name:14} {kind:8} {statistics.median(values):.3f} s a step")
    pairs = zip(times["channels-last", "full"], times["contiguous", "full"], strict=True)
    print(f"channels-last / contiguous, full step: {statistics.median(a / b for a, b in pairs):.2f}")


if __name__ == "__main__":
    main()
