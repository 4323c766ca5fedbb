"""What the stored components give under other weights than the paper protocol's: records alone, no network.

AUROC in percent, of the default before there were recipes.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from . import paper, tables
from .evaluation import auroc, aurocs
from .records import Record
from .scores import combine, terms
from .study.cells import default

REDUCTIONS = ("mean", "sum")  # register row 22
WHOLE = "AD-CGAN_GF"  # the variant that is the whole score
LAMBDAS = (0, 0.1, 0.25, 0.5, 0.75, 1)
RHOS = (0, 0.25, 0.5, 0.75, 1)


def by_class(records: Iterable[Record]) -> pd.DataFrame:
    """Table 4's variants with the components as means and as the printed sums: dataset, scheme, variant, reduction,
    class, ours (mean over the seeds), cells (how many these are).
    """
    records, kinds = default(records), ["dataset", "scheme", "variant", "reduction"]
    frame = pd.concat(tables.table4_by_class(records, kind).assign(reduction=kind) for kind in REDUCTIONS)
    return frame.groupby([*kinds, "class"], sort=False)["ours"].agg(ours="mean", cells="size").reset_index()


def printed_sums(records: Iterable[Record]) -> pd.Series:
    """AUROC of NS with its components as the printed sums (mean over the seeds), by dataset, scheme and class."""
    frame = by_class(records)
    frame = frame[(frame["variant"] == WHOLE) & (frame["reduction"] == "sum")]
    return frame.set_index(["dataset", "scheme", "class"])["ours"]


def ladder(records: Iterable[Record]) -> pd.DataFrame:
    """The means of `by_class` over the classes: dataset, scheme, variant, reduction, cells, ours, paper (Table 4's, of
    all classes).
    """
    kinds = ["dataset", "scheme", "variant", "reduction"]
    result = by_class(records).groupby(kinds, sort=False).agg(cells=("cells", "sum"), ours=("ours", "mean"))
    result = result.reset_index()
    published = paper.table(4).set_index(["variant", "dataset", "scheme"])["auc_percent"]
    result["paper"] = [
        published.get(kind, np.nan) for kind in zip(*(result[c] for c in ("variant", "dataset", "scheme")), strict=True)
    ]
    return result


def best(records: Iterable[Record]) -> pd.DataFrame:
    """Per cell and reduction the largest AUROC of NS over `LAMBDAS` and `RHOS`, found with the test's labels: dataset,
    scheme, class, seed, name, reduction, paper, ours, best, lambda_, rho.

    A bound on what a search over the two weights could have brought (register row 32), not a result: no figure of ours
    rests on it. ``ours`` is NS at the paper's weights.
    """
    published = tables.published()
    grid = [(lambda_, rho) for lambda_ in LAMBDAS for rho in RHOS]
    rows = []
    for record in default(records):
        cell = record.cell
        for reduction in REDUCTIONS:
            counts = terms(cell.config) if reduction == "sum" else None
            found = aurocs(record.anomalous, np.stack([combine(record.components, *pair, counts) for pair in grid]))
            ours = auroc(record.anomalous, combine(record.components, cell.config.lambda_, cell.config.rho, counts))
            rows.append(
                (cell.dataset, cell.scheme, cell.label, cell.seed, tables.seed_title(record), reduction,
                 published.get((cell.dataset, cell.scheme, cell.label), np.nan), 100 * ours, 100 * found.max(),
                 *grid[found.argmax()])
            )  # fmt: skip
    columns = ["dataset", "scheme", "class", "seed", "name", "reduction", "paper", "ours", "best", "lambda_", "rho"]
    return pd.DataFrame(rows, columns=columns)
