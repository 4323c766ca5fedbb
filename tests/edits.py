"""Records that somebody edits by hand: each edit changes one thing and leaves every hash as it was."""

import json

import numpy as np
import pytest
from factories import write_format1, write_record
from PIL import Image

from adcgan.experiments.records import RECORD, SCORES

WRITE = {"format 2": write_record, "format 1": write_format1}


def said(change):
    """An edit of what record.json says; its layout stays."""

    def edit(directory):
        path = directory / RECORD
        text = path.read_text()
        content = json.loads(text)
        layouts = ({}, {"indent": 1, "sort_keys": True})
        (layout,) = [layout for layout in layouts if json.dumps(content, **layout) == text.rstrip("\n")]
        change(content)
        path.write_text(json.dumps(content, **layout) + "\n" * text.endswith("\n"))

    return edit


def stored(change, name=SCORES):
    """An edit of the arrays in a file beside it."""

    def edit(directory):
        with np.load(directory / name) as archive:
            arrays = dict(archive)
        change(arrays)
        np.savez_compressed(directory / name, **arrays)

    return edit


def digit(number):
    """The number with another first decimal."""
    text = repr(number)
    place = text.index(".") + 1
    return float(text[:place] + ("7" if text[place] != "7" else "3") + text[place + 1 :])


def cut(name):
    """A file that ends before its end."""
    return lambda directory: (directory / name).write_bytes((directory / name).read_bytes()[:-100])


def pixel(directory):
    picture = Image.open(directory / "pictures.png").copy()
    picture.putpixel((3, 3), 255)
    picture.save(directory / "pictures.png", optimize=True)


def swapped(directory):
    mine, other = directory / SCORES, directory.with_name("seed-1") / SCORES
    mine.rename(directory / "aside")
    other.rename(mine)
    (directory / "aside").rename(other)


EDITS = {
    "a digit of an AUROC": said(lambda record: record["auroc"].update(NS=digit(record["auroc"]["NS"]))),
    "a digit of a component's AUROC": said(lambda record: record["auroc"].update(L_FL=digit(record["auroc"]["L_FL"]))),
    "a digit of a loss": said(lambda record: record["losses"][0].update(L_AE=digit(record["losses"][0]["L_AE"]))),
    "the data's fingerprint": said(lambda record: record["data"].update(fingerprint="1" + "0" * 63)),
    "data that are not canonical": said(lambda record: record["data"].update(canonical=False)),
    "the code's revision": said(lambda record: record["code"].update(revision="abd")),
    "code that had changed": said(lambda record: record["code"].update(dirty=True)),
    "the seconds": said(lambda record: record["cost"].update(train_seconds=59)),
    "the time": said(lambda record: record.update(finished="2026-01-02T00:00:00+00:00")),
    "the count of images": said(lambda record: record["images"].update(train=2)),
    "an option": said(lambda record: record["config"].update(batch_size=33)),
    "a key more": said(lambda record: record.update(comment="mine")),
    "a key less": said(lambda record: record.pop("environment")),
    "a score": stored(lambda arrays: arrays["L_GR"].put(3, 0.125)),
    "a component": stored(lambda arrays: arrays.update(L_GR=arrays["L_GD"])),
    "a component less": stored(lambda arrays: arrays.pop("L_FL")),
    "which images are anomalous": stored(lambda arrays: arrays.update(anomalous=~arrays["anomalous"])),
    "a pixel": pixel,
    "the scores of another seed": swapped,
    "a record cut short": cut(RECORD),
    "scores cut short": cut(SCORES),
}
OF_FORMAT_2 = {
    "the seed": said(lambda record: record["run"].update(seed=1)),
    "the run's digest": said(lambda record: record.update(digest="0" * 64)),
    "its own hash": said(lambda record: record.update(sha256="0" * 64)),
}
OF_FORMAT_1 = {
    "the seed": said(lambda record: record["cell"].update(seed=1)),
    "a figure of the study": said(lambda record: record["study"]["reduction=sum"].update(NS=0.5)),
    "a draw of the study": stored(lambda arrays: next(iter(arrays.values())).put(0, 0.5), "study.npz"),
    "its hash in the list": lambda directory: _list(directory, "0" * 64),
}
ALL = [("format 2", name, edit) for name, edit in (EDITS | OF_FORMAT_2).items()]
ALL += [("format 1", name, edit) for name, edit in (EDITS | OF_FORMAT_1).items()]
each_edit = pytest.mark.parametrize(
    ("format", "edit"), [(format, edit) for format, _, edit in ALL], ids=[f"{one}: {name}" for one, name, _ in ALL]
)


def _list(directory, sha):
    """Another hash for the record of format 1 in the list of their hashes."""
    sums = directory.parents[4] / "SHA256SUMS"
    lines = sums.read_text().splitlines()
    mine = next(n for n, line in enumerate(lines) if line.endswith(f"{directory.name}/{RECORD}"))
    lines[mine] = sha + lines[mine][64:]
    sums.write_text("\n".join(lines) + "\n")


def edited(runs, format, edit):
    """Two records of a format, of seeds 0 and 1, the first edited; the path of its record.json."""
    first, _ = [WRITE[format](runs, seed=seed) for seed in (0, 1)]
    edit(first.directory)
    return first.directory / RECORD
