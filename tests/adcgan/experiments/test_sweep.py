"""A sweep in processes of its own: killed, out of time, with a cell that fails; and the plan and locks it rests on."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from companion.analysis import tables

from adcgan import cli
from adcgan.config import COMPARED, RECIPES, SCALES, digest
from adcgan.errors import AdcganError
from adcgan.experiments import grid, lease, records, run, sweep

OPTIONS = "width=0.1 batch_size=16 warm_up_epochs=1 epochs=3"


def arguments(out, *more, classes=(0, 1)):
    return ["sweep", "--methods", "adcgan", "--recipes", "printed", "--scale", "paper", "--datasets", "digits",
            "--schemes", "one-vs-all", "--seeds", 0, "--classes", *classes, "--options", OPTIONS, "--device", "cpu",
            "--out", out, *more]  # fmt: skip


def contents(runs):
    """Scores and losses of every record, by cell."""
    return {
        str(record.run): (record.content["losses"], {k: v.tobytes() for k, v in record.components.items()})
        for record in records.read_all(runs)
    }


def cells(*classes):
    options = dict(part.split("=") for part in OPTIONS.split())
    return grid.planned(methods=["adcgan"], recipes=["printed"], scales=["paper"], datasets=["digits"],
                      schemes=["one-vs-all"], seeds=[0], classes=list(map(str, classes)), options=options)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed_runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        assert len(sweep.sweep(cells(0, 1), runs, device="cpu").finished) == 2
    return runs


@pytest.fixture(scope="module")
def undisturbed(undisturbed_runs):
    return contents(undisturbed_runs)


def test_a_sweep_killed_with_two_cells_in_flight_is_completed_by_the_next_with_the_same_bits(
    command, undisturbed, tmp_path
):
    process = command.start(*arguments(tmp_path, "--jobs", 2))
    while len(list(tmp_path.rglob(records.CHECKPOINT))) < 2:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not contents(tmp_path)
    deadline = time.monotonic() + 30
    while any(not free(path) for path in tmp_path.rglob("cell.lock")):  # its workers die with it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    again = command(*arguments(tmp_path, "--jobs", 2))
    assert again.returncode == 0 and "continues after epoch" in again.stderr
    assert "2 done now, 0 left, 0 failed" in again.stdout
    assert contents(tmp_path) == undisturbed
    assert not [*tmp_path.rglob("*.lock"), *tmp_path.rglob(records.CHECKPOINT), *tmp_path.rglob("*.partial")]


def test_an_interrupt_of_the_parent_alone_ends_the_cells_in_work_at_once(command, tmp_path):
    process = command.start(*arguments(tmp_path, "--jobs", 2))
    while len(list(tmp_path.rglob(records.CHECKPOINT))) < 2:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate()
    said = [line for line in stderr.splitlines() if "resource_tracker" not in line]  # Python's own warning, after ours
    assert process.returncode == 130 and "continues from the last complete epoch" in said[-1]
    assert not contents(tmp_path) and len(list(tmp_path.rglob(records.CHECKPOINT))) == 2


def test_a_sweep_says_which_recorded_cells_are_of_other_data_than_its_new_ones(
    record, runs_of, digits, monkeypatch, tmp_path
):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = dataclasses.replace(digits, test_images=images)
    monkeypatch.setattr(sweep, "loaded", lambda name: changed)
    shutil.copytree(runs_of(record), tmp_path / "runs")
    assert sweep.sweep([record.run], tmp_path / "runs", device="cpu") == sweep.Outcome(), "nothing new beside it"
    (new,) = grid.planned(methods=["pca"], datasets=["digits"], schemes=["one-vs-all"], classes=["0"])
    outcome = sweep.sweep([record.run, new], tmp_path / "runs", device="cpu")
    assert outcome.finished == [new] and "was measured on other data" in outcome.failed[record.run]


def free(path):
    with lease.held(path) as mine:
        return mine


def test_a_full_time_box_leaves_what_it_did_not_reach_and_the_next_sweep_goes_on(undisturbed, tmp_path):
    none = sweep.sweep(cells(0, 1), tmp_path, device="cpu", deadline=time.monotonic())
    assert none.left == cells(0, 1) and not contents(tmp_path)
    some = sweep.sweep(cells(0, 1), tmp_path, device="cpu", deadline=time.monotonic() + 1)
    assert some.left and not some.failed
    rest = sweep.sweep(cells(0, 1), tmp_path, device="cpu")
    assert len(rest.finished) + len(some.finished) == 2 and contents(tmp_path) == undisturbed
    assert sweep.sweep(cells(0, 1), tmp_path, device="cpu") == sweep.Outcome()


def test_a_cell_that_fails_does_not_stop_the_others_and_is_named_at_the_end(command, tmp_path):
    failing, _ = cells(0, 1)
    directory = failing.directory(tmp_path)
    directory.parent.mkdir(parents=True)
    directory.write_text("in the way")
    ended = command(*arguments(tmp_path))
    assert ended.returncode == 1 and "1 done now, 0 left, 1 failed" in ended.stdout
    assert ended.stderr.splitlines()[-1].startswith(f"adcgan: failed: {failing}: ")


def test_a_damaged_record_is_a_failure_of_its_own_cell(record, runs_of, run_options, tmp_path):
    shutil.copytree(runs_of(record), tmp_path / "runs")
    directory = record.run.directory(tmp_path / "runs")
    content = json.loads((directory / records.RECORD).read_text())
    scores = directory / records.SCORES
    scores.unlink()
    scores.mkdir()
    assert (
        f"{records.SCORES} cannot be read"
        in sweep.sweep([record.run], tmp_path / "runs", device="cpu").failed[record.run]
    )
    run = content["run"]
    for name in ("method", "scheme"):
        content["config"] |= {name: "pca"}
        content["digest"] = digest(run["method"], run["scheme"], run["recipe"], run["scale"], content["config"])
        content[records.SELF] = records.own_hash(content)
        (directory / records.RECORD).write_text(json.dumps(content))
        failed = sweep.sweep([record.run], tmp_path / "runs", device="cpu").failed
        assert f"unknown option of method adcgan '{name}'" in failed[record.run]
        del content["config"][name]
    (directory / records.RECORD).write_text("{")
    outcome = sweep.sweep([record.run], tmp_path / "runs", device="cpu")
    assert "cannot be read" in outcome.failed[record.run]


def test_a_pool_whose_process_was_killed_before_a_cell_was_given_to_it_leaves_the_rest(monkeypatch, tmp_path):
    class Pool:
        """A process that does one cell and is then killed."""

        def __init__(self, *_, **__):
            self.given = 0

        def submit(self, *_):
            self.given += 1
            if self.given > 1:
                raise BrokenProcessPool("killed")
            done = Future()
            done.set_result(None)
            return done

        def shutdown(self, **_):
            pass

    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Pool)
    first, second, third = some = cells(0, 1, 2)
    ends = list(sweep.in_processes(some, tmp_path, "cpu", 1, None))
    assert ends[0] == (first, None) and ends[1][0] == second and "its process was killed" in ends[1][1]
    assert ends[2:] == [(third, sweep.LEFT)]


def test_cells_on_streams_advance_in_turn_and_each_ends_as_alone(undisturbed, tmp_path):
    outcome = sweep.Outcome()
    for cell, result in sweep.on_streams(cells(0, 1), tmp_path, "cpu", 1, None):
        outcome.add(cell, result)
    assert outcome.finished == cells(0, 1) and contents(tmp_path) == undisturbed


@pytest.fixture(scope="module")
def laptop(tmp_path_factory):
    """A sweep of one run of the tables, a class of digits at scale laptop: its runs directory and its run."""
    runs = tmp_path_factory.mktemp("laptop")
    some = grid.planned(methods=["adcgan"], recipes=["printed"], scales=["laptop"], datasets=["digits"],
                      schemes=["one-vs-all"], seeds=[0], classes=["0"])  # fmt: skip
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        assert sweep.sweep(some, runs, device="cpu").finished == some
    return runs, some[0]


def test_a_sweep_diagnoses_the_tables_runs_of_seed_0_and_no_others(laptop, undisturbed_runs, tmp_path):
    runs, cell = laptop
    found = records.find(cell, runs)
    assert found.readings["score"] and not sweep.wants_diagnostics(found)
    for ablation in records.read_all(undisturbed_runs):
        assert not ablation.readings and run.diagnosable(ablation) and not sweep.wants_diagnostics(ablation)
    shutil.copytree(runs, tmp_path / "runs")
    (cell.directory(tmp_path / "runs") / "diagnostics.json").unlink()
    found = records.find(cell, tmp_path / "runs")
    assert sweep.wants_diagnostics(found)
    assert not sweep.wants_diagnostics(dataclasses.replace(found, run=dataclasses.replace(cell, seed=1)))


def test_a_run_without_its_diagnostics_is_diagnosed_by_the_next_sweep_and_not_trained(laptop, monkeypatch, tmp_path):
    runs, cell = laptop
    shutil.copytree(runs, tmp_path / "runs")
    monkeypatch.setattr(run.training, "Training", None)
    assert sweep.sweep([cell], tmp_path / "runs", device="cpu") == sweep.Outcome()
    (cell.directory(tmp_path / "runs") / "diagnostics.json").unlink()
    assert sweep.sweep([cell], tmp_path / "runs", device="cpu").finished == [cell]
    assert records.find(cell, tmp_path / "runs").readings == records.find(cell, runs).readings
    (cell.directory(tmp_path / "runs") / "diagnostics.json").unlink()
    (cell.directory(tmp_path / "runs") / records.MODEL).unlink()  # as in a fresh checkout
    assert sweep.sweep([cell], tmp_path / "runs", device="cpu") == sweep.Outcome()


SCRIPT = ("sweep", "--methods", "adcgan", "--recipes", "script", "--scale", "laptop", "--schemes", "one-vs-all",
          "--seeds", "0", "--datasets", "digits", "--dry-run")  # fmt: skip


def test_a_dry_run_says_what_is_there_and_does_nothing(command, tmp_path):
    shown = command("sweep", "--methods", "pca", "--datasets", "digits", "--out", tmp_path, "--dry-run")
    assert shown.returncode == 0
    assert "pca digits one-vs-all: 10 missing; cost not known: no run measured" in shown.stdout
    assert "and 20 runs of unknown cost" in shown.stdout and not list(tmp_path.iterdir())


def test_a_dry_run_times_some_steps_of_what_was_not_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*SCRIPT]) == 0
    timed = capsys.readouterr().out
    assert re.search(
        r"^adcgan script laptop digits one-vs-all: 10 missing; \d+ processor seconds a run "
        r"\(steps timed here, scoring not counted\): \d+\.\d h$",
        timed, re.MULTILINE,
    )  # fmt: skip
    assert re.search(r"^left: \d+\.\d processor hours, \d+\.\d h with 1 at once$", timed, re.MULTILINE)
    assert cli.main([*SCRIPT, "--options", "width=0.1", "--jobs", "2"]) == 0
    changed = capsys.readouterr().out
    assert "adcgan script laptop digits one-vs-all width=0.1: 10 missing; " in changed and "h with 2 at once" in changed


def test_a_dry_run_of_what_was_measured_here_says_what_the_rest_takes(laptop, monkeypatch, tmp_path, capsys):
    runs, _ = laptop
    monkeypatch.chdir(tmp_path)
    printed = [{"script": "printed"}.get(word, word) for word in SCRIPT]
    assert cli.main([*printed, "--out", str(runs)]) == 0
    assert re.search(
        r"^adcgan printed laptop digits one-vs-all: 1 done, 9 missing; \d+ processor seconds a run "
        r"\(1 measured, this machine takes \d+\.\d\d times theirs\): ",
        capsys.readouterr().out, re.MULTILINE,
    )  # fmt: skip


def test_the_ablations_may_be_swept_and_settle_what_they_are(tmp_path, capsys):
    for word in (["--recipes", "printed"], ["--scales", "laptop"], ["--options", "rho=0"], ["--methods", "adcgan"]):
        assert cli.main(["sweep", "--ablations", "--dry-run", "--out", str(tmp_path), *word]) == 2
        assert "--ablations settles everything but data sets, classes and seeds" in capsys.readouterr().err
    expected = grid.ablations(datasets=["mnist"], seeds=[0])
    assert len(expected) == 3 * len(grid.ABLATIONS) and all(cell.changes for cell in expected)
    assert {grid.named(cell.changes) for cell in grid.ablations(classes=["0"])} == set(grid.ABLATIONS)
    assert grid.named(dict(rho=0.0, epochs=1)) == "rho=0.0, epochs=1"


def test_filters_that_leave_no_cell_are_refused(command, tmp_path):
    ended = command("sweep", "--datasets", "cats_vs_dogs", "--schemes", "all-vs-one", "--out", tmp_path)
    assert ended.returncode == 2 and "no run of the grid" in ended.stderr


def test_the_grid_is_the_papers_at_both_scales_and_no_run_stands_in_it_twice():
    whole = grid.planned()
    assert len(set(whole)) == len(whole) == len({cell.directory(Path("runs")) for cell in whole})
    for scale in SCALES:
        of_scale = [cell for cell in whole if cell.scale == scale]
        counts = Counter(cell.name for cell in of_scale)
        assert counts == dict.fromkeys(["adcgan-printed", "adcgan-script", *COMPARED, "autoencoder"], 186)
    others = {cell.name for cell in whole if cell.scale is None}
    assert others == set(grid.LIBRARY) and {cell.name for cell in whole} >= set(tables.OTHERS.values())
    assert not any(cell.changes for cell in whole)


def test_the_grid_begins_with_ad_cgans_rows_whole_and_in_the_stated_order():
    first = grid.planned()[:62]
    assert {(cell.method, cell.recipe, cell.scale, cell.seed) for cell in first} == {("adcgan", "printed", "laptop", 0)}
    assert [cell.scheme for cell in first] == ["one-vs-all"] * 32 + ["all-vs-one"] * 30
    assert list(dict.fromkeys(cell.dataset for cell in first)) == ["fashion_mnist", "mnist", "cifar10", "cats_vs_dogs"]
    assert [cell.label for cell in first[:11]] == [*range(10), 0]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (dict(methods=["knn"]), 62),
        (dict(methods=["knn"], scales=["laptop"]), 62),  # it has none
        (dict(methods=["knn"], recipes=["printed"]), 0),
        (dict(methods=["adcgan"], datasets=["mnist"], schemes=["all-vs-one"], seeds=[1, 2]), 80),
        (dict(datasets=["mnist"], schemes=["all-vs-one"], seeds=[1, 2], scales=["paper"], recipes=["script"]), 20),
        (dict(methods=["alad"], datasets=["mnist"], scales=["paper"]), 60),
        (dict(methods=["adcgan"], datasets=["cats_vs_dogs"], classes=["dog"]), 12),
        (dict(methods=["adcgan"], datasets=["digits"]), 240),
    ],
)
def test_filters_keep_what_they_name(filters, count):
    cells = grid.planned(**filters)
    assert len(cells) == count
    assert not filters.get("classes") or {cell.label for cell in cells} == {1}
    assert {cell.recipe for cell in cells} <= set(filters.get("recipes", [*RECIPES, None]))
    assert {cell.scale for cell in cells} <= {*filters.get("scales", SCALES), None}


def test_a_state_is_read_from_what_lies_in_the_cells_directory(record, runs_of, tmp_path):
    assert grid.state(record.run, runs_of(record)) == "done" and grid.state(record.run, tmp_path) == "missing"
    checkpoint = record.run.directory(tmp_path) / records.CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert grid.state(record.run, tmp_path) == "started"


def test_rates_are_medians_of_the_tables_runs_on_that_kind_of_device(record, laptop):
    assert grid.rates([record], "cpu") == {}  # its settings are small
    committed = records.read_all(tables.paper.HERE.parent.parent / "runs")
    of_format_1 = grid.rates([r for r in committed if r.former is not None], "cpu")
    rate = of_format_1["autoencoder", None, "paper", "mnist", "one-vs-all"]
    assert rate.cells >= 1 and rate.seconds > 60 and rate.memory > 0
    assert rate.processor != rate.processor, "format 1 does not say it"
    assert grid.rates([r for r in committed if r.content["device"]["type"] == "cpu"], "cuda") == {}
    runs, cell = laptop
    found = records.find(cell, runs)
    assert all(found.content["cost"][f"{part}_seconds"] > 0 for part in ("train", "score", "per_epoch"))

    def like(train, score, more, steps):
        cost = dict(
            train_seconds=2 * train, train_processor_seconds=train, score_seconds=2 * score, steps=steps,
            score_processor_seconds=score, per_epoch_seconds=more, peak_memory_bytes=train, resumed=0,
        )  # fmt: skip
        return dataclasses.replace(found, content=found.content | {"cost": cost})

    ((kind, rate),) = grid.rates([like(60, 1, 5, 10), like(80, 3, 3, 20), like(90, 2, 4, 10)], "cpu").items()
    assert kind == grid.kind(cell) == ("adcgan", "printed", "laptop", "digits", "one-vs-all")
    assert rate == grid.Rate(seconds=169, processor=83, step=6, memory=90, cells=3)


def test_a_lock_is_held_by_one_and_released_with_its_process(tmp_path):
    path = tmp_path / "some.lock"
    code = (
        f"import time\nfrom pathlib import Path\nfrom adcgan import lease\nwith lease.held(Path({str(path)!r})) as m:\n"
    )
    code += "    print(m, flush=True)\n    time.sleep(60)\n"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "True\n"
    assert not free(path)
    other.kill()
    other.communicate()
    assert free(path)


def test_slots_spread_over_devices_before_they_are_shared(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCGAN_LEASES", str(tmp_path))
    two = ["GPU-1", "GPU-2"]
    with lease.slot(two, 2) as a, lease.slot(two, 2) as b, lease.slot(two, 2) as c, lease.slot(two, 2) as d:
        assert [a, b, c, d] == [0, 1, 0, 1]
        with pytest.raises(AdcganError, match="all 2 slots of 2 GPUs are taken"), lease.slot(two, 2, patience=0):
            pass
        with lease.slot(["GPU-3", "GPU-2"], 3) as other:  # seen in another order, and with another number of slots
            assert other == 0
    with lease.slot(two, 2) as again:
        assert again == 0
    with pytest.raises(AdcganError, match="no CUDA device"), lease.slot([], 1):
        pass
    assert not [*tmp_path.iterdir()]


def test_a_turn_is_waited_for(tmp_path):
    came = []

    def other():
        with lease.turn(tmp_path / "deep/lock"):
            came.append("other")

    thread = threading.Thread(target=other)
    with lease.turn(tmp_path / "deep/lock"):
        thread.start()
        thread.join(0.3)
        assert not came and thread.is_alive()
    thread.join(10)
    assert came == ["other"]


def test_a_removed_lock_is_not_taken_for_one(tmp_path):
    """A waiting process that opened the lock before its holder removed it must not share it with a third."""
    path = tmp_path / "cell.lock"
    opened = []

    def between(*arguments):
        """Somebody ends with the lock after it is opened here."""
        if not opened:
            opened.append(path.unlink())
        return flock(*arguments)

    flock, lease.fcntl.flock = lease.fcntl.flock, between
    try:
        with lease.held(path) as mine:
            assert mine and opened and path.exists()
            assert not free(path)
    finally:
        lease.fcntl.flock = flock
    assert not path.exists()


def test_a_run_that_is_already_running_is_refused(command, tmp_path):
    default = grid.planned(
        methods=["adcgan"], recipes=["printed"], scales=["paper"], datasets=["digits"], classes=["0"]
    )
    lock = default[0].directory(tmp_path) / run.LOCK
    with lease.held(lock) as mine:
        assert mine
        refused = command("run", "--dataset", "digits", "--classes", "0", "--runs", tmp_path, "--device", "cpu")
    assert refused.returncode == 2 and "already running" in refused.stderr and str(lock) in refused.stderr


def test_slots_and_a_device_contradict_each_other(command, tmp_path):
    ended = command("run", "--dataset", "digits", "--runs", tmp_path, "--slots", "1", "--device", "cpu")
    assert ended.returncode == 2 and "--slots chooses among this machine's GPUs, --device names cpu" in ended.stderr


def test_a_recorded_cell_needs_no_slot(command, record, runs_of, run_options):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in run_options.items()]
    again = command("run", "--dataset", "digits", "--classes", "0", "--runs", runs_of(record), "--slots", "1", *options)
    assert again.returncode == 0 and not again.stderr  # without a GPU a slot could not be had
