"""What the pages of Tables 1 to 4 and of the runs show, computed from the records when the book is built."""

from html import escape

import pandas as pd

from adcgan.config import SCHEMES
from adcgan.data.datasets import TITLES, title

from ..analysis import tables
from .common import METHOD_OF, ROOT, SCALE_TITLE, SCALES, SEEDS, command, committed, notes, settings
from .html import Html, counted, difference, duration, note, paired, plain, seeds_text, symbol, table, tip


def table1() -> Html:
    """Table 1, one part per scale and scheme, with the notes on the data used."""
    return sum(map(_table1, SCALES), Html("")) + notes()


def _table1(scale):
    frame = tables.table1(committed(), scale)
    methods = frame["model"].map(METHOD_OF)
    frame["link"] = [
        f"{tables.address(method, row['dataset'], row['scheme'])}.html"
        for method, (_, row) in zip(methods, frame.iterrows(), strict=True)
    ]
    frame["dataset"] = frame["dataset"].map(TITLES)
    order = [*tables.MODELS, *tables.OTHERS]
    frame = frame.sort_values("model", key=lambda models: models.map(order.index), kind="stable")
    html = Html("")
    for scheme in SCHEMES:
        html += paired(
            frame[frame["scheme"] == scheme],
            rows={"model": "model"},
            groups=lambda row: row["dataset"],
            caption=f"Table 1, {scheme}, {SCALE_TITLE[scale]}: mean AUROC (%) over classes",
            seeds=SEEDS,
        )
    return html


def comparisons() -> Html:
    """Every two models that were run on all classes, class by class."""
    parts = [tables.comparisons(committed(), scale).assign(scale=scale) for scale in SCALES]
    frame = pd.concat(parts, ignore_index=True)
    of_libraries = set(tables.BASELINES) - {"autoencoder"}  # they have no scale: their pairs stand once
    both = frame["first"].isin(of_libraries) & frame["second"].isin(of_libraries)
    frame.loc[both, "scale"] = ""
    frame = frame.drop_duplicates(["scale", "dataset", "scheme", "first", "second"])
    if frame.empty:
        return note("No two models are run on every class of a data set yet.")
    shown = pd.DataFrame(
        {
            "scale": frame["scale"],
            "data set": frame["dataset"].map(TITLES),
            "scheme": frame["scheme"],
            "first": frame["first"],
            "second": frame["second"],
            "first less second": [Html(difference(points)) for points in frame["difference"]],
            "first higher in": [f"{row.higher} of {row.classes}" for row in frame.itertuples()],
            "P": frame["p"].map("{:.3f}".format),
            "corrected": frame["corrected"].map("{:.3f}".format),
        }
    )
    return plain(shown, "Models compared class by class (AUROC points)", ("scale", "scheme", "first", "second"))


def table3() -> Html:
    """Table 3, one part per scale and scheme, and below it the models that the paper's table does not have."""
    return sum(map(_table3, SCALES), Html("")) + notes()


def _table3(scale):
    frame = tables.table3(committed(), scale)
    methods = frame["model"].map(METHOD_OF)
    frame["link"] = [
        f"{tables.address(method, row['dataset'], row['scheme'], row['class'])}.html"
        for method, (_, row) in zip(methods, frame.iterrows(), strict=True)
    ]
    frame["class"] = [tables.class_title(row["class"], row["class_name"]) for _, row in frame.iterrows()]
    frame["dataset"] = frame["dataset"].map(TITLES)
    rows = {"dataset": "data set", "class": "class"}
    html = Html("")
    for scheme in SCHEMES:
        part = frame[(frame["scheme"] == scheme) & frame["model"].isin(tables.MODELS)]
        part = part.sort_values("model", key=lambda models: models.map(list(tables.MODELS).index), kind="stable")
        caption = f"Table 3, {scheme}, {SCALE_TITLE[scale]}: AUROC (%) per class"
        html += paired(part, rows=rows, groups=lambda row: row["model"], caption=caption, seeds=SEEDS)
    for scheme in SCHEMES:
        part = frame[(frame["scheme"] == scheme) & frame["model"].isin(tables.OTHERS)]
        part = part.assign(
            ours=[_alone(row) if row["ours"] == row["ours"] else "not run" for _, row in part.iterrows()]
        )
        wide = part.set_index(["dataset", "class", "model"])["ours"].unstack(sort=False).reset_index()
        wide.insert(0, "", wide.pop("dataset") + ", " + wide.pop("class"))
        caption = f"Methods that the paper's table does not have, {scheme}, {SCALE_TITLE[scale]}: AUROC (%) per class"
        html += plain(wide, caption)
    return html


def _alone(row):
    """A measured figure that no published one stands beside."""
    share = f" <small>{row['share']:,} images</small>" if row["share"] else ""
    return Html(f'<a href="{row["link"]}">{row["ours"]:.1f}</a>{share}{tip(seeds_text(row, row["of_seeds"]))}')


def table4() -> Html:
    """Table 4, a part per scale, and below each the same variants class by class as far as they were run."""
    return sum(map(_table4, SCALES), Html("")) + notes("adcgan")


def _table4(scale):
    frame = tables.table4(committed(), scale)
    frame["link"] = [
        f"{tables.address('adcgan-printed', row['dataset'], row['scheme'])}.html" for _, row in frame.iterrows()
    ]
    html = paired(
        frame,
        rows={"variant": "model"},
        groups=lambda row: f"{TITLES[row['dataset']]}, {row['scheme']}",
        caption=f"Table 4, {SCALE_TITLE[scale]}: mean AUROC (%) over classes for the score's variants",
        seeds=SEEDS,
    )
    by_class = tables.table4_by_class(tables.of_adcgan(committed(), scale))
    if by_class.empty:
        return html
    cells = (
        by_class.groupby(["dataset", "scheme", "class", "class_name", "variant"], sort=False)["ours"].mean().unstack()
    )
    cells = cells.reset_index()
    titles = [
        f"{TITLES[row['dataset']]}, {row['scheme']}, {tables.class_title(row['class'], row['class_name'])}"
        for _, row in cells.iterrows()
    ]
    cells.insert(0, "cell", titles)
    cells = cells.drop(columns=["dataset", "scheme", "class", "class_name"]).round(1)
    return html + plain(cells, f"The same variants per class, {SCALE_TITLE[scale]}, mean over the seeds run (%)")


def table2() -> Html:
    """Table 2: layer counts, the paper's beside those of our two sets of networks; differences are outlined."""
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
        "authors' October 2021 models do. Not counted: the residual block of T2-R's generators and its critics' 1x1 "
        "local projection, without which the other counts are the paper's."
    )
    return table(head, body, "Table 2: layers of each module") + note(text)


def run_list() -> Html:
    """Every committed record: what was measured, at what cost, by which revision, and the command that repeats it."""
    if not committed():
        return note("No run is recorded.")
    html = Html("")
    for model, method in METHOD_OF.items():
        records = [record for record in committed() if record.run.name == method]
        if records:
            caption = f"Every recorded run of {model}; open a line for its evidence"
            html += plain(pd.DataFrame(map(_run_row, records)), caption, ("revision",))
    return html


def _run_row(record):
    cell, content = record.run, record.content
    earlier = content["code"].get("earlier", [])
    evidence = (
        f"<p>Again: <code>{escape(command(record))}</code></p>"
        f"<p>Record: <code>{escape(str(record.directory.relative_to(ROOT)))}/record.json</code>, "
        f"finished {escape(content['finished'])}. Data: {escape(content['data']['provenance'])}, "
        f"SHA-256 <code>{content['data']['fingerprint'][:16]}</code>. "
        f"Device: {escape(content['device']['name'])}, {counted(content['device']['threads'], 'thread', 'threads')}. "
        f"{_earlier(earlier) if earlier else ''}</p>"
    )
    name = ", ".join(filter(None, (title(cell.dataset), cell.scheme, tables.seed_title(record), settings(record))))
    revision = str(content["code"]["revision"])[:10]
    parts = {Html(symbol(name)): f"{100 * value:.1f}" for name, value in record.auroc.items() if name != "NS"}
    return {
        "cell": Html(f"<details><summary>{escape(name)}</summary>{evidence}</details>"),
        "AUROC %": f"{100 * record.result:.1f}",
        **(parts if len(parts) > 1 else {}),
        "trained in": duration(content["cost"]["train_seconds"]),
        "revision": Html(
            f"<code>{escape(revision)}</code>{' (changed)' if content['code']['dirty'] else ''}"
            f"{f', after {len(earlier)} more' if earlier else ''}"
        ),
    }


def _earlier(labels):
    """The revisions that trained a run before the one that ended it, in a sentence."""
    names = [label.partition("+") for label in labels]
    shown = [f"<code>{escape(name[:10])}</code>{' (changed)' if changed else ''}" for name, _, changed in names]
    return f"Trained first by {', then '.join(shown)}."
