"""What every test shares: fixed seeds, none of the user's data, two small but real trainings, the book."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from browsing import chromium

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book"))  # or tests/companion would pass for the package
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # and tests/adcgan

from adcgan import cli, methods, training
from adcgan.config import configure
from adcgan.data import datasets, schemes
from adcgan.experiments import diagnosing, records, run
from adcgan.methods.adcgan import ADCGAN

REPOSITORY = Path(__file__).resolve().parent.parent
SMALL = dict(width=0.1, batch_size=16, warm_up_epochs=1, epochs=2)
RUN = SMALL | dict(epochs=4, epoch_images=96)

torch.set_num_threads(1)  # these networks are so small that threads cost more than they give


def pytest_configure():
    chromium()  # a wrong $ADCGAN_BROWSER is said once, before any test


def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: a worker that waits for the book leaves its core to another."""
    return (os.cpu_count() or 1) + 1


# What takes longest goes first, or one worker would be left with it at the end (make test keeps this order).
SLOW = (
    "tests/site/test_site",
    "tests/test_workflow",
    "tests/site/",
    "test_sweep",
    "test_notebook",
    "test_training",
    "test_cli",
)


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: next((n for n, name in enumerate(SLOW) if name in item.nodeid), len(SLOW)))
    if not chromium():
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("browser")])
        items[:] = [item for item in items if not item.get_closest_marker("browser")]


def pytest_terminal_summary(terminalreporter):
    if not chromium():
        terminalreporter.write_line("no Chromium found: the browser tests are left out; apt install chromium")


@pytest.fixture(autouse=True)
def seeded_and_apart_from_the_user(monkeypatch, tmp_path_factory):
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    monkeypatch.delenv("ADCGAN_DATA", raising=False)
    monkeypatch.setenv("ADCGAN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def small_config():
    """A small AD-CGAN's configuration at 28x28, of recipe printed; options, image format and recipe in their place."""

    def make(scheme="one-vs-all", image_size=28, channels=1, recipe=None, **options):
        return configure("adcgan", scheme, image_size, channels, recipe=recipe, **SMALL | options)

    return make


@pytest.fixture(scope="session")
def small_method(small_config):
    """A small untrained AD-CGAN, the same weights at every call with the same options."""

    def make(**options) -> ADCGAN:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return methods.build("adcgan", small_config(**options), torch.device("cpu"))

    return make


@pytest.fixture(scope="session")
def digits():
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        return datasets.load("digits")


@pytest.fixture(scope="session")
def zeros(digits):
    """The split that takes the digit 0 as normal."""
    return schemes.make_split(digits, "one-vs-all", 0)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Directories that all workers have in common, by name: one worker at a time, so that the first does the work."""

    @contextmanager
    def directory(name):
        base = tmp_path_factory.getbasetemp()
        place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
        place.mkdir(exist_ok=True)
        with open(place / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place

    return directory


@pytest.fixture(scope="session")
def trained(small_method, zeros, shared) -> ADCGAN:
    """An AD-CGAN trained on the digit 0. Tests leave it as it is."""
    method = small_method(warm_up_epochs=10, epochs=4)
    with torch.random.fork_rng(), shared("trained") as place:
        torch.manual_seed(0)
        checkpoint = place / "checkpoint.pt"  # where another worker has ended it, it ends at once
        training.train(method, zeros.train, seed=0, checkpoint=checkpoint, identity="trained", title="trained")
    return method


@pytest.fixture
def trained_as(trained, small_method):
    """The trained networks behind other scoring options."""

    def make(**options) -> ADCGAN:
        method = small_method(**options)
        for name, network in method.networks.items():
            network.load_state_dict(trained.networks[name].state_dict())
        return method

    return make


@pytest.fixture(scope="session")
def run_options():
    """Options of the finished record, for whoever does the same run again."""
    return dict(RUN)


@pytest.fixture(scope="session")
def record(digits, run_options, shared):
    """A finished record of the digit 0, alone in its runs directory (`runs_of`). Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        _, (one,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], run_options)
    with shared("record") as place:
        return run.execute(one, digits, place / "runs", "cpu")


@pytest.fixture(scope="session")
def diagnosed(record, runs_of, digits, shared):
    """A copy of the finished record, diagnosed; alone in its runs directory. Tests leave it as it is."""
    with shared("diagnosed") as place:
        if not (place / "runs").exists():
            shutil.copytree(runs_of(record), place / "runs")
            diagnosing.diagnose(records.find(record.run, place / "runs"), "cpu", dataset=digits)
        return records.find(record.run, place / "runs")


@pytest.fixture(scope="session")
def script_record(digits, shared):
    """A finished record of recipe script, alone in its runs directory. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        options = SMALL | dict(epochs=1, warm_up_epochs=0, epoch_images=48)
        _, (one,) = run.requested("adcgan", "digits", "one-vs-all", [0], [0], options, recipe="script")
    with shared("script") as place:
        return run.execute(one, digits, place / "runs", "cpu")


@pytest.fixture(scope="session")
def runs_of():
    """The runs directory that a record lies in."""
    return lambda record: record.directory.parents[5]


@pytest.fixture
def copied(runs_of, tmp_path):
    """A copy of a record, alone in its runs directory, to be damaged: its root, and the path of record.json."""

    def make(record):
        runs = tmp_path / "copied"
        shutil.copytree(runs_of(record), runs)
        return runs, record.run.directory(runs) / records.RECORD

    return make


@pytest.fixture(scope="session")
def book(shared):
    """The whole book, built once for all workers, from a copy of the project in which importing torch is an error."""
    with shared("book") as place:
        if not (place / "built").exists():
            shutil.rmtree(place / "project", ignore_errors=True)
            _build_book(place / "project")
            (place / "built").touch()
    return place / "project/book/_build/html"


def _build_book(root):
    made = shutil.ignore_patterns("_build", "__pycache__", "api")
    for name in ("adcgan", "book", "runs", "benchmarks/results"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=made)
    shutil.copy(REPOSITORY / "CITATION.cff", root)
    (root / "no-torch").mkdir()
    (root / "no-torch" / "torch.py").write_text("raise ImportError('the book must not import torch')\n")
    path = os.pathsep.join(map(str, (root, root / "book", root / "no-torch")))
    done = subprocess.run(
        [Path(sys.executable).parent / "jupyter-book", "build", "book/"], cwd=root, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": path, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def invoke(capsys):
    """The command line in this process: exit status, standard output and standard error."""

    def run(*arguments):
        capsys.readouterr()
        try:
            status = cli.main(list(map(str, arguments)))
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def command():
    """``python -m adcgan`` in a process of its own, with its arguments: started, or run to its end."""

    def start(*arguments):
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        return subprocess.Popen(
            [sys.executable, "-m", "adcgan", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            # Where tests run in the background, SIGINT is ignored, and a child would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(*arguments):
        process = start(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    run.start = start
    return run
