"""Files that are either complete or not there, and a record checked against its format's schema."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from ..errors import AdcganError


def check_schema(content, path: Path, name: str) -> None:
    """Raise AdcganError with the first place where ``content``, of the file at ``path``, is not as the schema says.

    ``name`` is that of a file beside this one. Nothing is checked where jsonschema is not installed: a GPU's machine
    may lack it, and a record must not wait for it.
    """
    validator = _validator(name)
    if validator is None:
        return
    errors = sorted(validator.iter_errors(content), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "top level"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise AdcganError(f"record {path}: {where}: {errors[0].message[:200]}{more}; expected {name}'s form")


@cache
def _validator(name):
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        return None
    return Draft202012Validator(json.loads(Path(__file__).with_name(name).read_text()))


def written(path: Path, data: bytes) -> str:
    """Write ``data`` so that ``path`` is either complete or as before; the SHA-256 of ``data``.

    Raises AdcganError where it cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        try:
            partial.unlink(missing_ok=True)
        except OSError:
            pass  # the directory itself is not writable: the error below says so
        raise AdcganError(
            f"{path} cannot be written ({error.strerror or error}): free space, mend the permissions, "
            "or name another place"
        ) from error
    return hashlib.sha256(data).hexdigest()
