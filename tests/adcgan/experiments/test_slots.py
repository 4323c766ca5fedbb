"""Locks and slots: one process a run, GPUs shared evenly, and a killed process keeps nothing."""

import os
import subprocess
import sys

import pytest
from filelock import FileLock, Timeout

from adcgan.errors import AdcganError
from adcgan.experiments import run, slots


def test_slots_spread_over_devices_before_they_are_shared(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCGAN_LEASES", str(tmp_path))
    two = ["GPU-1", "GPU-2"]
    with slots.slot(two, 2) as a, slots.slot(two, 2) as b, slots.slot(two, 2) as c, slots.slot(two, 2) as d:
        assert [a, b, c, d] == [0, 1, 0, 1]
        with pytest.raises(AdcganError, match="all 2 slots of 2 GPUs are taken"), slots.slot(two, 2, patience=0):
            pass
        with slots.slot(["GPU-3", "GPU-2"], 3) as other:  # seen in another order, and with another number of slots
            assert other == 0
    with slots.slot(two, 2) as again:
        assert again == 0
    with pytest.raises(AdcganError, match="no CUDA device"), slots.slot([], 1):
        pass


def test_a_slot_and_a_runs_lock_are_released_with_their_process(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCGAN_LEASES", str(tmp_path))
    lock = tmp_path / run.LOCK
    code = (
        "import sys, time\nfrom filelock import FileLock\nfrom adcgan.experiments.slots import slot\n"
        "with slot(['GPU-1'], 1), FileLock(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(AdcganError, match="all 1 slots of 1 GPUs are taken"), slots.slot(["GPU-1"], 1, patience=0):
        pass
    with pytest.raises(Timeout):
        FileLock(lock).acquire(timeout=0)
    other.kill()
    other.communicate()
    with slots.slot(["GPU-1"], 1, patience=0), FileLock(lock, timeout=0):
        pass


def test_a_run_that_is_already_running_is_refused(digits, tmp_path):
    _, (one,) = run.requested("pca", "digits", "one-vs-all", [0], [0])
    lock = one.directory(tmp_path) / run.LOCK
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(run.Busy, match="already running") as refused:
        run.execute(one, digits, tmp_path, "cpu")
    assert str(lock) in str(refused.value) and "\n" not in str(refused.value)
    run.execute(one, digits, tmp_path, "cpu")
