"""What the recorded runs on the paper's data sets say, for the opening page: a topic, a full stop, sentences."""

import pandas as pd

from .. import plan, reweighting, statistics, study, tables
from ..data import TITLES
from ..scores import BOTH, SCORE
from ..study import components, latents, trainings
from .common import SEEDS, committed, repeated
from .html import Html, counted, interval, note, signed, symbol

STUDY = '<a href="study.html">the study</a>'


def findings() -> Html:
    """The findings, a list for each subject; nothing of what the runs do not cover."""
    records = [record for record in committed() if record.cell.dataset in tables.FORMATS]
    html = ""
    for subject, parts in SUBJECTS.items():
        found = [finding.partition(". ") for part in parts for finding in part(records)]
        items = "".join(f"<li><strong>{topic}.</strong> {rest}</li>" for topic, _, rest in found)
        html += f"<p>{subject}:</p><ul>{items}</ul>" if found else ""
    return Html(html) if html else note("No cell of the paper is run yet.")


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
    several = frame[frame["seeds"] > 1]
    width = (several["high"] - several["low"]).max()
    wide = f"; where more are run, it is up to {width:.0f} points wide" if len(several) else ""
    near = (sums.abs() <= statistics.TOLERANCE).sum()
    yield (
        "The published figures. The published AUROC lies within the 95 % interval of ours in "
        f"{inside or 'none'} of the {counted(len(frame), 'class', 'classes')} that AD-CGAN is run on; the difference, "
        f"ours minus published, is from {of_means}. With the components as the printed sums, on the same weights, it "
        f"is from {of_sums}, and within {statistics.TOLERANCE:g} points in {near}. Where one seed is run, the interval "
        f"is over test images alone and says nothing of other seeds{wide}. "
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
            f"{TITLES[dataset]}, {scheme}. {counted(part['cells'].iloc[0])}: generation reconstruction alone, the "
            f'variant LG of <a href="table4.html">Table 4</a>, gives a mean AUROC of {alone["mean"]["ours"]:.1f} %, '
            f"the whole score {whole['mean']['ours']:.1f} %. With the components as the printed sums, not the means "
            f"of the default, these are {alone['sum']['ours']:.1f} and {whole['sum']['ours']:.1f} % ({STUDY})."
            + (printed if whole["mean"]["paper"] == whole["mean"]["paper"] else "")  # Table 4 has two data sets
        )


def _autoencoder(records):
    """AD-CGAN beside its own encoder and generator without the adversarial part, on the classes where both are run."""
    frame = tables.table3(records).set_index(["model", "dataset", "scheme", "class"])["ours"]
    both = pd.DataFrame({name: frame[model] for name, model in (("whole", "AD-CGAN"), ("alone", "autoencoder"))})
    both["sums"] = reweighting.printed_sums(records)
    both = both.dropna()
    if both.empty:
        return
    yield (
        f"Without the adversarial part. AD-CGAN's encoder and generator trained on {symbol('L_AE')} alone for as many "
        f"epochs and scored by it, the yardstick autoencoder, have a mean AUROC of {both['alone'].mean():.1f} % over "
        f"the {counted(len(both), 'class', 'classes')} where both are run; AD-CGAN has {both['whole'].mean():.1f} %, "
        f"with the printed sums {both['sums'].mean():.1f} %. The autoencoder is higher in "
        f"{(both['alone'] > both['whole']).sum()} of them, against the printed sums in "
        f"{(both['alone'] > both['sums']).sum()}."
    )


def _alone(records):
    """Which component alone is on the wrong side of chance."""
    place = ["dataset", "scheme", "class"]
    frame = components.components(records).groupby(["component", *place], sort=False)["AUROC"].mean().reset_index()
    said = [
        f"{symbol(name)} in {below} of {counted(len(part), 'class', 'classes')}, its mean {part['AUROC'].mean():.1f} %"
        for name, part in frame.groupby("component", sort=False)
        if (below := (part["AUROC"] < 50).sum())
    ]
    if said:
        yield (
            "Components on the wrong side of chance. Alone, as a score, some are larger for normal images, their AUROC "
            f"below 50 %: {'; '.join(said)} ({STUDY})."
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
            "Scoring. Of the single changes of the evaluation, read on the same weights, these move the AUROC the "
            f"most ({STUDY}): {'; '.join(said)}. Means over classes of Fashion-MNIST and MNIST, one-vs-all, with 95 % "
            "intervals over classes; they were picked for their size, and no interval is corrected for that."
        )


def _decoding(records):
    """What it does that G decodes E(x) with the statistics of generated images."""
    effects = study.effects(records, plan.STUDIED).set_index("reading")
    if study.RECONSTRUCTION_STATISTICS not in effects.index:
        return
    row = effects.loc[study.RECONSTRUCTION_STATISTICS]
    ends = interval(row["low"], row["high"], none="too few for an interval")
    yield (
        "The generator's batch norm. In evaluation mode G decodes E(x) with averages over its training passes, three "
        "in four of which are on z. With averages over the reconstructions of the training images instead, on the "
        f"same weights and without a label, the AUROC moves by {signed(row['mean'])} points, a mean over "
        f"{counted(row['classes'], 'class', 'classes')} ({ends}; <code>{row.name}</code> in {STUDY})."
        + _control(records)
        + _with_sums(records)
    )


def _control(records):
    """What averages over z's and reconstructions, made in the same way, do on the classes that have both."""
    frame = study.readings(records)
    frame = frame[frame["dataset"].isin(plan.STUDIED) & (frame["scheme"] == "one-vs-all")]
    wide = frame.pivot_table("difference", ["dataset", "class"], "reading")
    wide = wide.reindex(columns=[study.RECONSTRUCTION_STATISTICS, study.TRAINING_STATISTICS]).dropna()
    if wide.empty:
        return ""
    anew, mixed = wide.mean()
    return (
        f" Over G(z) and reconstructions, three to one as in training, it moves by {signed(mixed)} points on the "
        f"{counted(len(wide), 'class', 'classes')} where that was read too, there against {signed(anew)}."
    )


def _with_sums(records):
    """What those averages and the printed sums do together, for each data set."""
    frame = study.explained(records)
    frame = frame[frame["dataset"].isin(plan.STUDIED) & (frame["scheme"] == "one-vs-all") & (frame["reading"] == BOTH)]
    said = [
        f"{row['paper_protocol']:.1f} becomes {row['NS']:.1f} % where {row['published']:.1f} % are published "
        f"({TITLES[row['dataset']]}, {counted(row['classes'], 'class', 'classes')})"
        for _, row in frame.iterrows()
    ]
    after = "This was thought of when the first figures had been seen: an explanation, no result."
    return f" Together with the printed sums {'; '.join(said)}. {after}" if said else ""


def _retrained(records):
    """The change of the training that moves the score the most, of those over the most classes."""
    effects = study.effects(records, plan.STUDIED)
    effects = effects[effects["retrained"].astype(bool)]
    if effects.empty:
        return
    largest = effects[effects["classes"] == effects["classes"].max()].iloc[0]
    name, frame = largest["reading"], study.retrained(records)
    moved = frame.loc[(frame["reading"] == name) & frame["dataset"].isin(plan.STUDIED), "difference"]
    if len(effects) == 1:
        does = f"The one change of the training run so far, <code>{name}</code>, moves the AUROC"
    else:
        does = f"Of {len(effects)} changes of the training run so far, <code>{name}</code> moves the AUROC the most,"
    ends = interval(largest["low"], largest["high"], none="too few for an interval")
    yield (
        f"Training. {does} by {signed(largest['mean'])} points against the same cells without it ({STUDY}): a mean "
        f"over {counted(largest['classes'], 'class', 'classes')} ({ends}), from {signed(moved.min())} to "
        f"{signed(moved.max())}. With one training of a cell a difference can be as large with nothing changed: "
        '<a href="study.html#trained-again">the same training again</a>.'
    )


def _again(records):
    """How far trainings of one class differ, with the components as means and as the printed sums."""
    frame = trainings.spread(trainings.again(records, repeated())).set_index("score")
    if frame.empty or frame["low"].isna().any():
        return
    alone = trainings.spread_of(records, "autoencoder")
    means, sums = (frame.loc[name] for name in trainings.SCORES)
    ends = [f"{of['low']:.1f} to {of['high']:.1f}" for of in (means, sums)]
    yield (
        "Trained again. Between trainings of one class with the same settings, and the same seed or another, the "
        f"AUROC has a standard deviation of {means['sd']:.1f} points ({ends[0]}; "
        f"{counted(means['trainings'], 'training', 'trainings')} of "
        f"{counted(means['classes'], 'class', 'classes')}), with the printed sums {sums['sd']:.1f} ({ends[1]}; "
        '<a href="study.html#trained-again">the study</a>).'
        + (
            f" The autoencoder's has {alone['sd']:.1f} ({counted(alone['trainings'], 'training', 'trainings')} of "
            f"{counted(alone['classes'], 'class', 'classes')})."
            if alone
            else ""
        )
    )


def _epoch(records):
    """How far the AUROC moves from epoch to epoch, and what the best by the test's labels would make of the last."""
    frame = trainings.chosen_epochs(records)
    if frame.empty:
        return
    means, classes = trainings.over_classes(frame), len(frame[["dataset", "scheme", "class"]].drop_duplicates())
    own, sums = (means.loc[(SCORE, score)] for score in trainings.SCORES)
    anew = [(study.RECONSTRUCTION_STATISTICS, score) for score in trainings.SCORES]
    steady = (
        ", with the generator's batch norm averaged anew "
        f"{means.loc[anew[0], 'sd']:.1f}, with both {means.loc[anew[1], 'sd']:.1f}"
        if anew[0] in means.index
        else ""
    )
    yield (
        "The epoch. Over the last five epochs of a training its AUROC has a standard deviation of "
        f"{own['sd']:.1f} points, with the printed sums {sums['sd']:.1f}{steady} (means over "
        f"{counted(classes, 'class', 'classes')}, {counted(frame['cell'].nunique())} whose epochs were read; "
        '<a href="study.html#which-epoch">the study</a>). The last epoch is scored. The best adversarial one, chosen '
        f"by the test's labels and so no result, would have {signed(own['best'] - own['last'])} points more, with the "
        f"printed sums {signed(sums['best'] - sums['last'])}: {own['best']:.1f} and {sums['best']:.1f} % where "
        f"{own['published']:.1f} % are published."
    )


def _scatter(records):
    """What the released protocol makes of the same weights."""
    nulls, draws = study.nulls(records), latents.left_over(records)
    if nulls.empty:
        return
    sd = nulls.groupby("protocol")["sd"].mean()
    draws = draws[draws["rule"] == latents.RULES["released"]]
    yield (
        "The released protocol. Two things that the authors' public script does when it scores, done with our "
        f"networks; the script's own training and its own latent discriminator are not in it ({STUDY}). Between "
        "random halves of the normal test images, where there is nothing to find, the released protocol's AUROC has a "
        f"standard deviation of {sd['released']:.1f} points, the paper protocol's {sd['paper']:.1f}; chance alone "
        f"gives {nulls['expected_sd'].mean():.1f}. Means over the {counted(draws['cell'].nunique())} scored both ways."
    )
    yield (
        "The left-over latent. Which one the anomalous images get moves the released protocol's AUROC on the same "
        f"weights by {(draws['95 %'] - draws['5 %']).mean():.1f} points, from the 5 % to the 95 % quantile of 200 "
        "draws: a mean over the same cells."
    )


SUBJECTS = {
    "Beside the published figures": (_held, _ladder, _autoencoder),
    "What moves the score of given weights": (_alone, _largest, _decoding),
    "How steady a training is, and what changes of it do": (_epoch, _again, _retrained),
    "What the released protocol does with the same weights": (_scatter,),
}
