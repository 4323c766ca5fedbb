"""How fast training and scoring are here, as ratios measured in one run: ``make bench``.

For every method and image size: a training step as written, captured as a CUDA graph, and with several runs at once
(streams on a GPU, processes on a CPU); steps a second, achieved TFLOP/s, their share of this device's measured matrix
product, the ratio to the step as written, peak memory. And the same for scoring. Prints a table; ``--out`` keeps the
measurements as JSON.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from adcgan import methods
from adcgan.config import configure, parse_options
from adcgan.experiments.provenance import choose_device, code_revision, device_description
from adcgan.stepping import Captured, Eager

IMAGES = 4096  # random ones, in the store that steps gather their batches from
CHANNELS = {28: 1, 32: 3, 64: 3}


class Contiguous(Eager):
    """As written, without the channels-last memory format."""

    def __init__(self, method, store):
        super().__init__(method, store)
        for network in method.networks.values():
            network.to(memory_format=torch.contiguous_format)


def wait(device):
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def rate(work, device, seconds, before=1):
    """Calls of ``work`` a second, over at least ``seconds`` after ``before`` calls."""
    for _ in range(before):
        work()
    wait(device)
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        work()
        calls += 1
        if device.type == "cuda" and calls % 50 == 0:
            wait(device)  # so that the clock does not run ahead of the device
    wait(device)
    return calls / (time.perf_counter() - started)


def warm(device):
    """Steps before the clock starts: on a GPU until the step is captured and replayed."""
    return 6 if device.type == "cuda" else 1


def ceilings(device, seconds):
    """What this device reaches in a large matrix product (TFLOP/s, as training runs it) and in a copy (GB/s)."""
    side = 8192 if device.type == "cuda" else 2048
    a, b = torch.randn(2, side, side, device=device)
    product = rate(lambda: a @ b, device, seconds) * 2 * side**3 / 1e12
    torch.backends.cuda.matmul.allow_tf32 = True
    tf32 = rate(lambda: a @ b, device, seconds) * 2 * side**3 / 1e12 if device.type == "cuda" else product
    torch.backends.cuda.matmul.allow_tf32 = False
    x = torch.empty(2**28 if device.type == "cuda" else 2**25, device=device)
    y = torch.empty_like(x)
    copy = rate(lambda: y.copy_(x), device, seconds) * 2 * x.numel() * 4 / 1e9
    return {"matmul_tflops": product, "matmul_tf32_tflops": tf32, "copy_gbps": copy}


def make(name, size, options, device, kind):
    """A training ready to step in its adversarial phase."""
    config = configure(name, "one-vs-all", size, CHANNELS[size], **options)
    torch.manual_seed(0)
    method = methods.build(name, config, device)
    method.train()
    store = torch.randint(0, 256, (IMAGES, size, size, CHANNELS[size]), dtype=torch.uint8, device=device)
    stepper = kind(method, store)
    return stepper


def stepping(stepper):
    """A function that takes the next step of a training, epoch after epoch."""
    config = stepper.method.config
    epoch = getattr(config, "warm_up_epochs", 0)
    batches = IMAGES // config.batch_size
    state = {"left": 0}

    def step():
        if not state["left"]:
            rows = [torch.randperm(IMAGES)[: batches * config.batch_size].view(batches, -1)
                    for _ in range(stepper.method.shuffles)]  # fmt: skip
            stepper.begin(torch.cat(rows, 1), epoch)
            state["left"] = batches
        stepper.step()
        state["left"] -= 1

    return step


class Operations(TorchDispatchMode):
    """Floating-point operations by torch's own formulas; its FlopCounterMode refuses a gradient within a step."""

    total = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if formula := flop_registry.get(function._overloadpacket):
            self.total += formula(*arguments, **(options or {}), out_val=result)
        return result


def flops(stepper):
    """Floating-point operations of one step as written, forward and backward."""
    step = stepping(stepper)
    step()
    with Operations() as counter:
        step()
    return counter.total


def alone(name, size, options, device, kind, seconds):
    """Steps a second of one training, and its peak memory in bytes (CUDA)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    steps = rate(stepping(make(name, size, options, device, kind)), device, seconds, warm(device))
    return steps, torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def together(name, size, options, device, jobs, seconds):
    """Steps a second of ``jobs`` trainings at once, all counted, and peak memory (CUDA)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        steps = [stepping(make(name, size, options, device, Captured)) for _ in range(jobs)]

        def turn():
            for step in steps:
                step()

        return jobs * rate(turn, device, seconds, warm(device)), torch.cuda.max_memory_allocated(device)
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        return sum(pool.map(_one_process, [(name, size, options, threads, seconds)] * jobs, chunksize=1)), None


def _one_process(arguments):
    name, size, options, threads, seconds = arguments
    torch.set_num_threads(threads)
    return alone(name, size, options, torch.device("cpu"), Eager, seconds)[0]


def scoring(name, size, options, device, seconds, batch_size):
    """Test images a second through all components of the score, in batches of ``batch_size``."""
    method = make(name, size, options | {"test_batch_size": batch_size}, device, Eager).method
    images = np.random.default_rng(0).integers(0, 256, (4 * batch_size, size, size, CHANNELS[size]), np.uint8)
    return len(images) * rate(lambda: method.score(images), device, seconds)


def measure(given, device):
    """Every measurement asked for, as rows."""
    rows = []
    ceiling = ceilings(device, given.seconds)
    top = max(ceiling["matmul_tflops"], ceiling["matmul_tf32_tflops"])
    for name in given.methods:
        for size in given.sizes:
            for architecture in given.architectures if name == "adcgan" else [None]:
                options = parse_options(name, given.options)
                if architecture:
                    options = {**options, "architecture": architecture}
                operations = flops(make(name, size, options, device, Eager))
                what = {"method": name, "image_size": size, "architecture": architecture, "flop_per_step": operations}
                what["options"] = given.options
                eager, memory = alone(name, size, options, device, Eager, given.seconds)

                def row(path, jobs, steps, memory, what=what, eager=eager, operations=operations):
                    achieved = steps * operations / 1e12
                    rows.append(
                        what
                        | {"path": path, "jobs": jobs, "steps_per_second": steps, "tflops": achieved,
                           "share_of_matmul": achieved / top, "ratio_to_eager": steps / eager, "peak_bytes": memory}
                    )  # fmt: skip
                    show(rows[-1])

                row("eager", 1, eager, memory)
                if device.type == "cpu":
                    contiguous = alone(name, size, options, device, Contiguous, given.seconds)[0]
                    row("eager, contiguous memory", 1, contiguous, None)
                if device.type == "cuda":
                    row("captured", 1, *alone(name, size, options, device, Captured, given.seconds))
                for jobs in given.jobs:
                    path = "captured" if device.type == "cuda" else "eager"
                    row(path, jobs, *together(name, size, options, device, jobs, given.seconds))
                for batch_size in given.batches:
                    images = scoring(name, size, options, device, given.seconds, batch_size)
                    rows.append(what | {"path": "scoring", "batch_size": batch_size, "images_per_second": images})
                    show(rows[-1])
    return {
        "kind": "throughput", "device": device_description(device), "code": code_revision(), "torch": torch.__version__,
        "seconds_each": given.seconds, "ceilings": ceiling, "rows": rows,
    }  # fmt: skip


def show(row):
    """One measurement as a line."""
    what = f"{row['method']} {row['image_size']} {row['architecture'] or ''}".strip()
    if row["path"] == "scoring":
        print(
            f"{what:18} scoring, batches of {row['batch_size']:<5} {row['images_per_second']:10.1f} images/s",
            flush=True,
        )
        return
    memory = f", {row['peak_bytes'] / 2**30:.2f} GiB" if row["peak_bytes"] else ""
    speed = f"{row['steps_per_second']:9.2f} steps/s  {row['tflops']:8.3f} TFLOP/s"
    shares = f"{100 * row['share_of_matmul']:5.1f} % of matmul  {row['ratio_to_eager']:6.2f} x eager"
    print(f"{what:18} {row['path']:24} x{row['jobs']:<3} {speed}  {shares}{memory}", flush=True)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--methods", nargs="+", default=["adcgan"], choices=["adcgan", "alad", "aegan", "anogan", "adgan"]
    )
    parser.add_argument("--sizes", nargs="+", type=int, help="default: 28 on a CPU, 28 32 64 on a GPU")
    parser.add_argument("--architectures", nargs="+", default=["t2r", "t2p"])
    parser.add_argument("--jobs", nargs="*", type=int, help="runs at once; default: 2 on a CPU, 2 4 8 on a GPU")
    parser.add_argument("--batches", nargs="*", type=int, help="test batches; default: 1 256, on a GPU 1024 too")
    parser.add_argument("--options", default="", help="options of the method, as 'search_steps=20'")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--out", type=Path, help="where to keep the measurements, as JSON")
    given = parser.parse_args()
    device = choose_device(given.device)
    cuda = device.type == "cuda"
    given.sizes = given.sizes or ([28, 32, 64] if cuda else [28])
    given.jobs = ([2, 4, 8] if cuda else [2]) if given.jobs is None else given.jobs
    given.batches = ([1, 256, 1024] if cuda else [1, 256]) if given.batches is None else given.batches
    print(f"{device_description(device)['name']}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    result = measure(given, device)
    limits = result["ceilings"]
    print(
        f"ceilings: matrix product {limits['matmul_tflops']:.2f} TFLOP/s (TF32 {limits['matmul_tf32_tflops']:.2f}), "
        f"copy {limits['copy_gbps']:.1f} GB/s"
    )
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
