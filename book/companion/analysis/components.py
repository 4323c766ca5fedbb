"""The parts of AD-CGAN's score as data frames: what each brings, Table 4 both ways, what training does to L_AE."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from adcgan import paper
from adcgan.experiments.records import Record
from adcgan.scoring import COMPONENTS, combine, terms

from . import tables
from .runs import CLASS, RUN, change, of_printed, printed, row

REDUCTIONS = ("sum", "mean")


def components(records: Iterable[Record]) -> pd.DataFrame:
    """What each component brings to NS: `RUN`, name, component, terms, normal, anomalous, AUROC (%).

    ``terms``: how many its sum has; ``normal`` and ``anomalous``: what it adds to NS, means over the test images of
    either kind.
    """
    rows = []
    for record in printed(records):
        nothing, config = dict.fromkeys(COMPONENTS, np.zeros(len(record.anomalous))), record.run.config
        counts = terms(config)
        for name, values in record.components.items():
            term = combine(nothing | {name: values}, config.lambda_, config.rho, counts)
            kinds = {"normal": term[~record.anomalous].mean(), "anomalous": term[record.anomalous].mean()}
            auroc = {"AUROC": 100 * record.auroc[name]}
            rows.append(row(record) | {"component": name, "terms": counts[name]} | kinds | auroc)
    return pd.DataFrame(rows, columns=[*RUN, "name", "component", "terms", "normal", "anomalous", "AUROC"])


def ladder(records: Iterable[Record]) -> pd.DataFrame:
    """Table 4's variants with the components as sums and as means: scale, dataset, scheme, variant, reduction, runs,
    ours (mean over classes, a class's seeds averaged first), paper (Table 4's, of all classes).
    """
    records, kinds = printed(records), ["scale", "dataset", "scheme", "variant", "reduction"]
    parts = [
        tables.table4_by_class([r for r in records if r.run.scale == scale], kind).assign(reduction=kind, scale=scale)
        for scale in dict.fromkeys(record.run.scale for record in records)
        for kind in REDUCTIONS
    ]
    if not parts:
        return pd.DataFrame(columns=[*kinds, "runs", "ours", "paper"])
    by_class = pd.concat(parts).groupby([*kinds, "class"], sort=False)["ours"].agg(ours="mean", runs="size")
    result = by_class.groupby(kinds, sort=False).agg(runs=("runs", "sum"), ours=("ours", "mean")).reset_index()
    published = paper.table(4).set_index(["variant", "dataset", "scheme"])["auc_percent"]
    places = zip(*(result[name] for name in ("variant", "dataset", "scheme")), strict=True)
    return result.assign(paper=[published.get(place, np.nan) for place in places])


def autoencoder(records: Iterable[Record]) -> pd.DataFrame:
    """L_AE before and after the adversarial epochs: `RUN`, name, change, warm_up, last, ratio.

    Per pixel, a mean over an epoch's training images: of the last warm-up epoch, where E and G learn it alone, and of
    the last epoch. Of runs and ablations that have both kinds of epoch; ``change`` is empty or says which.
    """
    rows = []
    for record in of_printed(records):
        config = record.run.config
        if config.warm_up != "autoencoder" or not 0 < config.warm_up_epochs < config.total_epochs:
            continue
        pixels = config.channels * config.image_size**2 if config.reconstruction == "sum" else 1
        warm_up, last = (record.content["losses"][at]["L_AE"] / pixels for at in (config.warm_up_epochs - 1, -1))
        rows.append(row(record) | {"change": change(record), "warm_up": warm_up, "last": last, "ratio": last / warm_up})
    return pd.DataFrame(rows, columns=[*RUN, "name", "change", "warm_up", "last", "ratio"])


def reductions(records: Iterable[Record]) -> pd.DataFrame:
    """AUROC (%) of NS as sums and as means of its components: `CLASS`, name, sum, mean, seeds; a row for each class."""
    rows = [
        row(record) | {kind: 100 * tables.auroc_of(record, reduction=kind) for kind in REDUCTIONS}
        for record in printed(records)
    ]
    frame = pd.DataFrame(rows, columns=[*RUN, "name", *REDUCTIONS])
    frame["name"] = frame["name"].str.replace(r", seed \d+$", "", regex=True)
    by_class = frame.groupby([*CLASS, "name"], sort=False)
    return by_class[list(REDUCTIONS)].mean().assign(seeds=by_class.size()).reset_index()
