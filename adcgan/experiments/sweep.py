"""Many runs within a time: one after another, several processes on a CPU, or several streams on one GPU.

A run in work is locked, a finished one is never done again, an unfinished one continues from its last epoch: the same
sweep may be started again after any end, on any machine that has its directory.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import active_children, get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from ..data.datasets import Dataset, load
from ..errors import UNFORESEEN, AdcganError, one_line
from ..training import OutOfTime
from .diagnosing import diagnosable, diagnose
from .provenance import choose_device
from .records import CHECKPOINT, Record, Run, find
from .run import Busy, check_data, work


@dataclass
class Outcome:
    """What became of the runs: finished now, failed (with the reason), left for the next time."""

    finished: list[Run] = field(default_factory=list)
    failed: dict[Run, str] = field(default_factory=dict)
    left: list[Run] = field(default_factory=list)

    def add(self, run: Run, result: str | None) -> None:
        """Enter the end of one run: ``result`` as `one` returns it."""
        if result is None:
            self.finished.append(run)
        elif result in (LEFT, BUSY):
            self.left.append(run)
        else:
            self.failed[run] = result


LEFT, BUSY = "out of time", "already running"
KILLED = "its process was killed, perhaps for want of memory; the same command continues it"
UNGUARDED = (  # a process imports the script that starts it
    'its process ended before its work began: put what the script does below `if __name__ == "__main__":`, '
    "or sweep with one job"
)


def sweep(
    planned: Iterable[Run],
    runs: Path,
    *,
    device: str = "auto",
    jobs: int = 1,
    deadline: float | None = None,
    eager: bool = False,
    report: Callable[[Run, str | None], None] = lambda run, result: None,
) -> Outcome:
    """Work through ``planned`` in order, ``jobs`` at once; ``report`` hears of each end as `one` would return it.

    On a CPU the jobs are processes that share its cores; on CUDA they are streams of one process, or with ``eager``,
    which keeps steps from being captured, processes too. A process imports the script that starts it: with ``jobs``, a
    script sweeps below ``if __name__ == "__main__":``.
    """
    outcome, missing, done = Outcome(), [], []
    for run in planned:
        try:
            record = find(run, runs)
        except AdcganError as error:  # a damaged record stops no other run
            outcome.add(run, str(error))
            report(run, str(error))
        else:
            left = record is None or (record.directory / CHECKPOINT).exists() or wants_diagnostics(record)
            missing.append(run) if left else done.append(record)
    new = {run.dataset for run in missing}
    for record in sorted(done, key=lambda record: record.run.dataset):  # so that each data set is loaded once
        if record.run.dataset in new and (reason := of_other_data(record)):  # new ones would stand beside it
            outcome.add(record.run, reason)
            report(record.run, reason)
    if choose_device(device).type == "cuda" and not eager:
        ends = on_streams(missing, runs, device, jobs, deadline)
    elif jobs > 1:
        ends = in_processes(missing, runs, device, jobs, deadline, eager)
    else:
        ends = ((run, one(run, runs, device, deadline, eager)) for run in missing)
    for run, result in ends:
        outcome.add(run, result)
        report(run, result)
    return outcome


def of_other_data(record: Record) -> str | None:
    """Why a record does not stand for its run on the data that are here; None where it does, or none are here."""
    try:
        dataset = loaded(record.run.dataset)
    except AdcganError:
        return None  # the missing runs say so themselves
    try:
        check_data(record, dataset)
    except AdcganError as error:
        return str(error)
    return None


def one(run: Run, runs: Path, device: str, deadline: float | None, eager: bool = False) -> str | None:
    """Do one run; None where its record is there afterwards, otherwise why not, in one line."""
    ((_, result),) = on_streams([run], runs, device, 1, deadline, eager)
    return result


def on_streams(planned: Iterable[Run], runs: Path, device: str, jobs: int, deadline: float | None, eager: bool = False):
    """(run, end) as runs end, ``jobs`` of them advancing in turn, a step each."""
    waiting = iter(planned)
    active: list[tuple[Run, object]] = []
    exhausted = False
    while True:
        while len(active) < jobs and not exhausted:
            run = next(waiting, None)
            if run is None:
                exhausted = True
            elif deadline is not None and time.monotonic() >= deadline:
                yield run, LEFT
            else:
                active.append((run, start(run, runs, device, deadline, eager)))
        if not active:
            return
        for entry in list(active):
            run, steps = entry
            result = advance(steps)
            if result is not RUNNING:
                active.remove(entry)
                yield run, result


RUNNING = "running"


def advance(steps) -> str | None:
    """One step of a run: `RUNNING`, None at its end, or why it ended before."""
    try:
        next(steps)
        return RUNNING
    except StopIteration:
        return None
    except OutOfTime:
        return LEFT
    except Busy:
        return BUSY
    except AdcganError as error:
        return str(error)
    except UNFORESEEN as error:
        return one_line(error)


def start(run: Run, runs: Path, device: str, deadline: float | None, eager: bool):
    """The run's work as a generator; loading its data is part of it, so that a missing data set is its failure."""
    record = yield from work(run, loaded(run.dataset), runs, device, deadline=deadline, eager=eager)
    if wants_diagnostics(record):
        diagnose(record, device, dataset=loaded(run.dataset))
    return record


def wants_diagnostics(record: Record) -> bool:
    """Whether the sweep diagnoses it: of the tables' runs those of seed 0."""
    return record.run.seed == 0 and not record.run.changes and diagnosable(record)


@lru_cache(1)
def loaded(dataset: str) -> Dataset:
    """The data set in work; the plan's order asks for one after another."""
    return load(dataset)


def in_processes(planned: list[Run], runs: Path, device: str, jobs: int, deadline: float | None, eager: bool = False):
    """(run, end) as runs end, in ``jobs`` processes that share the machine's cores."""
    threads = max(1, (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) // jobs)
    context = get_context("spawn")  # a fork would copy torch's threads in an unknown state
    began = context.Event()
    pool = ProcessPoolExecutor(jobs, context, initializer=worker, initargs=(threads, os.getpid(), began))
    waiting, running = list(planned), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                run = waiting.pop(0)
                running[_submit(pool, one, run, runs, device, deadline, eager)] = run
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                run = running.pop(future)
                try:
                    yield run, future.result()
                except BrokenProcessPool:
                    yield run, KILLED if began.is_set() else UNGUARDED
                    for other in [*running.values(), *waiting]:
                        yield other, LEFT
                    return
    except BaseException:  # an interrupt ends the runs in work too: each continues from its checkpoint
        for process in active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(pool, *work):
    """The work as a future; in a pool whose process was killed one that says so."""
    try:
        return pool.submit(*work)
    except BrokenProcessPool as error:
        broken = Future()
        broken.set_exception(error)
        return broken


def worker(threads: int, parent: int, began: Event) -> None:
    """A process of the pool: its share of the cores, no interrupts of its own, and no life after its parent's."""
    began.set()
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass  # not Linux: the run's lock still keeps an orphan's work from being done twice
    if os.getppid() != parent:
        os._exit(1)
