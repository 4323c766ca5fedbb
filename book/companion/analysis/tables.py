"""Tables 1 to 4: the paper's figure and ours side by side, from records alone (no torch).

Each is given at one scale, "paper" or "laptop"; library baselines, which have none, stand in both.

Each function returns a tidy data frame, one row per cell, AUROC in percent: ``paper`` the published figure, ``ours``
the measured one or NaN, and what it rests on. Only complete recipes at the scale enter (or, where a search is costly,
those on a stated share of the test images), no ablation; a mean over classes is given only where every class was run.
`companion.pages.results` lays them out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd

from adcgan import paper
from adcgan.config import METHODS, RECIPES, SCALES, SCHEMES, configure
from adcgan.data.datasets import CLASSES, DATASETS, PUBLISHED
from adcgan.experiments.records import Record
from adcgan.models.architectures import counts
from adcgan.scoring import VARIANTS, auroc, combine, normality_score, terms

from . import statistics

# The name in the tables, ours (`Run.name`). AD-CGAN is recipe printed's.
MODELS = {about.title: name for name, about in METHODS.items() if about.published} | {"AD-CGAN": "adcgan-printed"}
OTHERS = {"AD-CGAN, recipe script": "adcgan-script"} | {
    about.title: name for name, about in METHODS.items() if not about.published
}
BASELINES = [about.title for about in METHODS.values() if about.kind == "baseline"]
SEEDS = paper.settings()["runs_per_cell"]
PAPER = SCALES[0]
SCORED = ("score", "study", "watch", "per_epoch")  # parts of a record's cost beside the training, in either format
BLIND, CAPPED = "reconstructs worse than a mean picture", "ended by its cap"  # remarks on a run
NORMAL, AGAIN = "normal", ", reconstructed"  # a row of a record's sheet, and what ends the name of the row below it
ONCE = {(name, scheme) for name, about in METHODS.items() for scheme in SCHEMES if scheme not in about.repeated}
FORMATS = {name: (DATASETS[name].image_size, DATASETS[name].channels) for name in PUBLISHED}


def address(method: str, dataset: str, scheme: str, label: int | None = None) -> str:
    """The book's page of a cell, or of all classes of a (method, data set, scheme), without its ending.

    All classes stand on one page where nothing is trained.
    """
    return f"cells/{method}-{dataset}-{scheme}" + ("" if label is None or not trained(method) else f"-{label}")


def trained(method: str) -> bool:
    """Whether a `Run.name` is of a method trained by gradient steps, not fitted by a library."""
    return METHODS[method.partition("-")[0]].trained


def seed_column(seed: int) -> str:
    """The column that holds a seed's AUROC."""
    return f"seed_{seed}"


def class_title(label: int, name: str) -> str:
    """Number and name of a class, once where they are the same."""
    return name if name == str(label) else f"{label} {name}"


def seed_title(record: Record) -> str:
    """A record's class and seed, its name within a data set and scheme."""
    return f"{class_title(record.run.label, record.content['run']['class_name'])}, seed {record.run.seed}"


def published() -> pd.Series:
    """AD-CGAN's AUROC (%) in the paper's Table 3, by dataset, scheme and class."""
    table = table3([])
    return table[table["model"] == "AD-CGAN"].set_index(["dataset", "scheme", "class"])["paper"]


def standing(records: Iterable[Record], scale: str = PAPER) -> list[Record]:
    """The records that stand in the tables at a scale: complete recipes, one for each class and seed.

    A run on a share of the test images (``test_images`` above 0) stands only where there is none on more of them.
    """
    kept: dict[tuple, Record] = {}
    for record in sorted(records, key=lambda record: -(record.run.config.test_images or float("inf"))):
        cell = record.run
        if not cell.repeat and set(cell.changes) <= {"test_images"} and cell.scale in (scale, None):
            kept.setdefault((cell.name, cell.dataset, cell.scheme, cell.label, cell.seed), record)
    return [kept[place] for place in sorted(kept)]


def planned(records: Iterable[Record], scale: str = PAPER) -> list[Record]:
    """Those of `standing` of the planned seeds: another seed's record has its page, and enters no table."""
    return [record for record in standing(records, scale) if record.run.seed < SEEDS]


@cache
def explained(record: Record) -> float:
    """The share of normal pictures' variance that their reconstructions explain: 1 where both are the same, below 0
    where one mean picture would be nearer. NaN without reconstructions.

    Of the record's sheet: 8 normal test images, 2 where the seed is not 0.
    """
    rows = record.picture_rows()
    if NORMAL + AGAIN not in rows:
        return float("nan")
    images, again = (rows[name] / 255 for name in (NORMAL, NORMAL + AGAIN))
    return float(1 - np.square(images - again).mean() / images.var(0, ddof=1).mean())


def remarks(record: Record) -> str:
    """What must be said beside a run's figure: `BLIND`, `CAPPED`, both or nothing."""
    return ", ".join([BLIND] * (explained(record) < 0) + [CAPPED] * (record.content.get("ended") == "cap"))


def measured(records: Iterable[Record], scale: str = PAPER) -> pd.DataFrame:
    """One row per record that is `planned`: method, dataset, scheme, class, seed, AUROC in percent, data."""
    rows = [
        {
            "method": record.run.name,
            "dataset": record.run.dataset,
            "scheme": record.run.scheme,
            "class": record.run.label,
            "seed": record.run.seed,
            "auroc": 100 * record.result,
            "test_images": record.run.config.test_images,
            "canonical": record.content["data"]["canonical"],
            "provenance": record.content["data"]["provenance"],
            "fingerprint": record.content["data"]["fingerprint"],
            "remarks": remarks(record),
        }
        for record in planned(records, scale)
    ]
    cell = ["method", "dataset", "scheme", "class", "seed"]
    return pd.DataFrame(
        rows, columns=[*cell, "auroc", "test_images", "canonical", "provenance", "fingerprint", "remarks"]
    )


def table3(records: Iterable[Record], scale: str = PAPER) -> pd.DataFrame:
    """Table 3: dataset, scheme, class, class_name, model, paper, plus_minus, ours (mean over seeds), seeds, sd.

    ``sd`` is the sample standard deviation over seeds in AUROC points, NaN below two seeds; ``of_seeds`` the number
    planned; ``share`` the least number of test images scored where not all were, else 0; ``seed_0`` and so on each
    seed's AUROC, NaN where it was not run. Below the paper's models the others follow, without a published figure.
    """
    published = paper.table(3).rename(columns={"auc_percent": "paper", "class": "printed"})
    published = published[published["printed"] != "mean"].reset_index(drop=True)
    names = [_class(row.dataset, row.printed) for row in published.itertuples()]
    published["class"] = [label for label, _ in names]
    published["class_name"] = [name for _, name in names]
    cells = published[["dataset", "scheme", "class", "class_name"]].drop_duplicates()
    others = [cells.assign(model=model) for model in OTHERS]
    table = pd.concat([published, *others], ignore_index=True)
    cell = ["method", "dataset", "scheme", "class"]
    runs = measured(records, scale)
    runs["share"] = runs["test_images"].where(runs["test_images"] > 0)
    per_class = runs.groupby(cell).agg(
        ours=("auroc", "mean"),
        seeds=("auroc", "count"),
        sd=("auroc", "std"),
        share=("share", "min"),
        remarks=("remarks", _joined),
    )
    by_seed = _by_seed(runs.set_index([*cell, "seed"])["auroc"])
    table["method"] = table["model"].map(MODELS | OTHERS)
    table = table.join(per_class.join(by_seed), on=cell)
    for column in ("seeds", "share"):
        table[column] = table[column].fillna(0).astype(int)
    table["of_seeds"] = [1 if cell in ONCE else SEEDS for cell in zip(table["method"], table["scheme"], strict=True)]
    return table[
        ["dataset", "scheme", "class", "class_name", "model", "paper", "plus_minus", "ours", "seeds", "of_seeds", "sd",
         "share", "remarks", *by_seed]
    ]  # fmt: skip


def _joined(remarks):
    """Every remark once; None without any."""
    return ", ".join(sorted({one for said in remarks.dropna() for one in said.split(", ") if one})) or None


def _least(shares):
    """The least number of test images scored where not all were, else 0."""
    some = shares[shares > 0]
    return some.min() if len(some) else 0


def table1(records: Iterable[Record], scale: str = PAPER) -> pd.DataFrame:
    """Table 1: dataset, scheme, model, paper, plus_minus, origin, ours, classes, of_classes, seeds, of_seeds, share,
    remarks.

    ``ours`` is the mean over all classes of the mean over seeds, NaN while a class is missing; ``seeds`` the least
    number of seeds behind a class; ``origin`` the paper's dagger: "reimplemented" or "quoted"; ``seed_0`` and so on
    the mean of one seed, NaN while a class is missing.
    """
    per_class = table3(records, scale)
    grouped = per_class.groupby(["dataset", "scheme", "model"], sort=False)
    ours = grouped.agg(
        mean=("ours", "mean"), classes=("ours", "count"), of_classes=("ours", "size"), seeds=("seeds", "min"),
        of_seeds=("of_seeds", "max"), share=("share", _least), remarks=("remarks", _joined),
    )  # fmt: skip
    ours["ours"] = ours["mean"].where(ours["classes"] == ours["of_classes"])
    by_seed = grouped[[name for name in per_class if name.startswith("seed_")]].agg(lambda of: of.mean(skipna=False))
    published = paper.table(1).rename(columns={"auc_percent": "paper"})
    table = ours.drop(columns="mean").join(by_seed).join(published.set_index(["dataset", "scheme", "model"]))
    return table.reset_index()


def comparisons(records: Iterable[Record], scale: str = PAPER) -> pd.DataFrame:
    """Two models class by class: dataset, scheme, first, second, classes, difference, higher, p, corrected.

    Every pair of models that were run on every class of a data set under a scheme, in the tables' order. ``difference``
    is the mean of the first's AUROC less the second's in points, ``higher`` the number of classes where the first's is
    higher, ``p`` of Wilcoxon's signed ranks, ``corrected`` by Holm, for the data set's and scheme's pairs with AD-CGAN
    as one family and for the others as another: with ten classes the least P is 2/1024, which a correction for all 45
    pairs would leave above 0.05. Data sets of two classes are left out: two differences test nothing; so are two
    models that were measured on different copies of a data set.
    """
    rows, records = [], list(records)
    bytes_of = measured(records, scale).groupby(["method", "dataset", "scheme"])["fingerprint"].unique().map(frozenset)
    for (dataset, scheme), part in table3(records, scale).groupby(["dataset", "scheme"], sort=False):
        wide = part.pivot(index="class", columns="model", values="ours")
        wide = wide.reindex(columns=[*MODELS, *OTHERS]).dropna(axis=1)
        used = {model: bytes_of.get(((MODELS | OTHERS)[model], dataset, scheme)) for model in wide}
        pairs = list(combinations(wide.columns, 2)) if len(wide) > 2 else []
        pairs = [(first, second) for first, second in pairs if used[first] == used[second]]
        ours = [pair for pair in pairs if "AD-CGAN" in pair]
        for family in (ours, [pair for pair in pairs if pair not in ours]):
            p = [statistics.paired(wide[first], wide[second]) for first, second in family]
            for (first, second), raw, corrected in zip(family, p, statistics.holm(p), strict=True):
                points = wide[first] - wide[second]
                higher = (points > 0).sum()
                rows.append((dataset, scheme, first, second, len(wide), points.mean(), higher, raw, corrected))
    columns = ["dataset", "scheme", "first", "second", "classes", "difference", "higher", "p", "corrected"]
    return pd.DataFrame(rows, columns=columns)


def table2() -> pd.DataFrame:
    """Table 2: dataset, module, kind (conv, deconv, linear), paper, t2r, t2p: the paper's count and our networks'."""
    rows = []
    for _, published in paper.table(2).iterrows():
        size, channels = FORMATS[published["dataset"]]
        for kind in ("conv", "deconv", "linear"):
            row = {"dataset": published["dataset"], "module": published["module"], "kind": kind}
            row["paper"] = published[kind]
            for architecture in ("t2r", "t2p"):
                config = configure("adcgan", SCHEMES[0], size, channels, architecture=architecture)
                row[architecture] = counts(config)[published["module"]][kind]
            rows.append(row)
    return pd.DataFrame(rows)


def of_adcgan(records: Iterable[Record], scale: str = PAPER) -> Iterator[Record]:
    """Those of AD-CGAN, recipe printed, on the paper's data sets, of the planned seeds."""
    for record in records:
        cell = record.run
        whole = not (cell.changes or cell.repeat) and (cell.recipe, cell.scale) == (RECIPES[0], scale)
        if whole and cell.dataset in FORMATS and cell.seed < SEEDS:
            yield record


def table4_by_class(records: Iterable[Record], reduction: str = "sum") -> pd.DataFrame:
    """Table 4's variants per class and seed, recomputed from the stored components: no training of their own.

    Of ``records`` as they are (`of_adcgan`). ``reduction``: the components as sums, or as means.
    """
    rows = [
        {
            "variant": variant,
            "dataset": record.run.dataset,
            "scheme": record.run.scheme,
            "class": record.run.label,
            "class_name": record.content["run"]["class_name"],
            "seed": record.run.seed,
            "ours": ours,
        }
        for record in records
        for variant, ours in _of_variants(record, reduction).items()
    ]
    return pd.DataFrame(rows, columns=["variant", "dataset", "scheme", "class", "class_name", "seed", "ours"])


@cache
def _of_variants(record, reduction):
    config = record.run.config
    numbers = terms(config) if reduction == "sum" else None
    scores = {variant: combine(record.components, config.lambda_, rho, numbers) for variant, rho in VARIANTS.items()}
    return {variant: 100 * auroc(record.anomalous, score) for variant, score in scores.items()}


def table4(records: Iterable[Record], scale: str = PAPER, reduction: str = "sum") -> pd.DataFrame:
    """Table 4: variant, lambda, rho, dataset, scheme, paper, plus_minus, ours, classes, seeds, of_classes, and each
    seed's mean, as in `table1`.
    """
    group = ["variant", "dataset", "scheme"]
    runs = table4_by_class(of_adcgan(records, scale), reduction)
    per_class = runs.groupby([*group, "class"])["ours"].agg(["mean", "count"])
    means = per_class.groupby(group).agg(ours=("mean", "mean"), classes=("mean", "count"), seeds=("count", "min"))
    of_seed = runs.groupby([*group, "seed"])["ours"].agg(["mean", "count"])
    whole = of_seed["count"] == of_seed.index.get_level_values("dataset").map(lambda name: len(CLASSES[name]))
    means = means.join(_by_seed(of_seed["mean"].where(whole)))
    table = paper.table(4).rename(columns={"auc_percent": "paper"})
    table = table.join(means, on=["variant", "dataset", "scheme"])
    table["of_classes"] = [len(CLASSES[dataset]) for dataset in table["dataset"]]
    for column in ("classes", "seeds"):
        table[column] = table[column].fillna(0).astype(int)
    table["ours"] = table["ours"].where(table["classes"] == table["of_classes"])
    return table


def auroc_of(record: Record, reduction: str | None = None) -> float:
    """AUROC of NS, a fraction; with ``reduction`` the components as sums or as means."""
    if reduction is None:
        return record.auroc["NS"]
    return auroc(record.anomalous, normality_score(replace(record.run.config, reduction=reduction), record.components))


def notes(records: Iterable[Record]) -> list[str]:
    """One line per data set that was not the canonical one, for under a table that rests on it."""
    records = list(records)
    rows = pd.concat([measured(records, scale) for scale in SCALES])
    rows = rows[~rows["canonical"].astype(bool)]
    return sorted({f"{row.dataset}: {row.provenance}" for row in rows.itertuples()})


def runs(records: Iterable[Record]) -> pd.DataFrame:
    """Every record as a row: run, changes, AUROC of score and components (percent), cost, revision, device.

    ``result`` is what stands in the tables. ``score_seconds``: scores, diagnostics within the run and what was read
    after the epochs together.
    """
    rows = []
    for record in records:
        content, cell = record.content, record.run
        rows.append(
            {
                "method": cell.method,
                "recipe": cell.recipe,
                "scale": cell.scale,
                "dataset": cell.dataset,
                "scheme": cell.scheme,
                "class": cell.label,
                "class_name": content["run"]["class_name"],
                "seed": cell.seed,
                "changes": ", ".join(f"{name}={value}" for name, value in cell.changes.items()),
                "result": 100 * record.result,
                **{name: 100 * value for name, value in content["auroc"].items()},
                "train_seconds": content["cost"]["train_seconds"],
                "score_seconds": sum(content["cost"].get(f"{part}_seconds", 0) for part in SCORED),
                "device": content["device"]["name"],
                "threads": content["device"]["threads"],
                "revision": content["code"]["revision"],
                "dirty": content["code"]["dirty"],
                "directory": str(record.directory),
            }
        )
    first = ["method", "recipe", "scale", "dataset", "scheme", "class", "class_name", "seed", "changes", "result", "NS"]
    last = ["train_seconds", "score_seconds", "device", "threads", "revision", "dirty", "directory"]
    components = dict.fromkeys(name for record in records for name in record.auroc if name != "NS")
    return pd.DataFrame(rows, columns=[*first, *components, *last])


def _by_seed(values):
    """A series over (cell, seed) as a column per seed, those planned among them."""
    wide = values.unstack("seed")
    return wide.reindex(columns=sorted({*range(SEEDS), *wide.columns})).rename(columns=seed_column)


def _class(dataset, printed):
    """The paper's class (a number, or Cats and Dogs) as (number, name)."""
    names = CLASSES[dataset]
    label = int(printed) if printed.isdigit() else names.index(printed.lower().removesuffix("s"))
    return label, names[label]
