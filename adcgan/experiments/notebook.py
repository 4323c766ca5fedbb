"""What `book/train.ipynb` needs besides the package: strict parameters and paths from the repository root."""

import ast
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..config import METHODS, SCHEMES, parse_options, settle
from ..data.datasets import DATASETS
from ..errors import AdcganError, choose
from . import grid
from .records import Run

PARAMETERS = {"method": str, "recipe": str, "scale": str, "dataset": str, "scheme": str, "classes": list,
              "seeds": list, "options": dict, "runs": str, "device": str}  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


def parameters(names: Mapping[str, object], before: set[str]) -> dict:
    """The notebook's parameters, checked; ``names`` are its globals, ``before`` those of its first run.

    papermill only warns about a parameter that the notebook does not have: here it is refused. Lists and
    dictionaries may come as text, as in ``-p classes '[0, 1]'``. Raises AdcganError before any work.
    """
    given = {name for name in names if not name.startswith("_")} - before
    for name in sorted(given):
        choose("notebook parameter", name, PARAMETERS)
    choose("method", names["method"], METHODS)
    checked = {name: _convert(name, names[name], wanted, names["method"]) for name, wanted in PARAMETERS.items()}
    choose("scheme", checked["scheme"], SCHEMES)
    settle(checked["method"], checked["recipe"] or None, checked["scale"] or None)
    if checked["dataset"] not in DATASETS:
        checked["dataset"] = str(from_root(checked["dataset"]))
    for seed in checked["seeds"]:
        if type(seed) is not int:
            raise AdcganError(f"notebook parameter seeds holds {seed!r}: expected whole numbers, as in '[0, 1, 2]'")
    return checked


def from_root(path: str) -> Path:
    """A relative path from the repository root, wherever the notebook happens to run."""
    return ROOT / path


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


def leave(run: Run, planned: Iterable[Run], runs: Path) -> None:
    """Execute the notebook on the records of a run's kind, where that kind is complete in its seed.

    Of ``planned``, the sweep's; seed 0 alone leaves a notebook. Needs papermill; a failure is said, and fails no run.
    """
    group = [other for other in planned if grid.kind(other) == grid.kind(run) and other.seed == run.seed]
    if run.seed or run.changes or any(grid.state(other, runs) != "done" for other in group):
        return
    try:
        import papermill
    except ImportError:
        return
    given = dict(
        method=run.method, recipe=run.recipe or "", scale=run.scale or "", dataset=run.dataset, scheme=run.scheme,
        classes=str([other.label for other in group]), seeds=str([run.seed]), runs=str(runs.resolve()), device="cpu",
    )  # fmt: skip
    path = place(run, runs)
    partial = path.with_suffix(".partial.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            ROOT / "book/train.ipynb", partial, given, progress_bar=False, log_output=False, cwd=ROOT
        )
        partial.replace(path)
    except Exception as error:  # a kernel can fail in many ways; the records are there whatever it does
        partial.unlink(missing_ok=True)
        print(f"no notebook {path}: {str(error).splitlines()[-1] if str(error) else repr(error)}", file=sys.stderr)
