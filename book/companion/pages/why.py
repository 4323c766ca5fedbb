"""What moves the score: sums or means, components, BatchNorm, the adversarial epochs, and single changes."""

from collections.abc import Callable, Sequence

import pandas as pd

from adcgan.data.datasets import title
from adcgan.experiments.records import Record

from .. import figures
from ..analysis import components, runs, trainings, variants
from ..checks import checked
from ..html import Html, by_scale, counted, folded, interval, joined, note, number, plain, signed, symbol
from ..records import SCALES

PLACE = ["scale", "dataset", "scheme"]


def by_place(frame: pd.DataFrame, show: Callable[[pd.DataFrame, str], Html], none: str) -> Html:
    """``show`` of the rows of each scale, data set and scheme with their title, folded but for the first."""
    if frame.empty:
        return note(none)
    parts = sorted(frame.groupby(PLACE, sort=False), key=lambda part: SCALES.index(part[0][0]))
    return joined(
        folded(runs.place(*place), show(part, runs.place(*place)), open=n == 0) for n, (place, part) in enumerate(parts)
    )


def alone(records: Sequence[Record]) -> Html:
    """The AUROC of each component as a score of its own, class by class: recipe printed, scale laptop."""
    return _drawn(components.components(records), figures.alone, "AUROC of each component alone, a dot for each class")


def ladder(records: Sequence[Record]) -> Html:
    """Table 4's variants as sums and as means beside the paper's: where the paper has them."""
    frame = components.ladder(records)
    return _drawn(frame[frame["paper"].notna()], figures.ladder, "Table 4: paper, ours as sums, ours as means")


def drift(records: Sequence[Record]) -> Html:
    """How the reconstruction error moves in the adversarial epochs, run by run."""
    frame = components.autoencoder(records)
    frame = frame[frame["change"].isin(["", "old default"])]
    return _drawn(frame, figures.ratios, "Reconstruction error of the last epoch over that of the warm-up", change=True)


def adversarial(records: Sequence[Record]) -> Html:
    """The AUROC after the warm-up and at the end, a line for each scale, data set and scheme."""
    frame = trainings.adversarial(records)
    if frame.empty:
        return note("No run was read after every epoch yet.")
    rows = [
        {
            "": f"{title(dataset)}, {scheme}, {scale}", "classes": len(part),
            "after the warm-up": number(part["before"].mean()), "at the end": number(part["after"].mean()),
            "points": signed((part["after"] - part["before"]).mean()),
        }
        for (scale, dataset, scheme), part in frame.groupby(PLACE, sort=False)
    ]  # fmt: skip
    return plain(pd.DataFrame(rows), "Mean AUROC (%) of the score before and after the adversarial epochs")


def _drawn(frame, draw, label, change=False):
    """A figure of the runs of a data set and scheme as one place."""
    if frame.empty:
        return note("No run of recipe printed is recorded yet.")
    places = [f"{title(row.dataset)}, {row.scheme}" for row in frame.itertuples()]
    if change:
        names = frame["change"].where(frame["change"] != "", "scale " + frame["scale"])
        places = [f"{place}, {name}" for place, name in zip(places, names, strict=True)]
    else:
        frame, places = _laptop(frame, places)
    return figures.svg(draw(frame.assign(place=places)), label)


def _laptop(frame, places):
    kept = frame["scale"] == "laptop"
    return frame[kept], [place for place, some in zip(places, kept, strict=True) if some]


def scoring(records: Sequence[Record]) -> Html:
    """Every scoring variant of the same weights beside the score: means over the classes diagnosed."""
    return by_place(variants.variants(records), _scoring, "No run is diagnosed yet.")


def _scoring(frame, title):
    means = frame.groupby(["variant", *runs.CLASS], sort=False)[["NS", "difference"]].mean()
    means = means.groupby("variant", sort=False).agg(
        classes=("NS", "size"), NS=("NS", "mean"), difference=("difference", "mean")
    )
    shown = means.reset_index().sort_values("difference", key=abs, ascending=False)
    shown = shown.assign(NS=shown["NS"].map(number), difference=shown["difference"].map(signed))
    shown = shown.rename(columns={"variant": "scoring variant", "difference": "points"})
    return plain(shown, f"{title}: AUROC (%) of NS on the same weights, means over classes")


def effects(records: Sequence[Record]) -> Html:
    """The size of each single change against recipe printed, one-vs-all, as a figure for each scale."""
    frames = {scale: variants.effects(records, scale) for scale in SCALES}
    return by_scale("effects", {
        scale: figures.svg(figures.effects(frame), f"AUROC points of each single change, by size, scale {scale}")
        for scale, frame in frames.items() if len(frame)
    })  # fmt: skip


def effects_table(records: Sequence[Record]) -> Html:
    """The figures of `effects`, with intervals over classes."""
    return by_scale("effects_table", {scale: _effects(variants.effects(records, scale), scale) for scale in SCALES})


def _effects(frame, scale):
    if frame.empty:
        return Html("")
    shown = pd.DataFrame(
        {
            "change": frame["change"],
            "weights": ["trained again" if trained else "the same" for trained in frame["trained"]],
            "classes": frame["classes"],
            "runs": frame["runs"],
            "points": frame["mean"].map(signed),
            "interval": [interval(*ends) for ends in frame[["low", "high"]].to_numpy()],
        }
    )
    caption = f"One change at a time against recipe printed, scale {scale}, one-vs-all: AUROC points"
    return plain(shown, caption, ("weights", "interval"))


def checks(records: Sequence[Record]) -> Html:
    """The claims of the page's text."""
    parts = components.components(records)
    parts = parts[(parts["scale"] == "laptop") & (parts["scheme"] == "one-vs-all")]
    alone = parts.groupby(["dataset", "component"])["AUROC"].mean()
    ladder = components.ladder(records)
    ladder = ladder[(ladder["scale"] == "laptop") & ladder["paper"].notna() & (ladder["reduction"] == "sum")]
    spread = ladder.groupby(["dataset", "scheme"])["ours"].agg(lambda values: values.max() - values.min())
    effects = variants.effects(records, "laptop").set_index("change")["mean"]
    ratio = components.autoencoder(records).groupby(["change", "scale"])["ratio"].median()
    epochs = trainings.adversarial(records)
    gained = (epochs["after"] - epochs["before"]).groupby([epochs[name] for name in PLACE]).mean()
    laptop = gained[gained.index.get_level_values("scale") == "laptop"]
    return checked(
        records,
        three_components_alone_are_above_90_on_MNIST=(alone.get("mnist", pd.Series([0.0])).nlargest(3) > 90).all(),
        on_CIFAR_10_no_component_alone_is_above_65=(alone.get("cifar10", pd.Series([100.0])) < 65).all(),
        with_sums_the_variants_of_Table_4_are_within_a_point=(spread < 1).all(),
        with_means_the_score_is_lower=effects.get("reduction=mean", 0) < 0,
        batches_of_one_class_raise_the_score=effects.get("batch statistics, label order, batches of 256", 0) > 5,
        shuffled_batches_do_not=abs(effects.get("batch statistics, shuffled order, batches of 256", 9)) < 2,
        at_scale_laptop_the_reconstruction_improves=ratio.get(("", "laptop"), 9) < 1,
        at_scale_paper_it_gets_somewhat_worse=1 < ratio.get(("", "paper"), 0) < 2,
        under_the_old_default_it_gets_several_times_worse=ratio.get(("old default", "paper"), 0) > 3,
        the_adversarial_epochs_move_every_mean_by_less_than_5_points=(laptop.abs() < 5).all(),
        more_often_down_than_up=(laptop < 0).sum() > (laptop > 0).sum(),
        at_scale_paper_they_lower_that_of_Fashion_MNIST=gained.get(("paper", "fashion_mnist", "one-vs-all"), 0) < 0,
        the_latent_feature_loss_is_below_50_in_a_third_of_the_classes=(
            parts.loc[parts["component"] == "L_FL", "AUROC"] < 50
        ).mean() > 1 / 3,
    )  # fmt: skip


def parts(records: Sequence[Record]) -> Html:
    """What each component brings to NS, and what it says alone: means over classes."""
    return by_place(components.components(records), _parts, "No run of recipe printed is recorded yet.")


def _parts(frame, title):
    lines = []
    for name, part in frame.groupby("component", sort=False):
        means = part.groupby("class")[["normal", "anomalous", "AUROC"]].mean().mean()
        lines.append(
            {"component": symbol(name), "terms": f"{part['terms'].iloc[0]:,}"}
            | {f"weighted, {kind}": number(means[kind], 3) for kind in ("normal", "anomalous")}
            | {"AUROC": number(means["AUROC"]), "below 50 % in": counted((part["AUROC"] < 50).sum())}
        )
    return plain(pd.DataFrame(lines), f"{title}: the weighted terms of NS and each component's own AUROC (%)")


def reconstruction(records: Sequence[Record]) -> Html:
    """L_AE before and after the adversarial epochs, run by run."""
    return by_place(components.autoencoder(records), _reconstruction, "No run of recipe printed is recorded yet.")


def _reconstruction(frame, title):
    shown = pd.DataFrame(
        {
            "run": frame["name"],
            "changed": frame["change"].replace("", "nothing"),
            "end of the warm-up": [number(value, 4) for value in frame["warm_up"]],
            "last epoch": [number(value, 4) for value in frame["last"]],
            "ratio": [number(value) for value in frame["ratio"]],
        }
    )
    return plain(shown, f"{title}: squared error per pixel, mean over an epoch's training images", ("changed",))


def reductions(records: Sequence[Record]) -> Html:
    """NS with its components as sums and as means, class by class."""
    return by_place(components.reductions(records), _reductions, "No run of recipe printed is recorded yet.")


def _reductions(frame, title):
    shown = pd.DataFrame(
        {"class": frame["name"], "sum": frame["sum"].map(number), "mean": frame["mean"].map(number),
         "mean less sum": (frame["mean"] - frame["sum"]).map(signed), "seeds": frame["seeds"]}
    )  # fmt: skip
    return plain(shown, f"{title}: AUROC (%) of NS, its components as sums and as means")
