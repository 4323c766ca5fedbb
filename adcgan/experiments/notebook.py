"""What `book/train.ipynb` needs besides the package: strict parameters, and where relative paths start."""

import ast
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from ..config import METHODS, SCHEMES, parse_options, settle
from ..data.datasets import DATASETS
from ..errors import AdcganError, choose
from . import grid, records
from .files import written
from .records import LOCK, Run

PARAMETERS = {"method": str, "recipe": str, "scale": str, "dataset": str, "scheme": str, "classes": list,
              "seeds": list, "options": dict, "runs": str, "device": str}  # fmt: skip
NOTEBOOK = Path("book", "train.ipynb")  # in a checkout
HEAD = "# Parameters"  # begins the cell of parameters, and the one that papermill adds below it


def parameters(names: Mapping[str, object]) -> dict:
    """The notebook's parameters, checked; ``names`` are its globals, with IPython's ``In``: the cells that were run.

    papermill only warns about a parameter that the notebook does not have: here it is refused. Lists and
    dictionaries may come as text, as in ``-p classes '[0, 1]'``. Raises AdcganError before any work.
    """
    before = names["In"][-2]  # the last one is that which asks
    for node in ast.walk(ast.parse(before)) if before.startswith(HEAD) else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            choose("notebook parameter", node.id, PARAMETERS)
    choose("method", names["method"], METHODS)
    checked = {name: _convert(name, names[name], wanted, names["method"]) for name, wanted in PARAMETERS.items()}
    choose("scheme", checked["scheme"], SCHEMES)
    settle(checked["method"], checked["recipe"] or None, checked["scale"] or None)
    if checked["dataset"] not in DATASETS:
        checked["dataset"] = str(located(checked["dataset"]))
    for seed in checked["seeds"]:
        if type(seed) is not int:
            raise AdcganError(f"notebook parameter seeds holds {seed!r}: expected whole numbers, as in '[0, 1, 2]'")
    return checked


def located(path: str) -> Path:
    """A path, ``~`` expanded; a relative one starts where the user works, within a checkout at its root.

    Jupyter works in ``book``, papermill where it was called.
    """
    here = Path.cwd()
    root = next((place for place in (here, *here.parents) if (place / NOTEBOOK).is_file()), here)
    return root / Path(path).expanduser()


def shows(executed: Path, label: int) -> bool:
    """Whether an executed notebook has a run of the class ``label``: each has a heading there."""
    return f"### Class {label} (" in executed.read_text()


def _convert(name, value, wanted, method):
    if name == "options":
        if not isinstance(value, str | dict):
            raise AdcganError(f"notebook parameter options is {value!r}: expected text such as 'epochs=1 rho=0'")
        return parse_options(method, value)
    if wanted is list:
        if isinstance(value, str):
            try:
                value = ast.literal_eval(value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):  # as its documentation says
                raise AdcganError(
                    f"notebook parameter {name} is {value!r}: expected a list, as in '[0, 1]' or \"['cat']\""
                ) from None
        if not isinstance(value, list | tuple):
            raise AdcganError(f"notebook parameter {name} is {value!r}: expected a list, as in '[0, 1]'")
        for some in value:
            if not isinstance(some, str) and (type(some) is not int or abs(some) >= 2**32):
                raise AdcganError(
                    f"notebook parameter {name} holds a {type(some).__name__}: expected texts or small whole numbers"
                )
        return list(value)
    if not isinstance(value, wanted):
        raise AdcganError(f"notebook parameter {name} is {value!r}: expected text")
    return value


def place(run: Run, runs: Path) -> Path:
    """Where the executed notebook of a run's method, recipe, scale, data set and scheme lies."""
    return runs / "notebooks" / f"{'-'.join(filter(None, grid.kind(run)))}.ipynb"


def missing(planned: Iterable[Run], runs: Path) -> list[Run]:
    """A run of every kind without a notebook: those that a sweep was to leave and was killed before, or had no room.

    Records of format 1 had none.
    """
    kinds = {grid.kind(run): run for run in planned if not run.seed and not run.changes}
    return [
        run for run in kinds.values()
        if not place(run, runs).exists() and (run.directory(runs) / records.RECORD).exists()
    ]  # fmt: skip


def leave(run: Run, planned: Iterable[Run], runs: Path) -> bool:
    """Execute the notebook on the records of a run's kind, where that kind is complete in its seed.

    Of ``planned``, the sweep's; seed 0 alone leaves a notebook. Needs papermill and the package in a checkout; a
    failure is said, and fails no run: False.
    """
    group = [other for other in planned if grid.kind(other) == grid.kind(run) and other.seed == run.seed]
    if run.seed or run.changes or any(grid.state(other, runs) != "done" for other in group):
        return True
    root = Path(__file__).resolve().parents[2]
    if not (root / NOTEBOOK).is_file():
        return True
    try:
        import papermill
    except ImportError:
        return True
    given = dict(
        method=run.method, recipe=run.recipe or "", scale=run.scale or "", dataset=run.dataset, scheme=run.scheme,
        classes=str([other.label for other in group]), seeds=str([run.seed]), runs=str(runs.resolve()), device="cpu",
    )  # fmt: skip
    path = place(run, runs)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / LOCK), TemporaryDirectory() as apart:  # two sweeps may end the kind at once
            last = max(records.place(other, runs).stat().st_mtime_ns for other in group)
            if not path.exists() or path.stat().st_mtime_ns < last:
                executed = Path(apart, path.name)
                papermill.execute_notebook(
                    root / NOTEBOOK, executed, given, progress_bar=False, log_output=False, cwd=root
                )
                written(path, executed.read_bytes())
        return True
    except Exception as error:  # a kernel can fail in many ways; the records are there whatever it does
        reason = str(error).splitlines()[-1] if str(error) else repr(error)
        print(f"adcgan: no notebook {path}: {reason}", file=sys.stderr)
        return False
