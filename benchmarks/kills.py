"""Does a sweep survive being killed, a full disk, a read-only directory and a second sweep beside it? For a CPU.

    python benchmarks/kills.py          # an hour; disks are mounted, which needs root

A sweep of small runs in two processes is killed at random moments, all its processes at once, and started again by the
same command, until ``--kills`` kills are done: what it leaves is compared, bit by bit, with what a sweep leaves that
nobody disturbed. Then each file that a command writes meets a disk that is one page too small for it; every command
that writes is pointed at a read-only directory; and two sweeps work in one directory at once.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from adcgan import cli
from adcgan.errors import AdcganError
from adcgan.experiments import grid, records, verify
from adcgan.experiments.files import written
from adcgan.experiments.provenance import choose_device, code_revision, device_description, revision_label
from adcgan.experiments.run import requested

HERE = Path(__file__).resolve()
RESULT = HERE.parent / "results/kills.json"
NOTEBOOK = "a notebook"  # in place of a hash: it says times
PAGE = 4096  # bytes: what a file on a tmpfs is rounded up to
TINY = dict(width=0.1, batch_size=16, epoch_images=48)
RUNS = (
    ("adcgan", "script", [0], 0, {}),  # a run of the tables: diagnosed, and shown in a notebook
    ("adcgan", "printed", [1, 2], 0, TINY | dict(warm_up_epochs=1, epochs=3)),
    ("autoencoder", None, [0, 1], 0, TINY | dict(epochs=3)),
    ("pca", None, [0, 1], 1, {}),
)  # method, recipe, classes, seed, options
OF_TIME = (records.RECORD, records.DIAGNOSTICS[0])  # they say when and how long: compared by what they found
ONE_RUN = ("run", "--dataset", "digits", "--classes", 0, "--device", "cpu", "--width", 0.1, "--batch-size", 16,
           "--warm-up-epochs", 0, "--epochs", 1, "--epoch-images", 48)  # fmt: skip
BASELINE = ("sweep", "--methods", "pca", "--datasets", "digits", "--schemes", "one-vs-all", "--classes", 0,
            "--device", "cpu")  # fmt: skip
FIT = ("--method", "adcgan", "--device", "cpu", "--options", "width=0.1 warm_up_epochs=0 epochs=1 epoch_images=48")


def sweep(runs, more):
    """What is killed: `adcgan sweep` itself, of smaller runs than the grid's; ``more`` words for it."""
    planned = []
    for method, recipe, labels, seed, options in RUNS:
        scale = None if method == "pca" else "laptop"
        planned += requested(method, "digits", "one-vs-all", labels, [seed], options, recipe=recipe, scale=scale)[1]
    grid.planned = lambda **_: planned
    return cli.main(["sweep", "--runs", str(runs), "--jobs", "2", "--device", "cpu", *more])


def start(*command):
    """A process, leader of a group of its own: of `adcgan`, or of this script's sweep where a directory is given."""
    of = [HERE, "--sweep"] if isinstance(command[0], Path) else ["-m", "adcgan"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1])}
    return subprocess.Popen([sys.executable, *map(str, (*of, *command))], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)  # fmt: skip


def done(process):
    """(exit status, standard output, standard error) of a process at its end."""
    out, err = process.communicate()
    return process.returncode, out, err


def bits(place):
    """The hash of every file, of what says its time but the losses and AUROCs; and which records are not whole."""
    found, broken = {}, []
    for path in sorted(path for path in place.rglob("*") if path.is_file() and path.suffix not in (".lock", ".ipynb")):
        data = path.read_bytes()
        if path.name == records.RECORD:
            try:
                record = records.read(path, place)
                verify.verify(record)
            except AdcganError as error:
                broken.append(str(error))
            content = json.loads(data)
            data = repr([content[name] for name in ("losses", "auroc", "digest")] + [content.get("per_epoch")]).encode()
        elif path.name == records.DIAGNOSTICS[0]:
            data = repr(json.loads(data)["variants"]).encode()
        found[str(path.relative_to(place))] = hashlib.sha256(data).hexdigest()
    for path in place.rglob("*.ipynb"):
        if ".partial" not in path.suffixes and any(cell.get("execution_count", 1) is None for cell in
                                                   json.loads(path.read_text())["cells"]):  # fmt: skip
            broken.append(f"{path} was executed in part")
        found[str(path.relative_to(place))] = NOTEBOOK
    return found, broken


def partial(place):
    """Files that a write has not ended, and checkpoints."""
    return [path for path in place.rglob("*") if ".partial" in path.suffixes or path.name == records.CHECKPOINT]


def made_again(runs, made):
    """How many records are not as they were first seen; ``made`` keeps them."""
    found = {path: path.read_bytes() for path in runs.rglob(records.RECORD)}
    return sum(made.setdefault(path, data) != data for path, data in found.items())


def undisturbed(place):
    """What a sweep leaves that nobody disturbs, and how many seconds it takes; without the notebook."""
    began = time.monotonic()
    status, _, err = done(start(place, "--no-notebooks"))
    found, broken = bits(place)
    assert status == 0 and not broken, err
    print(f"undisturbed: {time.monotonic() - began:.0f} s, {len(found)} files", flush=True)
    return found, time.monotonic() - began


def kills(work, given):
    """Kill and start again; counts of runs, and of files for what is unequal or left over."""
    chance = random.Random(given.seed)
    expected, length = undisturbed(work / "undisturbed")
    names = {name for name in expected if name.endswith(records.RECORD)}
    count = dict.fromkeys(
        ("kills", "sweeps", "runs", "lost", "doubled", "unequal", "not_whole", "left_over", "failed"), 0
    )
    at = Counter()
    while count["kills"] < given.kills:
        runs, made, status = work / f"sweep-{count['sweeps']}", {}, None
        count["sweeps"] += 1
        while status is None:
            new, began = not runs.exists(), time.monotonic()
            process = start(runs, "--no-notebooks")
            last = count["kills"] == given.kills  # the last sweep may end
            try:
                _, err = process.communicate(timeout=None if last else chance.uniform(0, length))
                status = process.returncode
                if new:  # nobody disturbed it; what else the machine does has changed its length
                    length = time.monotonic() - began
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                count["kills"] += 1
                under_way = partial(runs)
                at["in a write"] += any(".partial" in path.suffixes for path in under_way)
                at["with a training in work"] += any(path.suffix == ".pt" for path in under_way)
                at["before any file"] += not any(path.is_file() for path in runs.rglob("*"))
                print(f"{length:.0f} s: {count}", flush=True)
            found, broken = bits(runs)
            count["not_whole"] += len(broken)
            count["doubled"] += made_again(runs, made)
        count["runs"] += len(made)
        count["lost"] += len(names - found.keys())
        count["doubled"] += sum(name.endswith(records.RECORD) for name in found.keys() - names)
        count["unequal"] += sum(found.get(name) != expected.get(name) for name in found.keys() | expected.keys())
        count["left_over"] += len(partial(runs))
        count["failed"] += status != 0
        print(err * (status != 0), end="", flush=True)
    held = not any(count[name] for name in ("lost", "doubled", "unequal", "not_whole", "left_over", "failed"))
    yield (
        {"case": "kills", "seed": given.seed}
        | count
        | {"fell": dict(at), "seconds_undisturbed": round(length, 1), "held": held}
    )


def together(work, given):
    """Two sweeps in one directory, a moment apart: how they end, what is made twice, and whether the bits are the same.

    Either says of a run that the other has ended meanwhile that it is done.
    """
    expected, length = undisturbed(work / "alone")
    expected["notebooks/adcgan-script-laptop-digits-one-vs-all.ipynb"] = NOTEBOOK
    for number, wait in enumerate((0, 0, length / 4, length / 2)):
        runs, made, doubled = work / f"together-{number}", {}, 0
        first = start(runs)
        time.sleep(wait)
        both = first, start(runs)
        while any(process.poll() is None for process in both):
            doubled += made_again(runs, made)
            time.sleep(0.05)
        ends = [done(process) for process in both]
        found, broken = bits(runs)
        row = {
            "case": "two sweeps at once", "seconds_apart": round(wait, 1), "exit": [status for status, *_ in ends],
            "done_by_each": [out.count(": done\n") for _, out, _ in ends], "runs": len(made), "doubled": doubled,
            "equal": found == expected and not broken, "left_over": len(partial(runs)),
        }  # fmt: skip
        yield row | {"held": row["exit"] == [0, 0] and row["equal"] and not doubled and not row["left_over"]}


@contextmanager
def disk(**options):
    """A tmpfs with these mount options."""
    with TemporaryDirectory() as place:
        words = ",".join(f"{name}={value}" for name, value in options.items())
        subprocess.run(["mount", "-t", "tmpfs", "-o", words, "tmpfs", place], check=True)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def pages(*sizes):
    """How many pages files of these sizes take."""
    return sum(-(-size // PAGE) for size in sizes)


def watch(process, place):
    """The files that a command writes on a tmpfs, in the order in which it begins them, each with its largest size.

    One that it renames counts under its last name.
    """
    found, before = {}, set(place.rglob("*"))
    while process.poll() is None:
        for path in set(place.rglob("*")) - before:
            try:
                about, is_file = path.stat(), path.is_file()
            except FileNotFoundError:
                continue  # renamed just now
            if is_file and about.st_size:
                name = path.relative_to(place).with_name(path.name.removesuffix(".partial"))
                first, size = found.get(name, (about.st_ino, 0))
                found[name] = first, max(size, about.st_size)
        time.sleep(0.003)
    return {name: size for name, (_, size) in sorted(found.items(), key=lambda entry: entry[1])}


def judge(process, place, named=""):
    """How a command ended that could not write: as it should with a status above 0 and one line that names the file."""
    status, _, err = done(process)
    said = [line for line in err.splitlines() if line.startswith("adcgan: ")]
    held = status > 0 and len(said) == 1 and str(place / named) in said[0] and "Traceback" not in err
    return {"exit": status, "said": [line.replace(str(place), "PLACE") for line in said], "held": held}


def full(command, prepare):
    """Each file that a command writes, on a disk that is one page too small for it; then the same with room."""
    with disk(size="1g") as place:
        prepare(place)
        before = pages(*(path.stat().st_size for path in place.rglob("*") if path.is_file()))
        process = start(*command(place))
        sizes = watch(process, place)
        assert done(process)[0] == 0, command
        expected, _ = bits(place)
    for number, (name, size) in enumerate(sizes.items()):
        room = before + pages(*list(sizes.values())[:number], size) - 1
        with disk(size=room * PAGE) as place:
            prepare(place)
            row = judge(start(*command(place)), place, name)
            row |= {
                "left_over": [path.name for path in partial(place) if path.suffix != ".pt"],
                "not_whole": bits(place)[1],
            }
            subprocess.run(["mount", "-o", "remount,size=1g", place], check=True)
            status, _, _ = done(start(*command(place)))
            row["completed"] = status == 0 and bits(place) == (expected, [])
        held = row["held"] and row["completed"] and not row["left_over"] and not row["not_whole"]
        yield (
            {"case": "full disk", "command": command(place)[0], "file": name.name, "bytes": size} | row | {"held": held}
        )


def read_only(command, prepare):
    """A command that is to write on a disk that is mounted read-only."""
    with disk(size="1g") as place:
        prepare(place)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        before = bits(place)
        row = judge(start(*command(place)), place)
        return (
            {"case": "read-only", "command": command(place)[0]} | row | {"held": row["held"] and bits(place) == before}
        )


def disks(work, given):
    """Every command that writes: on a full disk, and on a read-only one."""
    pictures, model, runs = work / "pictures", work / "model.safetensors", work / "runs"
    pictures.mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (42, 28, 28), np.uint8)):
        Image.fromarray(pixels).save(pictures / f"{number}.png")
    for command in (("fit", pictures, "--model", model, *FIT), (*ONE_RUN, "--runs", runs)):
        status, _, err = done(start(*command))
        assert status == 0, err
    (record,) = runs.rglob(records.RECORD)

    def nothing(place):
        (place / "ballast").write_bytes(b"a page")  # a size of 0 would be no limit

    def recorded(place):
        shutil.copytree(runs, place, dirs_exist_ok=True)
        nothing(place)

    for command, prepare in (
        (lambda place: (*ONE_RUN, "--runs", place), nothing),
        (lambda place: (*BASELINE, "--runs", place), nothing),
        (lambda place: ("diagnose", place / record.parent.relative_to(runs), "--device", "cpu"), recorded),
        (lambda place: ("fit", pictures, "--model", place / "model", *FIT), nothing),
        (lambda place: ("score", model, pictures, "--out", place / "scores.csv"), nothing),
        (lambda place: ("score", model, pictures, "--report", place / "report.html"), nothing),
        (lambda place: ("export", model, place / "model.onnx"), nothing),
    ):
        yield from full(command, prepare)
        yield read_only(command, prepare)


PARTS = {"kills": kills, "together": together, "disks": disks}


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS,
                        help="only these; the result keeps what it has of the others")  # fmt: skip
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--sweep", type=Path, help=argparse.SUPPRESS)
    given, more = parser.parse_known_args()
    if given.sweep:
        return sweep(given.sweep, more)
    if more:
        parser.error(f"unknown: {' '.join(more)}")
    if "disks" in given.parts and os.geteuid():
        print("the disks are left out: mounting needs root", flush=True)
        given.parts.remove("disks")
    before = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    rows = [row for row in before if row["part"] not in given.parts]
    for part in given.parts:
        with TemporaryDirectory() as work:
            for row in PARTS[part](Path(work), given):
                rows.append({"part": part, "revision": revision_label(code_revision())} | row)
                print(json.dumps(rows[-1]), flush=True)
    about = {
        "kind": "kills", "torch": torch.__version__, "device": device_description(choose_device("cpu")), "rows": rows,
    }  # fmt: skip
    written(given.out, (json.dumps(about, indent=1) + "\n").encode())
    return 0 if all(row["held"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
