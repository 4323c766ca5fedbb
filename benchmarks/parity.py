"""Does the captured step compute what the step as written computes? For a GPU.

From the same seed, images and initial weights, ``--steps`` steps as written and as many captured: the largest relative
difference of any loss at any step. Beside it the same between two runs as written, which is the device's own scatter,
and between a captured run alone and one beside another on the same GPU. Fails where a captured loss departs by more
than ``--tolerance``. TF32 is off unless asked for.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from throughput import CHANNELS, IMAGES

from adcgan import methods
from adcgan.config import COMPARED, configure
from adcgan.experiments.provenance import choose_device, code_revision, device_description
from adcgan.stepping import Captured, Eager


def start(name, size, device, kind, steps):
    """A training at its first adversarial step, on an order of images that the seed alone gives."""
    config = configure(name, "one-vs-all", size, CHANNELS[size])
    torch.manual_seed(0)
    method = methods.build(name, config, device)
    method.train()
    images = torch.Generator().manual_seed(1)
    shape = (IMAGES, size, size, CHANNELS[size])
    store = torch.randint(0, 256, shape, dtype=torch.uint8, generator=images).to(device)
    stepper = kind(method, store)
    order = torch.randint(0, IMAGES, (steps, config.batch_size * method.shuffles), generator=images)
    stepper.begin(order, getattr(config, "warm_up_epochs", 0))
    return stepper


def losses(steppers, steps):
    """Each loss of each step of the first of ``steppers``, which advance in turn: (steps, losses)."""
    sums = []
    for _ in range(steps):
        for stepper in steppers:
            stepper.step()
        sums.append(list(steppers[0].sums().values()))
    return torch.tensor(sums, dtype=torch.float64).diff(dim=0, prepend=torch.zeros(1, len(sums[0])))


def deviation(ours, reference):
    """The largest difference relative to the reference, at least 1e-2 in the denominator."""
    return ((ours - reference).abs() / reference.abs().clamp(min=1e-2)).max().item()


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--methods", nargs="+", default=["adcgan", "alad", "aegan", "anogan", "adgan"],
                        choices=["adcgan", *COMPARED])  # fmt: skip
    parser.add_argument("--sizes", nargs="+", type=int, default=[28])
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--tf32", action="store_true", help="TF32 in convolutions, as trainings run")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = choose_device(given.device)
    fast = Captured if device.type == "cuda" else Eager
    torch.backends.cudnn.allow_tf32 = given.tf32
    rows = []
    for name in given.methods:
        for size in given.sizes:
            written, again, captured, alone = (
                losses([start(name, size, device, kind, given.steps)], given.steps)
                for kind in (Eager, Eager, fast, fast)
            )
            pair = [start(name, size, device, fast, given.steps) for _ in range(2)]
            beside = losses(pair, given.steps)
            row = {
                "method": name, "image_size": size, "steps": given.steps, "tf32": given.tf32,
                "captured_against_written": deviation(captured, written),
                "written_against_written": deviation(again, written),
                "captured_against_captured": deviation(alone, captured),
                "beside_another_against_alone": deviation(beside, captured),
            }  # fmt: skip
            rows.append(row)
            print(json.dumps(row), flush=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        result = {"kind": "parity", "device": device_description(device), "code": code_revision(), "rows": rows}
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    worst = max(row["captured_against_written"] for row in rows)
    print(f"largest deviation of a captured loss: {worst:.2e}, tolerance {given.tolerance:.0e}")
    return 0 if worst <= given.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
