"""The parts of AD-CGAN's score as data frames: what each brings, what training does to L_AE, the terms of L_FL."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..records import Record
from ..scores import COMPONENTS, combine, terms
from .cells import CELL, described, single_change


def components(records: Iterable[Record]) -> pd.DataFrame:
    """What each component brings to NS at the paper's settings: dataset, scheme, class, seed, component, terms,
    normal, anomalous, AUROC.

    ``terms``: how many its printed sum has (register row 22); ``normal`` and ``anomalous``: what it adds to NS, means
    over the test images of either kind.
    """
    rows = []
    for record in records:
        if record.cell.method != "adcgan" or record.former != {}:
            continue
        nothing, config = dict.fromkeys(COMPONENTS, np.zeros(len(record.anomalous))), record.cell.config
        counts = terms(config)
        for name, values in record.components.items():
            term = combine(nothing | {name: values}, config.lambda_, config.rho)
            kinds = {"normal": term[~record.anomalous].mean(), "anomalous": term[record.anomalous].mean()}
            rows.append(
                described(record)
                | {"component": name, "terms": counts[name]}
                | kinds
                | {"AUROC": 100 * record.auroc[name]}
            )
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "component", "terms", "normal", "anomalous", "AUROC"])


def autoencoder(records: Iterable[Record]) -> pd.DataFrame:
    """What the adversarial epochs do to L_AE: dataset, scheme, class, seed, change, warm_up, last, ratio.

    L_AE as it was trained, a mean over an epoch's images, per pixel: of the last warm-up epoch, where E and G are
    trained by it alone, and of the last epoch. Of the cells at the paper's settings, and of those trained again with
    one change that keeps this warm-up; ``change`` is empty or says which.
    """
    rows = []
    for record in records:
        cell = record.cell
        if cell.method != "adcgan" or record.former is None:
            continue
        change = single_change(record.former) if record.former else ""
        if change is None or cell.config.warm_up != "autoencoder":
            continue
        pixels = cell.config.channels * cell.config.image_size**2 if cell.config.reconstruction == "sum" else 1
        warm_up, last = (record.content["losses"][at]["L_AE"] / pixels for at in (cell.config.warm_up_epochs - 1, -1))
        rows.append(described(record) | {"change": change, "warm_up": warm_up, "last": last, "ratio": last / warm_up})
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "change", "warm_up", "last", "ratio"])


def latent_terms(records: Iterable[Record]) -> pd.DataFrame:
    """The two terms of L_FL, of the cells whose walk is recorded: dataset, scheme, class, seed, first, normal,
    anomalous, lower.

    Logits, means over the shared z's: ``first`` is D_z(z, E(G(z))); ``normal`` and ``anomalous`` are D_z(E(G(z)), E(x))
    of the walk's two images; ``lower`` is the share of z's and images whose first term is below the second.
    """
    rows = []
    for record in records:
        if record.cell.method != "adcgan" or record.former != {} or not record.walk:
            continue
        first, second = (record.walk[name].astype(float)[..., 0] for name in ("D_z_reference", "D_z_image"))
        of_kind = dict(zip(("normal", "anomalous"), second.mean(1), strict=True))
        rows.append(described(record) | {"first": first.mean(), **of_kind, "lower": np.mean(first < second)})
    return pd.DataFrame(rows, columns=[*CELL, "cell", "name", "first", "normal", "anomalous", "lower"])
