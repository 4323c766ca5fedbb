"""Whole records with numbers from a generator, written and read for real: of format 2, and of format 1 with a study."""

import hashlib
import io
import json
import os
import time
import zlib

import numpy as np
from companion.analysis import tables
from PIL import Image

from adcgan import scoring
from adcgan.config import configure, settle
from adcgan.config.adcgan import PLAIN
from adcgan.experiments import format1, records
from adcgan.experiments.records import Run
from adcgan.scoring import COMPONENTS, normality_score

IMAGES, NORMAL = 41, 21  # an odd number of normal images: their halves differ by one
ANOMALOUS = np.arange(IMAGES) % 2 == 1
PARTS = {"adcgan": COMPONENTS, "alad": ("features",), "aegan": ("L_GR", "L_GD", "L_FE"), "anogan": ("L_R", "L_D")}
DEVICE = {"type": "cpu", "name": "test", "threads": 1}
DRAWS, LOOKS = 200, 10  # of the study: left-over z's and splits; those of the splits that need a pass of the networks
CHANGES = {
    "released": 0.003,
    "reduction=sum": -0.02,
    "latent_feature=released": 0.001,
    "test_latents=released": -0.005,
    "batch-statistics label order, batches of 32": 0.01,
    "power-iteration of all networks, normal images first, batches of 32": 0.002,
}  # the study's readings: AUROC against the paper protocol's, fractions
NULLS = {"paper": DRAWS, "released": DRAWS} | dict.fromkeys(
    (
        "batch-statistics label order, batches of 32",
        "batch-statistics label order, batches of 256",
        "power-iteration of all networks, normal images first, batches of 32",
    ),
    LOOKS,
)  # protocols and the splits that each is tried on
SHARED = {"one shared z": DRAWS, "16 shared z's": DRAWS // 16}  # other z's, and how many draws


def write_record(
    runs, dataset="mnist", label=0, seed=0, *, scheme="one-vs-all", method="adcgan", recipe=None, scale=None,
    canonical=True, fingerprint="0" * 64, seconds=60, device=DEVICE, per_epoch=None, earlier=None,
    pixels=0, **options,
):  # fmt: skip
    """A record of format 2 of one run; ``options`` differ from its recipe at its scale.

    ``per_epoch``: NS after each epoch, fractions, None where it was not read; ``pixels``: the grey of its pictures.
    """
    size, channels = tables.FORMATS.get(dataset, (28, 1))
    recipe, scale = settle(method, recipe, scale)
    config = configure(method, scheme, size, channels, recipe=recipe, scale=scale, **options)
    cell = Run(method, dataset, scheme, label, seed, config, recipe, scale)
    random = np.random.default_rng([label, seed, zlib.crc32(f"{dataset} {cell.name} {scale}".encode())])
    components, scores, aurocs = _scored(method, config, random)
    arrays = {"NS": scores, "labels": np.zeros(IMAGES, np.uint16), "anomalous": ANOMALOUS, **components}
    content = _origin(canonical, fingerprint, device, "2026-01-01T00:00:00+00:00") | {
        "run": {"method": method, "dataset": dataset, "scheme": scheme, "label": label,
                "class_name": str(label), "seed": seed, "recipe": recipe, "scale": scale},
        "config": config.to_dict(), "changes": cell.changes, "digest": cell.digest, "auroc": aurocs,
        "images": {"train": 1, "test_normal": NORMAL, "test_anomalous": IMAGES - NORMAL},
        "losses": [{"L_AE": value} for value in random.uniform(1, 2, getattr(config, "total_epochs", 1))],
        "cost": {"train_seconds": seconds, "train_processor_seconds": seconds, "score_seconds": 1,
                 "score_processor_seconds": 1, "peak_memory_bytes": 1, "resumed": 0},
        "ended": "budget",
    }  # fmt: skip
    if earlier:
        content["code"]["earlier"] = earlier
    if per_epoch:
        names = ("NS", *(["reduction=mean"] if method == "adcgan" else []), *components)
        read = [{} if NS is None else {name: NS + 0.1 * (name != "NS") for name in names} for NS in per_epoch]
        content["per_epoch"] = {"images": 1000, "auroc": read}
    if recipe == "script" and config.latent_pair == "marginal":
        D_z = {"D_z_x": IMAGES, "D_z_reconstruction": IMAGES, "D_z_own": IMAGES, "D_z_stale": DRAWS}
        D_z = {name: random.normal(size=count).astype(np.float16) for name, count in D_z.items()}
        arrays |= D_z
        content["stale_noise"] = records.stale_noise(config, components, D_z, ANOMALOUS)
    return records.write(cell, runs, content, arrays, {"normal": np.full((2, size, size, channels), pixels, np.uint8)})


def write_format1(
    runs, dataset="mnist", label=0, seed=0, *, scheme="one-vs-all", method="adcgan", study=True, nulls=None, scale=1.0,
    train=1, watched=None, finished="2026-01-01T00:00:00+00:00", **options,
):  # fmt: skip
    """A record of format 1, and with it the protocol study; ``options`` differ from the default of that time.

    A reading is ``scale`` times its entry in `CHANGES` away from the paper protocol; ``nulls`` are draws by protocol,
    ``train`` the number of training images, ``watched`` what was read after each epoch.
    """
    size, channels = tables.FORMATS.get(dataset, (28, 1))
    settled = format1.defaults(method, scheme, size)
    given = settled | (PLAIN if options.get("architecture") == "t2p" else {}) | options
    changed = {name: value for name, value in given.items() if value != settled[name]}
    config = configure(method, scheme, size, channels, **given)
    random = np.random.default_rng([label, seed, len(dataset), len(options)])
    components, scores, aurocs = _scored(method, config, random)
    arrays = {"NS": scores, "labels": np.zeros(IMAGES, np.uint16), "anomalous": ANOMALOUS, **components}
    digest = format1.digest(method, scheme, size, channels, changed)
    content = _origin(True, "0" * 64, DEVICE, finished) | {
        "format": 1,
        "cell": {"method": method, "dataset": dataset, "scheme": scheme, "label": label, "class_name": f"name {label}",
                 "seed": seed},
        "config": {"image_size": size, "channels": channels, **given}, "departures": changed, "digest": digest,
        "auroc": aurocs,
        "images": {"train": train, "test_normal": NORMAL, "test_anomalous": IMAGES - NORMAL},
        "losses": [{"L_AE": value} for value in random.uniform(1, 2, getattr(config, "total_epochs", 1))],
        "cost": {"train_seconds": 60, "score_seconds": 1, "study_seconds": 1, "peak_memory_bytes": 1, "resumed": 0},
        "pictures": {"tile": size, "rows": ["normal"]},
    }  # fmt: skip
    sheet = np.zeros((size, 2 * size, channels), np.uint8)
    files = {"scores.npz": _npz(arrays), "pictures.jpg" if channels == 3 else "pictures.png": _sheet(sheet)}
    if watched:
        content["watched"] = watched
    if study:
        readings = {name: aurocs | {"NS": aurocs["NS"] + scale * change} for name, change in CHANGES.items()}
        content["study"] = {"paper": aurocs} | readings
        files["study.npz"] = _npz(_draws(random, nulls or {}) | {"L_FL released": components["L_FL"]})
        walk = {"D_z_reference": -0.5, "D_z_image": 0}
        walk = {name: random.normal(mean, 0.3, (2, 16, 1)).astype(np.float16) for name, mean in walk.items()}
        files["walk.npz"] = _npz(walk)
    content["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    variant = f"-{digest[:8]}" if changed else ""
    place = f"{method}/{dataset}/{scheme}/class-{label}/seed-{seed}{variant}"
    return place_format1(runs, place, content, files)


def place_format1(runs, place, content, files):
    """Put a record of format 1 and its ``files`` in ``place``, list its hash, and read it."""
    root = runs / "format-1"
    directory = root / place
    directory.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content).encode()
    for name, held in (files | {"record.json": data}).items():
        (directory / name).write_bytes(held)
    sums = root / "SHA256SUMS"
    before = sums.read_text() if sums.exists() else ""
    sums.write_text(f"{before}{hashlib.sha256(data).hexdigest()}  {place}/record.json\n")
    now = time.time_ns()
    os.utime(sums, ns=(now, now))  # the file system's own clock may stand still between two records
    return records.read(directory / "record.json", runs)


def _scored(method, config, random):
    """Components, their score and the AUROCs of all."""
    names = PARTS.get(method, ("score",))
    components = {name: (random.random(IMAGES) + 0.2 * ANOMALOUS).astype(np.float16) for name in names}
    scores = normality_score(config, components).astype(np.float32)
    aurocs = {name: scoring.auroc(ANOMALOUS, values) for name, values in {"NS": scores, **components}.items()}
    return components, scores, aurocs


def _origin(canonical, fingerprint, device, finished):
    """What a record of either format says of data, code and device."""
    provenance = "canonical" if canonical else "a copy"
    return {
        "data": {"fingerprint": fingerprint, "canonical": canonical, "provenance": provenance},
        "code": {"version": "0", "revision": "abc", "dirty": False},
        "environment": {},
        "device": device,
        "finished": finished,
    }


def _draws(random, nulls):
    """The study's arrays over draws."""
    draws = {
        f"left over, {rule}, {what}": random.uniform(0.2, 1, DRAWS)
        for rule in ("released", "test_latents=released")
        for what in ("NS", "L_FL", "mean L_FL")
    }
    draws |= {f"{name}, NS": random.uniform(0.4, 0.8, count) for name, count in SHARED.items()}
    for protocol, splits in NULLS.items():
        draws[f"null, {protocol}, NS"] = nulls.get(protocol, random.normal(0.5, 0.1, splits))
    return {name: np.asarray(values, np.float32) for name, values in draws.items()}


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _sheet(pixels):
    buffer = io.BytesIO()
    if pixels.shape[2] == 1:
        Image.fromarray(pixels[..., 0]).save(buffer, "PNG")
    else:
        Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()
