"""The protocol study from records: what each frame holds, that the pages show the same, and that figures draw."""

import csv
import html
import re
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from companion import figures
from companion.analysis import audit, statistics, study
from companion.analysis.study import cells as study_cells
from companion.analysis.study import components, latents
from companion.analysis.study.cells import CELL, NOT_RETRAINED
from companion.pages import (
    audit_pages,
    cell_pages,
    component_pages,
    decision_pages,
    gallery,
    latent_pages,
    opening,
    study_pages,
    table_pages,
)
from factories import CHANGES, DRAWS, LOOKS, NORMAL, NULLS, SHARED, write_format1, write_record
from matplotlib.figure import Figure

from adcgan import paper, scoring
from adcgan.config import METHODS, RECIPES, configure, open_choices
from adcgan.config.adcgan import PLAIN
from adcgan.data import datasets
from adcgan.experiments import format1, grid
from adcgan.experiments.records import read_all
from adcgan.models.networks import Critic, Encoder, Generator, LatentDiscriminator
from adcgan.scoring import BOTH, COMPONENTS, combine

ROOT = Path(__file__).resolve().parent.parent
# The local map of 6 x 6, projected to 512 channels; pixels; latents; one logit.
TERMS = {"L_GD": 512 * 6 * 6, "L_GR": 28 * 28, "L_FE": 100, "L_FL": 1}
READINGS = {*CHANGES, "rho=0.1"}  # beside the paper protocol


@pytest.fixture
def cells(tmp_path):
    """Studied cells of three data sets, both schemes and two seeds."""
    return [
        write_format1(tmp_path, "mnist", 0),
        write_format1(tmp_path, "mnist", 0, 1, scale=0.5),
        write_format1(tmp_path, "mnist", 3, scale=2),
        write_format1(tmp_path, "mnist", 3, scheme="all-vs-one", scale=-1),
        write_format1(tmp_path, "fashion_mnist", 5, scale=0.7),
        write_format1(tmp_path, "digits", 0, scale=3),
    ]


def moved(record):
    """What each reading of a record moves NS by, in points, from its own arrays."""
    paper, config = 100 * record.readings["paper"]["NS"], record.run.config
    found = {name: 100 * aurocs["NS"] - paper for name, aurocs in record.readings.items() if name != "paper"}
    for rule in ("released", "test_latents=released"):
        found[rule] = 100 * record.study[f"left over, {rule}, NS"].astype(float).mean() - paper
    sums = {name: record.components[name].astype(float) * count for name, count in TERMS.items()}
    found["reduction=sum"] = 100 * scoring.auroc(record.anomalous, combine(sums, config.lambda_, config.rho)) - paper
    found["rho=0.1"] = 100 * scoring.auroc(record.anomalous, combine(record.components, config.lambda_, 0.1)) - paper
    return found


def published(dataset, scheme, label):
    """Table 3's figure for AD-CGAN."""
    with open(paper.HERE / "table3.csv", newline="") as file:
        for row in csv.DictReader(file):
            if (row["dataset"], row["scheme"], row["class"], row["model"]) == (dataset, scheme, str(label), "AD-CGAN"):
                return float(row["auc_percent"])


def of(frame, record, **which):
    """The row of a record's cell; ``which`` names it further."""
    cell = record.run
    which |= {"dataset": cell.dataset, "scheme": cell.scheme, "class": cell.label, "seed": cell.seed}
    for column, value in which.items():
        frame = frame[frame[column] == value]
    ((_, row),) = frame.iterrows()
    return row


FRAMES = {
    "readings": study.readings,
    "retrained": study.retrained,
    "effects": lambda records: study.effects(records, ("mnist", "fashion_mnist")),
    "other_latents": latents.other_latents,
    "left_over": latents.left_over,
    "left_over_means": latents.left_over_means,
    "nulls": study.nulls,
}


def test_the_records_of_these_tests_hold_what_a_real_study_gave(tmp_path):
    real = max(study_cells.studied(read_all(ROOT / "runs")), key=lambda record: record.content["finished"])
    made = write_format1(tmp_path)
    assert set(made.content) >= set(real.content) - {"watched"}
    assert set(made.study) == set(real.study) and set(made.readings) <= set(real.readings)
    for name in set(real.study) - {"L_FL released"}:
        values = real.study[name]
        assert (made.study[name].dtype, made.study[name].shape) == (values.dtype, values.shape)
        assert len(values) == (LOOKS if "batches" in name else 12 if name.startswith("16") else DRAWS)
    for name, values in made.walk.items():
        assert (values.dtype, values.shape) == (real.walk[name].dtype, real.walk[name].shape)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_without_records_a_frame_is_empty_and_has_its_columns(frame, cells):
    empty = frame([])
    assert empty.empty and list(empty.columns) == list(frame(cells).columns)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_records_are_read_from_any_iterable(frame, cells, tmp_path):
    records = [*cells, write_format1(tmp_path, contrastive="literal")]
    assert len(frame(records)) and frame(iter(records)).equals(frame(records))


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_records_without_a_study_are_left_out(frame, cells, tmp_path):
    others = [
        write_format1(tmp_path, "mnist", 7, study=False),
        write_format1(tmp_path, "mnist", 0, method="pca", study=False),
        *(write_record(tmp_path, "mnist", 3, scale=scale) for scale in ("laptop", "paper")),  # of today
        write_record(tmp_path, "mnist", 3, recipe="script"),
        write_record(tmp_path, "mnist", 3, contrastive="masked"),
    ]
    records = [*cells, write_format1(tmp_path, contrastive="literal")]
    assert frame(others).empty
    assert frame(records + others).equals(frame(records))


def test_other_weights_are_read_from_the_components(tmp_path):
    record = write_format1(tmp_path)
    frame = study.readings([record])
    for name, values in scored(record).items():
        row, ours = of(frame, record, reading=name), 100 * scoring.auroc(record.anomalous, values)
        assert row["NS"] == pytest.approx(ours)
        assert row["difference"] == pytest.approx(ours - 100 * record.auroc["NS"])


def scored(record):
    """NS of a record's images with the printed sums, and with another rho, by hand."""
    GD, GR, FE, FL = (record.components[name].astype(float) for name in COMPONENTS)
    return {
        "reduction=sum": 0.1 * 18432 * GD + 0.9 * 784 * GR + 0.5 * 100 * FE + 0.5 * FL,
        "rho=0.1": 0.1 * GD + 0.9 * GR + 0.1 * FE + 0.9 * FL,
    }


@pytest.mark.parametrize("name", ["readings", "left_over", "nulls"])
def test_readings_are_of_cells_at_the_papers_settings(name, cells, tmp_path):
    changed = write_format1(tmp_path, "mnist", 0, contrastive="literal")
    assert changed.readings and FRAMES[name]([changed]).empty
    assert FRAMES[name]([*cells, changed]).equals(FRAMES[name](cells))


def test_a_readings_difference_is_to_the_paper_protocol_of_its_own_cell(cells):
    frame = study.readings(cells)
    assert len(frame) == len(cells) * (1 + len(READINGS))
    for record in cells:
        assert of(frame, record, reading="paper")["difference"] == 0
        assert of(frame, record, reading="paper")["NS"] == pytest.approx(100 * record.auroc["NS"])
        assert set(moved(record)) == READINGS
        for name, points in moved(record).items():
            row = of(frame, record, reading=name)
            assert row["NS"] == pytest.approx(100 * record.readings["paper"]["NS"] + points)
            assert row["difference"] == pytest.approx(points)
    assert of(frame, cells[1], reading="batch-statistics label order, batches of 32")["difference"] == pytest.approx(
        0.5
    )


def test_cells_are_named_apart(cells):
    names = study.readings(cells).groupby(CELL)["cell"].unique()
    assert len(names) == len({name for (name,) in names}) == len(cells)
    assert of(study.readings(cells), cells[3], reading="paper")["cell"] == "MNIST, all-vs-one, 3 name 3, seed 0"


def test_a_class_that_is_its_number_is_named_once(tmp_path):
    record = write_format1(tmp_path)
    record.content["run"]["class_name"] = "0"
    assert set(study.readings([record])["cell"]) == {"MNIST, one-vs-all, 0, seed 0"}


def test_left_over_gives_the_quantiles_of_each_rules_draws(cells):
    frame = latents.left_over(cells)
    assert len(frame) == 2 * len(cells)
    for record in cells:
        for rule, title in latents.RULES.items():
            draws = np.sort(100 * record.study[f"left over, {rule}, NS"].astype(float))
            row = of(frame, record, rule=title)
            assert (row["least"], row["most"]) == (draws[0], draws[-1])
            assert row["median"] == pytest.approx(np.median(draws))
            assert row["least"] < row["5 %"] < row["median"] < row["95 %"] < row["most"]
            assert (draws < row["5 %"]).sum() == (draws > row["95 %"]).sum() == 10
            assert row["paper_protocol"] == pytest.approx(100 * record.auroc["NS"])


def test_how_far_a_draw_moves_the_anomalies_is_set_against_the_spread_of_the_rest_of_the_score(cells, page_of):
    cells[1].study.pop("left over, released, mean L_FL")
    frame = latents.left_over(cells)
    for record in cells:
        GD, GR, FE = (record.components[name][~record.anomalous].astype(float) for name in ("L_GD", "L_GR", "L_FE"))
        rest = np.std(0.1 * GD + 0.9 * GR + 0.5 * FE)
        for rule, title in latents.RULES.items():
            row = of(frame, record, rule=title)
            if record is cells[1] and rule == "released":
                assert np.isnan(row["against_rest"])
            else:
                moved_by = 0.5 * np.std(record.study[f"left over, {rule}, mean L_FL"])
                assert row["against_rest"] == pytest.approx(moved_by / rest, rel=1e-4)
    shown = rows_of(page_of("left_over", cells))
    assert [line["z against the rest"] for line in shown].count("") == 1


def test_left_over_stands_beside_the_published_figure_of_the_same_cell(cells):
    frame = latents.left_over(cells)
    for record in cells:
        cell = record.run
        figure = published(cell.dataset, cell.scheme, cell.label)
        for rule, title in latents.RULES.items():
            row = of(frame, record, rule=title)
            if cell.dataset == "digits":
                assert figure is None and np.isnan(row["published"]) and np.isnan(row["share"])
            else:
                reached = (100 * record.study[f"left over, {rule}, NS"] >= figure).sum()
                assert (row["published"], row["share"]) == (figure, reached / 200)
    assert frame["share"].max() > 0.02, "some draws reach it, so that the share is tested"


def test_left_over_of_cells_with_the_scripts_training_are_those_alone(cells, page_of, tmp_path):
    options = study_cells.CHANGES["released training"]
    changed = write_format1(tmp_path, "mnist", 3, **options)
    records = [*cells, changed, write_format1(tmp_path, "mnist", 0, optimiser="adamw")]
    frame = latents.left_over(records, options)
    assert list(frame["class"]) == [3, 3] and frame.iloc[0]["paper_protocol"] == pytest.approx(
        100 * changed.auroc["NS"]
    )
    assert latents.left_over(records).equals(latents.left_over(cells))
    assert len(rows_of(page_of("released_training", records))) == 2
    assert "No run with the script" in page_of("released_training", cells)


def test_left_over_finds_the_published_figure_of_a_class_with_a_name(tmp_path):
    record = write_format1(tmp_path, "cats_vs_dogs", 1)
    assert set(latents.left_over([record])["published"]) == {published("cats_vs_dogs", "one-vs-all", "dogs")}


def test_one_left_over_z_serves_all_classes_of_a_data_set_scheme_and_seed(cells):
    frame = latents.left_over_means(cells)
    both = [cells[0], cells[2]]  # every other cell is alone of its kind
    assert len(frame) == 2 and set(frame["cells"]) == {2}
    assert (frame[["dataset", "scheme", "seed"]] == ["mnist", "one-vs-all", 0]).all(axis=None)
    figure = (published("mnist", "one-vs-all", 0) + published("mnist", "one-vs-all", 3)) / 2
    for (rule, title), (_, row) in zip(latents.RULES.items(), frame.iterrows(), strict=True):
        first, second = (100 * record.study[f"left over, {rule}, NS"].astype(float) for record in both)
        means = np.sort((first + second) / 2)
        assert (row["rule"], row["least"], row["most"]) == (title, means[0], means[-1])
        assert row["median"] == pytest.approx(np.median(means)) and row["sd"] == pytest.approx(np.std(means))
        assert row["sd_apart"] == pytest.approx(np.hypot(np.std(first), np.std(second)) / 2)
        assert row["paper_protocol"] == pytest.approx(50 * (both[0].auroc["NS"] + both[1].auroc["NS"]))
        assert (row["published"], row["share"]) == (pytest.approx(figure), (means >= figure).sum() / 200)


def test_where_one_z_moves_all_classes_alike_their_mean_scatters_as_one_of_them(tmp_path):
    first, second = write_format1(tmp_path, label=0), write_format1(tmp_path, label=1)
    for name in second.study:
        if name.startswith("left over"):
            second.study[name] = first.study[name]
    frame = latents.left_over_means([first, second])
    assert frame["sd"].to_numpy() == pytest.approx(frame["sd_apart"].to_numpy() * 2**0.5)


def test_nulls_expect_the_deviation_that_random_halves_have():
    """The formula's number against 20,000 random splits of scores without ties."""
    random = np.random.default_rng(0)
    scores = np.broadcast_to(random.standard_normal(NORMAL), (20_000, NORMAL))
    halves = np.argsort(random.random(scores.shape), axis=1) < NORMAL // 2
    assert (halves.sum(1) == 10).all()
    assert expected_sd() == pytest.approx(100 * scoring.aurocs(halves, scores).std(), rel=0.03)


def expected_sd():
    """100 sqrt((m + n + 1) / (12 m n)) for halves of 10 and 11."""
    return 100 * np.sqrt((10 + 11 + 1) / (12 * 10 * 11))


def test_nulls_give_mean_deviation_and_the_share_far_from_one_half(tmp_path):
    far = 0.5 + 3.01 * expected_sd() / 100
    near = 0.5 - 2.99 * expected_sd() / 100
    nulls = {"paper": [near] * 200, "released": [0.5] * 100 + [near] * 40 + [far] * 50 + [1 - far] * 10}
    record = write_format1(tmp_path, nulls=nulls)
    frame = study.nulls([record])
    assert dict(zip(frame["protocol"], frame["splits"], strict=True)) == NULLS
    for protocol, draws in nulls.items():
        row = of(frame, record, protocol=protocol)
        assert row["mean"] == pytest.approx(100 * np.mean(draws), abs=1e-4)
        assert row["sd"] == pytest.approx(100 * np.std(draws, ddof=1), abs=1e-4)
        assert row["expected_sd"] == pytest.approx(expected_sd())
    assert of(frame, record, protocol="paper")["beyond"] == 0
    assert of(frame, record, protocol="released")["beyond"] == 0.3


def test_a_changed_cell_is_set_against_the_same_cell_without_the_change(cells, tmp_path):
    changed = write_format1(tmp_path, "mnist", 0, 1, contrastive="literal", study=False)
    frame = study.retrained([*cells, changed])
    assert len(frame) == 1
    row = of(frame, changed, reading="contrastive=literal")
    assert row["NS"] == pytest.approx(100 * changed.auroc["NS"])
    assert row["difference"] == pytest.approx(100 * (changed.auroc["NS"] - cells[1].auroc["NS"]))
    sums = [combine(record.components, 0.1, 0.5, TERMS) for record in (changed, cells[1])]
    sums = [100 * scoring.auroc(changed.anomalous, values) for values in sums]
    assert (row["sums"], row["sums_difference"]) == (pytest.approx(sums[0]), pytest.approx(sums[0] - sums[1]))
    assert np.isnan(row["anew"]) and np.isnan(row["both"])
    assert study.retrained([changed, *cells]).equals(frame)


def test_a_changed_cell_has_its_own_readings_with_the_averages_anew(cells, tmp_path):
    changed = write_format1(tmp_path, "mnist", 0, contrastive="literal")
    of_paper = changed.content["study"]["paper"]
    changed.content["study"] |= {study.RECONSTRUCTION_STATISTICS: of_paper | {"NS": 0.7}, BOTH: of_paper | {"NS": 0.8}}
    row = of(study.retrained([*cells, changed]), changed, reading="contrastive=literal")
    assert (row["anew"], row["both"]) == (pytest.approx(70), pytest.approx(80))


def test_the_page_of_changed_trainings_sets_each_beside_its_cell_with_the_defaults(cells, page_of, tmp_path):
    assert "trained again with a change yet" in page_of("retrained", cells)
    changed = [
        write_format1(tmp_path, "mnist", 0, reconstruction="sum"),
        write_format1(tmp_path, "digits", 0, beta=0.1),
    ]
    (line,) = rows_of(page_of("retrained", [*cells, *changed]))  # the digits are no data set of the study
    assert line["change"] == "reconstruction=sum" and line["cell"] == "MNIST, one-vs-all, 0 name 0, seed 0"
    figures_of = (100 * record.auroc["NS"] for record in (cells[0], changed[0]))
    assert [line["NS, the defaults"], line["NS, changed"]] == [f"{value:.1f}" for value in figures_of]
    moved = study.retrained([*cells, *changed]).query("dataset == 'mnist'")["sums_difference"].item()
    assert line["printed sums, points"] == f"{moved:+.1f}" and line["both, changed"] == ""


@pytest.mark.parametrize(
    "other",
    [dict(dataset="fashion_mnist"), dict(label=1), dict(seed=1), dict(scheme="all-vs-one"), dict(critic_steps=3)],
    ids=lambda other: next(iter(other)),
)
def test_without_its_own_default_cell_a_changed_cell_is_left_out(tmp_path, other):
    changed = write_format1(tmp_path, contrastive="literal")
    assert study.retrained([changed, write_format1(tmp_path, **other)]).empty
    assert len(study.retrained([changed, write_format1(tmp_path)])) == 1


def test_a_cell_with_two_changes_is_no_single_change(tmp_path):
    records = [write_format1(tmp_path), write_format1(tmp_path, contrastive="literal", critic_steps=1)]
    assert study.retrained(records).empty
    assert not study.effects(records, ["mnist"])["retrained"].any()


def test_a_default_cell_need_not_hold_a_study(tmp_path):
    records = [write_format1(tmp_path, study=False), write_format1(tmp_path, contrastive="literal", study=False)]
    assert len(study.retrained(records)) == 1
    effects = study.effects(records, ["mnist"])
    (row,) = effects[effects["retrained"].astype(bool)].to_dict("records")
    assert (row["reading"], row["cells"]) == ("contrastive=literal", 1)


def test_effects_are_ordered_by_absolute_size_and_those_without_an_interval_come_last(cells, tmp_path):
    frame = study.effects([*cells, write_format1(tmp_path, contrastive="literal")], ("mnist", "fashion_mnist"))
    *told, last = frame["reading"]
    assert set(told) == READINGS and last == "contrastive=literal", "one class, whatever its size"
    sizes = frame["mean"].abs()[:-1]
    assert list(sizes) == sorted(sizes, reverse=True)
    assert (frame["mean"] < 0).any() and (frame["mean"] > 0).any()


@pytest.mark.parametrize(
    "datasets, scheme, which",
    [
        (("mnist", "fashion_mnist"), "one-vs-all", [0, 1, 2, 4]),
        (("mnist",), "one-vs-all", [0, 1, 2]),
        (("mnist", "fashion_mnist"), "all-vs-one", [3]),
        (("digits",), "one-vs-all", [5]),
    ],
)
def test_effects_are_means_over_the_cells_asked_for(cells, datasets, scheme, which):
    frame = study.effects(cells, datasets, scheme)
    assert set(frame["reading"]) == READINGS, "the paper protocol is no change"
    classes = list(dict.fromkeys((cells[n].run.dataset, cells[n].run.label) for n in which))
    for _, row in frame.iterrows():
        of_class = {kind: [] for kind in classes}
        for n in which:
            of_class[cells[n].run.dataset, cells[n].run.label].append(moved(cells[n])[row["reading"]])
        means = [np.mean(some) for some in of_class.values()]  # seeds of a class are no further classes
        assert (row["cells"], row["classes"]) == (len(which), len(classes)) and not row["retrained"]
        assert row["mean"] == pytest.approx(np.mean(means))
        if len(classes) < 3:
            assert np.isnan(row["low"]) and np.isnan(row["high"])
        else:
            expected = statistics.mean_interval(np.array(means))
            assert (row["mean"], row["low"], row["high"]) == pytest.approx(expected)


def test_effects_of_data_sets_without_a_record_are_empty(cells):
    assert study.effects(cells, ("cifar10",)).empty
    assert study.effects(cells, ("fashion_mnist",), "all-vs-one").empty


def test_effects_name_the_registers_row(cells):
    rows = study.effects(cells, ("mnist",)).set_index("reading")["row"]
    assert rows["reduction=sum"] == 22 and rows["test_latents=released"] == 25
    assert rows["batch-statistics label order, batches of 32"] == 28
    assert rows["power-iteration of all networks, normal images first, batches of 32"] == 28
    assert np.isnan(float(rows["released"]))


def test_readings_and_retrained_cells_stand_side_by_side(cells, tmp_path):
    changed = write_format1(tmp_path, contrastive="literal")
    frame = study.effects([*cells, changed], ("mnist",)).set_index(["reading", "retrained"])
    assert frame.loc[("contrastive=literal", True), "cells"] == 1
    assert frame.loc[("contrastive=literal", True), "mean"] == pytest.approx(
        100 * (changed.auroc["NS"] - cells[0].auroc["NS"])
    )
    assert frame.loc[("latent_feature=released", False), "cells"] == 3
    assert frame.loc[("latent_feature=released", False), "mean"] == pytest.approx(
        100 * CHANGES["latent_feature=released"] * ((1 + 0.5) / 2 + 2) / 2
    )


@pytest.mark.parametrize(
    "options", [dict(epochs=1), dict(reduction="sum"), dict(test_set="with-train"), dict(width=0.5)]
)
def test_a_run_of_another_budget_or_another_reading_is_no_retrained_effect(cells, tmp_path, options):
    assert study.retrained([*cells, write_format1(tmp_path, **options)]).empty


@pytest.fixture
def page_of(monkeypatch):
    """One of the study's pages over given records."""

    def show(name, records):
        for module in (study_pages, latent_pages, component_pages):
            monkeypatch.setattr(module, "committed", lambda: tuple(records))
        (shown,) = {
            getattr(module, name) for module in (study_pages, latent_pages, component_pages) if hasattr(module, name)
        }
        return shown().text

    return show


def as_read(text):
    """With the signs and spaces of a keyboard."""
    return text.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")


def rows_of(text):
    """The rows of the page's tables as dictionaries from heading to text."""
    rows = []
    for table in re.findall(r"<table.*?</table>", text):
        table = as_read(table)
        lines = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line) for line in re.findall(r"<tr[^>]*>(.*?)</tr>", table)]
        head, *body = [[html.unescape(cell) for cell in line] for line in lines]
        rows += [dict(zip(head, line, strict=True)) for line in body]
    return rows


def in_the_pages_order(frame):
    """A frame's rows as the page has them: part by part, digits last."""
    kinds = frame[["dataset", "scheme"]].apply(tuple, axis=1)
    order = sorted(dict.fromkeys(kinds), key=lambda kind: kind[0] == "digits")
    return frame.loc[kinds.map(order.index).sort_values(kind="stable").index]


def check_drawing(drawing, labels):
    """Its words are text, its colours the page's, and it brings nothing that would reach the page around it."""
    words = [element.text for element in ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert {label.get_text() for label in labels} <= set(words)
    assert "currentColor" in drawing and "var(--adcgan-anomalous)" in drawing and "<style" not in drawing
    identifiers = re.findall(r' id="([^"]*)"', drawing)
    assert len(set(identifiers)) == len(identifiers)
    assert not re.search(r"#7a7a7a|font-family: (?!inherit)", drawing)


def picture_of(text):
    """The page's drawing as parsed, and the text that stands for it."""
    drawing = re.search(r"<svg .*?</svg>", text, re.DOTALL)[0]
    return ElementTree.fromstring(drawing), html.unescape(re.search(r'aria-label="([^"]*)"', drawing)[1])


def test_components_are_the_terms_of_the_score_and_their_own_auroc(cells, tmp_path):
    changed = write_format1(tmp_path, contrastive="literal")
    frame = components.components([*cells, changed])
    assert len(frame) == len(cells) * len(COMPONENTS)
    for cell in cells:
        weights = dict(L_GD=0.1, L_GR=0.9, L_FE=0.5, L_FL=0.5)
        for name in COMPONENTS:
            row = of(frame, cell, component=name)
            values = weights[name] * cell.components[name].astype(float)
            assert row["terms"] == TERMS[name]
            assert row["normal"] == pytest.approx(values[~cell.anomalous].mean())
            assert row["anomalous"] == pytest.approx(values[cell.anomalous].mean())
            assert row["AUROC"] == pytest.approx(100 * scoring.auroc(cell.anomalous, cell.components[name]))
        whole = frame[(frame["cell"] == row["cell"])]
        difference = cell.scores[cell.anomalous].mean() - cell.scores[~cell.anomalous].mean()
        assert (whole["anomalous"] - whole["normal"]).sum() == pytest.approx(difference, rel=1e-3)


PAGES = ["left_over", "readings", "effects", "nulls"]


@pytest.mark.parametrize("name", [*PAGES, "other_latents", "ladder", "best"])
def test_without_records_a_page_is_a_plain_note(name, page_of, tmp_path):
    without = [write_format1(tmp_path, study=False)]
    for records in ([],) if name in ("ladder", "best") else ([], without):
        text = page_of(name, records)
        assert re.fullmatch(r'<p class="adcgan-note">[^<]+</p>', text)


def test_what_needs_no_study_is_shown_of_cells_without_one(page_of, tmp_path):
    record = write_format1(tmp_path, study=False)
    assert [line["cell"] for line in rows_of(page_of("best", [record]))] == ["0 name 0, seed 0"]
    column = "MNIST, one-vs-all, 1 cell: means"
    variants = {line["variant"]: line[column] for line in rows_of(page_of("ladder", [record]))}
    assert list(variants) == ["LG", "LFE", "LFL", "GF"] and variants["GF"] == f"{100 * record.auroc['NS']:.1f}"


def test_a_run_on_ones_own_pictures_is_shown_under_their_name_and_breaks_no_page(page_of, tmp_path, monkeypatch):
    own, name_of = write_format1(tmp_path, "folder-<b>R&D"), "folder-&lt;b&gt;R&amp;D, one-vs-all"
    for name in (*PAGES, "components", "autoencoder", "left_over_means", "other_latents", "latent_terms", "covered"):
        others = [write_format1(tmp_path, "folder-<b>R&D", 1), write_format1(tmp_path, "mnist", 0)]
        for records in ([own], [own, *others]):
            text = page_of(name, records)
            assert "<b>R" not in text
    assert name_of in page_of("components", [own])
    today = write_record(tmp_path, "folder-<b>R&D", scale="laptop")
    for module in (gallery, opening, table_pages):
        monkeypatch.setattr(module, "committed", lambda: (own, today))
    for module in (table_pages, cell_pages):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    assert "1 class<" in gallery.contents().text.replace("</a>", "<") and name_of in gallery.contents().text
    line = table_pages.run_list().text
    assert "<b>R" not in line and "--dataset PATH/&lt;b&gt;R&amp;D" in line and "--image-size 28 --channels 1" in line
    assert opening.measured().text and opening.coverage().text
    for page in (*cell_pages.all_pages([own, today]), *gallery.all_pages([own, today])):
        assert "<b>R" not in page.body and "&lt;b&gt;R&amp;D" in page.body


@pytest.mark.parametrize("name", [*PAGES, "components", "autoencoder"])
def test_a_page_shows_a_single_cell(name, page_of, tmp_path):
    text = page_of(name, [write_format1(tmp_path)])
    assert rows_of(text) and "nan" not in re.sub(r'src="[^"]*"', "", text).lower()


def test_the_left_over_page_shows_its_frame(cells, page_of):
    shown, frame = rows_of(page_of("left_over", cells)), in_the_pages_order(latents.left_over(cells))
    assert len(shown) == len(frame)
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        assert (line["cell"], line["rule"]) == (row["name"], row["rule"])
        texts = list(line.values())[2:]
        assert texts[:6] == [f"{row[name]:.1f}" for name in ("paper_protocol", *latents.QUANTILES)]
        if row["dataset"] == "digits":
            assert texts[6:8] == ["none", ""]
        else:
            assert texts[6:8] == [f"{row['published']:.1f}", f"{100 * row['share']:.1f} %"]
        assert texts[8:] == [f"{row['against_rest']:.2f}"]


def test_the_page_of_means_under_one_z_shows_its_frame(cells, page_of):
    shown, frame = rows_of(page_of("left_over_means", cells)), latents.left_over_means(cells)
    assert [line["mean over"] for line in shown] == ["MNIST, one-vs-all, seed 0, 2 cells"] * 2
    columns = ("paper_protocol", "5 %", "median", "95 %", "sd", "sd_apart", "published")
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        texts = [row["rule"], *(f"{row[name]:.1f}" for name in columns), f"{100 * row['share']:.1f} %"]
        assert list(line.values())[1:] == texts
    assert "No two cells" in page_of("left_over_means", cells[1:2])


@pytest.mark.parametrize("name", ["left_over", "nulls"])
def test_a_data_set_and_scheme_is_a_part_of_the_page_and_the_first_is_open(name, cells, page_of):
    found = re.findall(r"<details( open)?><summary>(.*?)</summary>", page_of(name, [cells[-1], *cells[:-1]]))
    assert found == [
        (" open", "MNIST, one-vs-all: 3 cells"),
        ("", "MNIST, all-vs-one: 1 cell"),
        ("", "Fashion-MNIST, one-vs-all: 1 cell"),
        ("", "digits, one-vs-all: 1 cell"),
    ]


def test_the_readings_page_has_a_line_per_reading_and_a_column_per_data_set_and_scheme(cells, page_of):
    shown, frame = rows_of(page_of("readings", cells)), study.readings(cells)
    names = [line["reading"] for line in shown]
    assert names[:2] == ["paper", "released"] and set(names) == {"paper", *READINGS} and len(names) == len(set(names))
    by_reading = {line["reading"]: line for line in shown}
    assert all(len(line) == 1 + 4 for line in shown)
    title = "MNIST, one-vs-all, 3 cells"
    part = frame[(frame["dataset"] == "mnist") & (frame["scheme"] == "one-vs-all")]
    for name in names:  # two seeds of class 0, one of class 3: a class counts once
        column = "NS" if name == "paper" else "difference"
        first, second, other = part.loc[part["reading"] == name, column]
        text = f"{((first + second) / 2 + other) / 2:{'.1f' if name == 'paper' else '+.1f'}}"
        assert by_reading[name][title] == text


def test_the_components_page_counts_a_class_once_however_many_seeds_it_has(cells, page_of):
    (line, *_) = rows_of(page_of("components", cells[:3]))
    first, second, other = (100 * cell.auroc["L_GD"] for cell in cells[:3])
    assert line["AUROC"] == f"{((first + second) / 2 + other) / 2:.1f}"


def test_a_reading_that_some_cells_lack_says_how_many_have_it(cells, page_of):
    name = "latent_feature=released"
    cells[0].content["study"].pop(name)
    cells[4].content["study"].pop(name)
    points = [100 * (cell.readings[name]["NS"] - cell.readings["paper"]["NS"]) for cell in cells[1:3]]
    (line,) = (line for line in rows_of(page_of("readings", cells)) if line["reading"] == name)
    assert line["MNIST, one-vs-all, 3 cells"] == f"{np.mean(points):+.1f} (2 cells)"
    assert line["Fashion-MNIST, one-vs-all, 1 cell"] == ""


def test_the_effects_page_shows_its_frame(cells, page_of, tmp_path):
    records = [*cells, write_format1(tmp_path, contrastive="literal")]
    text, frame = page_of("effects", records), study.effects(records, grid.STUDIED)
    shown = rows_of(text)
    assert "Fashion-MNIST and MNIST" in text and "smoke" not in text
    assert len(shown) == len(frame) == len(READINGS) + 1
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        assert (line["change"], line["classes"], line["cells"]) == tuple(map(str, row[["reading", "classes", "cells"]]))
        assert line["points"] == f"{row['mean']:+.1f}"
        assert line["weights"] == ("trained again" if row["retrained"] else "the same")
        if row["retrained"]:
            assert line["interval"] == "too few classes" and line["row"] == "1"
        else:
            assert line["interval"] == f"{row['low']:+.1f} to {row['high']:+.1f}"


def test_the_effects_page_says_that_digits_alone_are_a_smoke_run(cells, page_of):
    text = page_of("effects", cells[5:])
    assert "smoke run, not a result" in text
    largest = max(moved(cells[5]).values(), key=abs)
    assert [line["points"] for line in rows_of(text)][0] == f"{largest:+.1f}"


def test_the_nulls_page_shows_its_frame(cells, page_of):
    shown, frame = rows_of(page_of("nulls", cells)), in_the_pages_order(study.nulls(cells))
    assert len(shown) == len(frame) == len(NULLS) * len(cells)
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        expected = [
            row["name"],
            row["protocol"],
            str(row["splits"]),
            *(f"{row[name]:.1f}" for name in ("mean", "sd", "expected_sd")),
        ]
        assert list(line.values()) == [*expected, f"{100 * row['beyond']:.0f} %"]


@pytest.mark.parametrize("name", ["left_over", "effects"])
@pytest.mark.parametrize("count", [1, 6])
def test_a_pages_picture_can_be_opened_and_has_a_text_in_its_place(name, count, cells, page_of):
    drawing, alt = picture_of(page_of(name, cells[:count]))
    assert min(map(float, drawing.get("viewBox").split()[2:])) > 50
    assert len(alt.split()) > 5 and "AUROC" in alt


def test_the_question_quotes_the_papers_table(page_of):
    text = page_of("question", [])
    with open(paper.HERE / "table1.csv", newline="") as file:
        part = [row for row in csv.DictReader(file) if (row["dataset"], row["scheme"]) == ("cifar10", "one-vs-all")]
    figures_of = {row["model"]: row["auc_percent"] for row in part}
    assert f"{figures_of.pop('AD-CGAN')} % on CIFAR-10" in text
    assert f"{min(figures_of.values())} to {max(figures_of.values())}" in text


def test_the_audits_pages_show_its_findings_without_any_record():
    means = rows_of(audit_pages.published_means().text)
    assert len(means) == len(audit.means())
    assert [(line["printed"], line["recomputed"]) for line in means if line["agrees"] == "no"] == [("51.6", "51.90")]
    assert "13 of 14" in (spread := audit_pages.published_spread().text) and "14 of 14" in spread
    assert [line["computed"] for line in rows_of(audit_pages.published_statements().text)] == [
        f"{value:.1f}" for value in audit.statements()["computed"]
    ]
    assert "170.5" in audit_pages.published_profiles().text


@pytest.mark.parametrize("count", [1, 6])
def test_left_over_is_drawn_with_a_panel_per_rule_and_a_line_per_cell(cells, count):
    frame = latents.left_over(cells[-count:])
    figure = figures.left_over(frame)
    assert isinstance(figure, Figure)
    assert [axis.get_title() for axis in figure.axes] == list(latents.RULES.values())
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(dict.fromkeys(frame["cell"]))
    assert len(figure.legends[0].get_texts()) == 3
    for axis in figure.axes:
        part = frame[frame["rule"] == axis.get_title()]
        segments = np.array([segment for lines in axis.collections for segment in lines.get_segments()])
        ends, places = segments[:, :, 0], segments[:, 0, 1]
        assert list(places) == [*range(count), *range(count)]
        assert ends[:count] == pytest.approx(part[["least", "most"]].to_numpy())
        assert ends[count:] == pytest.approx(part[["5 %", "95 %"]].to_numpy())
    check_drawing(figures.svg(figure, "what it shows"), figure.axes[0].get_yticklabels())


@pytest.mark.parametrize("count", [1, 6])
def test_effects_are_drawn_with_the_largest_on_top(cells, count, tmp_path):
    records = [*cells[:count], write_format1(tmp_path, contrastive="literal")]
    frame = study.effects(records, ("mnist", "fashion_mnist"))
    figure = figures.effects(frame)
    assert isinstance(figure, Figure)
    (axis,) = figure.axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    bottom, top = axis.get_ylim()
    assert top < 0 < len(frame) - 1 < bottom, "the first line is on top, and none is cut off"
    for place, (label, (_, row)) in enumerate(zip(labels, frame.iterrows(), strict=True)):
        assert label.startswith(row["reading"]) and ("retrained" in label) == row["retrained"]
        assert any(list(line.get_xdata()) == [row["mean"]] and list(line.get_ydata()) == [place] for line in axis.lines)
    check_drawing(figures.svg(figure, "what it shows"), figure.axes[0].get_yticklabels())


def test_the_share_explained_is_of_the_distance_between_our_mean_and_the_published_one(cells):
    frame = study.explained(cells).set_index(["dataset", "scheme", "reading"])
    per_cell = study.readings(cells)
    for (dataset, scheme, reading), row in frame.iterrows():
        part = per_cell[(per_cell["dataset"] == dataset) & (per_cell["scheme"] == scheme)]
        by_class = part.groupby(["reading", "class"])["NS"].mean()
        ours, theirs = by_class["paper"], by_class[reading]
        figure = np.mean([published(dataset, scheme, label) for label in ours.index])
        assert (row["classes"], row["cells"]) == (len(theirs), (part["reading"] == reading).sum())
        assert row["published"] == pytest.approx(figure)
        assert row["fraction"] == pytest.approx((theirs.mean() - ours.mean()) / (figure - ours.mean()))
        assert np.isnan(row["low"]) and np.isnan(row["high"]), "no part has three classes"
        assert np.isnan(row["draws_low"]) == (reading not in latents.RULES)
    assert "digits" not in frame.index.get_level_values("dataset") and study.explained([]).empty


def test_the_share_explained_by_a_released_rule_is_a_distribution_over_one_z_for_all_cells(cells):
    row = study.explained(cells).set_index(["dataset", "scheme", "reading"]).loc["mnist", "one-vs-all", "released"]
    first, again, other = (100 * cells[n].study["left over, released, NS"].astype(float) for n in range(3))
    means = ((first + again) / 2 + other) / 2  # the two seeds of class 0, and class 3
    ours = 100 * ((cells[0].auroc["NS"] + cells[1].auroc["NS"]) / 2 + cells[2].auroc["NS"]) / 2
    shares = (means - ours) / (row["published"] - ours)
    assert [row["draws_low"], row["draws_high"]] == pytest.approx(np.quantile(shares, [0.05, 0.95]), abs=1e-6)
    assert row["draws_low"] < row["fraction"] < row["draws_high"]


def test_where_the_classes_have_other_numbers_of_images_the_script_leaves_a_z_over_for_each(cells, tmp_path):
    other = write_format1(tmp_path, "mnist", 4, train=2, scale=0.1)
    assert latents.left_over_means([*cells, other]).empty, "no mean under one z"
    records = [cells[0], write_format1(tmp_path, "mnist", 5, train=2)]
    records[1].study["left over, released, NS"] = 1 - records[0].study["left over, released, NS"]
    row = study.explained(records).set_index("reading").loc["released"]
    assert row["draws_low"] < row["fraction"] < row["draws_high"], "one z for both would leave nothing to vary"
    ours = 50 * (records[0].auroc["NS"] + records[1].auroc["NS"])
    sd = 100 * records[0].study["left over, released, NS"].astype(float).std() / 2**0.5
    assert row["draws_high"] - row["draws_low"] == pytest.approx(3.29 * sd / (row["published"] - ours), rel=0.25)


def test_the_autoencoders_loss_is_read_at_the_end_of_the_warm_up_and_at_the_end(tmp_path, page_of):
    default, changed = write_format1(tmp_path), write_format1(tmp_path, reconstruction="sum", study=False)
    others = [write_format1(tmp_path, warm_up_epochs=1), write_format1(tmp_path, warm_up="learning-rate"),
              write_format1(tmp_path, method="pca", study=False)]  # fmt: skip
    frame = components.autoencoder([default, changed, *others])
    assert list(frame["change"]) == ["", "reconstruction=sum"]
    for record, pixels, (_, row) in zip((default, changed), (1, 784), frame.iterrows(), strict=True):
        losses = [epoch["L_AE"] / pixels for epoch in record.content["losses"]]
        assert len(losses) == 20 and (row["warm_up"], row["last"]) == pytest.approx((losses[4], losses[19]))
        assert row["ratio"] == pytest.approx(losses[19] / losses[4])
    shown = rows_of(page_of("autoencoder", [default, changed]))
    assert [line["trained with"] for line in shown] == ["the defaults", "reconstruction=sum"]
    assert [line["last epoch"] for line in shown] == [f"{value:.4f}" for value in frame["last"]]


def test_the_terms_of_the_latent_loss_are_those_of_the_walks_two_images(cells, page_of, tmp_path):
    frame = components.latent_terms(
        [*cells, write_format1(tmp_path, study=False), write_format1(tmp_path, critic_steps=1)]
    )
    assert len(frame) == len(cells)
    below = 0
    for record, (_, row) in zip(cells, frame.iterrows(), strict=True):
        first, second = (record.walk[name].astype(float).reshape(2, 16) for name in ("D_z_reference", "D_z_image"))
        assert row["first"] == pytest.approx(first.mean())
        assert (row["normal"], row["anomalous"]) == pytest.approx((second[0].mean(), second[1].mean()))
        assert row["lower"] == (first < second).sum() / 32
        below += (first < second).all() and record.run.dataset != "digits"
    cells[0].walk["D_z_image"][:] = 9.0
    text = page_of("latent_terms", cells)
    assert "(5 cells)" in text, "digits are not among them"
    assert f"every z in {below + 1} of the cells" in text
    assert "No run" in page_of("latent_terms", cells[-1:])


def test_the_share_explained_has_fiellers_interval_over_classes(tmp_path):
    records = [write_format1(tmp_path, label=label, scale=2 - label / 4) for label in range(4)]
    name = "batch-statistics label order, batches of 32"
    row = study.explained(records).set_index("reading").loc[name]
    ours = np.array([100 * record.auroc["NS"] for record in records])
    gain = np.array([moved(record)[name] for record in records])
    gap = [published("mnist", "one-vs-all", label) for label in range(4)] - ours
    assert [row["fraction"], row["low"], row["high"]] == pytest.approx(statistics.ratio_interval(gain, gap))


def test_other_latents_are_the_quantiles_of_the_records_draws(cells, page_of, tmp_path):
    frame = latents.other_latents([*cells, write_format1(tmp_path, contrastive="literal")])
    assert len(frame) == len(SHARED) * len(cells)
    for record in cells:
        for name, count in SHARED.items():
            row, draws = of(frame, record, latents=name), 100 * record.study[f"{name}, NS"].astype(float)
            assert (row["draws"], row["least"], row["most"]) == (count, draws.min(), draws.max())
            assert row["median"] == pytest.approx(np.median(draws))
            assert row["paper_protocol"] == pytest.approx(100 * record.auroc["NS"])
    shown = rows_of(page_of("other_latents", cells))
    assert [line["median"] for line in shown] == [f"{value:.1f}" for value in in_the_pages_order(frame)["median"]]
    assert "comes with the next" in page_of("other_latents", [])


def test_the_studys_question_sets_the_headline_beside_its_family_and_names_who_prints_it(page_of):
    text = page_of("question", [])
    for name, figure in (("ALAD", None), ("OCGAN", 65.6), ("AnoGAN", 61.8), ("Puzzle-AE", 72.5), ("NDA", 84.3)):
        assert name in text and (figure is None or f"{name} ({figure}, as in " in text)
    assert "are 60.6 to 65.6 %" in text, "those with a self-supervised task are not in the family"


def test_the_study_says_what_it_was_not_measured_on(cells, page_of):
    text = page_of("covered", cells)
    assert "Measured are MNIST, Fashion-MNIST; seeds: 0, 1." in text.replace(
        "Fashion-MNIST, MNIST", "MNIST, Fashion-MNIST"
    )
    assert "need not hold on CIFAR-10 or CatsVsDogs" in text


def test_the_study_says_how_many_cells_hold_it_and_what_fewer_hold(cells, page_of, tmp_path):
    cells[0].content["study"].pop("latent_feature=released")
    text = page_of("covered", [*cells, write_format1(tmp_path, "mnist", 7, study=False)])
    assert (
        "6 of the 7 cells" in text
        and "Some readings fewer hold: <code>latent_feature=released</code> (5 cells)." in text
    )
    assert text.count("<code>") == 1 and "the others were scored before" in text
    text = page_of("covered", cells[1:])
    assert "5 of the 5 cells" in text and "the others" not in text and "fewer hold" not in text


def test_the_page_of_trainings_has_every_planned_change_with_its_rows_and_how_many_are_recorded(
    cells, page_of, tmp_path
):
    records = [*cells, write_format1(tmp_path, reconstruction="sum", study=False)]
    shown = {line["change"]: line for line in rows_of(page_of("untrained", records))}
    assert list(shown) == list(study_cells.CHANGES)
    assert (shown["reconstruction=sum"]["rows"], shown["reconstruction=sum"]["trainings"]) == ("44", "1")
    assert (shown["released training"]["rows"], shown["released training"]["trainings"]) == (
        "11, 12, 15, 16, 17, 18, 21",
        "0",
    )


def test_the_page_of_shares_shows_its_frame(cells, page_of):
    text, frame = page_of("explained", cells), study.explained(cells)
    shown = rows_of(text)
    captions = [f"{datasets.TITLES[name]}, {scheme}" for name, scheme in frame.groupby(["dataset", "scheme"]).groups]
    assert [caption in text for caption in captions] == [True] * len(captions) and text.count("<table") == len(captions)
    assert [line["share of the distance"] for line in shown] == [f"{value:+.2f}" for value in frame["fraction"]]
    over = [f"{low:+.2f} to {high:+.2f}" for low, high in frame[["draws_low", "draws_high"]].dropna().to_numpy()]
    assert [line["over left-over z's"] for line in shown if line["over left-over z's"]] == over != []
    assert "holds the study yet" in page_of("explained", [])


def test_the_page_of_decisions_shows_every_open_choice_with_what_was_measured_of_it(cells, tmp_path, monkeypatch):
    changed = write_format1(tmp_path, critic_steps=1)
    monkeypatch.setattr(decision_pages, "committed", lambda: (*cells, changed))
    rows = {int(row["no."]): row for row in rows_of(decision_pages.decisions().text)}
    assert list(rows) == list(open_choices())
    frame = study.effects([*cells, changed], grid.STUDIED).set_index("reading")
    measured = {number: re.findall("<small>(.*?)</small>", row["measured"]) for number, row in rows.items()}
    measured = {number: lines for number, lines in measured.items() if lines}
    assert set(measured) == {16, 22, 24, 25, 28, 32}
    mean, low, high = frame.loc["reduction=sum", ["mean", "low", "high"]]
    assert measured[22] == [f"reduction=sum: {mean:+.1f} ({low:+.1f} to {high:+.1f}) points, 4 cells"]
    points = frame.loc["critic_steps=1", "mean"]
    assert measured[16] == [f"critic_steps=1: {points:+.1f} points, 1 cell, trained again"]


def test_the_page_of_decisions_says_of_each_choice_what_the_sources_have_and_what_either_recipe_takes(monkeypatch):
    monkeypatch.setattr(decision_pages, "committed", tuple)
    rows = {int(row["no."]): row for row in rows_of(decision_pages.decisions().text)}
    for number, choice in open_choices().items():
        row = rows[number]
        choice = {key: as_read(value) if isinstance(value, str) else value for key, value in choice.items()}
        lines = [re.sub("<[^>]+>", "", line) for line in row[decision_pages.SOURCES].split("<br>")]
        titles = {"Paper": "paper", "Script": "script", "Others": "elsewhere", "Exception": "exception"}
        assert lines == [
            choice["choice"],
            *(f"{title}: {choice[key]}" for title, key in titles.items() if key in choice),
        ]
        for recipe in RECIPES:
            shown = re.sub("<[^>]+>", "", row[f"recipe {recipe}"].replace("<br>", " "))
            if "recipes" not in choice:
                assert shown == choice["settled"]
            for name, value in choice.get("recipes", {}).get(recipe, {}).items():
                if isinstance(value, dict):
                    value = ", ".join(f"{one} at {size}" for size, one in value.items())
                assert f"{name.rstrip('_')}={value}" in shown
        assert row["measured"] == ""
    assert "contrastive=literal" in rows[1]["recipe printed"] and "contrastive=masked" in rows[1]["recipe script"]


def test_every_open_choice_that_trained_was_in_the_studys_plan_or_is_scored_without():
    changed = {name for options in study_cells.CHANGES.values() for name in options}
    former = format1.defaults("adcgan", "one-vs-all", 28)
    for field in fields(METHODS["adcgan"].config):
        if field.name in former and field.metadata["row"] and field.name not in NOT_RETRAINED:
            assert (field.name in changed) == (field.name != "dropout"), field.name


def test_a_training_of_the_study_that_changes_networks_has_other_networks():
    """Row 39, dropout, has none at 28 pixels and is therefore not among them."""
    kinds = {"architecture", "encoder_output", "critic_norm", "projection", "logit_head", "local_tap", "dropout"}

    def networks(**options):
        former = format1.defaults("adcgan", "one-vs-all", 28)
        former |= PLAIN if options.get("architecture") == "t2p" else {}
        config = configure("adcgan", "one-vs-all", 28, 1, **former | options)
        return [str(kind(config)) for kind in (Encoder, Generator, Critic, LatentDiscriminator)]

    changes = [options for options in study_cells.CHANGES.values() if options.keys() & kinds]
    assert len(changes) == 7 and all(networks(**options) != networks() for options in changes)
    assert networks(dropout="none") == networks()
