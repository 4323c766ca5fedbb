"""What the recorded runs on the paper's data sets say, a sentence each, for the opening page."""

from .. import plan, reweighting, statistics, study, tables
from ..data import TITLES
from ..study import components, latents
from .html import Html, counted, interval, note, signed, symbol
from .pages import SEEDS, committed

STUDY = '<a href="study.html">the study</a>'


def findings() -> Html:
    """The findings as a list; nothing of what the runs do not cover."""
    records = [record for record in committed() if record.cell.dataset in tables.FORMATS]
    sentences = [*_held(records), *_ladder(records), *_alone(records), *_largest(records)]
    sentences += [*_retrained(records), *_scatter(records)]
    if not sentences:
        return note("No cell of the paper is run yet.")
    return Html("<ul>" + "".join(f"<li>{sentence}</li>" for sentence in sentences) + "</ul>")


def _held(records):
    """Whether the published figures hold, as far as cells are run."""
    frame = study.verdicts(records)
    if frame.empty:
        return
    inside = ((frame["low"] <= frame["paper"]) & (frame["paper"] <= frame["high"])).sum()
    sums = reweighting.printed_sums(records) - frame.set_index(["dataset", "scheme", "class"])["paper"]
    whole = (frame["verdict"] != "incomplete").sum()
    held = ", ".join(
        f"{(frame['verdict'] == word).sum()} {word}" for word in ("reproduced", "not reproduced", "undecided")
    )
    of_means, of_sums = (f"{signed(of.min())} to {signed(of.max())} points" for of in (frame["difference"], sums))
    near = (sums.abs() <= statistics.TOLERANCE).sum()
    yield (
        f"Of the {counted(len(frame), 'class', 'classes')} that AD-CGAN is run on, the published figure lies within "
        f"the 95 % interval of ours in {inside}; ours less the published goes from {of_means}. With the components as "
        f"the printed sums it goes from {of_sums}, on the same weights, and is within {statistics.TOLERANCE:g} points "
        f"in {near}. Where one seed is run, the interval is over test images alone and says nothing of other seeds. "
        + (f"With all {SEEDS} seeds: {held}." if whole else f"None has all {SEEDS} seeds yet, so none has a verdict.")
    )


def _ladder(records):
    """The whole score against generation reconstruction alone, with means and with the printed sums."""
    frame = reweighting.ladder(records)
    for (dataset, scheme), part in frame.groupby(["dataset", "scheme"], sort=False):
        of = part.set_index(["reduction", "variant"])
        alone, whole = ({kind: of.loc[kind, f"AD-CGAN_{v}"] for kind in reweighting.REDUCTIONS} for v in ("LG", "GF"))
        printed = f" The paper has {alone['mean']['paper']:.1f} and {whole['mean']['paper']:.1f} over all classes."
        yield (
            f"{TITLES[dataset]}, {scheme}, {counted(part['cells'].iloc[0])}: generation reconstruction alone, the "
            f'variant LG of <a href="table4.html">Table 4</a>, gives a mean AUROC of {alone["mean"]["ours"]:.1f} %, '
            f"the whole score {whole['mean']['ours']:.1f} %. With its components as the printed sums instead of "
            f"the script's means these are {alone['sum']['ours']:.1f} and {whole['sum']['ours']:.1f} % ({STUDY})."
            + (printed if whole["mean"]["paper"] == whole["mean"]["paper"] else "")  # Table 4 has two data sets
        )


def _alone(records):
    """Which component alone is on the wrong side of chance."""
    place = ["dataset", "scheme", "class"]
    frame = components.components(records).groupby(["component", *place], sort=False)["AUROC"].mean().reset_index()
    for name, part in frame.groupby("component", sort=False):
        below = (part["AUROC"] < 50).sum()
        if below:
            yield (
                f"Alone, the component {symbol(name)} gives a mean AUROC of {part['AUROC'].mean():.1f} % over "
                f"{counted(len(part), 'class', 'classes')}; in {below} of them it is below 50 %, larger for normal "
                f"images ({STUDY})."
            )


def _largest(records):
    """Which single changes move the score the most on the same weights, of those over all classes with the study."""
    effects = study.effects(records, plan.STUDIED)
    effects = effects[~effects["retrained"].astype(bool) & effects["low"].notna() & effects["row"].notna()]
    effects = effects[effects["classes"] == effects["classes"].max()]
    said = [
        f"<code>{row['reading']}</code>, {signed(row['mean'])} points ({interval(row['low'], row['high'])}, "
        f"{counted(row['classes'], 'class', 'classes')})"
        for _, row in effects.head(2).iterrows()
    ]
    if said:
        yield (
            "Of the single changes of the evaluation, read on the same weights, these move the AUROC the most "
            f"({STUDY}): {'; '.join(said)}. Means over classes of Fashion-MNIST and MNIST, one-vs-all, with 95 % "
            "intervals over classes; they were picked for their size, and no interval is corrected for that."
        )


def _retrained(records):
    """Which change of the training moves the score the most, of the cells trained again with it."""
    frame = study.retrained(records)
    frame = frame[frame["dataset"].isin(plan.STUDIED)]
    if frame.empty:
        return
    changes = frame.groupby("reading")["difference"]
    name = changes.mean().abs().idxmax()
    moved = changes.get_group(name)
    yield (
        f"Of the changes of the training ({len(changes)} run so far, one at a time), <code>{name}</code> moves the "
        f"AUROC the most ({STUDY}): {signed(moved.mean())} points against the same cells without it, a mean over "
        f"{counted(len(moved))}, from {signed(moved.min())} to {signed(moved.max())}."
    )


def _scatter(records):
    """What the released protocol makes of the same weights."""
    nulls, draws = study.nulls(records), latents.left_over(records)
    if nulls.empty:
        return
    sd = nulls.groupby("protocol")["sd"].mean()
    draws = draws[draws["rule"] == latents.RULES["released"]]
    yield (
        f"The released protocol ({STUDY}) is two things that the authors' public script does when it scores, done with "
        "our networks; the script's own training and its own latent discriminator are not in it. Between random halves "
        "of the normal test images, where there is nothing to find, its AUROC has a standard deviation of "
        f"{sd['released']:.1f} points, the paper protocol's {sd['paper']:.1f}; chance alone gives "
        f"{nulls['expected_sd'].mean():.1f}. Means over the {counted(draws['cell'].nunique())} scored both ways."
    )
    yield (
        "Which latent is left over for the anomalous images moves the released protocol's AUROC on the same weights by "
        f"{(draws['95 %'] - draws['5 %']).mean():.1f} points, from the 5 % to the 95 % quantile of 200 draws: a mean "
        "over the same cells."
    )
