"""Many cells within a time: one after another, several processes on a CPU, or several streams on one GPU.

A cell in work is locked, a finished one is never done again, an unfinished one continues from its last epoch: the same
sweep may be started anew after any end, on any machine that has its directory.
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
from pathlib import Path

import torch

from . import data, experiments
from .errors import UNFORESEEN, AdcganError, one_line
from .records import Cell, Record, find
from .training import OutOfTime


@dataclass
class Outcome:
    """What became of the cells: finished now, failed (with the reason), left for the next time."""

    finished: list[Cell] = field(default_factory=list)
    failed: dict[Cell, str] = field(default_factory=dict)
    left: list[Cell] = field(default_factory=list)

    def add(self, cell: Cell, result: str | None) -> None:
        """Enter the end of one cell: ``result`` as `one` returns it."""
        if result is None:
            self.finished.append(cell)
        elif result in (LEFT, BUSY):
            self.left.append(cell)
        else:
            self.failed[cell] = result


LEFT, BUSY = "out of time", "already running"


def sweep(
    cells: Iterable[Cell],
    runs: Path,
    *,
    device: str = "auto",
    jobs: int = 1,
    deadline: float | None = None,
    eager: bool = False,
    report: Callable[[Cell, str | None], None] = lambda cell, result: None,
) -> Outcome:
    """Work through ``cells`` in order, ``jobs`` at once; ``report`` hears of each end as `one` would return it.

    On a CPU the jobs are processes that share its cores; on CUDA they are streams of one process, or with ``eager``,
    which keeps steps from being captured, processes too.
    """
    outcome, missing, done = Outcome(), [], []
    for cell in cells:
        try:
            record = find(cell, runs)
        except AdcganError as error:  # a damaged record stops no other cell
            outcome.add(cell, str(error))
            report(cell, str(error))
        else:
            left = record is None or wants_diagnostics(record)
            missing.append(cell) if left else done.append(record)
    new = {cell.dataset for cell in missing}
    for record in sorted(done, key=lambda record: record.cell.dataset):  # so that each data set is loaded once
        if record.cell.dataset in new and (reason := of_other_data(record)):  # new cells would stand beside it
            outcome.add(record.cell, reason)
            report(record.cell, reason)
    if experiments.choose_device(device).type == "cuda" and not eager:
        ends = on_streams(missing, runs, device, jobs, deadline)
    elif jobs > 1:
        ends = in_processes(missing, runs, device, jobs, deadline, eager)
    else:
        ends = ((cell, one(cell, runs, device, deadline, eager)) for cell in missing)
    for cell, result in ends:
        outcome.add(cell, result)
        report(cell, result)
    return outcome


def of_other_data(record: Record) -> str | None:
    """Why a record does not stand for its cell on the data that are here; None where it does, or none are here."""
    try:
        dataset = loaded(record.cell.dataset)
    except AdcganError:
        return None  # the missing cells say so themselves
    try:
        experiments.check_data(record, dataset)
    except AdcganError as error:
        return str(error)
    return None


def one(cell: Cell, runs: Path, device: str, deadline: float | None, eager: bool = False) -> str | None:
    """Do one cell; None where its record is there afterwards, otherwise why not, in one line."""
    ((_, result),) = on_streams([cell], runs, device, 1, deadline, eager)
    return result


def on_streams(cells: Iterable[Cell], runs: Path, device: str, jobs: int, deadline: float | None, eager: bool = False):
    """(cell, end) as cells end, ``jobs`` of them advancing in turn, a step each."""
    waiting = iter(cells)
    active: list[tuple[Cell, object]] = []
    exhausted = False
    while True:
        while len(active) < jobs and not exhausted:
            cell = next(waiting, None)
            if cell is None:
                exhausted = True
            elif deadline is not None and time.monotonic() >= deadline:
                yield cell, LEFT
            else:
                active.append((cell, start(cell, runs, device, deadline, eager)))
        if not active:
            return
        for entry in list(active):
            cell, steps = entry
            result = advance(steps)
            if result is not RUNNING:
                active.remove(entry)
                yield cell, result


RUNNING = "running"


def advance(steps) -> str | None:
    """One step of a cell: `RUNNING`, None at its end, or why it ended before."""
    try:
        next(steps)
        return RUNNING
    except StopIteration:
        return None
    except OutOfTime:
        return LEFT
    except experiments.Busy:
        return BUSY
    except AdcganError as error:
        return str(error)
    except UNFORESEEN as error:
        return one_line(error)


def start(cell: Cell, runs: Path, device: str, deadline: float | None, eager: bool):
    """The cell's work as a generator; loading its data is part of it, so that a missing data set is its failure."""
    record = yield from experiments.work(cell, loaded(cell.dataset), runs, device, deadline=deadline, eager=eager)
    if wants_diagnostics(record):
        experiments.diagnose(record, device, dataset=loaded(cell.dataset))
    return record


def wants_diagnostics(record: Record) -> bool:
    """Whether the sweep diagnoses it: of the tables' runs those of seed 0."""
    return record.cell.seed == 0 and not record.cell.changes and experiments.diagnosable(record)


@lru_cache(1)
def loaded(dataset: str) -> data.Dataset:
    """The data set in work; the plan's order asks for one after another."""
    return data.load(dataset)


def in_processes(cells: list[Cell], runs: Path, device: str, jobs: int, deadline: float | None, eager: bool = False):
    """(cell, end) as cells end, in ``jobs`` processes that share the machine's cores."""
    threads = max(1, (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()) // jobs)
    context = get_context("spawn")  # a fork would copy torch's threads in an unknown state
    pool = ProcessPoolExecutor(jobs, context, initializer=worker, initargs=(threads, os.getpid()))
    waiting, running = list(cells), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                cell = waiting.pop(0)
                running[_submit(pool, one, cell, runs, device, deadline, eager)] = cell
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                cell = running.pop(future)
                try:
                    yield cell, future.result()
                except BrokenProcessPool:
                    yield cell, "its process was killed, perhaps for want of memory; the same command continues it"
                    for other in [*running.values(), *waiting]:
                        yield other, LEFT
                    return
    except BaseException:  # an interrupt ends the cells in work too: each continues from its checkpoint
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


def worker(threads: int, parent: int) -> None:
    """A process of the pool: its share of the cores, no interrupts of its own, and no life after its parent's."""
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass  # not Linux: the cell's lock still keeps an orphan's work from being done twice
    if os.getppid() != parent:
        os._exit(1)
