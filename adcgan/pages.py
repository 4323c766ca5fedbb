"""What the book's pages show, computed from the records when the page is built; each function fills one page."""

import dataclasses
from functools import cache
from html import escape
from pathlib import Path

import pandas as pd

from . import tables
from .config import CONFIGS, SCHEMES, configure
from .data import TITLES
from .html import Html, note, paired, plain, table
from .records import Record, read_all
from .scores import COMPONENTS

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "runs"  # measured and committed
LOCAL = ROOT / "build" / "runs"  # what `make book` trained on this machine
SEEDS = tables.SEEDS


@cache
def committed() -> tuple[Record, ...]:
    """The records in runs/."""
    return tuple(read_all(RUNS))


def opening() -> Html:
    """What was reproduced so far: cells measured of those planned, the paper's figure and ours on the same classes."""
    frame = tables.table3(committed())
    frame = frame[frame["model"] == "AD-CGAN"]
    rows = []
    for (scheme, dataset), part in frame.groupby(["scheme", "dataset"], sort=False):
        done = part[part["seeds"] > 0]
        rows.append(
            {
                "scheme": scheme,
                "data set": dataset,
                "runs": f"{part['seeds'].sum()} of {SEEDS * len(part)}",
                "classes": ", ".join(done["class_name"]) or "none",
                "paper, these classes": f"{done['paper'].mean():.1f}" if len(done) else "",
                "ours": f"{done['ours'].mean():.1f}" if len(done) else "not run",
                "difference": f"{done['ours'].mean() - done['paper'].mean():+.1f}" if len(done) else "",
            }
        )
    shown = pd.DataFrame(rows).sort_values("scheme", ascending=False, kind="stable")
    shown.insert(
        0,
        "",
        [f"{TITLES[dataset]}, {scheme}" for dataset, scheme in zip(shown["data set"], shown["scheme"], strict=True)],
    )
    shown = shown.drop(columns=["scheme", "data set"])
    caption = "AD-CGAN at the paper's settings: mean AUROC (%) over the classes run so far"
    return plain(shown, caption, ("classes",)) + _notes()


def table1() -> Html:
    """Table 1, one part per scheme, with the notes on the data used."""
    frame = tables.table1(committed())
    return _by_scheme(frame, {"dataset": "data set"}, "Table 1, {}: mean AUROC (%) over classes") + _notes()


def table3() -> Html:
    """Table 3, one part per scheme."""
    frame = tables.table3(committed())
    frame["class"] = [f"{row['class']} {row['class_name']}" for _, row in frame.iterrows()]
    return _by_scheme(frame, {"dataset": "data set", "class": "class"}, "Table 3, {}: AUROC (%) per class") + _notes()


def table4() -> Html:
    """Table 4, and below it the same variants class by class as far as they were run."""
    frame = tables.table4(committed())
    html = paired(
        frame,
        rows={"variant": "model"},
        groups=lambda row: f"{TITLES[row['dataset']]}, {row['scheme']}",
        caption="Table 4: mean AUROC (%) over classes for the score's variants",
        seeds=SEEDS,
    )
    by_class = tables.table4_by_class(committed())
    if by_class.empty:
        return html
    cells = (
        by_class.groupby(["dataset", "scheme", "class", "class_name", "variant"], sort=False)["ours"].mean().unstack()
    )
    cells = cells.reset_index()
    cells.insert(
        0, "cell", [f"{TITLES[r.dataset]}, {r.scheme}, {r['class']} {r.class_name}" for _, r in cells.iterrows()]
    )
    cells = cells.drop(columns=["dataset", "scheme", "class", "class_name"]).round(1)
    return html + plain(cells, "The same variants per class, mean over the seeds run (%)") + _notes()


def table2() -> Html:
    """Table 2: layer counts, the paper's beside those of our two sets of networks; departures are outlined."""
    frame = tables.table2()
    kinds = ("conv", "deconv", "linear")
    groups = (("paper", "paper"), ("t2r", "T2-R (default)"), ("t2p", "T2-P"))
    head = '<tr><th scope="col" rowspan="2">data set</th><th scope="col" rowspan="2">module</th>'
    head += "".join(f'<th scope="colgroup" class="group" colspan="3">{title}</th>' for _, title in groups) + "</tr>"
    head += "<tr>" + "".join(f'<th scope="col">{kind}</th>' for kind in kinds) * len(groups) + "</tr>"
    body = []
    for (dataset, module), part in frame.groupby(["dataset", "module"], sort=False):
        part = part.set_index("kind")
        cells = f'<th scope="row">{TITLES[dataset]}</th><th scope="row">{module.replace("_", " ")}</th>'
        for name, _ in groups:
            for kind in kinds:
                count, printed = part.loc[kind, name], part.loc[kind, "paper"]
                differs = ' class="differs"' if count != printed else ""
                cells += f"<td{differs}>{count or '–'}</td>"
        first = ' class="first"' if module == "encoder" else ""
        body.append(f"<tr{first}>{cells}</tr>")
    text = (
        "Outlined: T2-R's generators for 28 and 64 pixels have one convolution more than the paper prints, as the "
        "authors' October 2021 models do. As in the paper, the residual block of T2-R's generators and its critics' "
        "1x1 local projection are not counted."
    )
    return table(head, body, "Table 2: layers of each module") + note(text)


def run_list() -> Html:
    """Every committed record: what was measured, at what cost, by which revision, and the command that repeats it."""
    frame = tables.runs(committed())
    if frame.empty:
        return note("No run is recorded.")
    rows = []
    for record, (_, row) in zip(committed(), frame.iterrows(), strict=True):
        cell = record.cell
        options = "".join(f" --{k.strip('_').replace('_', '-')} {v}" for k, v in cell.departures.items())
        dirty = " (changed)" if row["dirty"] else ""
        title = TITLES.get(cell.dataset, cell.dataset)
        evidence = (
            f"<p>Again: <code>adcgan run --method {cell.method} --dataset {cell.dataset} --scheme {cell.scheme} "
            f"--classes {cell.label} --seeds {cell.seed}{options}</code></p>"
            f"<p>Record: <code>{record.directory.relative_to(ROOT)}/record.json</code>, "
            f"finished {record.content['finished']}. Data: {escape(record.content['data']['provenance'])}, "
            f"SHA-256 <code>{record.content['data']['fingerprint'][:16]}</code></p>"
        )
        name = f"{title}, {cell.scheme}, {cell.label} {row['class_name']}, seed {cell.seed}"
        rows.append(
            {
                "cell": Html(f"<details><summary>{escape(name)}</summary>{evidence}</details>"),
                "AUROC %": f"{row['NS']:.1f}",
                **{name: f"{row[name]:.1f}" for name in COMPONENTS if name in row},
                "minutes": f"{row['train_seconds'] / 60:.1f}",
                "device": f"{row['device']}, {row['threads']} threads",
                "revision": Html(f"<code>{str(row['revision'])[:10]}</code>{dirty}"),
            }
        )
    return plain(pd.DataFrame(rows), "Every recorded run; open a line for its evidence", ("device", "revision"))


def decisions() -> Html:
    """Every option of AD-CGAN: default at the paper's settings, other values, what it is, the register's row."""
    config = configure("adcgan", "one-vs-all", 28, 1)
    rows = []
    for field in dataclasses.fields(CONFIGS["adcgan"]):
        default = getattr(config, field.name)
        others = [f"<code>{choice}</code>" for choice in field.metadata["choices"] or () if choice != default]
        rows.append(
            {
                "option": field.name,
                "default": Html(f"<code>{default}</code>"),
                "instead": Html(", ".join(others) or "another value"),
                "what it decides": field.metadata["help"],
                "row": field.metadata["row"] or "",
            }
        )
    caption = "Options of AD-CGAN, with the defaults for 28-pixel images, one-vs-all"
    return plain(pd.DataFrame(rows), caption, ("default", "instead", "what it decides"))


def local_run() -> Html:
    """The digits run that `make book` made on this machine, beside the committed one."""
    mine = {str(record.cell): record for record in read_all(LOCAL)} if LOCAL.exists() else {}
    rows = []
    for record in committed():
        if record.cell.dataset != "digits":
            continue
        rerun = mine.get(str(record.cell))
        same = rerun is not None and (rerun.scores == record.scores).all()
        rows.append(
            {
                "cell": str(record.cell),
                "committed, AUROC %": f"{100 * record.auroc['NS']:.1f}",
                "this machine, AUROC %": f"{100 * rerun.auroc['NS']:.1f}" if rerun else "not run",
                "scores": ""
                if rerun is None
                else "the same to the bit"
                if same
                else "differ in the last digits or more",
            }
        )
    return plain(pd.DataFrame(rows), "The run on digits: ours and this machine's", ("scores",))


def costs() -> Html:
    """Training time per cell as recorded, per data set, scheme and device."""
    frame = tables.runs(committed())
    frame = frame[frame["departures"] == ""]
    grouped = (
        frame.groupby(["dataset", "scheme", "device", "threads"])["train_seconds"]
        .agg(["count", "median"])
        .reset_index()
    )
    shown = pd.DataFrame(
        {
            "data set": [TITLES.get(name, name) for name in grouped["dataset"]],
            "scheme": grouped["scheme"],
            "device": [f"{row.device}, {row.threads} threads" for row in grouped.itertuples()],
            "cells": grouped["count"],
            "median minutes a cell": (grouped["median"] / 60).round(1),
        }
    )
    return plain(shown, "What a cell cost to train", ("scheme", "device"))


def figure1() -> Html:
    """Figure 1, drawn by `adcgan.diagram`."""
    from .diagram import figure1 as draw

    return Html(f'<div class="adcgan-figure">{draw()}</div>')


def _by_scheme(frame, rows, caption):
    """One table per scheme, one-vs-all first as it is the paper's headline; AD-CGAN before the compared methods."""
    frame = frame.sort_values("model", key=lambda models: models.map(list(tables.MODELS).index), kind="stable")
    frame["dataset"] = frame["dataset"].map(TITLES)
    html = Html("")
    for scheme in SCHEMES:
        part = frame[frame["scheme"] == scheme]
        html += paired(part, rows=rows, groups=lambda row: row["model"], caption=caption.format(scheme), seeds=SEEDS)
    return html


def _notes():
    html = Html("")
    for line in tables.notes(committed()):
        html += note(f"Not the canonical data. {line}.")
    return html
