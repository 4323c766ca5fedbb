"""A page for every cell of the tables that was run: its seeds, and behind each number what made it.

`book/_ext/cells.py` hands these pages to Sphinx. They are made from records alone and need no notebook.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import pandas as pd

from adcgan.data.datasets import title
from adcgan.experiments.notebook import place, shows
from adcgan.experiments.records import PICTURES, RECORD, Record

from ..analysis import tables
from ..analysis.tables import address
from . import charts
from .common import MODEL_OF, ROOT, SCALE_TITLE, command, settings
from .html import Html, counted, note, plain

WATCHED = (
    "In percent, on some test images of either kind, a scale for each; dashed: 50 %, dotted: the end of "
    "the warm-up, where there is one. The test's labels are in "
    "it, so no epoch was chosen by it: the result is the last epoch's, on all test images."
)


@dataclass(frozen=True)
class Page:
    """``name`` is its address without .html; ``files`` are copied into the site, by the address of the copy."""

    name: str
    title: str
    body: str
    files: dict[str, Path] = field(default_factory=dict)


def all_pages(records: Iterable[Record]) -> Iterable[Page]:
    """A page for each (method, data set, scheme), and one for each of its classes."""
    groups: dict[tuple, dict[int, list[Record]]] = {}
    for record in records:
        cell = record.run
        groups.setdefault((cell.name, cell.dataset, cell.scheme), {}).setdefault(cell.label, []).append(record)
    for kind, classes in groups.items():
        yield group_page(kind, classes)
        for label, some in sorted(classes.items()):
            yield cell_page(kind, label, some)


def group_page(kind: tuple[str, str, str], classes: dict[int, list[Record]]) -> Page:
    """Every class run of a (method, data set, scheme), with links to their pages."""
    rows = []
    for label, records in sorted(classes.items()):
        whole = [record for record in records if set(record.run.changes) <= {"test_images"}]
        name = class_title(records[0])
        link = f'<a href="{escape(address(*kind, label).removeprefix("cells/"))}.html">{escape(name)}</a>'
        row = {"class": Html(link)}
        for scale in dict.fromkeys(record.run.scale for record in whole):
            values = [100 * record.result for record in whole if record.run.scale == scale]
            title = SCALE_TITLE.get(scale, "")
            row[f"AUROC %{title and ', '}{title}"] = f"{sum(values) / len(values):.1f}"
            row[f"seeds{title and ', '}{title}"] = ", ".join(f"{value:.1f}" for value in values)
        others = len(records) - len(whole)
        rows.append(row | {"ablations": others or ""})
    title = group_title(*kind)
    frame = pd.DataFrame(rows).fillna("")
    frame["ablations"] = frame.pop("ablations")
    texts = tuple(name for name in frame if name.startswith("seeds"))
    table = plain(frame, f"{title}: AUROC (%) by class, mean and each seed", texts)
    return Page(address(*kind), title, f"<h1>{escape(title)}</h1>{table.text}{_up('table1')}")


def cell_page(kind: tuple[str, str, str], label: int, records: list[Record]) -> Page:
    """One class: a section for each run, by scale and seed, ablations last."""
    records = sorted(records, key=lambda r: (bool(r.run.changes), str(r.run.scale), r.run.seed, str(r.run)))
    title = f"{group_title(*kind)}, {class_title(records[0])}"
    what = "normal" if kind[2] == "one-vs-all" else "anomalous"
    planned = tables.PLANNED.get(kind[0], tables.SEEDS)
    whole = [record.run.scale for record in records if set(record.run.changes) <= {"test_images"}]
    counts = ", ".join(
        " ".join(
            filter(None, (f"{whole.count(scale)} of {planned}", SCALE_TITLE.get(scale) and f"at {SCALE_TITLE[scale]}"))
        )
        for scale in dict.fromkeys(whole)
    )
    lead = note(f"The class named is the {what} one. Planned seeds recorded: {counts or 'none'}.").text
    files = {file_name(record): record.directory / RECORD for record in records}
    # The notebook that papermill executed, where one is kept: of the classes that were recorded then.
    for notebook in dict.fromkeys(filter(None, map(executed, records))):
        files[f"cells/notebooks/{notebook.name}"] = notebook
        lead += f'<p>The <a href="notebooks/{notebook.name}" download>executed notebook {notebook.stem}</a>.</p>'
    body = f"<h1>{escape(title)}</h1>{lead}" + "".join(map(section, records)) + _up("table3")
    return Page(address(*kind, label), title, body, files)


def executed(record: Record) -> Path | None:
    """The notebook that papermill executed on a run's records, where one is kept: of the classes recorded then."""
    runs = record.directory.parents[5]
    if record.former is None:
        if record.run.seed or record.run.changes:
            return None
        path = place(record.run, runs)
    else:
        kind = (record.run.method, record.run.dataset, record.run.scheme)
        path = runs / "format-1" / "notebooks" / f"{'-'.join(kind)}.ipynb"
    return path if path.is_file() and shows(path, record.run.label) else None


def section(record: Record) -> str:
    """One run: figures, curves, pictures, settings, origin, and the command that repeats it."""
    cell, content = record.run, record.content
    heading = ", ".join(filter(None, (f"Seed {cell.seed}", settings(record))))
    html = f'<section id="{anchor(record)}"><h2>{escape(heading)}</h2>'
    html += _aurocs(record).text
    html += f"<h3>Scores</h3>{charts.histogram(record)}{charts.roc(record)}"
    if content["losses"]:
        html += f"<h3>Losses by epoch</h3>{_about_losses(record)}{charts.losses(record)}"
    if record.watched:
        html += f"<h3>AUROC by epoch</h3><p>{WATCHED}</p>{charts.watched(record)}"
    html += f"<h3>Pictures</h3>{_pictures(record)}"
    if "stale_noise" in content:
        html += "<h3>Stale noise</h3>" + _stale_noise(record).text
    if record.readings:
        html += "<h3>The same weights, scored otherwise</h3>" + _readings(record).text
    html += "<h3>Where it comes from</h3>" + _origin(record).text
    html += f"<details><summary>Configuration</summary>{_settings(record).text}</details></section>"
    return html


def _about_losses(record):
    names, config = record.content["losses"][-1], record.run.config
    said = "Means over an epoch's training images, a scale for each."
    if getattr(config, "warm_up_epochs", 0):
        said += f" Dotted: the end of the {counted(config.warm_up_epochs, 'warm-up epoch', 'warm-up epochs')}."
    if any(name.startswith("L_cgan") for name in names):
        said += " Dashed: the contrastive loss of a critic that cannot tell images apart."
    return f"<p>{said}</p>"


def anchor(record: Record) -> str:
    """The place of a record's section within its page."""
    cell = record.run
    return "-".join(filter(None, (cell.scale, f"seed-{cell.seed}", cell.variant)))


def file_name(record: Record) -> str:
    """The address of the record's own copy in the site."""
    return f"cells/records/{'-'.join(record.directory.parts[-6:])}.json"


def _aurocs(record):
    rows = [{"": name, "AUROC %": f"{100 * value:.1f}"} for name, value in record.auroc.items()]
    rows.sort(key=lambda row: row[""] != "NS")
    images = record.content["images"]
    caption = f"AUROC on {images['test_normal']:,} normal and {images['test_anomalous']:,} anomalous test images"
    return plain(pd.DataFrame(rows), caption)


def _readings(record):
    rows = [{"scoring variant": name, **{part: f"{100 * value:.1f}" for part, value in aurocs.items()}}
            for name, aurocs in record.readings.items()]  # fmt: skip
    return plain(pd.DataFrame(rows).fillna(""), "AUROC (%) under each scoring variant")


def _stale_noise(record):
    rows = [{"": symbol, **{name: f"{100 * value:.1f}" for name, value in of.items()}}
            for symbol, of in record.content["stale_noise"].items()]  # fmt: skip
    return plain(pd.DataFrame(rows), "AUROC (%) over 200 draws of the stale noise: mean, 5 % and 95 % quantile")


def _origin(record):
    content = record.content
    code, device, cost = content["code"], content["device"], content["cost"]
    threads = f"{device['threads']} thread{'s' * (device['threads'] > 1)}"
    place = f"{record.directory.relative_to(ROOT)}/{RECORD}"
    rows = {
        "again": Html(f"<code>{escape(command(record))}</code>"),
        "record": Html(f'<a href="{escape(file_name(record).removeprefix("cells/"))}">{escape(place)}</a>'),
        "data": f"{content['data']['provenance']}; SHA-256 {content['data']['fingerprint']}",
        "images trained on": f"{content['images']['train']:,}",
        "code": f"version {code['version']}, revision {code['revision']}"
        + (" (changed)" if code["dirty"] else "")
        + "".join(f", after {label}" for label in code.get("earlier", ())),
        "device": f"{device['name']}, {threads}" + (f", {device['path']} step" if "path" in device else ""),
        "training": f"{cost['train_seconds']:,.0f} s, resumed {cost['resumed']} times",
        "scoring": f"{cost['score_seconds']:,.1f} s"
        + "".join(f", after the epochs {cost[k]:,.1f} s" for k in ("watch_seconds", "per_epoch_seconds") if k in cost),
        "ended by": content.get("ended", "not recorded"),
        "spread of pixels": ", ".join(f"{kind} {value:.3f}" for kind, value in content.get("spread", {}).items())
        or "not recorded",
        "peak memory": f"{cost['peak_memory_bytes'] / 2**30:.2f} GiB",
        "libraries": ", ".join(f"{name} {version}" for name, version in sorted(content["environment"].items())),
        "finished": content["finished"],
    }
    frame = pd.DataFrame({"": list(rows), "value": list(rows.values())})
    return plain(frame, "Origin of this run", ("value",))


def _settings(record):
    rows = [
        {"option": name, "value": Html(f"<code>{escape(json.dumps(value))}</code>"),
         "changed": "yes" if name in record.run.changes else ""}
        for name, value in record.content["config"].items()
    ]  # fmt: skip
    return plain(pd.DataFrame(rows), f"Configuration, digest {record.content['digest'][:16]}", ("value",))


def _pictures(record):
    name = next(name for name in PICTURES.values() if name in record.content["files"])
    data = base64.b64encode((record.directory / name).read_bytes()).decode()
    rows = record.content["pictures"]["rows"]
    columns = len(record.picture_rows()[rows[0]])
    alt = "Rows of test images from top to bottom: " + "; ".join(rows)
    kind = "png" if name.endswith("png") else "jpeg"
    listed = "".join(f"<li>{escape(row)}</li>" for row in rows)
    return (
        f'<div class="adcgan-sheet" style="--columns: {columns}">'
        f'<img src="data:image/{kind};base64,{data}" alt="{escape(alt)}">'
        f"<ol>{listed}</ol></div>"
    )


def class_title(record: Record) -> str:
    """A class by number and, where it has one, name."""
    number, name = str(record.run.label), record.content["run"]["class_name"]
    return f"class {number}" if number == name else f"class {number} ({name})"


def group_title(method: str, dataset: str, scheme: str) -> str:
    """A (method, data set, scheme) in words."""
    return f"{MODEL_OF[method]}, {title(dataset)}, {scheme}"


def _up(page):
    return f'<p><a href="../{page}.html">Back to the table</a></p>'
