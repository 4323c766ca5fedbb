"""Do captured trainings end in the AUROC of trainings as written, and does it matter what runs beside them? For a GPU.

The same cells (by default three classes of Fashion-MNIST, three seeds) three ways: as written, in processes side by
side; captured, ``--jobs`` of them at once on the device; and the first cell captured alone. Records go to ``--runs``;
the same command continues after an interruption. Fails where a class's captured mean lies outside the range of its
seeds as written.
"""

import argparse
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from adcgan.config import parse_options
from adcgan.errors import AdcganError
from adcgan.experiments import provenance, records, run, sweep


def as_written(cell, runs, device):
    """One cell by the step as written."""
    run.execute(cell, sweep.loaded(cell.dataset), runs, device, eager=True)


def in_processes(cells, runs, device, processes):
    """Every cell as written, ``processes`` at once: what limits such a training is its one thread of Python."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        list(pool.map(partial(as_written, runs=runs, device=device), cells))


def captured(cells, runs, device, jobs):
    """Every cell as a sweep trains it, ``jobs`` at once."""
    outcome = sweep.sweep(cells, runs, device=device, jobs=jobs)
    for cell, reason in outcome.failed.items():
        raise AdcganError(f"{cell}: {reason}")


def compare(cells, runs, device, processes, jobs):
    """AUROC of every cell as written and captured, and how far the first one's scores alone are from those beside."""
    ways = {name: runs / name for name in ("as-written", "captured", "captured-alone")}
    in_processes(cells, ways["as-written"], device, processes)
    captured(cells, ways["captured"], device, jobs)
    captured(cells[:1], ways["captured-alone"], device, 1)
    found = {name: [records.find(cell, where) for cell in cells] for name, where in ways.items()}
    rows = [
        {"label": cell.label, "seed": cell.seed, "as_written": written.auroc["NS"], "captured": fast.auroc["NS"]}
        for cell, written, fast in zip(cells, found["as-written"], found["captured"], strict=True)
    ]
    alone, beside = (found[name][0].scores.astype(float) for name in ("captured-alone", "captured"))
    return rows, np.abs(alone - beside).max() / beside.std()


def inside(rows):
    """Whether each class's captured mean lies within the range of its seeds as written, by label."""
    result = {}
    for label in sorted({row["label"] for row in rows}):
        written, fast = ([row[way] for row in rows if row["label"] == label] for way in ("as_written", "captured"))
        result[label] = min(written) <= np.mean(fast) <= max(written)
    return result


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--classes", nargs="+", default=["0", "1", "2"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--options", default="", help="options of AD-CGAN, as 'epochs=1 width=0.1'")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--processes", type=int, default=9, help="trainings as written at once")
    parser.add_argument("--jobs", type=int, default=9, help="captured trainings at once")
    parser.add_argument("--runs", type=Path, default=Path("build/agreement"), help="where the records go")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = provenance.choose_device(given.device)
    options = parse_options("adcgan", given.options) if given.options else {}
    _, cells = run.requested("adcgan", given.dataset, "one-vs-all", given.classes, given.seeds, options)
    rows, apart = compare(cells, given.runs, given.device, given.processes, given.jobs)
    for row in rows:
        print(
            f"class {row['label']} seed {row['seed']}: AUROC {100 * row['as_written']:.2f} % as written, "
            f"{100 * row['captured']:.2f} % captured"
        )
    held = inside(rows)
    print(f"captured mean within the seeds' range as written: {', '.join(f'{k} {v}' for k, v in held.items())}")
    print(f"alone against beside others: scores differ by at most {apart:.1e} of their standard deviation")
    if given.out:
        result = {
            "kind": "agreement", "device": provenance.device_description(device), "code": provenance.code_revision(),
            "dataset": given.dataset, "options": given.options, "jobs": given.jobs, "rows": rows,
            "inside": sum(held.values()) / len(held), "alone_against_beside": apart,
        }  # fmt: skip
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
