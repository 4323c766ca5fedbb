"""The protocol study from records: what each frame holds, that the pages show the same, and that figures draw."""

import csv
import html
import re
from dataclasses import fields
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from adcgan import (
    audit,
    audit_pages,
    config,
    data,
    decision_pages,
    evaluation,
    figures,
    paper,
    plan,
    statistics,
    study,
    study_pages,
    tables,
)
from adcgan.config import CONFIGS, configure
from adcgan.methods import protocols
from adcgan.records import Cell, write
from adcgan.scores import COMPONENTS, combine, normality_score

IMAGES, NORMAL = 41, 21  # an odd number of normal images: their halves differ by one
CHANGES = {
    "released": 0.003,
    "reduction=sum": -0.02,
    "latent_feature=released": 0.001,
    "test_latents=released": -0.005,
    "batch-statistics label order, batches of 32": 0.01,
    "power-iteration of all networks, normal images first, batches of 32": 0.002,
}  # AUROC against the paper protocol's, fractions

NULLS = {"paper": protocols.DRAWS, "released": protocols.DRAWS} | {
    protocols.batched(mode, order, size): protocols.LOOKS
    for mode, order, size in protocols.BATCHED
    if order != "shuffled order"
}  # protocols and the splits that each is tried on
SHARED = {"one shared z": protocols.DRAWS, "16 shared z's": protocols.DRAWS // 16}  # other z's, and how many draws


def write_record(
    runs, dataset="mnist", label=0, seed=0, *, scheme="one-vs-all", method="adcgan", study=True, nulls=None, scale=1.0,
    **options,
):  # fmt: skip
    """A whole record, and with it the study that `adcgan.methods.protocols` makes, with numbers from a generator.

    A reading is ``scale`` times its entry in `CHANGES` away from the paper protocol; ``nulls`` are draws by protocol.
    """
    size, channels = tables.FORMATS.get(dataset, (28, 1))
    cell = Cell(method, dataset, scheme, label, seed, configure(method, scheme, size, channels, **options))
    random = np.random.default_rng([label, seed, len(dataset), len(options)])
    anomalous = np.arange(IMAGES) % 2 == 1
    components = {
        name: (random.random(IMAGES) + 0.2 * anomalous).astype(np.float16)
        for name in (COMPONENTS if method == "adcgan" else ("score",))
    }
    scores = normality_score(cell.config, components).astype(np.float32)
    aurocs = {name: evaluation.auroc(anomalous, values) for name, values in {"NS": scores, **components}.items()}
    content = {
        "cell": {"method": method, "dataset": dataset, "scheme": scheme, "label": label, "class_name": f"name {label}",
                 "seed": seed},
        "config": cell.config.to_dict(), "departures": cell.departures, "digest": cell.digest, "auroc": aurocs,
        "images": {"train": 1, "test_normal": NORMAL, "test_anomalous": IMAGES - NORMAL},
        "losses": [{"L_AE": 1.0}],
        "data": {"fingerprint": "0" * 64, "canonical": True, "provenance": "canonical"},
        "code": {"version": "0", "revision": "abc", "dirty": False},
        "environment": {},
        "device": {"type": "cpu", "name": "test", "threads": 1},
        "cost": {"train_seconds": 60, "score_seconds": 1, "study_seconds": 1, "peak_memory_bytes": 1, "resumed": 0},
        "finished": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    arrays = {"NS": scores, "labels": np.zeros(IMAGES, np.uint16), "anomalous": anomalous, **components}
    pictures = {"normal": np.zeros((2, size, size, channels), np.uint8)}
    if not study:
        return write(cell, runs, content, arrays, pictures)
    content["study"] = {"paper": aurocs} | {
        name: aurocs | {"NS": aurocs["NS"] + scale * change} for name, change in CHANGES.items()
    }
    draws = {
        f"left over, {rule}, {what}": random.uniform(0.2, 1, protocols.DRAWS)
        for rule in ("released", "test_latents=released")
        for what in ("NS", "L_FL")
    }
    draws |= {f"{name}, NS": random.uniform(0.4, 0.8, count) for name, count in SHARED.items()}
    for protocol, splits in NULLS.items():
        draws[f"null, {protocol}, NS"] = (nulls or {}).get(protocol, random.normal(0.5, 0.1, splits))
    draws = {name: np.asarray(values, np.float32) for name, values in draws.items()}
    return write(cell, runs, content, arrays, pictures, draws | {"L_FL released": components["L_FL"]})


@pytest.fixture
def cells(tmp_path):
    """Studied cells of three data sets, both schemes and two seeds."""
    return [
        write_record(tmp_path, "mnist", 0),
        write_record(tmp_path, "mnist", 0, 1, scale=0.5),
        write_record(tmp_path, "mnist", 3, scale=2),
        write_record(tmp_path, "mnist", 3, scheme="all-vs-one", scale=-1),
        write_record(tmp_path, "fashion_mnist", 5, scale=0.7),
        write_record(tmp_path, "digits", 0, scale=3),
    ]


def published(dataset, scheme, label):
    """Table 3's figure for AD-CGAN."""
    with open(paper.HERE / "table3.csv", newline="") as file:
        for row in csv.DictReader(file):
            if (row["dataset"], row["scheme"], row["class"], row["model"]) == (dataset, scheme, str(label), "AD-CGAN"):
                return float(row["auc_percent"])


def of(frame, record, **which):
    """The row of a record's cell; ``which`` names it further."""
    cell = record.cell
    which |= {"dataset": cell.dataset, "scheme": cell.scheme, "class": cell.label, "seed": cell.seed}
    for column, value in which.items():
        frame = frame[frame[column] == value]
    ((_, row),) = frame.iterrows()
    return row


FRAMES = {
    "readings": study.readings,
    "retrained": study.retrained,
    "effects": lambda records: study.effects(records, ("mnist", "fashion_mnist")),
    "left_over": study.left_over,
    "left_over_means": study.left_over_means,
    "nulls": study.nulls,
}


def test_the_records_of_these_tests_hold_what_a_real_study_gives(small_method, digits, zeros, tmp_path):
    rows = np.concatenate([np.flatnonzero(zeros.anomalous)[:20], np.flatnonzero(~zeros.anomalous)[:20]])
    left_out = digits.train_images[zeros.left_out]
    real = small_method().study(zeros.test[rows], zeros.test_labels[rows], zeros.anomalous[rows], left_out)
    made = write_record(tmp_path)
    assert set(made.study) == set(real.draws) | set(real.images)
    assert set(made.readings) <= set(real.readings)
    for name, values in real.draws.items():
        assert (made.study[name].dtype, made.study[name].shape) == (values.dtype, values.shape)
        assert len(values) == (protocols.LOOKS if "batches" in name else 12 if name.startswith("16") else 200)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_without_records_a_frame_is_empty_and_has_its_columns(frame, cells):
    empty = frame([])
    assert empty.empty and list(empty.columns) == list(frame(cells).columns)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_records_are_read_from_any_iterable(frame, cells, tmp_path):
    records = [*cells, write_record(tmp_path, contrastive="literal")]
    assert len(frame(records)) and frame(iter(records)).equals(frame(records))


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_records_without_a_study_are_left_out(frame, cells, tmp_path):
    others = [
        write_record(tmp_path, "mnist", 7, study=False),
        write_record(tmp_path, "mnist", 0, method="pca", study=False),
    ]
    records = [*cells, write_record(tmp_path, contrastive="literal")]
    assert frame(others).empty
    assert frame(records + others).equals(frame(records))


@pytest.mark.parametrize("name", ["readings", "left_over", "nulls"])
def test_readings_are_of_cells_at_the_papers_settings(name, cells, tmp_path):
    changed = write_record(tmp_path, "mnist", 0, contrastive="literal")
    assert changed.readings and FRAMES[name]([changed]).empty
    assert FRAMES[name]([*cells, changed]).equals(FRAMES[name](cells))


def test_a_readings_difference_is_to_the_paper_protocol_of_its_own_cell(cells):
    frame = study.readings(cells)
    assert len(frame) == len(cells) * (1 + len(CHANGES))
    for record in cells:
        assert of(frame, record, reading="paper")["difference"] == 0
        assert of(frame, record, reading="paper")["NS"] == pytest.approx(100 * record.auroc["NS"])
        for name, values in record.readings.items():
            row = of(frame, record, reading=name)
            assert row["NS"] == pytest.approx(100 * values["NS"])
            assert row["difference"] == pytest.approx(100 * (values["NS"] - record.readings["paper"]["NS"]))
    assert of(frame, cells[1], reading="reduction=sum")["difference"] == pytest.approx(-1)


def test_cells_are_named_apart(cells):
    names = study.readings(cells).groupby(study.CELL)["cell"].unique()
    assert len(names) == len({name for (name,) in names}) == len(cells)
    assert of(study.readings(cells), cells[3], reading="paper")["cell"] == "MNIST, all-vs-one, 3 name 3, seed 0"


def test_a_class_that_is_its_number_is_named_once(tmp_path):
    record = write_record(tmp_path)
    record.content["cell"]["class_name"] = "0"
    assert set(study.readings([record])["cell"]) == {"MNIST, one-vs-all, 0, seed 0"}


def test_left_over_gives_the_quantiles_of_each_rules_draws(cells):
    frame = study.left_over(cells)
    assert len(frame) == 2 * len(cells)
    for record in cells:
        for rule, title in study.RULES.items():
            draws = np.sort(100 * record.study[f"left over, {rule}, NS"].astype(float))
            row = of(frame, record, rule=title)
            assert (row["least"], row["most"]) == (draws[0], draws[-1])
            assert row["median"] == pytest.approx(np.median(draws))
            assert row["least"] < row["5 %"] < row["median"] < row["95 %"] < row["most"]
            assert (draws < row["5 %"]).sum() == (draws > row["95 %"]).sum() == 10
            assert row["paper_protocol"] == pytest.approx(100 * record.auroc["NS"])


def test_left_over_stands_beside_the_published_figure_of_the_same_cell(cells):
    frame = study.left_over(cells)
    for record in cells:
        cell = record.cell
        figure = published(cell.dataset, cell.scheme, cell.label)
        for rule, title in study.RULES.items():
            row = of(frame, record, rule=title)
            if cell.dataset == "digits":
                assert figure is None and np.isnan(row["published"]) and np.isnan(row["share"])
            else:
                reached = (100 * record.study[f"left over, {rule}, NS"] >= figure).sum()
                assert (row["published"], row["share"]) == (figure, reached / 200)
    assert frame["share"].max() > 0.02, "some draws reach it, so that the share is tested"


def test_left_over_finds_the_published_figure_of_a_class_with_a_name(tmp_path):
    record = write_record(tmp_path, "cats_vs_dogs", 1)
    assert set(study.left_over([record])["published"]) == {published("cats_vs_dogs", "one-vs-all", "dogs")}


def test_one_left_over_z_serves_all_classes_of_a_data_set_scheme_and_seed(cells):
    frame = study.left_over_means(cells)
    both = [cells[0], cells[2]]  # every other cell is alone of its kind
    assert len(frame) == 2 and set(frame["cells"]) == {2}
    assert (frame[["dataset", "scheme", "seed"]] == ["mnist", "one-vs-all", 0]).all(axis=None)
    figure = (published("mnist", "one-vs-all", 0) + published("mnist", "one-vs-all", 3)) / 2
    for (rule, title), (_, row) in zip(study.RULES.items(), frame.iterrows(), strict=True):
        first, second = (100 * record.study[f"left over, {rule}, NS"].astype(float) for record in both)
        means = np.sort((first + second) / 2)
        assert (row["rule"], row["least"], row["most"]) == (title, means[0], means[-1])
        assert row["median"] == pytest.approx(np.median(means)) and row["sd"] == pytest.approx(np.std(means))
        assert row["sd_apart"] == pytest.approx(np.hypot(np.std(first), np.std(second)) / 2)
        assert row["paper_protocol"] == pytest.approx(50 * (both[0].auroc["NS"] + both[1].auroc["NS"]))
        assert (row["published"], row["share"]) == (pytest.approx(figure), (means >= figure).sum() / 200)


def test_where_one_z_moves_all_classes_alike_their_mean_scatters_as_one_of_them(tmp_path):
    first, second = write_record(tmp_path, label=0), write_record(tmp_path, label=1)
    for name in second.study:
        if name.startswith("left over"):
            second.study[name] = first.study[name]
    frame = study.left_over_means([first, second])
    assert frame["sd"].to_numpy() == pytest.approx(frame["sd_apart"].to_numpy() * 2**0.5)


def test_nulls_expect_the_deviation_that_random_halves_have():
    """The formula's number against 20,000 random splits of scores without ties."""
    random = np.random.default_rng(0)
    scores = np.broadcast_to(random.standard_normal(NORMAL), (20_000, NORMAL))
    halves = np.argsort(random.random(scores.shape), axis=1) < NORMAL // 2
    assert (halves.sum(1) == 10).all()
    assert expected_sd() == pytest.approx(100 * evaluation.aurocs(halves, scores).std(), rel=0.03)


def expected_sd():
    """100 sqrt((m + n + 1) / (12 m n)) for halves of 10 and 11."""
    return 100 * np.sqrt((10 + 11 + 1) / (12 * 10 * 11))


def test_nulls_give_mean_deviation_and_the_share_far_from_one_half(tmp_path):
    far = 0.5 + 3.01 * expected_sd() / 100
    near = 0.5 - 2.99 * expected_sd() / 100
    nulls = {"paper": [near] * 200, "released": [0.5] * 100 + [near] * 40 + [far] * 50 + [1 - far] * 10}
    record = write_record(tmp_path, nulls=nulls)
    frame = study.nulls([record])
    assert dict(zip(frame["protocol"], frame["splits"], strict=True)) == NULLS
    for protocol, draws in nulls.items():
        row = of(frame, record, protocol=protocol)
        assert row["mean"] == pytest.approx(100 * np.mean(draws), abs=1e-4)
        assert row["sd"] == pytest.approx(100 * np.std(draws), abs=1e-4)
        assert row["expected_sd"] == pytest.approx(expected_sd())
    assert of(frame, record, protocol="paper")["beyond"] == 0
    assert of(frame, record, protocol="released")["beyond"] == 0.3


def test_a_changed_cell_is_set_against_the_same_cell_without_the_change(cells, tmp_path):
    changed = write_record(tmp_path, "mnist", 0, 1, contrastive="literal", study=False)
    frame = study.retrained([*cells, changed])
    assert len(frame) == 1
    row = of(frame, changed, reading="contrastive=literal")
    assert row["NS"] == pytest.approx(100 * changed.auroc["NS"])
    assert row["difference"] == pytest.approx(100 * (changed.auroc["NS"] - cells[1].auroc["NS"]))
    assert study.retrained([changed, *cells]).equals(frame)


@pytest.mark.parametrize(
    "other",
    [dict(dataset="fashion_mnist"), dict(label=1), dict(seed=1), dict(scheme="all-vs-one"), dict(critic_steps=3)],
    ids=lambda other: next(iter(other)),
)
def test_without_its_own_default_cell_a_changed_cell_is_left_out(tmp_path, other):
    changed = write_record(tmp_path, contrastive="literal")
    assert study.retrained([changed, write_record(tmp_path, **other)]).empty
    assert len(study.retrained([changed, write_record(tmp_path)])) == 1


def test_a_cell_with_two_changes_is_no_single_change(tmp_path):
    records = [write_record(tmp_path), write_record(tmp_path, contrastive="literal", critic_steps=1)]
    assert study.retrained(records).empty
    assert not study.effects(records, ["mnist"])["retrained"].any()


def test_a_default_cell_need_not_hold_a_study(tmp_path):
    records = [write_record(tmp_path, study=False), write_record(tmp_path, contrastive="literal", study=False)]
    assert len(study.retrained(records)) == 1
    (row,) = study.effects(records, ["mnist"]).to_dict("records")
    assert (row["reading"], row["retrained"], row["cells"]) == ("contrastive=literal", True, 1)


def test_effects_are_ordered_by_absolute_size(cells):
    frame = study.effects(cells, ("mnist", "fashion_mnist"))
    assert list(frame["reading"]) == sorted(CHANGES, key=lambda name: -abs(CHANGES[name]))
    assert list(frame["mean"].abs()) == sorted(frame["mean"].abs(), reverse=True)
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
    assert set(frame["reading"]) == set(CHANGES), "the paper protocol is no change"
    for _, row in frame.iterrows():
        differences = [
            100 * (cells[n].readings[row["reading"]]["NS"] - cells[n].readings["paper"]["NS"]) for n in which
        ]
        assert row["cells"] == len(which) and not row["retrained"]
        assert row["mean"] == pytest.approx(np.mean(differences))
        if len(which) < 3:
            assert np.isnan(row["low"]) and np.isnan(row["high"])
        else:
            expected = statistics.mean_interval(np.array(differences))
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
    changed = write_record(tmp_path, contrastive="literal")
    frame = study.effects([*cells, changed], ("mnist",)).set_index(["reading", "retrained"])
    assert frame.loc[("contrastive=literal", True), "cells"] == 1
    assert frame.loc[("contrastive=literal", True), "mean"] == pytest.approx(
        100 * (changed.auroc["NS"] - cells[0].auroc["NS"])
    )
    assert frame.loc[("latent_feature=released", False), "cells"] == 3
    assert frame.loc[("latent_feature=released", False), "mean"] == pytest.approx(
        100 * CHANGES["latent_feature=released"] * (1 + 0.5 + 2) / 3
    )


@pytest.mark.parametrize(
    "options", [dict(epochs=1), dict(reduction="sum"), dict(test_set="with-train"), dict(width=0.5)]
)
def test_a_run_of_another_budget_or_another_reading_is_no_retrained_effect(cells, tmp_path, options):
    assert study.retrained([*cells, write_record(tmp_path, **options)]).empty


def test_another_set_of_networks_is_one_change_with_all_that_it_settles(cells, tmp_path):
    other = write_record(tmp_path, architecture="t2p")
    assert len(other.cell.departures) > 1
    assert list(study.retrained([*cells, other])["reading"]) == ["architecture=t2p"]


@pytest.fixture
def page_of(monkeypatch):
    """One of the study's pages over given records."""

    def show(name, records):
        monkeypatch.setattr(study_pages, "committed", lambda: tuple(records))
        return getattr(study_pages, name)().text

    return show


def rows_of(text):
    """The rows of the page's tables as dictionaries from heading to text."""
    rows = []
    for table in re.findall(r"<table.*?</table>", text):
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
    changed = write_record(tmp_path, contrastive="literal")
    frame = study.components([*cells, changed])
    assert len(frame) == len(cells) * len(COMPONENTS)
    for cell in cells:
        weights = dict(L_GD=0.1, L_GR=0.9, L_FE=0.5, L_FL=0.5)
        for name in COMPONENTS:
            row = of(frame, cell, component=name)
            values = weights[name] * cell.components[name].astype(float)
            # the local map of 6 x 6, projected to 512 channels; pixels; latents; one logit
            assert row["terms"] == dict(L_GD=512 * 6 * 6, L_GR=28 * 28, L_FE=100, L_FL=1)[name]
            assert row["normal"] == pytest.approx(values[~cell.anomalous].mean())
            assert row["anomalous"] == pytest.approx(values[cell.anomalous].mean())
            assert row["AUROC"] == pytest.approx(100 * evaluation.auroc(cell.anomalous, cell.components[name]))
        whole = frame[(frame["cell"] == row["cell"])]
        difference = cell.scores[cell.anomalous].mean() - cell.scores[~cell.anomalous].mean()
        assert (whole["anomalous"] - whole["normal"]).sum() == pytest.approx(difference, rel=1e-3)


def test_a_component_below_chance_is_named_with_its_cells(cells, page_of, monkeypatch):
    frame = study.components(cells[:2])
    frame["AUROC"] = [60.0, 60.0, 60.0, 45.0, 60.0, 60.0, 60.0, 52.0]
    monkeypatch.setattr(study, "components", lambda records: frame)
    text = page_of("findings", cells[:2])
    assert "<i>L</i><sub>FL</sub> gives a mean AUROC of 48.5 % over 2 cells" in text and "in 1 of them it" in text
    assert "<sub>GR</sub>" not in text


PAGES = ["left_over", "readings", "effects", "nulls"]


@pytest.mark.parametrize("name", PAGES)
def test_without_records_a_page_is_a_plain_note(name, page_of, tmp_path):
    for records in ([], [write_record(tmp_path, study=False)]):
        text = page_of(name, records)
        assert re.fullmatch(r'<p class="adcgan-note">[^<]+</p>', text)


@pytest.mark.parametrize("name", [*PAGES, "components"])
def test_a_page_shows_a_single_cell(name, page_of, tmp_path):
    text = page_of(name, [write_record(tmp_path)])
    assert rows_of(text) and "nan" not in re.sub(r'src="[^"]*"', "", text).lower()


def test_the_left_over_page_shows_its_frame(cells, page_of):
    shown, frame = rows_of(page_of("left_over", cells)), in_the_pages_order(study.left_over(cells))
    assert len(shown) == len(frame)
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        assert (line["cell"], line["rule"]) == (row["name"], row["rule"])
        texts = list(line.values())[2:]
        assert texts[:6] == [f"{row[name]:.1f}" for name in ("paper_protocol", *study.QUANTILES)]
        if row["dataset"] == "digits":
            assert texts[6:] == ["none", ""]
        else:
            assert texts[6:] == [f"{row['published']:.1f}", f"{100 * row['share']:.1f} %"]


def test_the_page_of_means_under_one_z_shows_its_frame(cells, page_of):
    shown, frame = rows_of(page_of("left_over_means", cells)), study.left_over_means(cells)
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
    assert names[:2] == ["paper", "released"] and sorted(names) == sorted(cells[0].readings)
    by_reading = {line["reading"]: line for line in shown}
    assert all(len(line) == 1 + 4 for line in shown)
    title = "MNIST, one-vs-all, 3 cells"
    part = frame[(frame["dataset"] == "mnist") & (frame["scheme"] == "one-vs-all")].groupby("reading")
    assert by_reading["paper"][title] == f"{part['NS'].mean()['paper']:.1f}"
    for name in names[1:]:
        assert by_reading[name][title] == f"{part['difference'].mean()[name]:+.1f}"


def test_a_reading_that_some_cells_lack_says_how_many_have_it(cells, page_of):
    cells[0].content["study"].pop("released")
    cells[4].content["study"].pop("released")
    points = [100 * (cell.readings["released"]["NS"] - cell.readings["paper"]["NS"]) for cell in cells[1:3]]
    (line,) = (line for line in rows_of(page_of("readings", cells)) if line["reading"] == "released")
    assert line["MNIST, one-vs-all, 3 cells"] == f"{np.mean(points):+.1f} (2 cells)"
    assert line["Fashion-MNIST, one-vs-all, 1 cell"] == ""


def test_the_effects_page_shows_its_frame(cells, page_of, tmp_path):
    records = [*cells, write_record(tmp_path, contrastive="literal")]
    text, frame = page_of("effects", records), study.effects(records, plan.STUDIED)
    shown = rows_of(text)
    assert "Fashion-MNIST and MNIST" in text and "smoke" not in text
    assert len(shown) == len(frame) == len(CHANGES) + 1
    for line, (_, row) in zip(shown, frame.iterrows(), strict=True):
        assert (line["change"], line["cells"]) == (row["reading"], str(row["cells"]))
        assert line["points"] == f"{row['mean']:+.1f}"
        assert line["weights"] == ("trained again" if row["retrained"] else "the same")
        if row["retrained"]:
            assert line["interval"] == "too few cells" and line["row"] == "1"
        else:
            assert line["interval"] == f"{row['low']:+.1f} to {row['high']:+.1f}"


def test_the_effects_page_says_that_digits_alone_are_a_smoke_run(cells, page_of):
    text = page_of("effects", cells[5:])
    assert "smoke run, not a result" in text
    assert [line["points"] for line in rows_of(text)][0] == "-6.0"


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


def test_the_findings_are_means_over_the_papers_cells_and_digits_are_none(cells, page_of):
    text = page_of("findings", cells)
    *of_the_paper, digits = cells
    LG, GF = (
        np.mean([100 * evaluation.auroc(c.anomalous, combine(c.components, 0.1, rho)) for c in of_the_paper])
        for rho in (None, 0.5)
    )
    assert f"of {LG:.1f} % over the 5 cells run" in text and f"{GF:.1f} %, {GF - LG:+.1f} points" in text
    # MNIST one-vs-all three times, all-vs-one once, Fashion-MNIST once: Table 4's GF less LG.
    steps = [92.3 - 72.3] * 3 + [85.0 - 56.8, 93.9 - 80.8]
    assert f"the same step is {np.mean(steps):+.1f} points" in text
    moved = [-2 * scale for scale in (1, 0.5, 2, 0.7)]  # by reduction=sum, of MNIST's and Fashion-MNIST's cells
    mean, low, high = statistics.mean_interval(np.array(moved))
    assert "<code>reduction=sum</code> moves the AUROC the most" in text
    assert f"{mean:+.1f} points, a mean over 4 cells" in text and f"of {low:+.1f} to {high:+.1f}." in text
    assert "the most" not in page_of("findings", of_the_paper[:2]), "two cells say nothing of others"
    nulls, draws = study.nulls(of_the_paper), study.left_over(of_the_paper)
    for protocol in ("paper", "released"):
        assert f"{nulls[nulls['protocol'] == protocol]['sd'].mean():.1f}" in text
    released = draws[draws["rule"] == "released protocol"]
    assert f"by {(released['95 %'] - released['5 %']).mean():.1f} points, from" in text
    assert page_of("findings", [digits]) == page_of("findings", []) != text


def test_the_findings_say_nothing_of_protocols_where_no_run_holds_them(page_of, tmp_path):
    text = page_of("findings", [write_record(tmp_path, study=False)])
    assert "Table 4" in text and "protocol's" not in text


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
    frame = study.left_over(cells[-count:])
    figure = figures.left_over(frame)
    assert isinstance(figure, Figure)
    assert [axis.get_title() for axis in figure.axes] == list(study.RULES.values())
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
    records = [*cells[:count], write_record(tmp_path, contrastive="literal")]
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
        ours = part[part["reading"] == "paper"]["NS"].mean()
        theirs = part[part["reading"] == reading]["NS"].mean()
        assert row["cells"] == (part["reading"] == reading).sum()
        assert row["fraction"] == pytest.approx((theirs - ours) / (row["published"] - ours))
        assert np.isnan(row["low"]) == (row["cells"] < 3)
    assert "digits" not in frame.index.get_level_values("dataset") and study.explained([]).empty


def test_the_page_of_shares_shows_its_frame(cells, page_of):
    text, frame = page_of("explained", cells), study.explained(cells)
    shown = rows_of(text)
    captions = [f"{data.TITLES[name]}, {scheme}" for name, scheme in frame.groupby(["dataset", "scheme"]).groups]
    assert [caption in text for caption in captions] == [True] * len(captions) and text.count("<table") == len(captions)
    assert [line["share of the distance"] for line in shown] == [f"{value:+.2f}" for value in frame["fraction"]]
    assert "holds the study yet" in page_of("explained", [])


def test_the_page_of_decisions_shows_every_row_with_what_was_measured_of_it(cells, tmp_path, monkeypatch):
    changed = write_record(tmp_path, critic_steps=1)
    monkeypatch.setattr(decision_pages, "committed", lambda: (*cells, changed))
    rows = {int(row["row"]): row for row in rows_of(decision_pages.decisions().text)}
    assert list(rows) == list(config.register())
    frame = study.effects([*cells, changed], plan.STUDIED).set_index("reading")
    settled = {number: row[decision_pages.SETTLED] for number, row in rows.items()}
    measured = {number: re.findall("<small>(.*?)</small>", text) for number, text in settled.items()}
    measured = {number: lines for number, lines in measured.items() if lines}
    assert set(measured) == {16, 22, 24, 25, 28}
    mean, low, high = frame.loc["reduction=sum", ["mean", "low", "high"]]
    assert measured[22] == [f"reduction=sum: {mean:+.1f} ({low:+.1f} to {high:+.1f}) points, 4 cells"]
    points = frame.loc["critic_steps=1", "mean"]
    assert measured[16] == [f"critic_steps=1: {points:+.1f} points, 1 cell, trained again"]
    assert ">critic_steps=2</code>" in settled[16]
    assert settled[33] == "the last"


def test_the_studys_plan_makes_one_named_change_at_a_time_on_the_same_cells():
    cells = plan.study_cells()
    names = [study._single(cell.departures) for cell in cells]
    assert set(names) == set(plan.CHANGES) and len(set(map(str, cells))) == len(cells)
    kinds = {name: [c for c, known in zip(cells, names, strict=True) if known == name] for name in plan.CHANGES}
    places = {name: [(c.dataset, c.scheme, c.label, c.seed) for c in some] for name, some in kinds.items()}
    assert len(set(map(tuple, places.values()))) == 1 and len(places["dropout=none"]) == 2 * 3 * 3
    default = {(c.dataset, c.scheme, c.label, c.seed) for c in plan.cells(methods=["adcgan"])}
    assert set(places["dropout=none"]) <= default  # what each is compared with is in the grid
    assert [c.seed for c in plan.study_cells(datasets=["mnist"], seeds=[2], classes=["1"])] == [2] * len(plan.CHANGES)


def test_every_row_of_the_register_that_trains_is_in_the_plan_or_scored_without():
    changed = {name for options in plan.CHANGES.values() for name in options}
    for field in fields(CONFIGS["adcgan"]):
        if field.metadata["row"] and field.name not in study.NOT_RETRAINED:
            assert field.name in changed, field.name
