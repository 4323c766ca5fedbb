"""Inputs that nobody would write, drawn by the thousand: each ends in success or in one line.

    python benchmarks/fuzz.py --examples 500 --seeds 0 pictures folders

Each kind of input is one property for Hypothesis, checked in this process through what a user calls. An input is
accepted, or refused: by an `AdcganError` of one line, or by the command line with a status above 0 and one line on
standard error. Anything else is a fault, of which Hypothesis prints the smallest input that it finds: another
exception, more lines, a partial file, a model or record in spite of the refusal, more memory than `ROOM`, more than
`PATIENCE`. What the result's file has for a seed is drawn again, and replaced.
"""

import argparse
import copy
import dataclasses
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest import mock

import hypothesis
import numpy as np
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import factories
from companion import records as site

from adcgan import AnomalyDetector, cli, methods
from adcgan.config import METHODS, RECIPES, SCALES, SCHEMES, digest
from adcgan.data import datasets, folders
from adcgan.errors import AdcganError
from adcgan.experiments import costs, format1, notebook, records
from adcgan.experiments.files import written
from adcgan.experiments.provenance import device_description
from adcgan.experiments.run import requested

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks/results/fuzz.json"
ROOM, PATIENCE = 2**30, 60  # bytes and seconds that an input may take
LIBTIFF = re.compile(r"\w*(TIFF|Decode|JPEG|Fax)\w*: ")
PARTIAL = ("*.partial", "*.partial.*")


class Hung(BaseException):
    """An input took longer than `PATIENCE`: no handler of exceptions catches this."""


# --- what is drawn ---------------------------------------------------------------------------------------------

ODD_TEXT = ["", " ", "nan", "inf", "-1", "1e999", "0x10", "\n", "a\nb", "\0", "\x1b[31m", "\u0661", "\ud800", "\udce9",
            "~nobody", "..", "/", "%s", "{}", "9" * 5000, "x" * 5000]  # fmt: skip
TEXT = st.sampled_from(ODD_TEXT) | st.text(max_size=8)
NUMBERS = st.one_of(
    st.integers(-3, 70), st.floats(-2, 2), st.floats(), st.sampled_from([2**31, 2**63 - 1, -(2**64), 10**18, 10**400])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DTYPES = ("?", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "U3", "S3", "O", "M8[s]", "m8[s]", "V4", "f2,i4", ">f2")


def places(content, path=()):
    """The path to every value in nested JSON."""
    yield path
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from places(value, (*path, key))


def edited(draw, content):
    """JSON with a few values replaced, removed, added or nested deeply; so that it stays a dictionary."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(list(places(content))[1:]))
        inner = content
        for key in above:
            inner = inner[key]
        match draw(st.sampled_from(["replace", "remove", "add", "nest"])):
            case "replace":
                inner[last] = draw(VALUES)
            case "remove" if len(content) > 1:
                del inner[last]
            case "add" if isinstance(inner, dict):
                inner[draw(TEXT | st.sampled_from(["recipe", "scale", "method", "self", "kind"]))] = draw(VALUES)
            case _:
                for _ in range(draw(st.sampled_from([1, 50, 250]))):
                    inner[last] = [inner[last]]
    return content


def spoilt(draw, data):
    """Bytes of which some are changed, cut off, inserted or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.sampled_from([0, 1, 4, 100, len(data)]))
        data = data[:start] + draw(st.binary(max_size=4) | st.just(data[start:end] * 2)) + data[end:]
    return data


def odd_array(draw):
    """An array of any type and a shape that fits no record, or does."""
    kind = draw(st.sampled_from(DTYPES))
    shape = draw(st.sampled_from([(), (0,), (1,), (factories.IMAGES,), (factories.IMAGES, 1), (2, factories.IMAGES)]))
    if kind in ("f2", "f4", "f8", ">f2"):
        return np.full(shape, draw(st.sampled_from([0.0, 1.0, -1e4, np.nan, np.inf])), kind)
    return np.full(shape, None, object) if kind == "O" else np.zeros(shape, kind)


# --- what is asked of the program --------------------------------------------------------------------------------


@contextmanager
def said():
    """Standard error of the block, also of libraries in C, as a list of lines; standard output goes nowhere.

    But libtiff's own lines about a damaged file, which Pillow lets it print and no Python can silence.
    """
    lines, kept = [], [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as error, open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1), os.dup2(error.fileno(), 2)
        try:
            yield lines
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
            os.close(kept[0]), os.close(kept[1])
            error.seek(0)
            every = error.read().decode(errors="replace").split("\n")[:-1]
            lines += [line for line in every if not LIBTIFF.match(line)]


def accepted(call, *arguments, **options):
    """Whether a call is accepted; refused by one line otherwise. Any other exception goes through."""
    with said():
        try:
            call(*arguments, **options)
        except AdcganError as error:
            assert len(str(error).splitlines()) == 1, f"more than a line: {error!s}"
            return False
    return True


def command(*arguments):
    """Whether the command line accepts these; refused by a status above 0 and one line otherwise."""
    with said() as lines:
        try:
            status = cli.main([str(some) for some in arguments])
        except SystemExit as end:
            status = end.code
    assert not any("Traceback" in line for line in lines), lines
    assert status == 0 or len(lines) == 1 and lines[0].startswith("adcgan: "), f"status {status} with {lines}"
    return status == 0


def whole(place, kept=()):
    """Check that nothing partial lies under a directory, and none of ``kept``, which a refusal does not leave."""
    found = [path for name in (*PARTIAL, *kept) for path in place.rglob(name)]
    assert not found, f"left behind: {found}"


# --- the kinds of input ------------------------------------------------------------------------------------------


def configurations(draw, place):
    """Options of every method, as flags of `adcgan run`, and as text for `adcgan sweep` and `adcgan fit`.

    What is accepted is built; a library baseline, of which no option makes much work, is run.
    """
    method = draw(st.sampled_from(list(METHODS)))
    names = [field.name.strip("_") for field in dataclasses.fields(METHODS[method].config)] + ["recipe", "scale"]
    value = st.one_of(NUMBERS.map(str), TEXT, st.sampled_from(["none", "eval", "sum", *RECIPES, *SCALES]))
    if draw(st.booleans()):
        choices = [field.metadata["choices"] for field in dataclasses.fields(METHODS[method].config)]
        value |= st.sampled_from([str(name) for some in choices for name in some or ()])
    options = draw(st.dictionaries(st.sampled_from(names), value, max_size=3))
    text = draw(st.sampled_from([" ", ","])).join(f"{name}={value}" for name, value in options.items())
    match draw(st.sampled_from(["run", "sweep", "fit", "paths"])):
        case "run":
            flags = [some for name, value in options.items() for some in ("--" + name.replace("_", "-"), value)]
            flags += ["--scheme", draw(st.sampled_from(SCHEMES))]
            for name, values in {"--seeds": value, "--repeat": value, "--classes": value}.items():
                flags += [name, draw(values)] if draw(st.integers(0, 9)) == 0 else []
            runs = place / "runs"
            small = method in ("pca", "knn", "ocsvm")
            work = cli._work_through if small else _build if draw(st.integers(0, 4)) == 0 else lambda *_: None
            with mock.patch.object(cli, "_work_through", work):
                done = command("run", "--dataset", "digits", "--classes", 0, "--method", method, "--runs", runs, *flags)
            whole(place, () if done else (records.RECORD,))
            return done
        case "paths":
            odd = [draw(st.sampled_from(ODD_TEXT).filter(lambda text: text not in ("/", ".."))) for _ in range(3)]
            done = [
                command("check", "--runs", odd[0]),
                command("fit", _normal(), "--method", "pca", "--model", odd[0], "--normal", odd[1], "--device", odd[2]),
                command("score", odd[0], _normal() / "0.png", "--out", odd[1]),
                command("score", _model("pca"), odd[0]),
                command("run", "--dataset", odd[0], "--runs", odd[1], "--device", odd[2], "--method", "pca"),
                command("diagnose", odd[0]),
                command(*draw(st.lists(st.sampled_from(["run", "check", "--runs", "--seeds", *odd]), max_size=4))),
            ]
            whole(place)
            return any(done)
        case "sweep":
            return command("sweep", "--dry-run", "--datasets", "digits", "--methods", "adcgan", "--runs", place,
                           "--options", text)  # fmt: skip
        case "fit":
            for name in ("false_alarms", "seed"):
                if draw(st.integers(0, 3)) == 0:
                    options[name] = draw(value)
            flags = [
                f"--{name.replace('_', '-')}={options[name]}" for name in ("false_alarms", "seed") if name in options
            ]
            small = method if method in ("pca", "knn") else draw(st.sampled_from(["pca", "knn"]))
            done = command("fit", _normal(), "--model", place / "model", "--method", small, *flags, "--options", text)
            whole(place, () if done else ("model",))
            return done


def _build(planned, dataset, runs, device):
    methods.build(planned[0].method, planned[0].config, torch.device("cpu"))


@cache
def _normal():
    """A folder of as many pictures as `adcgan fit` wants, and one more."""
    place = Path(tempfile.mkdtemp())
    for number in range(41):
        picture = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(picture).save(place / f"{number}.png")
    return place


@cache
def _records():
    """Records of every form, each alone in a directory of runs."""
    made = []
    for make, options in (
        (factories.write_record, dict(scale="laptop", diagnosed=True, per_epoch=[None] * 5 + [0.5] * 15)),
        (factories.write_record, dict(scale="laptop", recipe="script")),
        (factories.write_record, dict(method="alad", scale="laptop")),
        (factories.write_record, dict(method="pca")),
        (factories.write_format1, {}),
        (factories.write_format1, dict(method="knn", study=False)),
    ):
        runs = Path(tempfile.mkdtemp())
        made.append((runs, make(runs, **options).directory.relative_to(runs)))
    return made


def _copied(draw, place):
    runs, inner = draw(st.sampled_from(_records()))
    shutil.copytree(runs, place / "runs")
    return place / "runs", place / "runs" / inner


def _signed(path, content, runs):
    """Write a record with every hash that says it is whole."""
    for name in content["files"] if isinstance(content.get("files"), dict) else ():
        if (path.parent / name).is_file():
            content["files"][name] = hashlib.sha256((path.parent / name).read_bytes()).hexdigest()
    try:
        if content.get("format") != 1:
            run = content["run"]
            settled = (run[name] for name in ("method", "scheme", "recipe", "scale"))
            content["digest"] = digest(*settled, content["config"])
            content[records.SELF] = records.own_hash(content)
    except (TypeError, KeyError, RecursionError):
        pass  # no hash can be given to it: the record is refused for less
    _listed(path, json.dumps(content).encode(), runs)


def _listed(path, data, runs):
    path.write_bytes(data)
    if path.is_relative_to(runs / format1.DIRECTORY):
        name = path.relative_to(runs / format1.DIRECTORY)
        (runs / format1.DIRECTORY / format1.SUMS).write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n")


def _read_everywhere(runs):
    """Whether records are accepted by the site, with all that its pages read of them, and by the command line."""

    def read():
        for record in site.load.__wrapped__(runs):
            for name in ("scores", "components", "D_z", "labels", "anomalous", "variants", "draws", "one_image",
                         "per_epoch", "result", "diagnostics"):  # fmt: skip
                getattr(record, name)
            record.picture_rows()

    some = ["--methods", "adcgan", "alad", "pca", "--datasets", "mnist", "--classes", 0, "--seeds", 0]
    found = [accepted(read), command("check", "--runs", runs), command("sweep", "--dry-run", "--runs", runs, *some)]
    whole(runs)
    return all(found)


def record_files(draw, place):
    """A record of either format, of which a file is spoilt or edited, with or without the hashes that fit it."""
    runs, directory = _copied(draw, place)
    path = directory / records.RECORD
    content = json.loads(path.read_text())
    beside = sorted(file.name for file in directory.iterdir())
    match draw(st.sampled_from(["edit", "edit", "diagnostics", "text", "file", "list"])):
        case "edit":
            _signed(path, edited(draw, content), runs)
        case "diagnostics" if records.DIAGNOSTICS[0] in beside:
            file = directory / records.DIAGNOSTICS[0]
            file.write_text(json.dumps(edited(draw, json.loads(file.read_text()))))
        case "text":
            text = path.read_text()
            odd = ["NaN", "-Infinity", "1e999", "9" * 5000, "[" * 100_000, '{"a": 1, "a": 2}', '"\\ud800"', "\ufeff"]
            start = draw(st.integers(0, len(text)))
            _listed(path, (text[:start] + draw(st.sampled_from(odd)) + text[start + 1 :]).encode(), runs)
        case "list" if (sums := runs / format1.DIRECTORY / format1.SUMS).exists():
            sums.write_bytes(spoilt(draw, sums.read_bytes()))
        case _:
            file = directory / draw(st.sampled_from(beside))
            file.write_bytes(spoilt(draw, file.read_bytes()))
            if draw(st.booleans()) and file != path:
                _signed(path, content, runs)
                _diagnosed(directory)
    return _read_everywhere(runs)


def _diagnosed(directory):
    """Sign diagnostics for the record and the arrays beside them."""
    about, arrays = (directory / name for name in records.DIAGNOSTICS)
    try:
        content = json.loads(about.read_text())
        content |= {"record": json.loads((directory / records.RECORD).read_text())["sha256"],
                    "arrays": hashlib.sha256(arrays.read_bytes()).hexdigest()}  # fmt: skip
        about.write_text(json.dumps(content))
    except (OSError, ValueError, KeyError, TypeError):
        pass


def score_arrays(draw, place):
    """A record whose arrays have other types, shapes and values than its images, are missing, or unpack to much."""
    runs, directory = _copied(draw, place)
    path = directory / records.RECORD
    content = json.loads(path.read_text())
    names = [file.name for file in directory.iterdir() if file.suffix == ".npz"]
    file = directory / draw(st.sampled_from(sorted(names)))
    with np.load(file) as archive:
        arrays = dict(archive)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)) | st.sampled_from(["NS", "labels", "L_XX", ""]))
        match draw(st.sampled_from(["odd", "odd", "missing", "values", "bomb"])):
            case "odd":
                arrays[name] = odd_array(draw)
            case "missing":
                arrays.pop(name, None)
            case "values" if name in arrays and arrays[name].size and arrays[name].dtype.kind in "bf":
                arrays[name] = arrays[name].copy()
                arrays[name].flat[0] = draw(st.sampled_from([0, 1, 200, 60000]))
            case _:
                arrays[name] = np.zeros(draw(st.sampled_from([10**3, 10**7])), np.float16)
        if not arrays:
            break
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    file.write_bytes(buffer.getvalue())
    _signed(path, content, runs)
    _diagnosed(directory)
    return _read_everywhere(runs)


@cache
def _model(method):
    """A stored detector of a method."""
    images = np.random.default_rng(0).integers(0, 256, (41, 28, 28, 1), np.uint8)
    options = dict(epochs=1, width=0.05) if METHODS[method].trained else {}
    options |= dict(warm_up_epochs=0) if method == "adcgan" else {}
    path = Path(tempfile.mkdtemp()) / method
    with said():
        AnomalyDetector(method, options=options, device="cpu").fit(images).save(path)
    return path


def model_headers(draw, place):
    """A stored detector with another header: its length, names, types, shapes and offsets, and what it says of it."""
    data = _model(draw(st.sampled_from(["pca", "knn", "autoencoder", "adcgan"]))).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, tensors = json.loads(data[8 : 8 + length]), data[8 + length :]
    how = draw(st.sampled_from(["ours", "ours", "text", "theirs", "shape", "length", "bytes"]))
    if how == "ours":
        about = edited(draw, json.loads(header["__metadata__"]["adcgan"]))
        header["__metadata__"]["adcgan"] = json.dumps(about)
    elif how == "text":
        about = spoilt(draw, header["__metadata__"]["adcgan"].encode())
        header["__metadata__"]["adcgan"] = about.decode(errors="replace")
    elif how == "theirs":
        header = edited(draw, header)
    elif how == "shape":
        tensor = header[draw(st.sampled_from(sorted(header.keys() - {"__metadata__"})))]
        tensor["dtype"] = draw(st.sampled_from(["F32", "F16", "BF16", "I32", "U32", "U8", "BOOL", "C64"]))
        tensor["shape"] = draw(st.sampled_from([tensor["shape"], tensor["shape"][::-1], [], [0], [2**62, 4]]))
    text = json.dumps(header).encode()
    length = len(text)
    if how == "bytes":
        text = spoilt(draw, text)
    elif how == "length":
        length = draw(st.sampled_from([0, 1, length - 1, length + 1, 2**40, 2**64 - 1]))
    path = place / "model"
    path.write_bytes(struct.pack("<Q", length) + text + tensors)
    loaded = accepted(AnomalyDetector.load, path, "cpu")
    return command("score", path, _normal() / "0.png", "--report", place / "page.html") and loaded


def pictures(draw, place):
    """A picture of any format, mode and size, as it is or spoilt."""
    mode = draw(
        st.sampled_from(["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"])
    )
    size = draw(st.sampled_from([(1, 1), (1, 50), (70, 1), (28, 28), (33, 20), (4000, 3)]))
    kind = draw(st.sampled_from(["png", "jpg", "gif", "bmp", "tiff", "webp", "ico", "ppm", "tga", "pcx", "jp2"]))
    frames = [Image.new(mode, size, draw(st.integers(0, 1)))] * draw(st.sampled_from([1, 1, 3]))
    options = (
        dict(save_all=True, append_images=frames[1:]) if len(frames) > 1 and kind in ("gif", "tiff", "png") else {}
    )
    if draw(st.integers(0, 3)) == 0:
        exif = Image.Exif()
        exif[draw(st.sampled_from([0x0112, 0x010F, 0x8769]))] = draw(st.sampled_from([0, 6, 8, 99]))
        options["exif"] = exif
    if kind == "tiff":
        options["compression"] = draw(st.sampled_from([None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits"]))
    buffer = io.BytesIO()
    try:
        with said():
            frames[0].save(buffer, {"jpg": "jpeg", "jp2": "jpeg2000"}.get(kind, kind), **options)
    except Exception:  # a format does not have every mode
        buffer = io.BytesIO()
        Image.new("RGB", size).save(buffer, "PNG")
    data = buffer.getvalue()
    path = place / f"picture.{draw(st.sampled_from([kind, kind, 'png', 'gif']))}"
    path.write_bytes(data if draw(st.integers(0, 3)) == 0 else spoilt(draw, data))
    for how in ((28, 1, "stretch"), (64, 3, "crop")):
        with said() as lines:
            images, kept, skipped = folders.read([path], *how)
            folders.look([path]).read_as(*how)
        assert not lines, lines
        assert len(images) == len(kept) == 1 - len(skipped)
        assert all(len(reason.splitlines()) == 1 and reason.isprintable() for _, reason in skipped), skipped
    return command("score", _model("pca"), path)


NAMES = st.one_of(
    st.sampled_from([b"train", b"Test", b"VAL", b"testing", b"good", b"bad", b"ground_truth", b".hidden", b"__MACOSX",
                     b"a.png", b"b.PNG", b"c.jpg", b"d.txt", b"caf\xe9", b"new\nline", b"x" * 250, b"\\xe9", b"\xe9"]),
    st.binary(min_size=1, max_size=6).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_")),
)  # fmt: skip
ENTRIES = ("picture", "many", "many", "directory", "empty", "junk", "loop", "link", "nowhere", "pipe", "device")


def folder_trees(draw, place):
    """A folder with anything in it: `adcgan fit`, `adcgan score`, and `adcgan run` on it as a data set."""
    root = os.fsencode(place / "pictures")
    os.mkdir(root)
    directories = [root]
    for _ in range(draw(st.integers(0, 8))):
        path = os.path.join(draw(st.sampled_from(directories)), draw(NAMES))
        try:
            match draw(st.sampled_from(ENTRIES)):
                case "picture":
                    os.link(_normal() / "0.png", path)
                case "many":
                    shutil.copytree(os.fsencode(_normal()), path, copy_function=os.link)
                    directories.append(path)
                case "directory":
                    os.mkdir(path)
                    directories.append(path)
                case "empty" | "junk" as how:
                    with open(path, "xb") as file:
                        file.write(b"" if how == "empty" else b"GIF89a\0")
                case "loop":
                    os.symlink(b"." if draw(st.booleans()) else os.path.basename(path), path)
                case "link":
                    os.symlink(draw(st.sampled_from(directories)), path)
                case "nowhere":
                    os.symlink(b"/no/where.png", path)
                case "pipe":
                    os.mkfifo(path)
                case "device":
                    os.symlink(b"/dev/zero", path)
        except OSError:
            continue  # there is one of that name, or it is none
    folder, model = os.fsdecode(draw(st.sampled_from([root, *directories]))), place / "model"
    normal = ["--normal", os.fsdecode(draw(NAMES))] if draw(st.booleans()) else []
    fitted = command("fit", folder, "--model", model, "--method", "pca", "--scale", "laptop", *normal)
    whole(place, () if fitted else ("model",))
    found, skipped = folders.gather([folder])
    listed = folders.listed(skipped)
    assert len(listed.splitlines()) <= 1 and listed.isprintable(), listed
    images, _, unread = folders.read(found, 28, 1)
    if not unread and not skipped or not len(images):  # otherwise a line for each is printed
        command("score", _model("pca"), folder)
    accepted(datasets.load, folder, image_size=28, channels=1)
    return fitted


def notebook_parameters(draw, place):
    """What papermill hands on to the notebook, as far as the training."""
    given = {"method": "adcgan", "recipe": "", "scale": "laptop", "dataset": "digits", "scheme": "one-vs-all",
             "classes": "[0]", "seeds": "[0]", "options": "", "runs": "runs", "device": "auto"}  # fmt: skip
    literals = ["{[]: 1}", "[" * 300, "[[", "[0x" + "f" * 5000 + "]", "['cat']", "(1, 2)", "[1j]", "1_0", "lambda: 0",
                "['\\ud800']", "[0", "[True]", "[-1]", "[None]", "b''", "{*[]}", "-" * 2000 + "1"]  # fmt: skip
    odd = VALUES | st.sampled_from([*literals, "width=nan", "image_size=inf", "recipe=x scale=y", *METHODS])
    odd |= st.dictionaries(st.sampled_from(["image_size", "recipe", "width", 1, None]), VALUES, max_size=2)
    for _ in range(draw(st.integers(1, 2))):
        given[draw(st.sampled_from(sorted(given)) | st.just("extra"))] = draw(odd)

    def checked():
        cells = ["\n".join([notebook.HEAD, *(f"{name} = 0" for name in given)]), ""]
        found = notebook.parameters(given | {"In": cells})
        data = [found[name] for name in ("method", "dataset", "scheme", "classes", "seeds", "options")]
        for run in requested(*data, recipe=found["recipe"] or None, scale=found["scale"] or None)[1]:
            run.directory(notebook.located(found["runs"]))

    return accepted(checked)


KINDS = {
    "configurations": configurations, "record files": record_files, "score arrays": score_arrays,
    "model headers": model_headers, "pictures": pictures, "folder trees": folder_trees,
    "notebook parameters": notebook_parameters,
}  # fmt: skip


def campaign(kind, examples, seed):
    """How many inputs of a kind there were, accepted and refused; and its faults, each with its smallest input."""
    counted = Counter()

    @hypothesis.seed(seed)
    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck),
              phases=(Phase.generate, Phase.shrink), print_blob=False)  # fmt: skip
    @hypothesis.given(st.data())
    def one(data):
        with tempfile.TemporaryDirectory() as name:
            os.chdir(name)  # so that a relative path leaves nothing here
            signal.alarm(PATIENCE)
            try:
                counted["accepted" if KINDS[kind](data.draw, Path(name)) else "refused"] += 1
            except Exception:  # Hypothesis ends a draw that grows too long by what is none
                counted["at fault"] += 1
                raise
            finally:
                signal.alarm(0)
                os.chdir(ROOT)

    try:
        one()
    except BaseExceptionGroup as several:
        faults = list(several.exceptions)
    except Exception as error:
        faults = [error]
    else:
        faults = []
    kept = {name: counted[name] for name in ("accepted", "refused")}
    return {"inputs": counted.total()} | kept | {"faults": len(faults)}, faults


def _described(error):
    """A fault: the exception, where in the program it was raised, and the smallest input."""
    frames = [f"{Path(place.filename).name}:{place.lineno}" for place in traceback.extract_tb(error.__traceback__)]
    lines = [
        f"{type(error).__name__}: {error}",
        " > ".join(frames[-5:]),
        *"\n".join(getattr(error, "__notes__", [])).split("\n"),
    ]
    return "\n".join(line[:300] for line in lines) + "\n"


def _hung(*_):
    raise Hung(f"more than {PATIENCE} s")


def main():
    """Draw inputs of every kind, print the faults, and write the counts; 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--examples", type=int, default=500, help="of each kind and seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM,) * 2)
    signal.signal(signal.SIGALRM, _hung)
    warnings.simplefilter("ignore", HypothesisWarning)  # of the long texts drawn
    os.environ |= {"ADCGAN_CACHE": tempfile.mkdtemp()}
    os.environ.pop("ADCGAN_DATA", None)
    datasets._digits = cache(datasets._digits)
    costs.step_seconds = lambda *_: 1.0  # a dry run would time training steps
    rows = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    found = []
    for kind, seed in ((kind, seed) for kind in given.kinds or KINDS for seed in given.seeds):
        counts, faults = campaign(kind, given.examples, seed)
        print(kind, seed, counts, flush=True)
        found += faults
        rows = [row for row in rows if (row["input"], row["seed"]) != (kind, seed)]
        rows.append({"input": kind, "seed": seed} | counts)
    about = {"kind": "fuzz", "hypothesis": hypothesis.__version__, "device": device_description(torch.device("cpu"))}
    rows.sort(key=lambda row: (list(KINDS).index(row["input"]), row["seed"]))
    written(given.out, (json.dumps(about | {"rows": rows}, indent=1) + "\n").encode())
    for error in found:
        print(_described(error))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
