"""What `book/train.ipynb` needs besides the package: strict parameters and paths from the repository root."""

import ast
from collections.abc import Mapping
from pathlib import Path

from .config import CONFIGS, SCHEMES, parse_options
from .data import DATASETS
from .errors import AdcganError, choose

PARAMETERS = {"method": str, "dataset": str, "scheme": str, "classes": list, "seeds": list, "options": dict,
              "runs": str, "device": str}  # fmt: skip
ROOT = Path(__file__).resolve().parent.parent


def parameters(names: Mapping[str, object], before: set[str]) -> dict:
    """The notebook's parameters, checked; ``names`` are its globals, ``before`` those of its first cell.

    papermill only warns about a parameter that the notebook does not have: here it is refused. Lists and
    dictionaries may come as text, as in ``-p classes '[0, 1]'``. Raises AdcganError before any work.
    """
    given = {name for name in names if not name.startswith("_")} - before
    for name in sorted(given):
        choose("notebook parameter", name, PARAMETERS)
    choose("method", names["method"], CONFIGS)
    checked = {name: _convert(name, names[name], wanted, names["method"]) for name, wanted in PARAMETERS.items()}
    choose("scheme", checked["scheme"], SCHEMES)
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
            except (ValueError, SyntaxError):
                raise AdcganError(
                    f"notebook parameter {name} is {value!r}: expected a list, as in '[0, 1]' or \"['cat']\""
                ) from None
        if not isinstance(value, list | tuple):
            raise AdcganError(f"notebook parameter {name} is {value!r}: expected a list, as in '[0, 1]'")
        return list(value)
    if not isinstance(value, wanted):
        raise AdcganError(f"notebook parameter {name} is {value!r}: expected text")
    return value
