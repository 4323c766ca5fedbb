"""A page for each method and data set, a page for each class that a method was trained on, and the list of all runs.

`book/_ext/from_records.py` hands these pages to Sphinx. They are made from records alone and need no notebook.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

import pandas as pd

from adcgan.data.datasets import title
from adcgan.experiments.notebook import place as notebook_place
from adcgan.experiments.notebook import shows
from adcgan.experiments.records import RECORD, Record

from .. import figures
from ..analysis import tables
from ..analysis.tables import address
from ..html import Html, code, duration, link, number, plain, render
from ..records import MODEL_OF, SCALE_TITLE, command, place, settings


@dataclass(frozen=True)
class Page:
    """``name`` is its address without .html; ``files`` are copied into the site, by the address of the copy."""

    name: str
    title: str
    body: str
    files: dict[str, Path] = field(default_factory=dict)


def all_pages(records: Iterable[Record]) -> Iterable[Page]:
    """A page for each (method, data set, scheme), and one for each of its classes where the method is trained."""
    groups: dict[tuple, dict[int, list[Record]]] = {}
    for record in records:
        run = record.run
        groups.setdefault((run.name, run.dataset, run.scheme), {}).setdefault(run.label, []).append(record)
    for kind, classes in groups.items():
        if tables.trained(kind[0]):
            yield group_page(kind, classes)
            for label, some in sorted(classes.items()):
                yield class_page(kind, label, some)
        else:
            yield fitted_page(kind, [record for _, some in sorted(classes.items()) for record in some])


def group_page(kind: tuple[str, str, str], classes: dict[int, list[Record]]) -> Page:
    """Every class run of a (method, data set, scheme), with links to their pages."""
    rows = []
    for label, records in sorted(classes.items()):
        whole = [record for record in records if set(record.run.changes) <= {"test_images"} and not record.run.repeat]
        name = class_title(records[0])
        row = {"class": link(f"{Path(address(*kind, label)).name}.html", name)}
        for scale in dict.fromkeys(record.run.scale for record in whole):
            values = [100 * record.result for record in whole if record.run.scale == scale]
            suffix = f", {SCALE_TITLE[scale]}" if scale else ""
            row[f"AUROC %{suffix}"] = number(sum(values) / len(values))
            row[f"seeds{suffix}"] = ", ".join(map(number, values))
        rows.append(row | {"other runs": len(records) - len(whole) or ""})
    title = group_title(*kind)
    frame = pd.DataFrame(rows).fillna("")
    frame["other runs"] = frame.pop("other runs")
    texts = tuple(name for name in frame if name.startswith("seeds"))
    table = plain(frame, f"{title}: AUROC (%) by class, mean and each seed", texts)
    body = render("group.html", title=title, what=named(kind[2]), notebooks=(), table=table)
    return Page(address(*kind), title, body.text)


def fitted_page(kind: tuple[str, str, str], records: list[Record]) -> Page:
    """Every run of a method that a library fits, a line for each: no curves, and its pictures lie beside its record."""
    rows = [
        {
            "class": class_title(record),
            "seed": record.run.seed,
            "settings": settings(record),
            "AUROC %": number(100 * record.result),
            "fitting": duration(record.content["cost"]["train_seconds"]),
            "scoring": duration(record.content["cost"]["score_seconds"]),
            "record": link(Path(copy_of(record.directory / RECORD)).relative_to("cells"), "JSON"),
        }
        for record in records
    ]
    frame = pd.DataFrame(rows) if any(map(settings, records)) else pd.DataFrame(rows).drop(columns="settings")
    title = group_title(*kind)
    table = plain(frame, f"{title}: every run", ("settings", "record"))
    again = Html("<p>The first line again: {}</p>").format(code(command(records[0])))
    notebooks = _notebooks(records)
    body = render("group.html", title=title, what=named(kind[2]), notebooks=notebooks, table=table + again)
    return Page(address(*kind), title, body.text, _files(records, notebooks))


def class_page(kind: tuple[str, str, str], label: int, records: list[Record]) -> Page:
    """One class: a section for each run, by scale and seed, ablations and repeats last."""
    records = sorted(records, key=lambda r: (bool(r.run.changes), r.run.repeat, str(r.run.scale), r.run.seed))
    title = f"{group_title(*kind)}, {class_title(records[0])}"
    sections = [section(record) for record in records]
    notebooks = _notebooks(records)
    body = render("class.html", title=title, what=named(kind[2]), notebooks=notebooks, sections=sections)
    pictures = {copy_of(record.sheet): record.sheet for record in records if shown(record)}
    return Page(address(*kind, label), title, body.text, _files(records, notebooks) | pictures)


def _notebooks(records):
    return list(dict.fromkeys(filter(None, map(executed, records))))


def _files(records, notebooks):
    """The copies of the records and of their executed notebooks."""
    paths = [record.directory / RECORD for record in records]
    return {copy_of(path): path for path in paths} | {
        f"cells/notebooks/{notebook.name}": notebook for notebook in notebooks
    }


def executed(record: Record) -> Path | None:
    """The notebook that papermill executed on a run's records, where one is kept: of the classes recorded then."""
    runs = record.directory.parents[5]
    if record.former is None:
        if record.run.seed or record.run.changes:
            return None
        path = notebook_place(record.run, runs)
    else:
        kind = (record.run.method, record.run.dataset, record.run.scheme)
        path = runs / "format-1" / "notebooks" / f"{'-'.join(kind)}.ipynb"
    return path if path.is_file() and shows(path, record.run.label) else None


def section(record: Record) -> Html:
    """One run: figures, curves, pictures, settings, origin, and the command that repeats it."""
    config, losses = record.run.config, record.content["losses"]
    return render(
        "run.html",
        anchor=anchor(record),
        heading=", ".join(filter(None, (f"Seed {record.run.seed}", settings(record)))),
        aurocs=_aurocs(record),
        histogram=figures.histogram(record),
        roc=figures.roc(record),
        losses=figures.losses(record) if losses else "",
        warm_up=getattr(config, "warm_up_epochs", 0),
        contrastive=bool(losses) and any(name.startswith("L_cgan") for name in losses[-1]),
        per_epoch=figures.per_epoch(record) if any(record.per_epoch) else "",
        picture=Path(copy_of(record.sheet)).relative_to("cells") if shown(record) else None,
        tile=record.content["pictures"]["tile"],
        columns=len(next(iter(record.picture_rows().values()))),
        rows=record.content["pictures"]["rows"],
        stale_noise=_percent(record.content.get("stale_noise", {}), "AUROC (%) over 200 draws of stale noise"),
        variants=_percent(record.variants, "AUROC (%) under each scoring variant"),
        origin=_origin(record),
        settings=_settings(record),
    )


def anchor(record: Record) -> str:
    """The place of a record's section within its page."""
    run = record.run
    return "-".join(filter(None, (run.scale, f"seed-{run.seed}", run.variant, run.repeat and f"repeat-{run.repeat}")))


def copy_of(path: Path) -> str:
    """The address in the site of the copy of a record's file."""
    return f"cells/records/{'-'.join(path.parent.parts[-6:])}{path.suffix}"


def shown(record: Record) -> bool:
    """Whether a run's pictures are in the site: all of them would make it too heavy."""
    return not (record.run.seed or record.run.repeat)


def _aurocs(record):
    rows = [{"": name, "AUROC %": number(100 * value)} for name, value in record.auroc.items()]
    rows.sort(key=lambda row: row[""] != "NS")
    images = record.content["images"]
    caption = f"AUROC on {images['test_normal']:,} normal and {images['test_anomalous']:,} anomalous test images"
    return plain(pd.DataFrame(rows), caption)


def _percent(values, caption):
    rows = [{"": name, **{part: number(100 * value) for part, value in of.items()}} for name, of in values.items()]
    return plain(pd.DataFrame(rows).fillna(""), caption) if rows else ""


def _origin(record):
    content = record.content
    code_, device, cost = content["code"], content["device"], content["cost"]
    after = [f"after the epochs {cost[k]:,.1f} s" for k in ("watch_seconds", "per_epoch_seconds") if k in cost]
    explained = tables.explained(record)
    rows = {
        "again": code(command(record)),
        "record": link(Path(copy_of(record.directory / RECORD)).relative_to("cells"), place(record)),
        "data": f"{content['data']['provenance']}; SHA-256 {content['data']['fingerprint']}",
        "images trained on": f"{content['images']['train']:,}",
        "code": f"version {code_['version']}, revision {code_['revision']}{' (changed)' * bool(code_['dirty'])}"
        + "".join(f", after {label}" for label in code_.get("earlier", ())),
        "device": ", ".join(
            [device["name"], f"threads: {device['threads']}", *([f"{device['path']} step"] if "path" in device else [])]
        ),
        "training": f"{cost['train_seconds']:,.0f} s, resumed {cost['resumed']} times",
        "scoring": ", ".join([f"{cost['score_seconds']:,.1f} s", *after]),
        "ended by": content.get("ended", "not recorded"),
        "reconstruction": "none" if isnan(explained) else f"R² {explained:.2f} on the normal images of its pictures",
        "peak memory": f"{cost['peak_memory_bytes'] / 2**30:.2f} GiB",
        "libraries": ", ".join(f"{name} {version}" for name, version in sorted(content["environment"].items())),
        "finished": content["finished"],
    }
    frame = pd.DataFrame({"": list(rows), "value": list(rows.values())})
    return plain(frame, "Origin of this run", ("value",))


def _settings(record):
    rows = [
        {"option": name, "value": code(json.dumps(value)), "changed": "yes" if name in record.run.changes else ""}
        for name, value in record.content["config"].items()
    ]
    return plain(pd.DataFrame(rows), f"Configuration, digest {record.content['digest'][:16]}", ("value",))


def named(scheme: str) -> str:
    """What the class that a run is named after is."""
    return "normal" if scheme == "one-vs-all" else "anomalous"


def class_title(record: Record) -> str:
    """A class by number and, where it has one, name."""
    number, name = str(record.run.label), record.content["run"]["class_name"]
    return f"class {number}" if number == name else f"class {number} ({name})"


def group_title(method: str, dataset: str, scheme: str) -> str:
    """A (method, data set, scheme) in words."""
    return f"{MODEL_OF[method]}, {title(dataset)}, {scheme}"


def listed(records: Sequence[Record]) -> Html:
    """Every run in one table to search and sort, each with a link to its section; the smoke test on digits apart."""
    rows = []
    for record in records:
        if record.run.dataset == "digits":
            continue
        run, content = record.run, record.content
        page = f"{address(run.name, run.dataset, run.scheme, run.label)}.html"
        page += f"#{anchor(record)}" if tables.trained(run.name) else ""
        name = tables.class_title(run.label, content["run"]["class_name"])
        rows.append(
            {
                "method": MODEL_OF[run.name],
                "data set": title(run.dataset),
                "scheme": run.scheme,
                "class": link(page, f"{name}, seed {run.seed}"),
                "settings": settings(record),
                "AUROC %": number(100 * record.result),
                "training": duration(content["cost"]["train_seconds"]),
                "revision": code(str(content["code"]["revision"])[:10]),
            }
        )
    texts = ("method", "data set", "scheme", "class", "settings", "revision")
    return plain(pd.DataFrame(rows), "Every recorded run", texts, kind="adcgan-sortable") if rows else Html()
