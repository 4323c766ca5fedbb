"""What chance and time do to a training, as data frames: trainings of one class, and the AUROC by epoch (percent)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from adcgan.experiments.records import Record

from . import statistics, tables
from .runs import CLASS, RUN, change, of_printed, printed, row


def again(records: Iterable[Record]) -> pd.DataFrame:
    """Trainings of the classes that were trained more than once with the same options: `RUN`, name, change, repeat, NS,
    device, threads, revision, finished. Repeats have the seed of another training.
    """
    rows = []
    for record in of_printed(records):
        device, content = record.content["device"], record.content
        rows.append(
            row(record)
            | {"change": change(record), "repeat": record.run.repeat, "NS": 100 * record.auroc["NS"]}
            | {"device": device["name"], "threads": device["threads"], "revision": str(content["code"]["revision"])}
            | {"finished": content["finished"]}
        )
    columns = [*RUN, "name", "change", "repeat", "NS", "device", "threads", "revision", "finished"]
    frame = pd.DataFrame(rows, columns=columns)
    trainings = frame.groupby([*CLASS, "change"])["seed"].transform("size")
    return frame[trainings > 1].sort_values([*CLASS, "change", "seed", "repeat"], ignore_index=True)


def spread(records: Iterable[Record]) -> pd.DataFrame:
    """How far trainings of one class differ: method, scale, change, classes, trainings, sd, low, high (points).

    ``sd`` is the standard deviation about the class's mean, pooled over the classes, with its 95 % interval. Of every
    method that was trained more than once.
    """
    groups: dict[tuple, dict[tuple, list[float]]] = {}
    for record in records:
        run = record.run
        if run.scale and run.dataset in tables.FORMATS:
            kind = groups.setdefault((run.name, run.scale, change(record)), {})
            kind.setdefault((run.dataset, run.scheme, run.label), []).append(100 * record.auroc["NS"])
    rows = []
    for kind, classes in sorted(groups.items()):
        several = [values for values in classes.values() if len(values) > 1]
        if several:
            rows.append((*kind, len(several), sum(map(len, several)), *statistics.pooled_deviation(several)))
    return pd.DataFrame(rows, columns=["method", "scale", "change", "classes", "trainings", "sd", "low", "high"])


def scales(records: Iterable[Record]) -> pd.DataFrame:
    """The classes that a trained method was run on at both scales: model, dataset, scheme, class, class_name, laptop,
    paper, difference; the AUROC (percent) is the mean over the seeds run.
    """
    records = list(records)
    place = ["model", "dataset", "scheme", "class", "class_name"]
    columns = {scale: tables.table3(records, scale).set_index(place)["ours"] for scale in ("laptop", "paper")}
    frame = pd.DataFrame(columns).dropna().reset_index()
    trained = [model for model, name in (tables.MODELS | tables.OTHERS).items() if tables.trained(name)]
    frame = frame[frame["model"].isin(trained)].reset_index(drop=True)
    return frame.assign(difference=frame["paper"] - frame["laptop"])


def epochs(records: Iterable[Record]) -> pd.DataFrame:
    """The AUROC after every epoch it was read after: `RUN`, name, epoch (from 1), warm_up, NS, the components.

    On the images of `adcgan.data.schemes.per_epoch_rows`; ``warm_up``: whether E and G alone were trained so far.
    """
    rows = []
    for record in printed(records):
        for epoch, values in enumerate(record.per_epoch, 1):
            known = {"epoch": epoch, "warm_up": epoch <= record.run.config.warm_up_epochs}
            rows += [row(record) | known | {name: 100 * value for name, value in values.items()}] if values else []
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*RUN, "name", "epoch", "warm_up", "NS", *(rows or [{}])[0]])))


def adversarial(records: Iterable[Record]) -> pd.DataFrame:
    """What the adversarial epochs add, class by class: `CLASS`, before, after, means over seeds.

    ``before`` is the AUROC of NS after the warm-up, when D and D_z are untrained, ``after`` that of the last epoch.
    """
    frame = epochs(records)
    warm_up = frame["warm_up"].astype(bool)
    both = {name: part.groupby(RUN, sort=False)["NS"].last() for name, part in
            (("before", frame[warm_up]), ("after", frame[~warm_up]))}  # fmt: skip
    return pd.DataFrame(both).dropna().groupby(CLASS, sort=False).mean().reset_index()


def chosen_epochs(records: Iterable[Record]) -> pd.DataFrame:
    """What a choice of the epoch would make: `RUN`, name, published, epochs, last, best, at, least, sd.

    Over the adversarial epochs. ``best`` is the highest AUROC, of epoch ``at``: a choice by the test's labels, no
    result. ``least`` is the lowest, ``sd`` the standard deviation over the last five epochs.
    """
    published, frame, rows = tables.published(), epochs(records), []
    for place, part in frame[~frame["warm_up"].astype(bool)].groupby([*RUN, "name"], sort=False):
        values = part.set_index("epoch")["NS"]
        rows.append(
            (*place, published.get(place[1:4], np.nan), len(values), values.iloc[-1], values.max(), values.idxmax(),
             values.min(), values.iloc[-5:].std(ddof=1) if len(values) >= 5 else np.nan)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=[*RUN, "name", "published", "epochs", "last", "best", "at", "least", "sd"])
