"""The workflow: what each profile's dry run plans, what makes a run start again, and what a cluster is asked for.

Every test runs Snakemake itself, in a copy of the checkout; one run is really made.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from adcgan.config import RECIPES
from adcgan.experiments import grid

ROOT = Path(__file__).resolve().parent.parent
RULE = "one_run"
FEW = dict(methods="pca,adcgan", scales="paper", datasets="digits", classes="0,1", seeds="0")  # 4 and 2 times 4 runs
ONE = dict(methods="pca", datasets="digits", schemes="one-vs-all", classes="0", seeds="0")
RECORD = "runs/library/pca/digits/one-vs-all/class-0/seed-0/record.json"

# A cluster that accepts every job, and where every job fails: what was asked for is in jobs.txt.
CLUSTER = """#!{python}
import json, os, sys
from pathlib import Path
name, jobs = Path(sys.argv[0]).name, Path(__file__).parent / "jobs.txt"
if name == "sbatch":
    with open(jobs, "a") as file:
        file.write(json.dumps([os.getpid(), *sys.argv[1:]]) + "\\n")
    print(os.getpid())
elif name == "sacct" and "--format=JobIdRaw,State" in sys.argv:
    for line in jobs.read_text().splitlines():
        print(f"{{json.loads(line)[0]}}|FAILED")
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    for name in ("adcgan", "benchmarks", "book", "workflow"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    (root / "runs").mkdir()
    return root


@pytest.fixture(scope="module")
def snakemake(checkout):
    """Snakemake under a profile, with the configuration's keys by name: its end, with its whole output as text."""

    def run(*arguments, profile="local", path=(), **config):
        environment = os.environ | {
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            "XDG_CACHE_HOME": str(checkout / "cache"),
        }
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--profile", f"workflow/profiles/{profile}", *arguments]
            + ["--config", *(f"{key}={value}" for key, value in config.items())],
            cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip

    return run


def jobs(done):
    """How many jobs of each rule a dry run would start."""
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return {}
    table = done.stdout.partition("Job stats:")[2].split("\n\n")[0]
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    assert counts.pop("total") == sum(counts.values())
    return counts


@pytest.fixture(scope="module")
def planned(snakemake):
    """`jobs` of a dry run."""
    return lambda *arguments, **how: jobs(snakemake("--dry-run", *arguments, **how))


@pytest.fixture(scope="module")
def finished(snakemake, checkout):
    """The checkout with one run that Snakemake made, and with a book newer than everything."""
    done = snakemake("records", **ONE)
    assert done.returncode == 0, done.stdout
    for name in ("book/_build/html/index.html", "build/workflow/book.done"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    return checkout


@pytest.fixture
def edit(checkout):
    """Change a file of the checkout for one test."""
    before = {}

    def change(name, old, new):
        path = checkout / name
        text = path.read_text()
        before.setdefault(path, (text, path.stat()))
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)

    yield change
    for path, (text, status) in before.items():
        path.write_text(text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(("profile", "slots"), [("local", []), ("gpu", ["2"]), ("slurm", ["1"])])
def test_a_dry_run_plans_every_chosen_run_and_the_book(snakemake, checkout, profile, slots):
    done = snakemake("--dry-run", "--printshellcmds", profile=profile, **FEW)
    assert jobs(done) == {RULE: 12, "book": 1}
    assert not list(checkout.glob("runs/paper/**/record.json"))
    commands = re.findall(r"-m adcgan run .*", done.stdout)
    assert len(commands) == 12
    named = Counter(
        re.match(r"-m adcgan run ((?:--(?:method|recipe|scale) \S+ )*)", command)[1] for command in commands
    )
    assert named == {"--method pca ": 4} | {f"--method adcgan --recipe {name} --scale paper ": 4 for name in RECIPES}
    for command in commands:  # a GPU is shared by what is trained on it, and by nothing else
        assert re.findall(r"--slots (\d+)", command) == (slots if "--method adcgan " in command else [])


def test_the_grid_is_chosen_from_as_in_a_sweep_and_records_elsewhere_are_made_without_the_book(planned, tmp_path):
    assert planned(methods="pca") == {RULE: len(grid.planned(methods=["pca"])), "book": 1}
    chosen = dict(datasets="digits", schemes="one-vs-all", classes="0,1", seeds="0", methods="adcgan,knn")
    assert planned(runs=tmp_path, recipes="script", scales="laptop", **chosen) == {RULE: 2, "records": 1}
    both = dict(recipes="'[printed, script]'", scales="paper,laptop")
    assert planned(runs=tmp_path, **chosen | both) == {RULE: 8, "records": 1}


@pytest.mark.parametrize("wrong", [dict(metods="knn"), dict(scales="huge")])
def test_a_choice_that_means_nothing_is_refused(snakemake, wrong):
    ended = snakemake("--dry-run", **wrong)
    assert ended.returncode != 0 and "AdcganError" in ended.stdout


def test_a_finished_record_is_not_made_again_whatever_its_files_times(planned, finished):
    for path in [*finished.glob("adcgan/**/*.py"), *finished.glob("workflow/**/*")]:
        path.touch()
    os.utime(finished / RECORD, (0, 0))
    assert planned("records", **ONE) == {}


def test_what_changes_no_result_makes_no_record_again_and_prose_the_book_alone(planned, finished, edit):
    edit("adcgan/methods/baselines.py", "", "\n# a remark\n")
    edit("adcgan/methods/baselines.py", '"""', '"""A remark. ')
    for name in ("methods/alad.py", "experiments/sweep.py", "diagnostics/stale_noise.py"):  # asked for after a run
        edit(f"adcgan/{name}", "", "\nX = 1\n")
    edit("adcgan/__init__.py", '__version__ = "', '__version__ = "9')
    edit("book/index.md", "", "\nA remark.\n")
    assert planned(profile="gpu", **ONE) == {"book": 1}


def test_code_that_a_run_goes_through_makes_it_again(planned, finished, edit):
    edit("adcgan/methods/baselines.py", "", "\nX = 1\n")
    assert planned("records", **ONE) == {RULE: 1, "records": 1}


def test_another_setting_makes_a_run_again_and_an_option_makes_another_run(snakemake, planned, finished, edit):
    again = snakemake("--dry-run", "records", options="variance=0.9", **ONE)
    assert re.search(r"output: runs/library/pca/digits/one-vs-all/class-0/seed-0-[0-9a-f]{8}/record.json", again.stdout)
    edit("adcgan/config/baselines.py", "variance: float = option(0.95", "variance: float = option(0.9")
    assert planned("records", **ONE) == {RULE: 1, "records": 1}


def test_a_record_that_snakemake_did_not_make_is_taken_as_it_is(planned, finished, edit):
    chosen = ONE | dict(methods="adcgan", recipes="printed", scales="laptop")
    record = finished / RECORD.replace("library/pca", "laptop/adcgan-printed")
    record.parent.mkdir(parents=True)
    record.touch()  # its presence is what counts
    edit("adcgan/methods/adcgan.py", "", "\nX = 1\n")
    try:
        assert planned("records", **chosen | dict(recipes="printed,script")) == {RULE: 1, "records": 1}
    finally:
        shutil.rmtree(finished / "runs/laptop")


def test_a_record_of_format_1_is_taken_for_its_run(planned, finished):
    """As `adcgan run` takes it, which then writes none."""
    place = "runs/format-1/pca/mnist/one-vs-all/class-0/seed-0"
    shutil.copytree(ROOT / place, finished / place)
    try:
        assert planned("records", **ONE | dict(datasets="mnist", classes="0,1")) == {RULE: 1, "records": 1}
    finally:
        shutil.rmtree(finished / "runs/format-1")


def test_the_slurm_profile_asks_for_a_gpu_by_the_job_and_for_the_time_of_all_its_runs(snakemake, tmp_path):
    for name in ("sbatch", "sacct", "scontrol", "sinfo", "squeue", "scancel", "sacctmgr"):
        (tmp_path / name).write_text(CLUSTER.format(python=sys.executable))
        (tmp_path / name).chmod(0o755)
    ended = snakemake(
        "--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1",
        "--default-resources", "slurm_partition=gpu", profile="slurm", path=[tmp_path], runs=tmp_path / "runs", **FEW,
    )  # fmt: skip
    assert ended.returncode == 1 and "slurm" in ended.stdout, ended.stdout
    asked = []
    for job in map(json.loads, (tmp_path / "jobs.txt").read_text().splitlines()):
        command = next(part for part in job[1:] if part.startswith("--wrap="))
        asked.append(
            (len(re.findall("'one_run:scale=", command)), job[job.index("-t") + 1], job[job.index("--mem") + 1])
            + ("--gres=gpu:1" in job, job[job.index("-p") + 1])
        )
    # Ten small runs at most in a job, one after another; those with no use for a GPU apart; a large one by itself.
    assert sorted(asked) == [
        *[(1, "480", "8000", True, "gpu")] * 4,
        (4, "120", "8000", False, "gpu"),
        (4, "120", "8000", True, "gpu"),
    ]
