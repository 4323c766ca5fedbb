"""What the study's page shows of the score's components and their weights; a function for each part."""

import numpy as np
import pandas as pd

from adcgan.data.datasets import title

from ..analysis import reweighting, tables
from ..analysis.study import components as frames
from .common import committed, place
from .html import Html, counted, note, plain, signed, symbol
from .study_parts import parts


def components() -> Html:
    """What each component of the score brings to it and says alone, for each data set and scheme."""
    frame = frames.components(committed())
    return parts(frame, _components) if len(frame) else note("No run of AD-CGAN is recorded yet.")


def _components(frame):
    """One part of it: means over the classes, a class's seeds averaged first."""
    shown = []
    for name, part in frame.groupby("component", sort=False):
        line = {"component": Html(symbol(name)), "terms": f"{part['terms'].iloc[0]:,}"}
        means = part.groupby("class")[["normal", "anomalous", "AUROC"]].mean().mean()
        line |= {f"weighted, {kind}": f"{means[kind]:.3f}" for kind in ("normal", "anomalous")}
        line |= {"AUROC": f"{means['AUROC']:.1f}", "below 50 % in": counted((part["AUROC"] < 50).sum())}
        shown.append(line)
    where = place(frame)
    return plain(pd.DataFrame(shown), f"{where}: the weighted terms of NS and each component's own AUROC (%), means")


def latent_terms() -> Html:
    """Which of L_FL's two terms is the lower one, in the images whose walk is recorded."""
    frame = frames.latent_terms(committed())
    frame = frame[frame["dataset"].isin(list(tables.FORMATS))]
    if frame.empty:
        return note("No run of the paper's cells has its two terms recorded yet.")
    first = " to ".join(signed(value, 2) for value in (frame["first"].min(), frame["first"].max()))
    return Html(
        f"<p>Two images of a cell have both terms recorded, one normal and one anomalous ({counted(len(frame))}). "
        f"There the first term's mean over the sixteen z's is {first}, as a logit. It is below the second for either "
        f"image and every z in {(frame['lower'] == 1).sum()} of the cells.</p>"
    )


def autoencoder() -> Html:
    """What the adversarial epochs do to the reconstruction that they are trained with, for each data set and scheme."""
    frame = frames.autoencoder(committed())
    return parts(frame, _autoencoder) if len(frame) else note("No run of AD-CGAN is recorded yet.")


def _autoencoder(frame):
    """One part of it."""
    shown = pd.DataFrame(
        {
            "cell": frame["cell"],
            "trained with": np.where(frame["change"] == "", "the defaults", frame["change"]),
            "end of the warm-up": frame["warm_up"].map("{:.4f}".format),
            "last epoch": frame["last"].map("{:.4f}".format),
            "ratio": frame["ratio"].map("{:.1f}".format),
        }
    )
    where = place(frame)
    return plain(shown, f"{where}: squared error per pixel, mean over an epoch's training images", ("trained with",))


def ladder() -> Html:
    """Table 4's variants on the cells run, the components as means and as the printed sums."""
    frame = reweighting.ladder(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    columns = {}
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        for reduction in reweighting.REDUCTIONS:
            of = part[part["reduction"] == reduction].set_index("variant")["ours"]
            columns[f"{title(dataset)}, {scheme}, {counted(part['cells'].iloc[0])}: {reduction}s"] = of
        of = part.drop_duplicates("variant").set_index("variant")["paper"]
        if of.notna().any():  # the paper's Table 4 has two data sets
            columns[f"paper, {title(dataset)}, {scheme}, all classes"] = of
    wide = pd.DataFrame(columns).map("{:.1f}".format)
    wide.index = [f"{name.removeprefix('AD-CGAN_')}" for name in wide.index]
    caption = "Table 4's variants: mean AUROC (%) with the components as means (the default) and as the printed sums"
    return plain(wide.rename_axis("variant").reset_index(), caption)


def best() -> Html:
    """What a search over lambda and rho with the test's labels would find, against the published figures."""
    frame = reweighting.best(committed())
    if frame.empty:
        return note("No cell of the paper is run yet.")
    return parts(frame.assign(cell=frame["name"]), _best)


def _best(frame):
    """One part of it: a line for each cell."""
    lines = []
    for name, part in frame.groupby("name", sort=False):
        line = {"cell": name, "published": f"{part['paper'].iloc[0]:.1f}"}
        for _, row in part.iterrows():
            line[f"{row['reduction']}s, paper's weights"] = f"{row['ours']:.1f}"
            line[f"{row['reduction']}s, best"] = f"{row['best']:.1f}"
            line[f"at \N{GREEK SMALL LETTER LAMDA}, \N{GREEK SMALL LETTER RHO} ({row['reduction']}s)"] = (
                f"{row['lambda_']:g}, {row['rho']:g}"
            )
        lines.append(line)
    where = place(frame)
    return plain(pd.DataFrame(lines), f"{where}: AUROC (%) of NS, at the paper's weights and at the best of a grid")
