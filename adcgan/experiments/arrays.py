"""The arrays and pictures beside a record: packed, unpacked within a bound, and whether they can be its scores."""

import io
import zipfile
from pathlib import Path

import numpy as np

from ..errors import AdcganError, one_line

D_Z = ("D_z_x", "D_z_reconstruction", "D_z_own", "D_z_stale")  # outputs of D_z for the script's stale noise
LARGEST = 2**30  # bytes that an archive may unpack to: far more than any run has
TYPES = {"labels": "iu", "anomalous": "b", "NS": "f"}  # kinds of NumPy types in scores.npz; the others are float16


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """The bytes of an archive of ``arrays``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(path: Path, record: Path, kinds: str = "") -> dict[str, np.ndarray]:
    """The arrays of the archive at ``path``; with ``kinds`` all of these kinds of NumPy types.

    Raises AdcganError, which names the ``record``, for a damaged archive, a larger one than `LARGEST`, or other kinds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if (size := sum(some.file_size for some in archive.infolist())) > LARGEST:
                raise ValueError(f"it unpacks to {size} bytes")
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        if kinds and (other := [part for part, values in arrays.items() if values.dtype.kind not in kinds]):
            raise ValueError(f"no numbers in {', '.join(other)}")
    except Exception as error:  # zip, zlib, header: NumPy raises many kinds for a damaged file
        raise AdcganError(
            f"record {record}: {path.name} cannot be read ({one_line(error)}); restore it or remove it"
        ) from error
    return arrays


def unlike_scores(arrays: dict[str, np.ndarray]) -> list[str]:
    """Names of arrays that cannot be those of scores.npz: all but `D_Z` of the stale z have a value for each image."""
    images = np.size(arrays.get("anomalous", ()))

    def fits(name, values):
        return (
            values.ndim == 1
            and (values.dtype == np.float16 if name not in TYPES else values.dtype.kind in TYPES[name])
            and (len(values) == images or name == "D_z_stale")
            and len(values) > 0
            and bool(np.isfinite(values).all())
        )

    missing = {"labels", "anomalous"} - arrays.keys()
    if any(name in arrays for name in D_Z):
        missing |= set(D_Z) - arrays.keys()
    return sorted(missing) + [name for name, values in arrays.items() if not fits(name, values)]


def pack_sheet(rows: dict[str, np.ndarray]) -> bytes:
    """One picture of all ``rows``, name to uint8 (columns, H, H, C): PNG in grey, JPEG in colour."""
    from PIL import Image

    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows.values()])
    buffer = io.BytesIO()
    if sheet.shape[2] == 1:
        Image.fromarray(sheet.squeeze(2)).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(sheet).save(buffer, "JPEG", quality=85, subsampling=0)
    return buffer.getvalue()


def unpack_sheet(path: Path, record: Path, tile: int, rows: list[str]) -> dict[str, np.ndarray]:
    """The ``rows`` of a sheet by name, uint8 (columns, H, H) or (columns, H, H, 3); ``tile`` is H.

    Raises AdcganError, which names the ``record``, for what is no such sheet.
    """
    from PIL import Image

    try:
        sheet = np.asarray(Image.open(path))
        columns = sheet.shape[1] // tile
        grid = sheet.reshape(-1, tile, columns, tile, *sheet.shape[2:]).swapaxes(1, 2)
        return dict(zip(rows, grid, strict=True))
    except Exception as error:  # Pillow raises many kinds for a bad file
        raise AdcganError(
            f"record {record}: {path.name} is no sheet of its pictures ({one_line(error)}); restore it or remove the "
            "directory"
        ) from error
