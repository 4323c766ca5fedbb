"""What is left to chance and to time in a training, as data frames: a cell trained again, and the score by epoch."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from .. import statistics, tables
from ..evaluation import auroc
from ..records import Record
from ..scores import COMPONENTS, SCORE, with_scores
from .cells import CELL, default, described, key

SCORES = ["NS", "reduction=sum"]  # with the components as means, the default, and as the printed sums
PLACE = CELL[:3]


def again(records: Iterable[Record], repeats: Iterable[Record] = ()) -> pd.DataFrame:
    """Every training of the classes that were trained more than once at the paper's settings: dataset, scheme, class,
    seed, NS, reduction=sum, the components, device, threads, revision, earlier, resumed, finished.

    AUROC in percent; ``earlier`` are the revisions that trained before ``revision``. ``repeats`` are trainings of cells
    that ``records`` has too, with the same seed.
    """
    rows = []
    for record in default([*records, *repeats]):
        device, content = record.content["device"], record.content
        values = {
            name: 100 * auroc(record.anomalous, some)
            for name, some in with_scores(record.cell.config, record.components).items()
        }
        rows.append(
            described(record)
            | values
            | {"device": device["name"], "threads": device["threads"], "revision": str(content["code"]["revision"])}
            | {"earlier": content["code"].get("earlier", []), "resumed": content["cost"]["resumed"]}
            | {"finished": content["finished"]}
        )
    last = ["device", "threads", "revision", "earlier", "resumed", "finished"]
    columns = [*CELL, "cell", "name", *SCORES, *COMPONENTS, *last]
    frame = pd.DataFrame(rows, columns=columns)
    trainings = frame.groupby(PLACE)["seed"].transform("size")
    return frame[trainings > 1].sort_values([*PLACE, "seed", "finished"], ignore_index=True)


def spread(trainings: pd.DataFrame) -> pd.DataFrame:
    """How far trainings of one class differ (`again`): score, classes, trainings, sd, low, high, in AUROC points.

    ``sd`` is the standard deviation about the class's mean, pooled over the classes, with its 95 % interval.
    """
    rows = []
    for name in [*SCORES, *COMPONENTS]:
        groups = [part[name].to_numpy() for _, part in trainings.groupby(PLACE)]
        if groups:
            rows.append((name, len(groups), len(trainings), *statistics.pooled_deviation(groups)))
    return pd.DataFrame(rows, columns=["score", "classes", "trainings", "sd", "low", "high"])


def spread_of(records: Iterable[Record], method: str) -> dict:
    """How far another method's trainings of one class differ, as a line of `spread`; empty where none is trained twice.

    Of its runs at the paper's settings (`adcgan.tables.standing`); the score's name is the method's.
    """
    by_class: dict[tuple, list[float]] = {}
    for record in tables.standing(records):
        if record.cell.method == method:
            by_class.setdefault(key(record)[:3], []).append(100 * record.auroc["NS"])
    groups = [values for values in by_class.values() if len(values) > 1]
    if not groups:
        return {}
    sd, low, high = statistics.pooled_deviation(groups)
    known = {"score": method, "classes": len(groups), "trainings": sum(map(len, groups))}
    return known | {"sd": sd, "low": low, "high": high}


def epochs(records: Iterable[Record]) -> pd.DataFrame:
    """The AUROC (%) after every epoch that it was read after: dataset .. seed, epoch (from 1), warm_up, included,
    reading, NS, reduction=sum, the components.

    Of AD-CGAN's cells at the paper's settings, on the images of `adcgan.splits.watched`; ``warm_up``: whether E and G
    alone were trained so far; ``included``: whether it would be the last one, were the warm-up's epochs counted in
    (register row 18; what is trained until then is the same); ``reading``: the score's own, `adcgan.scores.SCORE`, or
    that of G's batch norm averaged anew (`adcgan.methods.Method.watch`).
    """
    rows = []
    for record in default(records):
        for epoch, readings in enumerate(record.watched, 1):
            config = record.cell.config
            known = described(record) | {"epoch": epoch, "warm_up": epoch <= config.warm_up_epochs}
            known["included"] = epoch == config.epochs
            for reading, values in sorted(readings.items(), key=lambda pair: pair[0] != SCORE):
                rows.append(known | {"reading": reading} | {name: 100 * value for name, value in values.items()})
    columns = [*CELL, "cell", "name", "epoch", "warm_up", "included", "reading", *SCORES, *COMPONENTS]
    return pd.DataFrame(rows, columns=columns)


def chosen_epochs(records: Iterable[Record]) -> pd.DataFrame:
    """What a choice of the epoch would make of each cell, by reading and score: dataset .. seed, reading, score,
    published, epochs, last, included, best, at, least, sd.

    Over the adversarial epochs of `epochs`, of which there are ``epochs``. ``included`` is the AUROC where the
    warm-up's epochs are counted in, NaN where that one was not read so. ``best`` is the highest AUROC, of epoch ``at``:
    a choice by the test's labels, no result. ``least`` is the lowest, ``sd`` the standard deviation over the last five
    epochs.
    """
    published, frame, rows = tables.published(), epochs(records), []
    frame = frame[~frame["warm_up"].astype(bool)]
    for _, part in frame.groupby([*CELL, "reading"], sort=False):
        first = part.iloc[0]
        known = {name: first[name] for name in [*CELL, "cell", "name", "reading"]}
        figure = published.get(tuple(first[PLACE]), np.nan)
        for score in SCORES:
            values = part.set_index("epoch")[score]
            rows.append(
                known
                | {"score": score, "published": figure, "epochs": len(values), "last": values.iloc[-1]}
                | {"included": part.loc[part["included"].astype(bool), score].mean()}
                | {"best": values.max(), "at": values.idxmax(), "least": values.min()}
                | {"sd": values.iloc[-5:].std(ddof=1) if len(values) >= 5 else np.nan}
            )
    known = ["reading", "score", "published", "epochs", "last", "included", "best", "at", "least", "sd"]
    columns = [*CELL, "cell", "name", *known]
    return pd.DataFrame(rows, columns=columns)


def over_classes(chosen: pd.DataFrame) -> pd.DataFrame:
    """Means of `chosen_epochs` over classes, seeds averaged first: published, last, included, best, least, sd.

    By (reading, score); NaN where a class lacks it.
    """
    columns = ["published", "last", "included", "best", "least", "sd"]
    by_class = chosen.groupby([*PLACE, "reading", "score"], sort=False)[columns].agg(_mean)
    return by_class.groupby(["reading", "score"], sort=False).agg(_mean)


def _mean(values):
    """NaN where one is."""
    return values.mean(skipna=False)
