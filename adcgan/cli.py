"""The command line: ``adcgan fit``, ``score`` and ``export`` are for own pictures; ``adcgan run`` trains, scores and
records, ``adcgan sweep`` works through the paper's grid within a time, ``adcgan diagnose`` asks more of trained models,
``adcgan check`` reads records back.

Every error is one line on standard error with exit status 2; a sweep of which runs or notebooks failed exits 1; an
interrupted run exits 130 and continues from its last epoch when started again.
"""

import argparse
import dataclasses
import io
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from . import __version__, cli_pictures
from .config import METHODS, RECIPES, SCALES, SCHEMES, parse_options
from .data.datasets import DATASETS
from .data.folders import expanded, shown
from .errors import UNFORESEEN, AdcganError, one_line, printable

DEVICES = "auto, cpu, cuda, cuda:N or mps (untried); default: %(default)s"


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one line, and that takes no shortened option for another one."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, allow_abbrev=False, **options)

    def error(self, message):
        self.exit(2, f"adcgan: error: {printable(message)}; see {self.prog} --help\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a notebook's is none
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold what cannot be printed
    try:
        status = given.command(given)
        sys.stdout.flush()  # here, where a reader that has gone is no error yet
        return status
    except AdcganError as error:
        print(f"adcgan: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the output has gone, as in `adcgan sweep --dry-run | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush does not fail too
        return 141
    except UNFORESEEN as error:
        print(f"adcgan: error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        more = "; the same command continues from the last complete epoch" if given.command in (_run, _sweep) else ""
        print(f"adcgan: interrupted{more}", file=sys.stderr)
        return 130


def _run(given):
    from .experiments.records import find
    from .experiments.run import requested

    options = {name: value for name in _options() if (value := getattr(given, name)) is not None}
    dataset, planned = requested(
        given.method, given.dataset, given.scheme, given.classes, given.seeds, options,
        recipe=given.recipe, scale=given.scale, repeat=given.repeat,
    )  # fmt: skip
    if dataset.provenance != "canonical":
        print(f"{dataset.name}: {dataset.provenance}", file=sys.stderr)
    if dataset.name not in DATASETS:
        numbered = (f"{label} is {dataset.classes[label]}" for label in sorted({run.label for run in planned}))
        print(f"{dataset.name}: class {', '.join(numbered)}", file=sys.stderr)
    missing = any(find(run, given.runs) is None for run in planned)
    with _slot(given, missing) as device:
        _work_through(planned, dataset, given.runs, device)
    return 0


@contextmanager
def _slot(given, missing):
    """The device to use: where ``--slots`` shares them and runs are missing a GPU with a free slot, else as named."""
    if given.slots is None or not missing:
        yield given.device
        return
    import torch

    from .experiments.slots import slot

    if given.device not in ("auto", "cuda"):
        raise AdcganError(f"--slots chooses among this machine's GPUs, --device names {given.device}: leave one out")
    gpus = [str(torch.cuda.get_device_properties(number).uuid) for number in range(torch.cuda.device_count())]
    with slot(gpus, given.slots) as number:
        yield f"cuda:{number}"


def _work_through(planned, dataset, runs, device):
    from .experiments.run import execute

    for run in planned:
        record = execute(run, dataset, runs, device)
        cost = record.content["cost"]
        print(
            f"{run}: AUROC {100 * record.result:.1f} %, trained in {cost['train_seconds']:.0f} s, "
            f"{shown(record.directory)}",
            flush=True,
        )


def _sweep(given):
    import time

    from .experiments import grid, notebook
    from .experiments.provenance import choose_device
    from .experiments.sweep import sweep

    started = time.monotonic()
    chosen = dict(datasets=given.datasets, classes=given.classes, seeds=given.seeds)
    if given.ablations:
        if given.methods or given.schemes or given.options or given.scales or given.recipes:
            raise AdcganError("--ablations settles everything but data sets, classes and seeds: leave the others out")
        planned = grid.ablations(**chosen)
    else:
        options = parse_options("adcgan", given.options) if given.options else {}
        planned = grid.planned(
            methods=given.methods, schemes=given.schemes, scales=given.scales, recipes=given.recipes, options=options,
            **chosen,
        )  # fmt: skip
    if not planned:
        raise AdcganError(
            "no run of the grid has that method, recipe, scale, data set, scheme, class and seed: leave a filter out"
        )
    device = choose_device(given.device)
    if given.dry_run:
        _dry_run(planned, given, device.type)
        return 0
    deadline = None if given.time_limit is None else started + given.time_limit
    notebooks = not (given.no_notebooks or given.ablations or given.options)
    left = []  # of each notebook, whether it could be

    def report(run, result):
        print(f"{run}: {'done' if result is None else result}", flush=True)
        if result is None and notebooks:
            left.append(notebook.leave(run, planned, given.runs))

    outcome = sweep(
        planned, given.runs, device=given.device, jobs=given.jobs, deadline=deadline, eager=given.eager, report=report
    )
    if notebooks and all(left):
        left += [notebook.leave(run, planned, given.runs) for run in notebook.missing(planned, given.runs)]
    before = len(planned) - len(outcome.finished) - len(outcome.failed) - len(outcome.left)
    print(
        f"{len(planned)} runs: {before} were done, {len(outcome.finished)} done now, {len(outcome.left)} left, "
        f"{len(outcome.failed)} failed, in {time.monotonic() - started:.0f} s"
    )
    for run, reason in outcome.failed.items():
        print(f"adcgan: failed: {run}: {reason}", file=sys.stderr)
    return 0 if all(left) and not outcome.failed else 1


def _dry_run(planned, given, device):
    """The runs by kind: how many in which state, and the processor hours that those not done would take here."""
    from itertools import groupby

    from .experiments import grid
    from .experiments.costs import Costs
    from .experiments.records import read_all

    places = dict.fromkeys(place.resolve() for place in (given.runs, Path("runs")) if place.is_dir())
    rates = grid.rates([record for place in places for record in read_all(place)], device)
    costs = Costs(rates, device)
    total, unknown = 0.0, 0
    for (*kind, changed), group in groupby(planned, key=lambda run: (*grid.kind(run), grid.named(run.changes))):
        group = list(group)
        states = [grid.state(run, given.runs) for run in group]
        left = len(states) - states.count("done")
        line = f"{' '.join(filter(None, [*kind, changed]))}: " + ", ".join(
            f"{states.count(state)} {state}" for state in dict.fromkeys(states)
        )
        if left:
            each, how = costs.of(group[0])
            if each is None:
                unknown += left
                line += "; cost not known: no run measured"
            else:
                total += left * each
                line += f"; {each:.0f} processor seconds a run ({how}): {left * each / 3600:.1f} h"
        print(line, flush=True)
    beside = f", and {unknown} runs of unknown cost" if unknown else ""
    print(
        f"left: {total / 3600:.1f} processor hours, {total / 3600 / given.jobs:.1f} h with {given.jobs} at once{beside}"
    )


def _diagnose(given):
    from .data import datasets
    from .experiments.diagnosing import diagnose, record_at

    for path in given.records:
        record = record_at(path)
        dataset = None
        if given.dataset:
            config = record.run.config
            dataset = datasets.load(given.dataset, image_size=config.image_size, channels=config.channels)
        written = diagnose(record, given.device, again=given.again, dataset=dataset)
        how = "diagnosed" if written else "was diagnosed before"
        print(f"{record.run}: {how}, {shown(record.directory)}", flush=True)
    return 0


def _check(given):
    from .experiments.records import read_all
    from .experiments.verify import verify

    records = read_all(given.runs)
    for record in records:
        verify(record)
    print(f"{len(records)} records in {shown(given.runs)}, all whole")
    return 0


def _parser():
    parser = _Parser(prog="adcgan", description=__doc__.split("\n\n")[0])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cli_pictures.add(commands, DEVICES)
    run = commands.add_parser("run", help="train what is missing, load what is there")
    run.set_defaults(command=_run)
    run.add_argument("--method", default="adcgan", choices=METHODS, help="method (default: %(default)s)")
    run.add_argument("--dataset", required=True, help="name of a data set, or the path of a directory of pictures")
    run.add_argument("--scheme", default="one-vs-all", choices=SCHEMES, help="default: %(default)s")
    run.add_argument(
        "--recipe", metavar="RECIPE",
        help=f"AD-CGAN's choices: {' or '.join(RECIPES)}, what the paper prints or what the authors' script does "
        f"(default: {RECIPES[0]})",
    )  # fmt: skip
    run.add_argument(
        "--scale", metavar="SCALE",
        help=f"{' or '.join(SCALES)}: the paper's sizes, or a quarter of the widths and 2,000 images an epoch "
        f"(default: {SCALES[0]})",
    )  # fmt: skip
    run.add_argument("--classes", nargs="*", default=[], help="classes by number or name (default: all)")
    run.add_argument("--seeds", nargs="+", type=int, default=[0], help="default: 0")
    run.add_argument(
        "--repeat", type=_whole, default=0, metavar="N", help="train once more from the same seed, as repeat N"
    )
    run.add_argument("--device", default="auto", help=DEVICES)
    run.add_argument(
        "--slots", type=_above_zero(int), metavar="N", help="wait for one of N places on a GPU of this machine"
    )
    _add_runs(run)
    group = run.add_argument_group(
        "options of the methods",
        "default: as recipe and scale say; a run that changes one is an ablation; for which methods in brackets",
    )
    for name, fields in _options().items():
        group.add_argument(
            "--" + name.strip("_").replace("_", "-"), dest=name,
            metavar=next(iter(fields.values())).type.__name__.upper(), help=_help(fields).replace("%", "%%"),
        )  # fmt: skip
    sweep = commands.add_parser("sweep", help="work through the paper's grid; start it again to continue")
    sweep.set_defaults(command=_sweep)
    known_names = {"methods": METHODS, "datasets": DATASETS, "schemes": SCHEMES, "scales": SCALES, "recipes": RECIPES}
    for name, known in known_names.items():
        also = [f"--{name[:-1]}"] if name in ("scales", "recipes") else []  # as `adcgan run` has them
        sweep.add_argument(
            f"--{name}", *also, nargs="+", default=[], choices=known, metavar=name[:-1].upper(),
            help=f"only these of {', '.join(known)}",
        )  # fmt: skip
    sweep.add_argument("--classes", nargs="+", default=[], help="only these, by number or name")
    sweep.add_argument("--seeds", nargs="+", type=int, default=[], help="only these")
    sweep.add_argument("--ablations", action="store_true", help="the ablations of recipe printed instead of the grid")
    sweep.add_argument("--options", default="", help="options for all runs, as in 'epochs=1 width=0.1'")
    sweep.add_argument("--no-notebooks", action="store_true", help="leave no executed notebook of what is complete")
    _add_runs(sweep, "--out")  # its name before
    sweep.add_argument("--time-limit", type=_above_zero(float), metavar="SECONDS", help="stop before, with checkpoints")
    sweep.add_argument(
        "--jobs", type=_above_zero(int), default=1, help="runs at once: processes on a CPU, streams on a GPU"
    )
    sweep.add_argument("--device", default="auto", help=DEVICES)
    sweep.add_argument("--eager", action="store_true", help="on a GPU: no captured steps, the runs in processes")
    sweep.add_argument("--dry-run", action="store_true", help="list the runs' states and the hours left")
    diagnose = commands.add_parser("diagnose", help="ask more of trained models; needs no training")
    diagnose.set_defaults(command=_diagnose)
    diagnose.add_argument("records", nargs="+", type=expanded, metavar="RUN", help="directory of a record")
    diagnose.add_argument("--dataset", metavar="PATH", help="directory of pictures, for runs on one of your own")
    diagnose.add_argument("--device", default="auto", help=DEVICES)
    diagnose.add_argument("--again", action="store_true", help="also where it was diagnosed before")
    check = commands.add_parser("check", help="read every record back and say whether all are whole")
    check.set_defaults(command=_check)
    _add_runs(check)
    return parser


def _whole(text):
    """An argument's type: a whole number, 0 or more."""
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


_whole.__name__ = "int"  # argparse names it where the text is no number


def _above_zero(kind):
    """An argument's type: a number of this kind above 0."""

    def number(text):
        if not (value := kind(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    number.__name__ = kind.__name__  # argparse names it where the text is no number
    return number


def _options():
    """Option names of all methods, in order, each with its field in every method that has it."""
    options = {}
    for method, kind in ((name, about.config) for name, about in METHODS.items()):
        for field in dataclasses.fields(kind):
            options.setdefault(field.name, {})[method] = field
    return options


def _help(fields):
    """What an option is, for each group of methods that means the same by it."""
    groups = {}
    for method, field in fields.items():
        choices = field.metadata["choices"]
        shown = f"{field.metadata['help']} ({', '.join(map(str, choices))})" if choices else field.metadata["help"]
        groups.setdefault(shown, []).append(method)
    return "; ".join(
        text if len(methods) == len(METHODS) else f"{text} [{', '.join(methods)}]" for text, methods in groups.items()
    )


def _add_runs(parser, *aliases):
    parser.add_argument(
        "--runs",
        *aliases,
        type=expanded,
        default=Path("runs"),
        help="directory of records (default: %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
