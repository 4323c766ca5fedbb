"""A sweep in processes of its own: interrupted, killed, out of time, with a run that fails; dry runs; diagnostics."""

import dataclasses
import os
import re
import signal
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from factories import write_record
from filelock import FileLock, Timeout

from adcgan import cli
from adcgan.experiments import costs, diagnosing, grid, records, run, sweep

OPTIONS = "width=0.1 batch_size=16 warm_up_epochs=1 epochs=4"


def arguments(out):
    return ["sweep", "--methods", "adcgan", "--recipes", "printed", "--scale", "paper", "--datasets", "digits",
            "--schemes", "one-vs-all", "--seeds", 0, "--classes", 0, 1, "--options", OPTIONS, "--device", "cpu",
            "--out", out, "--jobs", 2]  # fmt: skip


def contents(runs):
    """Scores and losses of every record, by run."""
    return {
        str(record.run): (record.content["losses"], {k: v.tobytes() for k, v in record.components.items()})
        for record in records.read_all(runs)
    }


def planned(*classes, method="adcgan"):
    options = dict(part.split("=") for part in OPTIONS.split()) if method == "adcgan" else {}
    filters = dict(recipes=["printed"], scales=["paper"]) if method == "adcgan" else {}
    return grid.planned(methods=[method], datasets=["digits"], schemes=["one-vs-all"], seeds=[0],
                        classes=list(map(str, classes)), options=options, **filters)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    runs = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("ADCGAN_DATA", raising=False)
        assert len(sweep.sweep(planned(0, 1), runs, device="cpu").finished) == 2
    return contents(runs)


def free(path):
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def test_an_interrupted_and_a_killed_sweep_are_completed_by_the_next_with_the_same_bits(
    command, undisturbed, tmp_path, capsys
):
    def checkpoints():
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob(records.CHECKPOINT)}

    process = command.start(*arguments(tmp_path))
    while len(checkpoints()) < 2:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGINT)  # the parent alone: it ends the runs in its processes at once
    _, stderr = process.communicate()
    said = [line for line in stderr.splitlines() if "resource_tracker" not in line]  # Python's own warning, after ours
    assert process.returncode == 130 and "continues from the last complete epoch" in said[-1]
    before = checkpoints()
    assert not contents(tmp_path) and len(before) == 2
    process = command.start(*arguments(tmp_path))
    while checkpoints() == before:
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 30
    while not all(free(path) for path in tmp_path.rglob(run.LOCK)):  # its workers die with it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert cli.main([*map(str, arguments(tmp_path)[:-2]), "--no-notebooks"]) == 0
    said = capsys.readouterr()
    assert "continues after epoch" in said.err and "0 left, 0 failed" in said.out
    assert contents(tmp_path) == undisturbed
    assert not [*tmp_path.rglob(records.CHECKPOINT), *tmp_path.rglob("*.partial")]


def test_a_full_time_box_leaves_what_it_did_not_reach_and_the_next_sweep_goes_on(undisturbed, tmp_path):
    none = sweep.sweep(planned(0, 1), tmp_path, device="cpu", deadline=time.monotonic())
    assert none.left == planned(0, 1) and not contents(tmp_path)
    some = sweep.sweep(planned(0, 1), tmp_path, device="cpu", deadline=time.monotonic() + 0.5)
    assert some.left and not some.failed
    rest = sweep.sweep(planned(0, 1), tmp_path, device="cpu")
    assert len(rest.finished) + len(some.finished) == 2 and contents(tmp_path) == undisturbed
    assert sweep.sweep(planned(0, 1), tmp_path, device="cpu") == sweep.Outcome()


def test_a_run_that_fails_does_not_stop_the_others_and_is_named_at_the_end(tmp_path, capsys):
    damaged, failing, fine = planned(0, 1, 2, method="pca")
    sweep.sweep([damaged], tmp_path, device="cpu")
    (damaged.directory(tmp_path) / records.RECORD).write_text("{")
    failing.directory(tmp_path).parent.mkdir(parents=True)
    failing.directory(tmp_path).write_text("in the way")
    chosen = ["--methods", "pca", "--datasets", "digits", "--schemes", "one-vs-all", "--classes", "0", "1", "2"]
    assert cli.main(["sweep", *chosen, "--seeds", "0", "--no-notebooks", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert f"{fine}: done" in said.out and "1 done now, 0 left, 2 failed" in said.out
    first, second = said.err.splitlines()[-2:]
    assert first.startswith(f"adcgan: failed: {damaged}: ") and "cannot be read" in first
    assert second.startswith(f"adcgan: failed: {failing}: ")


def test_a_sweep_says_which_recorded_runs_are_of_other_data_than_its_new_ones(
    record, copied, digits, monkeypatch, tmp_path
):
    images = digits.test_images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = dataclasses.replace(digits, test_images=images)
    monkeypatch.setattr(sweep, "loaded", lambda name: changed)
    runs, _ = copied(record)
    assert sweep.sweep([record.run], runs, device="cpu") == sweep.Outcome(), "nothing new beside it"
    (new,) = planned(0, method="pca")
    outcome = sweep.sweep([record.run, new], runs, device="cpu")
    assert outcome.finished == [new] and "was measured on other data" in outcome.failed[record.run]


def test_a_pool_whose_process_was_killed_before_a_run_was_given_to_it_leaves_the_rest(monkeypatch, tmp_path):
    class Pool:
        """A process that does one run and is then killed."""

        def __init__(self, *_, initargs, **__):
            self.given = 0
            initargs[-1].set()  # its work began

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
    first, second, third = some = planned(0, 1, 2)
    ends = list(sweep.in_processes(some, tmp_path, "cpu", 1, None))
    assert ends[0] == (first, None) and ends[1][0] == second and "its process was killed" in ends[1][1]
    assert ends[2:] == [(third, sweep.LEFT)]


def test_a_script_without_a_main_guard_is_told_so(monkeypatch, tmp_path):
    class Pool(ProcessPoolExecutor):
        """Its processes end while they import the script."""

        def submit(self, *_):
            raise BrokenProcessPool("ended")

    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Pool)
    first, second = some = planned(0, 1)
    (_, reason), left = sweep.in_processes(some, tmp_path, "cpu", 1, None)
    assert 'below `if __name__ == "__main__":`' in reason and left == (second, sweep.LEFT)


# --- diagnostics -------------------------------------------------------------------------------------------


def test_a_sweep_diagnoses_the_tables_runs_of_seed_0_and_no_others(record, diagnosed):
    assert not record.variants and diagnosing.diagnosable(record) and not sweep.wants_diagnostics(record), "an ablation"
    whole = dataclasses.replace(record, run=planned_at_laptop()[0])
    assert sweep.wants_diagnostics(whole)
    assert not sweep.wants_diagnostics(dataclasses.replace(whole, run=dataclasses.replace(whole.run, seed=1)))
    assert not sweep.wants_diagnostics(dataclasses.replace(diagnosed, run=whole.run)), "done already"


def planned_at_laptop():
    return grid.planned(methods=["adcgan"], recipes=["printed"], scales=["laptop"], datasets=["digits"],
                        schemes=["one-vs-all"], seeds=[0])  # fmt: skip


def test_a_run_without_its_diagnostics_is_diagnosed_by_the_next_sweep_and_not_trained(copied, diagnosed, monkeypatch):
    runs, path = copied(diagnosed)
    monkeypatch.setattr(run.training, "Training", None)
    monkeypatch.setattr(sweep, "wants_diagnostics", diagnosing.diagnosable)  # whatever the tables want
    one = diagnosed.run
    assert sweep.sweep([one], runs, device="cpu") == sweep.Outcome()
    path.with_name("diagnostics.json").unlink()
    assert sweep.sweep([one], runs, device="cpu").finished == [one]
    assert records.find(one, runs).variants == diagnosed.variants
    path.with_name("diagnostics.json").unlink()
    path.with_name(records.MODEL).unlink()  # as in a fresh checkout
    assert sweep.sweep([one], runs, device="cpu") == sweep.Outcome()


def test_of_two_that_diagnose_one_run_at_once_one_does_and_the_other_leaves_it(copied, diagnosed, monkeypatch):
    runs, path = copied(diagnosed)
    path.with_name("diagnostics.json").unlink()
    monkeypatch.setattr(sweep, "wants_diagnostics", diagnosing.diagnosable)
    one = diagnosed.run
    with run.held(one, path.parent):
        assert sweep.sweep([one], runs, device="cpu").left == [one]
    assert not records.find(one, runs).variants
    found = records.find(one, runs)  # before the other ended
    assert diagnosing.diagnosable(found) and sweep.sweep([one], runs, device="cpu").finished == [one]
    monkeypatch.setattr(diagnosing, "ask", None)
    assert not diagnosing.diagnose(records.find(one, runs), "cpu")


def test_a_checkpoint_that_a_process_left_which_was_killed_after_its_record_goes(copied, record, monkeypatch):
    runs, path = copied(record)
    checkpoint = path.with_name(records.CHECKPOINT)
    checkpoint.touch()
    monkeypatch.setattr(run.training, "Training", None)
    before = path.read_bytes()
    assert sweep.sweep([record.run], runs, device="cpu").finished == [record.run]
    assert not checkpoint.exists() and path.read_bytes() == before


# --- dry runs ----------------------------------------------------------------------------------------------

DRY = ("sweep", "--methods", "adcgan", "--scale", "laptop", "--schemes", "one-vs-all", "--seeds", "0", "--datasets",
       "digits", "--dry-run")  # fmt: skip


def test_a_dry_run_says_what_is_there_and_what_the_rest_takes(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(costs, "step_seconds", lambda run, device: 0.5)
    assert cli.main(["sweep", "--methods", "pca", "--datasets", "digits", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "pca digits one-vs-all: 10 missing; cost not known: no run measured" in said
    assert "and 20 runs of unknown cost" in said and not list(tmp_path.iterdir())
    assert cli.main([*DRY, "--recipe", "script", "--options", "width=0.1", "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    assert re.search(
        r"^adcgan script laptop digits one-vs-all width=0.1: 10 missing; \d+ processor seconds a run "
        r"\(steps timed here, scoring not counted\): \d+\.\d h$",
        said, re.MULTILINE,
    )  # fmt: skip
    assert re.search(r"^left: \d+\.\d processor hours, \d+\.\d h with 2 at once$", said, re.MULTILINE)
    write_record(tmp_path / "runs", "digits", scale="laptop", seconds=3599)  # and one second of scoring
    assert cli.main([*DRY, "--recipe", "printed"]) == 0
    assert (
        "adcgan printed laptop digits one-vs-all: 1 done, 9 missing; 3600 processor seconds a run "
        "(1 measured, this machine takes 1.00 times theirs): 9.0 h"
    ) in capsys.readouterr().out


def test_a_cost_is_the_recorded_one_scaled_by_a_few_steps_timed_here(monkeypatch):
    (one, *_), (other, *_) = planned_at_laptop(), planned(0)
    rate = grid.Rate(seconds=200, processor=100, step=0.25, memory=1, measured=3)
    estimate = costs.Costs({grid.kind(one): rate}, "cpu")
    monkeypatch.setattr(costs.grid, "planned", lambda **_: [one])
    monkeypatch.setattr(costs, "step_seconds", lambda run, device: 0.5)
    assert estimate.of(one) == (200, "3 measured, this machine takes 2.00 times theirs")
    assert estimate.of(other)[0] == grid.steps(other) * 0.5, "an ablation: steps alone"
    monkeypatch.undo()
    assert costs.step_seconds(dataclasses.replace(other, config=dataclasses.replace(other.config, width=0.05))) > 0


def test_the_ablations_may_be_swept_and_settle_what_they_are(tmp_path, capsys):
    for word in (["--recipes", "printed"], ["--scales", "laptop"], ["--options", "rho=0"], ["--methods", "adcgan"]):
        assert cli.main(["sweep", "--ablations", "--dry-run", "--out", str(tmp_path), *word]) == 2
        assert "--ablations settles everything but data sets, classes and seeds" in capsys.readouterr().err
    assert cli.main(["sweep", "--datasets", "cats_vs_dogs", "--schemes", "all-vs-one", "--out", str(tmp_path)]) == 2
    assert "no run of the grid" in capsys.readouterr().err
