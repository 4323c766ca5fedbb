"""Files that are either complete or not there."""

import hashlib
import os
from pathlib import Path

from .errors import AdcganError


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
            "or name another directory for runs"
        ) from error
    return hashlib.sha256(data).hexdigest()
