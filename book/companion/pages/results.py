"""Tables 1 to 4 as the paper prints them, each entry beside ours, from the records."""

from collections.abc import Sequence
from statistics import stdev

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from adcgan.config import METHODS, SCHEMES
from adcgan.data.datasets import PUBLISHED, TITLES
from adcgan.experiments.records import Record

from ..analysis import results, tables, variants
from ..html import NONE, Cell, Html, by_scale, difference, folded, joined, link, note, number, plain, render
from ..html import table as html_table
from ..html import verdict as marked
from ..records import METHOD_OF, SCALE_TITLE, SCALES, SEEDS

ORIGINS = {"reimplemented": "†", "quoted": "*"}  # the paper's marks
MARKS = {tables.BLIND: "‡", tables.CAPPED: "§"}  # ours
OURS = {"AD-CGAN": "printed", "AD-CGAN, recipe script": "script"}
LOW, HIGH = 20, 100  # AUROC in percent; below LOW the colour of a heat map is that of LOW


def table1(records: Sequence[Record]) -> Html:
    """Table 1 at each scale: a line for each method, both schemes side by side."""
    return by_scale("table1", {scale: _table1(records, scale) for scale in SCALES}) + notes(records)


def _table1(records, scale):
    frame = tables.table1(records, scale).set_index(["model", "dataset", "scheme"])
    places = [(dataset, scheme) for dataset in PUBLISHED for scheme in SCHEMES if _planned(dataset, scheme)]
    head = [
        [Cell("method", head="col", down=3), *(_over(TITLES[name], 2 * len(of)) for name, of in _grouped(places))],
        [_over(scheme, 2) for _, scheme in places],
        ["paper", "ours"] * len(places),
    ]
    body = []
    for model, method in METHOD_OF.items():
        line = [model]
        for dataset, scheme in places:
            row = frame.loc[(model, dataset, scheme)]
            line += [published(row), ours(row, f"{tables.address(method, dataset, scheme)}.html")]
        body.append(line)
    rule = [len(tables.MODELS)]
    return html_table(f"Table 1, {SCALE_TITLE[scale]}: mean AUROC (%) over classes", head, body, rules=rule)


def _planned(dataset, scheme):
    return dataset != "cats_vs_dogs" or scheme == SCHEMES[0]


def _grouped(places):
    groups: dict[str, list] = {}
    for dataset, scheme in places:
        groups.setdefault(dataset, []).append(scheme)
    return groups.items()


def _over(text, across):
    return Cell(text, "group", "colgroup", across=across)


def table3(records: Sequence[Record]) -> Html:
    """Table 3 at each scale: for each data set a line for each class, both schemes side by side."""
    return by_scale("table3", {scale: _table3(records, scale) for scale in SCALES}) + notes(records)


def _table3(records, scale):
    frame = tables.table3(records, scale)
    parts = []
    for number_, (dataset, part) in enumerate(frame.groupby("dataset", sort=False)):
        schemes = [scheme for scheme in SCHEMES if (part["scheme"] == scheme).any()]
        inside = _classes(part, schemes, tables.MODELS, f"{TITLES[dataset]}, {SCALE_TITLE[scale]}: AUROC (%) per class")
        others = [name for name in tables.OTHERS if name not in OURS]
        inside += folded(
            "AnoGAN and the baselines",
            _classes(part, schemes, others, f"{TITLES[dataset]}, methods that the paper's table does not have (%)"),
        )
        parts.append(folded(TITLES[dataset], inside, open=number_ == 0))
    return joined(parts)


def _classes(part, schemes, models, caption):
    """A line for each class; paper and ours for a published model, printed and script for AD-CGAN."""
    rows = part.set_index(["scheme", "class", "model"])
    head = [[Cell("class", head="col", down=3)], [], []]
    for _ in schemes:
        for model in models:
            columns = ["paper", *OURS.values()] if model == "AD-CGAN" else ["paper", "ours"]
            columns = columns if model in tables.MODELS else ["ours"]
            head[1].append(_over(model, len(columns)))
            head[2] += columns
    head[0] += [_over(scheme, len(head[2]) // len(schemes)) for scheme in schemes]
    body = []
    for (label, name), _ in part.groupby(["class", "class_name"], sort=False):
        line = [tables.class_title(label, name)]
        for scheme in schemes:
            for model in models:
                row = rows.loc[(scheme, label, model)]
                line += [published(row)] if model in tables.MODELS else []
                for of in OURS if model == "AD-CGAN" else (model,):
                    row = rows.loc[(scheme, label, of)]
                    address = tables.address(METHOD_OF[of], part["dataset"].iloc[0], scheme, label)
                    line.append(ours(row, f"{address}.html"))
        body.append(line)
    return html_table(caption, head, body)


def published(row) -> Cell:
    """The published figure as printed, with its plus/minus and its mark."""
    if pd.isna(row["paper"]):
        return Cell(NONE, "none")
    spread = row.get("plus_minus")
    spread = "" if pd.isna(spread) else Html(" <small>±{}</small>").format(f"{spread:.2f}")
    return Cell(Html("{}{}{}").format(number(row["paper"]), ORIGINS.get(row.get("origin"), ""), spread))


def ours(row, address: str | None = None) -> Cell:
    """The measured figure with the seeds behind it; it leads to its runs. A dash where nothing was run."""
    if not row.get("classes", row["seeds"]):
        return Cell(NONE, "none")
    if pd.isna(row["ours"]):
        figure, kind = f"{row['classes']}/{row['of_classes']} classes", "none"
    else:
        figure, kind = number(row["ours"]), "ours"
    of_seeds = int(row.get("of_seeds", SEEDS))
    behind = f"{int(row['seeds'])}/{of_seeds}" if of_seeds > 1 and kind == "ours" else ""
    behind += f" {row['share']:,} images" if row.get("share") else ""
    remarks = row["remarks"].split(", ") if isinstance(row.get("remarks"), str) else []
    behind += "".join(f" {MARKS[remark]}" for remark in remarks)
    figure = link(address, figure) if address else figure
    seeds = "; ".join(filter(None, [seeds_text(row, of_seeds), *remarks]))
    return Cell(render("ours.html", figure=figure, behind=behind.strip(), seeds=seeds), kind)


def seeds_text(row, planned: int) -> str:
    """What each seed gave and which are missing: "seed 0: 79.9, seed 2: 80.4; sd 0.4 points; seed 1 not run"."""
    values = {int(name.removeprefix("seed_")): row[name] for name in row.index if str(name).startswith("seed_")}
    known = {seed: value for seed, value in values.items() if not pd.isna(value)}
    missing = [str(seed) for seed in range(planned) if seed not in known]
    parts = [", ".join(f"seed {seed}: {value:.1f}" for seed, value in known.items())] if known else []
    parts += [f"sd {stdev(known.values()):.1f} points"] if len(known) > 1 else []
    parts += [f"seed{'s' * (len(missing) > 1)} {', '.join(missing)} not run"] if missing else []
    return "; ".join(parts)


def table4(records: Sequence[Record]) -> Html:
    """Table 4 at each scale: the score's variants, with the components as sums and as means."""
    return by_scale("table4", {scale: _table4(records, scale) for scale in SCALES}) + notes(records, "adcgan")


def _table4(records, scale):
    frame = tables.table4(records, scale)
    means = tables.table4(records, scale, reduction="mean").set_index(["variant", "dataset", "scheme"])
    places = list(dict.fromkeys(zip(frame["dataset"], frame["scheme"], strict=True)))
    head = [
        [Cell("variant", head="col", down=2), *(_over(f"{TITLES[name]}, {scheme}", 3) for name, scheme in places)],
        ["paper", "sum", "mean"] * len(places),
    ]
    body = []
    for variant, part in frame.groupby("variant", sort=False):
        line = [variant.removeprefix("AD-CGAN_")]
        for place in places:
            row = part.set_index(["dataset", "scheme"]).loc[place]
            address = f"{tables.address('adcgan-printed', *place)}.html"
            line += [published(row), ours(row, address), ours(means.loc[(variant, *place)], address)]
        body.append(line)
    caption = f"Table 4, {SCALE_TITLE[scale]}: mean AUROC (%) over classes for the score's variants"
    return html_table(caption, head, body)


def table2() -> Html:
    """Table 2: layer counts, the paper's beside those of our two sets of networks; differences are outlined."""
    frame = tables.table2().set_index(["dataset", "module", "kind"])
    kinds = ("conv", "deconv", "linear")
    groups = (("paper", "paper"), ("t2r", "T2-R (default)"), ("t2p", "T2-P"))
    head = [
        [Cell("data set", head="col", down=2), Cell("module", head="col", down=2)],
        list(kinds) * len(groups),
    ]
    head[0] += [_over(title, 3) for _, title in groups]
    body, rules = [], []
    for dataset, module in dict.fromkeys(key[:2] for key in frame.index):
        line = [Cell(TITLES[dataset], head="row"), Cell(module.replace("_", " "), head="row")]
        for name, _ in groups:
            for kind in kinds:
                count, printed = (frame.loc[(dataset, module, kind), column] for column in (name, "paper"))
                line.append(Cell(count or NONE, "differs" if count != printed else ""))
        rules += [len(body)] if module == "encoder" else []
        body.append(line)
    return html_table("Table 2: layers of each module", head, body, rules=rules)


def downloads(number: int) -> Html:
    """Links to the files of a table, and what their columns hold."""
    described = results.columns(results.frame(number, []))
    return render("downloads.html", number=number, columns=described)


def verdicts(records: Sequence[Record]) -> Html:
    """AD-CGAN, recipe printed at scale paper, class by class against the published figures, by the one rule."""
    frame = variants.verdicts(records)
    if frame.empty:
        return note("No class is run with recipe printed at scale paper yet.")
    shown = pd.DataFrame(
        {
            "class": [
                f"{TITLES[row['dataset']]}, {row['scheme']}, {tables.class_title(row['class'], row['class_name'])}"
                for _, row in frame.iterrows()
            ],
            "paper": frame["paper"].map(number),
            "ours": frame["ours"].map(number),
            "difference": frame["difference"].map(difference),
            "interval": [f"{low:.1f} to {high:.1f}" for low, high in zip(frame["low"], frame["high"], strict=True)],
            "seeds": [f"{seeds}/{SEEDS}" for seeds in frame["seeds"]],
            "verdict": frame["verdict"].map(marked),
        }
    )
    return plain(shown, "AD-CGAN against the published figures, class by class (AUROC %)", ("class", "verdict"))


def comparisons(records: Sequence[Record]) -> Html:
    """Every two models that were run on all classes of a data set, class by class."""
    frame = pd.concat([tables.comparisons(records, scale).assign(scale=scale) for scale in SCALES], ignore_index=True)
    libraries = {about.title for about in METHODS.values() if not about.trained}  # no scale: their pairs stand once
    frame.loc[frame["first"].isin(libraries) & frame["second"].isin(libraries), "scale"] = ""
    frame = frame.drop_duplicates(["scale", "dataset", "scheme", "first", "second"])
    if frame.empty:
        return note("No two models are run on every class of a data set yet.")
    places = frame.groupby(["dataset", "scheme"], sort=False)
    return joined(
        folded(f"{TITLES[dataset]}, {scheme}", _pairs(part, f"{TITLES[dataset]}, {scheme}"), open=n == 0)
        for n, ((dataset, scheme), part) in enumerate(places)
    )


def _pairs(frame, place):
    shown = pd.DataFrame(
        {
            "first": frame["first"],
            "second": frame["second"],
            "first less second": frame["difference"].map(difference),
            "first higher in": [f"{row.higher} of {row.classes}" for row in frame.itertuples()],
            "P": frame["p"].map("{:.3f}".format),
            "corrected": frame["corrected"].map("{:.3f}".format),
            "scale": frame["scale"],
        }
    )
    return plain(shown, f"{place}: models compared class by class (AUROC points)", ("first", "second", "scale"))


def heat_maps(records: Sequence[Record]) -> Html:
    """Table 3 on one scale of colours, the paper's figures and ours; cividis, the same in both themes."""
    return by_scale("heat", {scale: _heat_maps(tables.table3(records, scale)) for scale in SCALES})


def _heat_maps(frame):
    parts = []
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        run = set(part.loc[part["seeds"] > 0, "model"])
        if not run - {about.title for about in METHODS.values() if not about.trained}:
            continue
        models = [name for name in tables.MODELS if part.loc[part["model"] == name, "paper"].notna().any()]
        mine = [name for name in METHOD_OF if name in run]
        head = [
            [Cell("class", head="col", down=2), _over("paper", len(models)), _over("ours", len(mine))],
            [*models, *mine],
        ]
        rows = part.set_index(["class", "model"])
        body = [
            [tables.class_title(label, name), *(_coloured(rows.loc[(label, model), "paper"]) for model in models),
             *(_coloured(rows.loc[(label, model), "ours"]) for model in mine)]
            for (label, name), _ in part.groupby(["class", "class_name"], sort=False)
        ]  # fmt: skip
        parts.append(html_table(f"{TITLES[dataset]}, {scheme}: AUROC (%) per class", head, body, kind="adcgan-heat"))
    return joined(parts)


def _coloured(value):
    return Cell(NONE, "adcgan-hatched") if pd.isna(value) else Cell(number(value), style=style(value))


def style(percent: float) -> str:
    """Background and text colour of an AUROC in percent, as CSS: black or white, whichever stands out more."""
    background = to_hex(colormaps["cividis"]((percent - LOW) / (HIGH - LOW)))
    text = max("#000000", "#ffffff", key=lambda colour: contrast(colour, background))
    return f"background-color:{background};color:{text}"


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted(map(_luminance, (first, second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def notes(records: Sequence[Record], *methods: str) -> Html:
    """On the data that were not canonical, in runs of ``methods`` (of any where none is named)."""
    some = [record for record in records if record.run.method in (methods or METHODS)]
    return joined(note(f"Not the canonical data. {line}.") for line in tables.notes(some))
