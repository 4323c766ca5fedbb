"""What the opening page shows of the recorded runs."""

from collections.abc import Sequence
from itertools import product

import pandas as pd
from myst_nb import glue

from adcgan import paper
from adcgan.config import SCHEMES
from adcgan.data.datasets import PUBLISHED, TITLES
from adcgan.experiments.records import Record
from adcgan.scoring import VARIANTS

from .. import figures
from ..analysis import claims as paper_claims
from ..analysis import components, tables, trainings, variants
from ..checks import checked
from ..html import NONE, VERDICTS, Html, by_scale, difference, note, number, plain, render, signed
from ..records import SCALE_TITLE, SCALES, SEEDS

CLASS = ["dataset", "scheme", "class"]
LABEL_ORDER = "batch statistics, label order, batches of 256"


def values(records: Sequence[Record]) -> dict[str, str]:
    """The figures of the text by name, laptop scale: one-vs-all, and all-vs-one with the ending ``_hard``.

    Then how many classes have a verdict, and the means over those run at both scales.
    """
    frame = tables.table3(records, "laptop")
    frame = frame[(frame["model"] == "AD-CGAN") & (frame["seeds"] > 0)]
    found = {}
    for (scheme, ending), dataset in product(zip(SCHEMES, ("", "_hard"), strict=True), PUBLISHED):
        part = frame[(frame["scheme"] == scheme) & (frame["dataset"] == dataset)]
        found[f"{dataset}_ours{ending}"] = number(part["ours"].mean())
        found[f"{dataset}_paper{ending}"] = number(part["paper"].mean())
        found[f"{dataset}_gap{ending}"] = number(abs((part["ours"] - part["paper"]).mean()))
    published = paper.table(1).query("model == 'AD-CGAN'")["auc_percent"]
    found |= {"paper_least": number(published.min()), "paper_most": number(published.max())}
    said = _verdicts(records)
    found |= {name.replace(" ", "_"): str((said == name).sum()) for name in VERDICTS if name != "incomplete"}
    found["with_verdict"] = str(len(said))
    found |= {f"both_{name}": number(value) for name, value in _both(records).items()}
    effects = variants.effects(records, "laptop").set_index("change")["mean"]
    return found | {"label_order": number(effects.get(LABEL_ORDER))}


def _verdicts(records):
    """Of every class that has one."""
    said = variants.verdicts(records)["verdict"]
    return said[said != "incomplete"]


def _both(records):
    """Means of AD-CGAN over the classes run at both scales: laptop, paper, and as published."""
    frame = trainings.scales(records)
    frame = frame[frame["model"] == "AD-CGAN"].join(tables.published().rename("published"), on=CLASS)
    return frame[["laptop", "paper", "published"]].mean()


def numbers(records: Sequence[Record]) -> None:
    """Hand `values` to MyST, for ``{glue:text}``."""
    for name, value in values(records).items():
        glue(name, value, display=False)


def claims(records: Sequence[Record]) -> Html:
    """The paper's claims, each with what was measured, at which scale, and whether that supports it."""
    words = {True: "supported", False: "not supported", None: "not tested yet"}
    rows = [
        {
            "claim": claim.text,
            "measured, points": "; ".join(f"{place} {signed(value)}" for place, value in claim.measured.items())
            or NONE,
            "scale": claim.scale or NONE,
            "so far": words[claim.supported],
        }
        for claim in paper_claims.claims(records)
    ]
    return plain(
        pd.DataFrame(rows), "The paper's claims", ("measured, points", "scale", "so far"), kind="adcgan-claims"
    )


def measured(records: Sequence[Record]) -> Html:
    """A line for each data set and scheme that AD-CGAN, recipe printed, is run on: means over these classes."""
    return by_scale("measured", {scale: _measured(records, scale) for scale in SCALES}) or note("No class is run yet.")


def _measured(records, scale):
    wide = tables.table3(records, scale).pivot(index=CLASS, columns="model", values="ours")
    done = wide.join(tables.published().rename("paper"))[wide["AD-CGAN"].notna()]
    rows = []
    for scheme, dataset in product(SCHEMES, PUBLISHED):
        part = done[[(dataset, scheme) == place[:2] for place in done.index]]
        if part.empty:
            continue
        rows.append(
            {
                "": f"{TITLES[dataset]}, {scheme}",
                "classes": len(part),
                "paper": number(part["paper"].mean()),
                "ours, as printed": number(part["AD-CGAN"].mean()),
                "difference": difference((part["AD-CGAN"] - part["paper"]).mean()),
            }
            | {
                heading: number(part[model].mean(skipna=False))
                for heading, model in (
                    ("ours, as the script", "AD-CGAN, recipe script"),
                    ("nearest neighbours", "nearest neighbours"),
                    ("PCA", "PCA reconstruction"),
                )
            }
        )
    caption = f"Mean AUROC (%) over the classes that AD-CGAN was run on, {SCALE_TITLE[scale]}"
    frame = pd.DataFrame(rows)
    return plain(frame[[name for name in frame if (frame[name] != NONE).any()]], caption) if rows else Html()


def picture(records: Sequence[Record]) -> Html:
    """Every class that AD-CGAN is run on: published, printed, script, and the baselines' range; a picture a scale."""
    return by_scale("picture", {scale: _picture(records, scale) for scale in SCALES})


def classes(records: Sequence[Record], scale: str) -> pd.DataFrame:
    """A line for each class that AD-CGAN is run on, as `figures.classes` draws it."""
    frame = tables.table3(records, scale)
    others = frame[frame["model"].isin(tables.BASELINES)].groupby(CLASS)["ours"].agg(least="min", most="max")
    script = frame[frame["model"] == "AD-CGAN, recipe script"].set_index(CLASS)["ours"].rename("script")
    frame = frame[(frame["model"] == "AD-CGAN") & (frame["seeds"] > 0)]
    orders = {"scheme": SCHEMES, "dataset": list(PUBLISHED)}  # of the text
    frame = frame.sort_values(list(orders), key=lambda of: of.map(orders[of.name].index), kind="stable")
    frame = frame.join(script, on=CLASS).join(others, on=CLASS).rename(columns={"class_name": "name"})
    return frame.assign(place=[f"{TITLES[row.dataset]}, {row.scheme}" for row in frame.itertuples()])


def _picture(records, scale):
    frame = classes(records, scale)
    if frame.empty:
        return Html("")
    alt = f"AUROC of every class that AD-CGAN is run on, {SCALE_TITLE[scale]}: " + "; ".join(
        f"{place}, mean published {part['paper'].mean():.1f}, recipe printed {part['ours'].mean():.1f}"
        for place, part in frame.groupby("place", sort=False)
    )
    ways = {2: "side by side", 1: "one below the other"}  # a label of its own gives each names of its own
    wide, narrow = (figures.svg(figures.classes(frame, columns), f"{alt}; {way}") for columns, way in ways.items())
    return render("by_width.html", wide=wide, narrow=narrow)


def reasons(records: Sequence[Record]) -> Html:
    """Why it differs, three reasons with a small picture each: laptop scale, one-vs-all."""
    wide, published = _wide(records)
    if wide.empty:
        return note("No class is run at scale laptop yet.")
    cifar = wide.loc["cifar10"] if "cifar10" in wide.index else wide.mean()
    known = {"paper": published.get("cifar10", float("nan")), "AD-CGAN": cifar["AD-CGAN"]}
    known |= {"nearest\nneighbours": cifar["nearest neighbours"], "PCA": cifar["PCA reconstruction"]}
    ladder = components.ladder([record for record in records if record.run.scale == "laptop"])
    ladder = ladder[(ladder["dataset"] == "fashion_mnist") & (ladder["scheme"] == SCHEMES[0])]
    steps = {
        kind: list(ladder[ladder["reduction"] == "sum"].set_index("variant")[kind].reindex(list(VARIANTS)))
        for kind in ("paper", "ours")
    }
    effects = variants.effects(records, "laptop").set_index("change")["mean"]
    moved = {"sum to mean": effects.get("reduction=mean")}
    moved |= {"BatchNorm\nre-estimated": effects.get("BatchNorm re-estimated")}
    moved |= {"batches of\none class": effects.get(LABEL_ORDER)}
    names = [name.removeprefix("AD-CGAN_") for name in VARIANTS]
    drawn = [
        figures.svg(figures.bars(known, "AUROC (%), CIFAR-10"), "Mean AUROC on CIFAR-10: paper, ours, baselines"),
        figures.svg(figures.steps(names, steps, "AUROC (%), Fashion-MNIST"), "Table 4's variants: paper and ours"),
        figures.svg(figures.bars(moved, "AUROC points"), "What three changes of the scoring move"),
    ]
    return render("reasons.html", drawn=drawn, label_order=number(effects.get(LABEL_ORDER)))


def _wide(records):
    """Our means by data set (rows) and model, and the paper's on the same classes: laptop scale, one-vs-all."""
    frame = tables.table3(records, "laptop")
    frame = frame[frame["scheme"] == SCHEMES[0]]
    wide = frame.pivot(index=["dataset", "class"], columns="model", values="ours")
    done = wide[wide["AD-CGAN"].notna()]
    published = frame[frame["model"] == "AD-CGAN"].set_index(["dataset", "class"])["paper"].loc[done.index]
    return done.groupby("dataset").mean(), published.groupby("dataset").mean()


def checks(records: Sequence[Record]) -> Html:
    """The claims of the opening page's text."""
    wide, published = _wide(records)
    gap = wide["AD-CGAN"] - published
    ahead = wide["AD-CGAN"] - wide["nearest neighbours"]
    measured = {claim.text: claim.measured for claim in paper_claims.claims(records)}
    gaps, raised = (
        next(of for text, of in measured.items() if text.startswith(start))
        for start in ("AD-CGAN's means", "The latent terms")
    )
    both = _both(records)
    hard = [points for place, points in gaps.items() if place.endswith(SCHEMES[1])]
    return checked(
        records,
        on_MNIST_our_mean_is_above_the_published_one=gap.get("mnist", 0) > 0,
        on_Fashion_MNIST_our_mean_is_below_the_published_one=gap.get("fashion_mnist", 0) < 0,
        on_CIFAR_10_our_mean_is_below_the_published_one=gap.get("cifar10", 0) < 0,
        on_CatsVsDogs_our_mean_is_below_the_published_one=gap.get("cats_vs_dogs", 0) < 0,
        all_vs_one_every_mean_is_below_the_published_one=len(hard) == 3 and max(hard) < 0,
        on_CIFAR_10_and_Fashion_MNIST_nearest_neighbours_do_better=all(
            ahead.get(name, 0) < 0 for name in ("cifar10", "fashion_mnist")
        ),
        of_the_classes_with_a_verdict_fewer_than_half_are_reproduced=(_verdicts(records) == "reproduced").mean() < 0.5,
        where_both_scales_are_run_the_larger_lies_further_below_the_paper=(
            both["paper"] < both["laptop"] < both["published"]
        ),
        the_latent_terms_move_the_mean_by_less_than_a_point=all(abs(v) < 1 for v in raised.values()),
    )


def coverage(records: Sequence[Record]) -> Html:
    """How many classes of each data set and scheme AD-CGAN, recipe printed, was run on, by scale and seed."""
    rows = []
    frames = {scale: tables.table3(records, scale) for scale in SCALES}
    for scheme in SCHEMES:
        for dataset in PUBLISHED:
            row = {"": f"{TITLES[dataset]}, {scheme}"}
            for scale, frame in frames.items():
                part = frame[
                    (frame["dataset"] == dataset) & (frame["scheme"] == scheme) & (frame["model"] == "AD-CGAN")
                ]
                if part.empty:
                    break
                for seed in range(SEEDS):
                    row[f"{scale}, seed {seed}"] = part[tables.seed_column(seed)].notna().sum() or NONE
            else:
                rows.append(row | {"classes": len(part)})
    frame = pd.DataFrame(rows)
    run = [name for name in frame if name in ("", "classes") or (frame[name] != NONE).any()]
    return plain(frame[run], "Classes that AD-CGAN, recipe printed, was run on; other scales and seeds not yet")
