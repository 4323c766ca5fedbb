"""Nine minutes on one GPU: does the captured step hold, how fast is it, then runs at scale paper until the time is up.

    pip install --no-index --find-links wheels safetensors tqdm pyyaml      # where the machine lacks them
    python prepare.py /tmp/data fashion_mnist mnist cifar10
    ADCGAN_DATA=/tmp/data PYTHONPATH=. python benchmarks/gpu.py --out OUT

Each part is a process of its own, so that a failure of one leaves the others: parity (`parity.py`), a minute of
throughput (`throughput.py`), then `adcgan sweep --scale paper --recipe printed` in the plan's order. Where parity
fails, the sweep runs steps as written, in several processes, and the script says so. Records lie in OUT/runs as they
complete, and in OUT/runs.tar.gz at the end, models left out. Words after ``--`` go to the sweep.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("torch", "numpy", "scipy", "pandas", "sklearn", "PIL", "yaml", "tqdm", "safetensors")
PARITY, THROUGHPUT, LAST = 100, 90, 25  # seconds at most for the first two parts, and what the end is left


def part(name, seconds, *words):
    """Run a part as a process: whether it ended well within its time. Its output goes to ours."""
    print(f"--- {name}: {' '.join(map(str, words))}", flush=True)
    started = time.monotonic()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    try:
        status = subprocess.run([sys.executable, *map(str, words)], env=environment, timeout=seconds, check=False)
        ended = f"exit status {status.returncode}"
    except subprocess.TimeoutExpired:
        status, ended = None, f"stopped after {seconds:.0f} s"
    print(f"--- {name}: {ended}, {time.monotonic() - started:.0f} s", flush=True)
    return status is not None and status.returncode == 0


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="an empty folder for everything that is measured")
    parser.add_argument("--seconds", type=float, default=530, help="for everything (default: %(default)s)")
    parser.add_argument("--device", default="cuda", help="default: %(default)s")
    parser.add_argument("--jobs", type=int, default=4, help="runs at once (default: %(default)s)")
    parser.add_argument("sweep", nargs="*", help="more words for the sweep, after --")
    given = parser.parse_args()
    started = time.monotonic()
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        sys.exit(f"not installed here: {', '.join(missing)}; carry their wheels along")
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    bench = Path(__file__).resolve().parent
    device = ["--device", given.device]
    captured = part("parity", PARITY, bench / "parity.py", *device, "--methods", "adcgan", "--steps", 50,
                    "--out", out / "gpu-parity.json")  # fmt: skip
    part("throughput", THROUGHPUT, bench / "throughput.py", *device, "--methods", "adcgan", "--sizes", 28, 32, 64,
         "--seconds", 4, "--out", out / "gpu-throughput.json")  # fmt: skip
    if not captured:
        print("the captured step does not hold here: steps as written, in several processes", flush=True)
    left = given.seconds - (time.monotonic() - started) - LAST
    part("runs", left + LAST / 2, "-m", "adcgan", "sweep", "--scale", "paper", "--recipe", "printed",
         "--methods", "adcgan", *device, "--jobs", given.jobs, "--time-limit", max(1, left), "--no-notebooks",
         "--runs", out / "runs", *([] if captured else ["--eager"]), *given.sweep)  # fmt: skip
    files = [path for path in (out / "runs").rglob("*") if path.is_file()]
    records = [json.loads(path.read_text()) for path in files if path.name == "record.json"]
    with tarfile.open(out / "runs.tar.gz", "w:gz") as tar:
        for path in files:
            if path.suffix not in (".safetensors", ".pt", ".lock", ".partial"):
                tar.add(path, path.relative_to(out))
    for record in records:
        run = record["run"]
        print(f"{run['dataset']} {run['scheme']} {run['label']} seed {run['seed']}: {100 * record['auroc']['NS']:.1f}")
    print(f"captured step: {captured}; {len(records)} records, {time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
