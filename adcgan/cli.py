"""The command line: ``adcgan run`` trains, scores and records cells; ``adcgan check`` reads records back.

Every error is one line on standard error with exit status 2; an interrupted run exits 130 and continues
from its last epoch when started again.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from . import __version__
from .config import CONFIGS, SCHEMES
from .errors import AdcganError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return given.command(given)
    except AdcganError as error:
        print(f"adcgan: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("adcgan: interrupted; the same command continues from the last complete epoch", file=sys.stderr)
        return 130


def _run(given):
    from . import experiments

    options = {name: value for name in _options() if (value := getattr(given, name)) is not None}
    dataset, cells = experiments.plan(given.method, given.dataset, given.scheme, given.classes, given.seeds, options)
    if dataset.provenance != "canonical":
        print(f"{dataset.name}: {dataset.provenance}", file=sys.stderr)
    for cell in cells:
        record = experiments.run(cell, dataset, given.runs, given.device)
        cost = record.content["cost"]
        print(
            f"{cell}: AUROC {100 * record.auroc['NS']:.1f} %, trained in {cost['train_seconds']:.0f} s, "
            f"{record.directory}",
            flush=True,
        )
    return 0


def _check(given):
    from .records import read_all, verify

    records = read_all(given.runs)
    for record in records:
        verify(record)
    print(f"{len(records)} records in {given.runs}, all whole")
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="adcgan", description=__doc__.split("\n\n")[0])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="train what is missing, load what is there")
    run.set_defaults(command=_run)
    run.add_argument("--method", default="adcgan", choices=CONFIGS, help="method (default: %(default)s)")
    run.add_argument("--dataset", required=True, help="name of a data set, or the path of a directory of pictures")
    run.add_argument("--scheme", default="one-vs-all", choices=SCHEMES, help="default: %(default)s")
    run.add_argument("--classes", nargs="*", default=[], help="classes by number or name (default: all)")
    run.add_argument("--seeds", nargs="+", type=int, default=[0], help="default: 0")
    run.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    _add_runs(run)
    group = run.add_argument_group(
        "options of the methods", "default: the paper's settings, then the register's; for which methods in brackets"
    )
    for name, fields in _options().items():
        group.add_argument(
            "--" + name.strip("_").replace("_", "-"), dest=name,
            metavar=next(iter(fields.values())).type.__name__.upper(), help=_help(fields).replace("%", "%%"),
        )  # fmt: skip
    check = commands.add_parser("check", help="read every record back and say whether all are whole")
    check.set_defaults(command=_check)
    _add_runs(check)
    return parser


def _options():
    """Option names of all methods, in order, each with its field in every method that has it."""
    options = {}
    for method, kind in CONFIGS.items():
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
        text if len(methods) == len(CONFIGS) else f"{text} [{', '.join(methods)}]" for text, methods in groups.items()
    )


def _add_runs(parser):
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="directory of records (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(main())
