"""What the book shows of the networks: Figure 1 with its links, and their sizes from the layer tables."""

import pandas as pd

from adcgan.config import SCHEMES, configure
from adcgan.data.datasets import TITLES

from .. import figure1 as drawing
from ..analysis.sizes import MODULES, sizes, totals
from ..analysis.tables import FORMATS
from ..html import Cell, Html, folded, joined, plain, table

# Where on the method's page the code is that a part of Figure 1 depicts, and what it is called there.
_CRITIC = ("critic", "the critic")
_ADVERSARIAL, _CONTRASTIVE = ("equation-eq-6", "equation 6, L_adv"), ("equation-eq-1", "equation 1, L_cgan")
PLACES = {
    "E": ("encoder", "the encoder E"),
    "G": ("generator", "the generator G, also the decoder"),
    "D_cgan": _CRITIC,
    "D_z": ("latent-discriminator", "the latent discriminator D_z"),
    "L_AE": ("autoencoder", "the autoencoder's loss L_AE"),
    "L_adv": _ADVERSARIAL,
    "L_cgan": _CONTRASTIVE,
    "L_dz": ("equation-eq-3", "equation 3, L_dz"),
    "L_GR": ("equation-eq-4", "equation 4, L_GR in the score"),
    "L_GD": ("equation-eq-4", "equation 4, L_GD in the score"),
    "L_FE": ("equation-eq-5", "equation 5, L_FE"),
    "L_FL": ("equation-eq-5", "equation 5, L_FL"),
    "convolutions": _CRITIC,
    "f_D": ("equation-eq-4", "equation 4, L_GD in the score"),
    "last": _CRITIC,
    "head": _CRITIC,
    "L_adv b": _ADVERSARIAL,
    "phi": _CRITIC,
    "g": ("equation-eq-1", "equation 1, the pairing"),
    "L_cgan b": _CONTRASTIVE,
}
LINKS = {name: (f"method.html#{anchor}", f"Method: {what}") for name, (anchor, what) in PLACES.items()}
ARCHITECTURES = {"t2r": "T2-R", "t2p": "T2-P"}


def figure1() -> Html:
    """Figure 1, drawn by `companion.figure1`; its networks, losses and tags lead to the method's page."""
    return Html(f'<div class="adcgan-figure">{drawing.figure1(LINKS)}</div>')


def parameters() -> Html:
    """Parameters of each module, for every image size and both sets of networks."""
    columns = {(size, name): totals(config) for size, name, config in _configs()}
    head = [
        [
            Cell("module", head="col", down=2),
            *(Cell(f"{size} pixels", "group", "colgroup", 2) for size in _data_sets()),
        ],
        [ARCHITECTURES[name] for _, name in columns],
    ]
    body = [[name.replace("_", " "), *(f"{column[name]:,}" for column in columns.values())] for name in MODULES]
    body.append(["all four", *(f"{sum(column.values()):,}" for column in columns.values())])
    return table("Trained parameters of each module at the paper's settings", head, body)


def layers() -> Html:
    """Every layer with its output's shape and its parameters, folded away by image size."""
    parts = {size: [] for size in _data_sets()}
    for size, name, config in _configs():
        rows = [
            {
                "module": row.module.replace("_", " "),
                "layer": row.layer,
                "output": " × ".join(map(str, row.output)),
                "parameters": f"{row.parameters:,}",
            }
            for row in sizes(config)
        ]
        caption = f"{ARCHITECTURES[name]} at {size} pixels: output (channels × height × width) and parameters"
        parts[size].append(plain(pd.DataFrame(rows), caption, ("layer",)))
    return joined(
        folded(f"{size} pixels: {', '.join(titles)}", joined(parts[size])) for size, titles in _data_sets().items()
    )


def _data_sets():
    """Image size -> titles of the paper's data sets of that size."""
    found = {}
    for dataset, (size, _) in sorted(FORMATS.items(), key=lambda item: item[1]):
        found.setdefault(size, []).append(TITLES[dataset])
    return found


def _configs():
    for size, channels in sorted(set(FORMATS.values())):
        for name in ARCHITECTURES:
            yield size, name, configure("adcgan", SCHEMES[0], size, channels, architecture=name)
