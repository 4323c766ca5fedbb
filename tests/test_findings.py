"""The opening page's findings: each figure from the records by other means, and silence where there is none."""

import re

import numpy as np
import pytest
import scipy.stats
from test_study import TERMS, write_record

from adcgan import evaluation, plan, reweighting, statistics, study
from adcgan.book import component_pages, findings
from adcgan.scores import BOTH, COMPONENTS, SCORE, combine
from adcgan.study import components, latents


@pytest.fixture
def text_of(monkeypatch):
    """The findings over given records; no training was repeated unless a test says so."""
    monkeypatch.setattr(findings, "repeated", tuple)

    def show(records):
        monkeypatch.setattr(findings, "committed", lambda: tuple(records))
        return findings.findings().text.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")

    return show


@pytest.fixture
def cells(tmp_path):
    """Three classes of one data set, one of another, and one that is not the paper's."""
    places = [("mnist", 0), ("mnist", 3), ("mnist", 4), ("fashion_mnist", 5), ("digits", 0)]
    return [write_record(tmp_path, dataset, label) for dataset, label in places]


def mean_auroc(records, rho, counts=None):
    return np.mean([100 * evaluation.auroc(r.anomalous, combine(r.components, 0.1, rho, counts)) for r in records])


def test_the_variants_are_means_over_the_papers_cells_with_means_and_with_sums(cells, text_of):
    text = text_of(cells)
    mnist = cells[:3]
    alone, whole = mean_auroc(mnist, None), mean_auroc(mnist, 0.5)
    sums = [mean_auroc(mnist, rho, TERMS) for rho in (None, 0.5)]
    assert "<strong>MNIST, one-vs-all.</strong> 3 cells: generation reconstruction alone" in text
    assert f"mean AUROC of {alone:.1f} %, the whole score {whole:.1f} %." in text
    assert f"these are {sums[0]:.1f} and {sums[1]:.1f} %" in text
    assert "The paper has 72.3 and 92.3 over all classes." in text, "Table 4's LG and GF of MNIST, one-vs-all"
    assert "digits" not in text


def test_the_first_says_in_how_many_cells_the_published_figure_holds(cells, text_of, tmp_path):
    text = text_of(cells)
    frame = study.verdicts(cells)
    inside = sum(row["low"] <= row["paper"] <= row["high"] for _, row in frame.iterrows())
    assert f"the 95 % interval of ours in {inside or 'none'} of the 4 classes that AD-CGAN is run on;" in text
    least, most = min(frame["ours"] - frame["paper"]), max(frame["ours"] - frame["paper"])
    assert f"ours minus published, is from {least:+.1f} to {most:+.1f} points" in text
    sums = [mean_auroc([cell], 0.5, TERMS) for cell in cells[:4]]
    away = [
        ours - figure for ours, figure in zip(sums, frame.sort_values("dataset", ascending=False)["paper"], strict=True)
    ]
    sums = f"as the printed sums, on the same weights, it is from {min(away):+.1f} to {max(away):+.1f} points"
    assert f"{sums}, and within 2 points in {sum(abs(points) <= 2 for points in away)}." in text
    assert "None has all 3 seeds yet" in text and "says nothing of other seeds. " in text
    whole = text_of([*cells, *(write_record(tmp_path, "mnist", 0, seed) for seed in (1, 2))])
    assert "None has" not in whole and "With all 3 seeds: " in whole
    ends = study.verdicts([cells[0], *(write_record(tmp_path, "mnist", 0, seed) for seed in (1, 2))]).iloc[0]
    assert f"of other seeds; where more are run, it is up to {ends['high'] - ends['low']:.0f} points wide. " in whole
    counts = [int(part.split()[0]) for part in whole.split("With all 3 seeds: ")[1].split(".")[0].split(", ")]
    assert sum(counts) == 1


def test_the_largest_changes_are_the_first_two_with_an_interval(cells, text_of, tmp_path):
    effects = study.effects(cells[:4], plan.STUDIED)
    effects = effects[effects["row"].notna()]
    for _, row in effects.head(2).iterrows():
        figures = f"{row['mean']:+.1f} points ({row['low']:+.1f} to {row['high']:+.1f}, 4 classes)"
        assert f"<code>{row['reading']}</code>, {figures}" in text_of(cells)
    assert effects.iloc[2]["reading"] not in text_of(cells)
    without = [write_record(tmp_path, "mnist", label, study=False) for label in range(5, 8)]
    assert text_of([*cells, *without]).count("4 classes)") == 2, "ranked on the classes that hold every reading"
    assert "the most" not in text_of(cells[:2]), "two classes say nothing of others"


def test_the_generators_statistics_are_a_finding_where_they_were_read(cells, text_of):
    assert "batch norm" not in text_of(cells)
    for cell, points in zip(cells, (1, 5, 12), strict=False):
        paper = cell.content["study"]["paper"]
        cell.content["study"][study.RECONSTRUCTION_STATISTICS] = paper | {"NS": paper["NS"] + points / 100}
        if points == 5:
            assert "by +3.0 points, a mean over 2 classes (too few for an interval;" in text_of(cells)
    low, high = scipy.stats.t.interval(0.95, 2, 6, np.std([1, 5, 12], ddof=1) / 3**0.5)
    assert f"by +6.0 points, a mean over 3 classes ({low:+.1f} to {high:+.1f};" in text_of(cells)
    assert "three to one" not in text_of(cells)
    paper = cells[0].content["study"]["paper"]
    cells[0].content["study"][study.TRAINING_STATISTICS] = paper | {"NS": paper["NS"] - 0.01}
    assert "it moves by -1.0 points on the 1 class where that was read too, there against +1.0." in text_of(cells)


def test_what_the_generators_statistics_and_the_printed_sums_do_together_is_said_for_each_data_set(cells, text_of):
    assert "Together with" not in text_of(cells)
    for cell, value in ((cells[0], 0.9), (cells[1], 0.7), (cells[3], 0.8)):
        paper = cell.content["study"]["paper"]
        cell.content["study"] |= {study.RECONSTRUCTION_STATISTICS: paper, BOTH: paper | {"NS": value}}
    ours = [np.mean([100 * cell.content["study"]["paper"]["NS"] for cell in some]) for some in (cells[:2], cells[3:4])]
    text = text_of(cells).partition("Together with the printed sums")[2]
    # 94.15: 97.1 and 91.2 in the paper's Table 3
    assert f"{ours[0]:.1f} becomes 80.0 % where 94.2 % are published (MNIST, 2 classes)" in text
    assert f"{ours[1]:.1f} becomes 80.0 % where 93.5 % are published (Fashion-MNIST, 1 class)" in text


def test_findings_stand_under_their_subject_and_no_subject_stands_empty(cells, text_of, tmp_path):
    subjects = re.findall(r"<p>(.*?):</p><ul>(.*?)</ul>", text_of(cells))
    assert [subject for subject, _ in subjects] == [
        name for name in findings.SUBJECTS if not name.startswith("How steady")
    ]
    assert all(items.count("<li>") == items.count("</li>") > 0 for _, items in subjects)
    (subject, _), *_ = re.findall(r"<p>(.*?):</p><ul>(.*?)</ul>", text_of([write_record(tmp_path, study=False)]))
    assert subject == "Beside the published figures"


def test_the_change_of_training_that_moves_the_most_is_named_with_its_range(cells, text_of, tmp_path):
    assert "of the training" not in text_of(cells)
    again = [write_record(tmp_path, "mnist", label, reconstruction="sum") for label in (0, 3)]
    frame = study.retrained([*cells, *again])
    least, most = sorted(frame["difference"])
    text = text_of([*cells, *again])
    assert "The one change of the training run so far, <code>reconstruction=sum</code>, moves the AUROC by" in text
    assert f"{frame['difference'].mean():+.1f} points against the same cells without it" in text
    assert f"a mean over 2 classes (too few for an interval), from {least:+.1f} to {most:+.1f}." in text
    again += [write_record(tmp_path, "mnist", 4, reconstruction="sum"), write_record(tmp_path, "mnist", 0, width=0.5)]
    again += [write_record(tmp_path, "mnist", 0, latent_role="cooperative")]  # of one class: not ranked with three
    row = study.effects([*cells, *again], plan.STUDIED).query("retrained and classes == 3").iloc[0]
    text = text_of([*cells, *again])
    assert (
        "Of 2 changes of the training run so far, <code>reconstruction=sum</code> moves the AUROC the most, by" in text
    )
    assert f"a mean over 3 classes ({row['low']:+.1f} to {row['high']:+.1f}), from" in text


def test_trainings_of_one_class_are_set_against_each_other_where_enough_are_run(cells, text_of, tmp_path, monkeypatch):
    again = [write_record(tmp_path, "mnist", 0, seed) for seed in (1, 2)]
    repeats = [write_record(tmp_path / "repeats", "mnist", label, finished="2025") for label in (0, 3)]
    assert "Trained again" not in text_of([*cells, *again])
    monkeypatch.setattr(findings, "repeated", lambda: tuple(repeats))
    values = [[cells[0], *again, repeats[0]], [cells[1], repeats[1]]]
    sds = [
        statistics.pooled_deviation([[mean_auroc([r], 0.5, counts) for r in group] for group in values])[0]
        for counts in (None, TERMS)
    ]
    text = text_of([*cells, *again])
    assert f"a standard deviation of {sds[0]:.1f} points (" in text and "6 trainings of 2 classes" in text
    assert f"with the printed sums {sds[1]:.1f} (" in text and "The autoencoder's has" not in text
    alone = [write_record(tmp_path, "mnist", 0, seed, method="autoencoder", study=False) for seed in (0, 1)]
    text = text_of([*cells, *again, *alone])
    sd = np.std([100 * record.auroc["NS"] for record in alone], ddof=1)
    assert f"the study</a>). The autoencoder's has {sd:.1f} (2 trainings of 1 class).</li>" in text


def test_the_epochs_are_said_to_move_the_score_and_the_best_one_to_be_no_result(cells, text_of, tmp_path):
    assert "The epoch" not in text_of(cells)
    names, values = ["NS", "reduction=sum", *COMPONENTS], [0.9] * 5 + [0.5] * 12 + [0.8, 0.7, 0.6]
    watched = [{SCORE: dict.fromkeys(names, value) | {"reduction=sum": value + 0.01}} for value in values]
    text = text_of([*cells, write_record(tmp_path, "fashion_mnist", 6, watched=watched)])
    sd = 100 * np.std([0.5, 0.5, 0.8, 0.7, 0.6], ddof=1)
    said = f"a standard deviation of {sd:.1f} points, with the printed sums {sd:.1f}"
    assert f"{said} (means over 1 class, 1 cell whose epochs" in text
    assert "no result, would have +20.0 points more, with the printed sums +20.0: 80.0 and 81.0 % where 91.7 %" in text
    steady = [epoch | {study.RECONSTRUCTION_STATISTICS: dict.fromkeys(names, 0.7)} for epoch in watched]
    text = text_of([*cells, write_record(tmp_path, "fashion_mnist", 6, watched=steady)])
    assert "batch norm averaged anew 0.0, with both 0.0 (means" in text


def test_the_autoencoder_stands_beside_adcgan_on_the_classes_that_both_are_run_on(cells, text_of, tmp_path):
    assert "autoencoder" not in text_of(cells)
    places = [("mnist", 3), ("mnist", 7), ("fashion_mnist", 5)]  # AD-CGAN is not run on the second
    first, apart, third = (write_record(tmp_path, *place, method="autoencoder", study=False) for place in places)
    alone, ours = [first, third], [cells[1], cells[3]]
    text = text_of([*cells, *alone, apart])
    of = [[100 * record.auroc["NS"] for record in some] for some in (alone, ours)]
    sums = [mean_auroc([record], 0.5, TERMS) for record in ours]
    assert f"have a mean AUROC of {np.mean(of[0]):.1f} % over the 2 classes where both are run" in text
    assert f"AD-CGAN has {np.mean(of[1]):.1f} %, with the printed sums {np.mean(sums):.1f} %" in text
    higher = [sum(a > b for a, b in zip(of[0], others, strict=True)) for others in (of[1], sums)]
    assert f"higher in {higher[0]} of them, against the printed sums in {higher[1]}." in text


def test_the_scatter_is_the_nulls_and_the_draws(cells, text_of):
    text, nulls, draws = text_of(cells), study.nulls(cells[:4]), latents.left_over(cells[:4])
    for protocol in ("paper", "released"):
        assert f"{nulls[nulls['protocol'] == protocol]['sd'].mean():.1f}" in text
    released = draws[draws["rule"] == "released protocol"]
    assert f"by {(released['95 %'] - released['5 %']).mean():.1f} points, from" in text


def test_a_component_below_chance_is_named_with_its_cells(cells, text_of, monkeypatch):
    frame = components.components(cells[:2])
    frame["AUROC"] = [60.0, 60.0, 60.0, 45.0, 60.0, 60.0, 60.0, 52.0]
    monkeypatch.setattr(components, "components", lambda records: frame)
    text = text_of(cells[:2])
    named = text.partition("their AUROC below 50 %: ")[2].partition(" (")[0]
    assert "<sub>FL</sub>" in named and "<sub>GR</sub>" not in named
    assert named.endswith("in 1 of 2 classes, its mean 48.5 %")


def test_without_a_run_of_the_papers_there_is_a_note_and_without_a_study_nothing_of_protocols(cells, text_of, tmp_path):
    assert text_of([cells[-1]]) == text_of([]) != text_of(cells)
    text = text_of([write_record(tmp_path, study=False)])
    assert "Table 4" in text and "protocol's" not in text


def test_a_data_set_that_table_4_lacks_has_no_figure_of_the_papers(text_of, tmp_path, monkeypatch):
    record = write_record(tmp_path, "cifar10", 0)
    assert "<strong>CIFAR-10, one-vs-all.</strong> 1 cell: generation" in text_of([record]) and "nan" not in text_of(
        [record]
    )
    monkeypatch.setattr(component_pages, "committed", lambda: (record,))
    assert "nan" not in component_pages.ladder().text and "paper," not in component_pages.ladder().text


def test_the_ladder_has_every_variant_both_ways_and_averages_seeds_first(cells, tmp_path):
    again = write_record(tmp_path, "mnist", 0, 1)
    frame = reweighting.ladder([*cells, again]).set_index(["dataset", "variant", "reduction"])
    assert set(frame.index.get_level_values("dataset")) == {"mnist", "fashion_mnist"}
    row = frame.loc["mnist", "AD-CGAN_LFL", "sum"]
    of_zero = mean_auroc([cells[0], again], 0, TERMS)
    assert row["cells"] == 4
    assert row["ours"] == pytest.approx((of_zero + 2 * mean_auroc(cells[1:3], 0, TERMS)) / 3)
    assert row["paper"] == 84.9


def test_the_best_weights_are_the_best_of_the_grid_and_no_worse_than_the_papers_on_it(cells):
    frame = reweighting.best(cells)
    assert len(frame) == 2 * 4
    for record in cells[:4]:
        part = frame[(frame["dataset"] == record.cell.dataset) & (frame["class"] == record.cell.label)]
        for _, row in part.iterrows():
            counts = TERMS if row["reduction"] == "sum" else dict.fromkeys(COMPONENTS, 1)
            GD, GR, FE, FL = (record.components[name].astype(float) * counts[name] for name in COMPONENTS)
            found = [
                100 * evaluation.auroc(record.anomalous, a * GD + (1 - a) * GR + r * FE + (1 - r) * FL)
                for a in reweighting.LAMBDAS
                for r in reweighting.RHOS
            ]
            assert row["best"] == pytest.approx(max(found))
            assert row["ours"] == pytest.approx(found[reweighting.LAMBDAS.index(0.1) * len(reweighting.RHOS) + 2])
            at = reweighting.LAMBDAS.index(row["lambda_"]) * len(reweighting.RHOS) + reweighting.RHOS.index(row["rho"])
            assert found[at] == pytest.approx(max(found))
