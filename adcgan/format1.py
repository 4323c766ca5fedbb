"""Records of format 1, made before there were recipes and scales: read and verified, never written.

They lie, their bytes unchanged, in ``RUNS/format-1/<method>/<dataset>/<scheme>/class-<n>/seed-<s>/``, and
``RUNS/format-1/SHA256SUMS`` lists the hash of each. What such a record changed is what differs from the defaults of its
time, which `config/format1.yaml` keeps.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from .config import Config, configure, settle
from .errors import AdcganError
from .schema import check_schema

if TYPE_CHECKING:
    from .records import Cell

DIRECTORY, SUMS = "format-1", "SHA256SUMS"
WATCHED = 1000  # test images of either kind that were scored after every epoch
SINCE = {"test_order": "stored", "epoch_images": 0}  # options that came later, with what was done before


def defaults(method: str, scheme: str, image_size: int) -> dict:
    """The defaults of format 1, image format left out."""
    kept = _defaults()[method]
    return kept["always"] | kept.get("scheme", {}).get(scheme, {}) | kept.get("image_size", {}).get(image_size, {})


def read(path: Path, runs: Path, content: dict, data: bytes) -> tuple[dict, Config, dict]:
    """The run, its configuration today and the content of a record of format 1, all checked.

    ``data`` are the file's bytes. Raises AdcganError where the list of hashes does not have them, or what it says does
    not hold together.
    """
    root = runs / DIRECTORY
    listed = _sums(root)
    name = _relative(path, root)
    if listed.get(name) != hashlib.sha256(data).hexdigest():
        raise AdcganError(
            f"record {path} has format 1 and is not in {root / SUMS} with these bytes: it was edited, or moved; "
            "restore it or remove its directory"
        )
    check_schema(content, path, "format1.schema.json")
    place, options = content["cell"], dict(content["config"])
    try:
        size, channels = options.pop("image_size", None), options.pop("channels", None)
        settled = defaults(place["method"], place["scheme"], size)
        given = settled | options
        config = configure(place["method"], place["scheme"], size, channels, **given)
    except (AdcganError, KeyError) as error:
        raise AdcganError(f"record {path}: {error}") from error
    changed = {name: value for name, value in given.items() if value != settled.get(name)}
    said = digest(place["method"], place["scheme"], size, channels, changed)
    if changed != content["departures"] or said != content["digest"]:
        raise AdcganError(f"record {path}: its digest is not that of its configuration: it was edited")
    if name != str(_place(place["method"], place["dataset"], place["scheme"], place["label"], place["seed"], said,
                          changed) / path.name):  # fmt: skip
        raise AdcganError(f"record {path} is of another run than its place says")
    recipe, scale = settle(place["method"], None, None)
    return (
        place | {"recipe": recipe, "scale": scale},
        config,
        content | {"run": place | {"recipe": recipe, "scale": scale}},
    )


def directory(cell: Cell, runs: Path) -> Path | None:
    """Where under ``runs`` a record of format 1 of this run would lie; None where format 1 could not say it."""
    options = cell.config.to_dict()
    size, channels = options.pop("image_size"), options.pop("channels")
    settled = defaults(cell.method, cell.scheme, size)
    later = {name: value for name, value in options.items() if name not in settled}
    if cell.scale == "laptop" or cell.recipe == "script" or any(SINCE[name] != value for name, value in later.items()):
        return None
    changed = {name: options[name] for name in settled if name in options and options[name] != settled[name]}
    said = digest(cell.method, cell.scheme, size, channels, changed)
    return runs / DIRECTORY / _place(cell.method, cell.dataset, cell.scheme, cell.label, cell.seed, said, changed)


def digest(method: str, scheme: str, image_size: int, channels: int, changed: dict) -> str:
    """Format 1's digest: of what differs from its defaults."""
    content = {"method": method, "scheme": scheme, "image": [image_size, channels], "departures": changed}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _place(method, dataset, scheme, label, seed, said, changed):
    variant = f"-{said[:8]}" if changed else ""
    return Path(method, dataset, scheme, f"class-{label}", f"seed-{seed}{variant}")


def _relative(path, root):
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        raise AdcganError(f"record {path} has format 1: expected under {root}, with its hash in {SUMS} there") from None


def _sums(root):
    """The committed hashes, by path under ``root``; read again where the file changed."""
    path = root / SUMS
    try:
        return _read_sums(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise AdcganError(f"{path} cannot be read ({error.strerror}): it lists the records of format 1") from error


@cache
def _read_sums(path, changed):
    pairs = (line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip())
    return {name.strip(): sha for sha, name in pairs}


@cache
def _defaults():
    return yaml.safe_load((Path(__file__).parent / "config" / "format1.yaml").read_text())
