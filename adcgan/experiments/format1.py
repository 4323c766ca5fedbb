"""Records of format 1, made before there were recipes and scales: read and verified, never written.

They lie, their bytes unchanged, in ``RUNS/format-1/<method>/<dataset>/<scheme>/class-<n>/seed-<s>/``, and
``RUNS/format-1/SHA256SUMS`` lists the hash of each. What such a record changed is what differs from the defaults of its
time, which `config/format1.yaml` keeps.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ..config import Config, configure, parse_options, settle
from ..errors import AdcganError
from .files import check_schema

if TYPE_CHECKING:
    from .records import Run

DIRECTORY, SUMS = "format-1", "SHA256SUMS"
# The list of this repository, each of whose records has the form that the schema says: it takes half of a read.
CHECKED = "88e199408cdb3881b74b3cfdde093ccc6fcb3cba983237a8d6aa2cabad8eeed8"
WATCHED = 1000  # test images of either kind that were scored after every epoch
# Names of today for what the study of its time measured; the rest of it is not read.
ORDERS = [f"{order} order, batches of {size}" for order in ("shuffled", "label") for size in (32, 256)]
VARIANTS = {
    "paper": "score", "reduction=sum": "reduction=sum", "reconstruction-statistics": "BatchNorm re-estimated",
    "reconstruction-statistics, reduction=sum": "BatchNorm re-estimated, reduction=sum",
} | {f"batch-statistics {order}": f"batch statistics, {order}" for order in ORDERS}  # fmt: skip
DRAWS = {
    "left over, released, NS": "stale noise, NS", "left over, released, L_FL": "stale noise, L_FL",
    "null, paper, NS": "null, score, NS", "null, released, NS": "null, stale noise, NS",
}  # fmt: skip
REPEAT = re.compile(r"(/seed-[^/]+?)-repeat-(\d+)(?=/)")  # of a directory: trained once more, from the same seed
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
    listed, of_list = _sums(root)
    name = _relative(path, root)
    if listed.get(name) != hashlib.sha256(data).hexdigest():
        raise AdcganError(
            f"record {path} has format 1 and is not in {root / SUMS} with these bytes: it was edited, or moved; "
            "restore it or remove its directory"
        )
    if of_list != CHECKED:
        check_schema(content, path, "format1.schema.json")
    place, options = content["cell"], dict(content["config"])
    try:
        size, channels = options.pop("image_size", None), options.pop("channels", None)
        settled = defaults(place["method"], place["scheme"], size)
        given = settled | options
        options = parse_options(place["method"], given)
        config = configure(place["method"], place["scheme"], size, channels, **options)
    except (AdcganError, KeyError, TypeError) as error:  # TypeError: an image size that is not even a number
        raise AdcganError(f"record {path}: {error}") from error
    changed = {name: value for name, value in given.items() if value != settled.get(name)}
    said = digest(place["method"], place["scheme"], size, channels, changed)
    if changed != content["departures"] or said != content["digest"]:
        raise AdcganError(f"record {path}: its digest is not that of its configuration: it was edited")
    repeat = REPEAT.search(name)
    named = (place[part] for part in ("method", "dataset", "scheme", "label", "seed"))
    if REPEAT.sub(r"\1", name) != str(_place(*named, said, changed) / path.name):
        raise AdcganError(f"record {path} is of another run than its place says")
    recipe, scale = settle(place["method"], None, None)
    run = place | {"recipe": recipe, "scale": scale} | ({"repeat": int(repeat[2])} if repeat else {})
    return run, config, content | {"run": run}


def directory(run: Run, runs: Path) -> Path | None:
    """Where under ``runs`` a record of format 1 of this run would lie; None where format 1 could not say it."""
    options = run.config.to_dict()
    size, channels = options.pop("image_size"), options.pop("channels")
    settled = defaults(run.method, run.scheme, size)
    later = {name: value for name, value in options.items() if name not in settled}
    newer = run.repeat or run.scale == "laptop" or run.recipe == "script"
    if newer or any(SINCE[name] != value for name, value in later.items()):
        return None
    changed = {name: options[name] for name in settled if name in options and options[name] != settled[name]}
    said = digest(run.method, run.scheme, size, channels, changed)
    return runs / DIRECTORY / _place(run.method, run.dataset, run.scheme, run.label, run.seed, said, changed)


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
    """The committed hashes, by path under ``root``, and the list's own; read again where the file changed."""
    path = root / SUMS
    try:
        return _read_sums(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its lines are not a hash and a name each"
        raise AdcganError(f"{path} cannot be read ({reason}): it lists the records of format 1; restore it") from error


@cache
def _read_sums(path, changed):
    data = path.read_bytes()
    pairs = (line.split(maxsplit=1) for line in data.decode().splitlines() if line.strip())
    return {name.strip(): sha for sha, name in pairs}, hashlib.sha256(data).hexdigest()


def renamed(names: dict[str, str], values: dict) -> dict:
    """Those of ``values`` that have a name today, under it."""
    return {new: values[old] for old, new in names.items() if old in values}


@cache
def _defaults():
    return yaml.safe_load((Path(__file__).parents[1] / "config" / "format1.yaml").read_text())
