"""Whole records with numbers from a generator, written and read for real: of format 2, and of format 1."""

import hashlib
import io
import json
import os
import time
import zlib

import numpy as np
from PIL import Image

from adcgan import scoring
from adcgan.config import configure, settle
from adcgan.config.adcgan import PLAIN
from adcgan.data.datasets import DATASETS
from adcgan.experiments import format1, records
from adcgan.experiments.records import Run
from adcgan.models.architectures import local_index, tables, trace
from adcgan.scoring import COMPONENTS, normality_score

IMAGES, NORMAL = 41, 21  # an odd number of normal images: their halves differ by one
ANOMALOUS = np.arange(IMAGES) % 2 == 1
PARTS = {"adcgan": COMPONENTS, "alad": ("features",), "aegan": ("L_GR", "L_GD", "L_FE"), "anogan": ("L_R", "L_D")}
DEVICE = {"type": "cpu", "name": "test", "threads": 1}
DRAWS = 200
CHANGES = {
    "reduction={other}": -0.02,
    "BatchNorm re-estimated": 0.04,
    "BatchNorm re-estimated, reduction={other}": 0.03,
    "batch statistics, shuffled order, batches of 256": 0.005,
    "batch statistics, label order, batches of 32": 0.01,
    "batch statistics, label order, batches of 256": 0.02,
}  # scoring variants: AUROC against the score's, fractions


def write_record(
    runs, dataset="mnist", label=0, seed=0, *, scheme="one-vs-all", method="adcgan", recipe=None, scale=None,
    repeat=0, canonical=True, fingerprint="0" * 64, seconds=60, device=DEVICE, per_epoch=None, earlier=None,
    pixels=0, diagnosed=False, variants=None, draws=None, **options,
):  # fmt: skip
    """A record of format 2 of one run; ``options`` differ from its recipe at its scale.

    ``per_epoch``: NS after each epoch, fractions, None where it was not read; ``pixels``: the grey of its pictures;
    ``diagnosed``: with diagnostics beside it, whose ``variants`` (differences to the score) and ``draws`` may be given.
    """
    size, channels = _format(dataset)
    recipe, scale = settle(method, recipe, scale)
    config = configure(method, scheme, size, channels, recipe=recipe, scale=scale, **options)
    run = Run(method, dataset, scheme, label, seed, config, recipe, scale, repeat)
    random = np.random.default_rng(
        [label, seed, zlib.crc32(f"{dataset} {run.name} {scale}{run.variant}{repeat or ''}".encode())]
    )
    components, scores, aurocs = _scored(method, config, random)
    arrays = {"NS": scores, "labels": np.zeros(IMAGES, np.uint16), "anomalous": ANOMALOUS, **components}
    content = _origin(canonical, fingerprint, device, "2026-01-01T00:00:00+00:00") | {
        "run": {"method": method, "dataset": dataset, "scheme": scheme, "label": label, "class_name": str(label),
                "seed": seed, "recipe": recipe, "scale": scale} | ({"repeat": repeat} if repeat else {}),
        "config": config.to_dict(), "changes": run.changes, "digest": run.digest, "auroc": aurocs,
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
    record = records.write(run, runs, content, arrays, {"normal": np.full((2, size, size, channels), pixels, np.uint8)})
    if diagnosed:
        _diagnose(record, random, variants or {}, draws or {})
    return record


def _diagnose(record, random, variants, draws):
    """Diagnostics beside ``record``, as `adcgan.diagnostics` names them."""
    config, NS = record.run.config, record.auroc["NS"]
    changes = {name.format(other="mean" if config.reduction == "sum" else "sum"): to for name, to in CHANGES.items()}
    found = {"score": record.auroc} | {
        name: record.auroc | {"NS": float(np.clip(NS + change, 0, 1))} for name, change in (changes | variants).items()
    }
    draws = draws_of(random) | {name: np.asarray(values, np.float32) for name, values in draws.items()}
    images = one_image(config, record.components, random)
    content = {
        "variants": found, "one_image": sorted(images), "code": {"version": "0", "revision": "abc", "dirty": False},
        "device": DEVICE, "cost": {"seconds": 1, "processor_seconds": 1},
    }  # fmt: skip
    records.write_diagnostics(record, content, draws | images)


def draws_of(random):
    """AUROCs over the draws of stale noise and over random halves of the normal images, float32."""
    of = {"stale noise, NS": (0.8, 0.05), "stale noise, L_FL": (0.7, 0.1)}
    of |= {"null, score, NS": (0.5, 0.03), "null, stale noise, NS": (0.5, 0.15)}
    return {name: random.normal(*values, DRAWS).clip(0, 1).astype(np.float32) for name, values in of.items()}


def one_image(config, components, random):
    """What `adcgan.diagnostics.one_image` names, float16 (2, ...): of the first normal and the first anomalous."""
    side = trace(tables(config).critic, config.channels, config.image_size, config)[local_index(config)][1]
    latents, maps, k = (config.latent_size,), (side, side), (config.test_latent_count, 1)
    shapes = dict.fromkeys(("E_x", "E_G_E_x"), latents) | dict.fromkeys(("f_D_x", "f_D_G_E_x", "f_D_gap"), maps)
    values = {name: random.random((2, *shape)) for name, shape in shapes.items()}
    means = {"D_z_reference": -0.5, "D_z_image": 0.0}
    values |= {name: random.normal(mean, 0.3, (2, *k)) for name, mean in means.items()}
    values |= {name: part[[ANOMALOUS.argmin(), ANOMALOUS.argmax()]] for name, part in components.items()}
    return {name: part.astype(np.float16) for name, part in values.items()}


def write_format1(
    runs, dataset="mnist", label=0, seed=0, *, scheme="one-vs-all", method="adcgan", study=True, watched=None, **options
):
    """A record of format 1, with the study of its time; ``options`` differ from the default of that time."""
    size, channels = _format(dataset)
    settled = format1.defaults(method, scheme, size)
    given = settled | (PLAIN if options.get("architecture") == "t2p" else {}) | options
    changed = {name: value for name, value in given.items() if value != settled[name]}
    config = configure(method, scheme, size, channels, **given)
    random = np.random.default_rng([label, seed, len(dataset), len(options)])
    components, scores, aurocs = _scored(method, config, random)
    arrays = {"NS": scores, "labels": np.zeros(IMAGES, np.uint16), "anomalous": ANOMALOUS, **components}
    digest = format1.digest(method, scheme, size, channels, changed)
    content = _origin(True, "0" * 64, DEVICE, "2026-01-01T00:00:00+00:00") | {
        "format": 1,
        "cell": {"method": method, "dataset": dataset, "scheme": scheme, "label": label, "class_name": f"name {label}",
                 "seed": seed},
        "config": {"image_size": size, "channels": channels, **given}, "departures": changed, "digest": digest,
        "auroc": aurocs,
        "images": {"train": 1, "test_normal": NORMAL, "test_anomalous": IMAGES - NORMAL},
        "losses": [{"L_AE": value} for value in random.uniform(1, 2, getattr(config, "total_epochs", 1))],
        "cost": {"train_seconds": 60, "score_seconds": 1, "peak_memory_bytes": 1, "resumed": 0},
        "pictures": {"tile": size, "rows": ["normal"]},
    }  # fmt: skip
    sheet = np.zeros((size, 2 * size, channels), np.uint8)
    files = {"scores.npz": _npz(arrays), "pictures.jpg" if channels == 3 else "pictures.png": _sheet(sheet)}
    if watched:
        content["watched"] = watched
    if study:
        found = {old: aurocs["NS"] + CHANGES.get(new, 0.01) for old, new in format1.VARIANTS.items() if old != "paper"}
        content["study"] = {"paper": aurocs} | {old: aurocs | {"NS": min(NS, 1)} for old, NS in found.items()}
        draws = draws_of(random)
        files["study.npz"] = _npz({old: draws[new] for old, new in format1.DRAWS.items()})
        files["walk.npz"] = _npz(one_image(config, components, random))
    content["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    variant = f"-{digest[:8]}" if changed else ""
    return place_format1(runs, f"{method}/{dataset}/{scheme}/class-{label}/seed-{seed}{variant}", content, files)


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


def _format(dataset):
    about = DATASETS.get(dataset)
    return (about.image_size, about.channels) if about and about.published else (28, 1)


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


def _npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _sheet(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "PNG" if pixels.shape[2] == 1 else "JPEG")
    return buffer.getvalue()
