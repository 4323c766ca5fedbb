"""A training step of AD-CGAN on one CPU thread: this checkout against another, ``--old``.

Each has a process of its own; their steps alternate, so that whatever else the machine does slows both. Printed are the
median seconds of ``--steps`` steps, the rate of this checkout's step in GFLOP/s (counted on the other's step, for both
the same) and that of a matrix product. ``--agreement``: how far the losses of as many steps lie apart instead.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
SETTINGS = [(28, 1.0), (28, 0.25), (32, 0.25), (64, 0.25)]  # pixels, width
OPTIONS = dict(
    contrastive="literal", local_tap="layer", projection="global", logit_head="linear", generator_optimiser="separate",
    latent_draws="shared", reduction="sum", feature_tap="raw", latent_feature="printed-order",
    latent_output="probability", reconstruction="sum",
)  # fmt: skip
WARM_UP = 3


def work(size, width, dtype):
    """In a worker: for each line read, a step, a counted step or a matrix product; a line of JSON about each."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from adcgan import methods
    from adcgan.config import configure

    torch.set_num_threads(1)
    channels = 1 if size == 28 else 3
    config = configure("adcgan", "one-vs-all", size, channels, width=width, batch_size=32, **OPTIONS)
    torch.manual_seed(0)
    method = methods.build("adcgan", config, torch.device("cpu"))
    x = 2 * torch.rand(config.batch_size, channels, size, size) - 1
    if dtype == "float64":
        torch.set_default_dtype(torch.float64)
        x = x.double()
        for network in method.networks.values():
            network.double()
    method.train()
    square = torch.rand(1024, 1024, dtype=torch.float32)

    def step():
        return {name: value.item() for name, value in method.step(x, config.warm_up_epochs).items()}

    def count():
        with FlopCounterMode(display=False) as counter:
            step()
        return counter.get_total_flops()

    tasks = {"step": step, "count": count, "product": lambda: float((square @ square)[0, 0])}
    for line in sys.stdin:
        started = time.process_time()
        result = tasks[line.strip()]()
        print(json.dumps([time.process_time() - started, result]), flush=True)


class Worker:
    """A process that trains by the code of one checkout."""

    def __init__(self, tree, *setting):
        environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, HERE, "--worker", json.dumps(setting)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=tree)

    def ask(self, task):
        """(seconds, result) of a task; nothing else runs meanwhile."""
        print(task, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def speed(old, new, steps):
    """Median seconds of a step of either, the new one's GFLOP/s, and a matrix product's."""
    for _ in range(WARM_UP):
        old.ask("step"), new.ask("step"), new.ask("product")
    flops = old.ask("count")[1]
    new.ask("step")  # the old one has had one more
    seconds = [[worker.ask(task)[0] for worker, task in ((old, "step"), (new, "step"), (new, "product"))]
               for _ in range(steps)]  # fmt: skip
    before, after, product = map(statistics.median, zip(*seconds, strict=True))
    return f"{before:8.4f} {after:8.4f} {before / after:6.2f} {flops / after / 1e9:8.1f} {2 * 1.024**3 / product:8.1f}"


def apart(old, new, steps):
    """The largest relative difference of a loss at the first step, and at any."""
    largest = []
    for _ in range(steps):
        ours, theirs = new.ask("step")[1], old.ask("step")[1]
        largest.append(max(abs(ours[name] - theirs[name]) / abs(theirs[name]) for name in theirs if name[0] == "L"))
    return f"{largest[0]:12.1e} {max(largest):12.1e}"


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--old", type=Path, help="a checkout of the code to compare with")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--agreement", action="store_true", help="compare losses instead of seconds")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        return work(*given.worker)
    compare, dtypes = (apart, ("float64", "float32")) if given.agreement else (speed, ("float32",))
    heads = "  first step     any step" if given.agreement else "   old s    new s  ratio  GFLOP/s  product"
    print(f"pixels width {'dtype':>8} {heads}", flush=True)
    for size, width in SETTINGS:
        for dtype in dtypes:
            workers = [Worker(tree.resolve(), size, width, dtype) for tree in (given.old, HERE.parent.parent)]
            print(f"{size:6} {width:5} {dtype:>8} {compare(*workers, given.steps)}", flush=True)
            for worker in workers:
                worker.close()


if __name__ == "__main__":
    main()
