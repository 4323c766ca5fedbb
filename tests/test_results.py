"""The tables' files, the table to search and sort, the heat maps and the notes on seeds, from records made here."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from companion.analysis import results
from companion.pages import common, explore, heatmap, html, study_pages, table_pages
from factories import write_record
from matplotlib import colormaps

from adcgan import paper
from adcgan.experiments.records import read_all


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Fashion-MNIST's class 1 with two of three seeds, at scale laptop with two others, MNIST's class 0 with one."""
    tmp_path = tmp_path_factory.mktemp("runs")
    write_record(tmp_path, "fashion_mnist", label=1)
    write_record(tmp_path, "fashion_mnist", label=1, seed=2)
    for seed in (0, 1):
        write_record(tmp_path, "fashion_mnist", label=1, seed=seed, scale="laptop")
    write_record(tmp_path)
    return tmp_path


def percent(records, dataset, label, scale="paper"):
    place = (dataset, label, scale)
    cells = {r.run.seed: r for r in records if (r.run.dataset, r.run.label, r.run.scale) == place}
    return {seed: 100 * record.auroc["NS"] for seed, record in sorted(cells.items())}


def one(frame, **where):
    for name, value in where.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_row_holds_each_seed_its_difference_and_the_verdict(runs):
    records = read_all(runs)
    frame = results.frame(3, records)
    cell = {"dataset": "fashion_mnist", "scheme": "one-vs-all", "class": 1, "model": "AD-CGAN"}
    row = one(frame, **cell, scale="paper")
    seeds = percent(records, "fashion_mnist", 1)
    printed = paper.table(3).query("dataset == 'fashion_mnist' and scheme == 'one-vs-all' and model == 'AD-CGAN'")
    published = float(printed.set_index("class")["auc_percent"]["1"])
    assert (row["seed_0"], row["seed_2"]) == (seeds[0], seeds[2]) and np.isnan(row["seed_1"])
    assert row["difference"] == pytest.approx(sum(seeds.values()) / 2 - published)
    assert row["verdict"] == "incomplete" and row["low"] < row["ours"] < row["high"]
    assert frame["verdict"].count() == 2 and frame["difference"].count() == 3
    other, laptop = one(frame, **cell, scale="laptop"), percent(records, "fashion_mnist", 1, "laptop")
    assert (other["seed_0"], other["seed_1"]) == (laptop[0], laptop[1]) and np.isnan(other["seed_2"])
    assert other["difference"] == pytest.approx(sum(laptop.values()) / 2 - published)
    assert other[["verdict", "low", "high"]].isna().all(), "the rule is for the paper's scale"


def test_the_mean_of_one_seed_waits_for_every_class(tmp_path):
    records = [write_record(tmp_path, label=label, seed=seed) for label in range(10) for seed in (0, 1)][:-1]
    row = one(results.frame(1, records), dataset="mnist", scheme="one-vs-all", model="AD-CGAN", scale="paper")
    values = [100 * record.auroc["NS"] for record in records if record.run.seed == 0]
    assert row["seed_0"] == pytest.approx(np.mean(values)) and np.isnan(row["seed_1"])
    gf = results.frame(4, records)
    gf = one(gf, dataset="mnist", scheme="one-vs-all", variant="AD-CGAN_GF", scale="paper")
    assert gf["seed_0"] == pytest.approx(row["seed_0"]) and np.isnan(gf["seed_1"])


@pytest.mark.parametrize("number", results.TITLES)
@pytest.mark.parametrize("measured", [True, False])
def test_the_files_read_back_as_the_frame(runs, tmp_path, number, measured):
    records = read_all(runs) if measured else []
    frame = results.frame(number, records)
    written = {path.name: path for path in results.write(tmp_path / "site", records)}
    assert len(written) == 2 * len(results.TITLES)
    csv = pd.read_csv(written[f"table{number}.csv"])
    held = json.loads(written[f"table{number}.json"].read_text())
    assert list(held["columns"]) == list(csv.columns) == list(frame.columns)
    assert all(len(text) > 3 for text in held["columns"].values())
    for name in frame:
        column = frame[name]
        for read in (csv[name], pd.Series([row[name] for row in held["rows"]])):
            assert list(read.isna()) == list(column.isna())
            assert list(read.dropna()) == list(column.dropna())
    assert sum(code["records"] for code in held["code_revisions"]) == (5 if measured and number != 2 else 0)
    assert {code["revision"] for code in held["code_revisions"]} <= {"abc"}


@pytest.mark.parametrize(
    ("values", "planned", "more", "said"),
    [
        ({0: 79.93, 2: 80.36}, 3, {}, "seed 0: 79.9, seed 2: 80.4; sd 0.3 points; seed 1 not run"),
        ({0: 50.0}, 3, {}, "seed 0: 50.0; seeds 1, 2 not run"),
        ({0: 50.0}, 1, {}, "seed 0: 50.0"),
        ({1: 60.0}, 2, {"classes": 10}, "seed 1: 60.0; seed 0 not run for every class"),
        ({}, 2, {}, "seeds 0, 1 not run"),
    ],
)
def test_seeds_run_and_missing_are_named(values, planned, more, said):
    columns = {f"seed_{seed}": values.get(seed, np.nan) for seed in range(3)}
    assert html.seeds_text(pd.Series(more | columns, dtype=object), planned) == said


class Outline(HTMLParser):
    """Fails where an end tag does not close the open element; holds every (tag, attributes)."""

    VOID = {"input", "br", "img", "meta", "link"}

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def shown(runs):
    """What the pages show of these records."""
    records = tuple(read_all(runs))
    with pytest.MonkeyPatch.context() as patch:
        for module in (common, table_pages, explore, heatmap, study_pages):
            patch.setattr(module, "committed", lambda: records)
        yield {
            "table1": table_pages.table1().text,
            "table3": table_pages.table3().text,
            "table4": table_pages.table4().text,
            "explore1": explore.results_table(1).text,
            "explore3": explore.results_table(3).text,
            "heat": heatmap.heat_maps().text,
            "verdicts": study_pages.verdicts().text,
            **{f"downloads{number}": explore.downloads(number).text for number in results.TITLES},
        }


def test_tags_are_balanced_and_controls_have_labels(shown):
    for text in shown.values():
        Outline(text)
    for name in ("explore1", "explore3"):
        controls = re.findall(r"<(?:input|select)", shown[name])
        assert len(controls) == 6 == len(re.findall(r"<label>[^<]*<(?:input|select)|<label><input", shown[name]))


@pytest.mark.parametrize("name", ["table3", "explore3", "heat"])
def test_each_of_our_figures_names_its_seeds(shown, runs, name):
    cells = re.findall(r"<td[^>]*>(?:(?!</td>).)*fashion_mnist-one-vs-all-1\.html.*?</td>", shown[name])
    tips = [tip for cell in cells for tip in re.findall(r'<span class="adcgan-tip">([^<]*)</span>', cell)]
    expected = []
    for scale, missing in (("laptop", 2), ("paper", 1)):
        seeds = percent(read_all(runs), "fashion_mnist", 1, scale)
        sd = np.std(list(seeds.values()), ddof=1)
        said = ", ".join(f"seed {seed}: {value:.1f}" for seed, value in seeds.items())
        expected.append(f" {said}; sd {sd:.1f} points; seed {missing} not run")
    assert (sorted(tips) == sorted(expected)) if name == "explore3" else (tips == expected)
    assert shown[name].count('class="adcgan-tip"') == 3


def rows_of(text):
    head, body = text.split("<tbody>")
    names = re.findall(r'<th scope="col">([^<]*)</th>', head)
    rows = [re.findall(r"<t[dh]([^>]*)>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    order = [[unescape(re.search('data-order="([^"]*)"', attributes)[1]) for attributes, _ in row] for row in rows]
    words = [[unescape(re.sub("<[^>]+>", "", inner)) for _, inner in row] for row in rows]
    return pd.DataFrame(order, columns=names), pd.DataFrame(words, columns=names)


@pytest.mark.parametrize("number", [1, 3])
def test_the_table_to_sort_has_every_row_and_sorts_by_full_precision(shown, runs, number):
    frame = results.frame(number, read_all(runs))
    frame = frame[(frame["scale"] == "paper") | (frame["seeds"] > 0)]  # a published figure stands once, or beside ours
    order, words = rows_of(shown[f"explore{number}"])
    assert len(order) == len(frame)
    assert list(order["scale"]).count("laptop") == (number == 3), "a mean of Table 1 waits for every class"
    for name in ("paper", "ours", "difference"):
        given = pd.to_numeric(order[name].replace("", None)).dropna()
        assert sorted(given) == sorted(frame[name].dropna())
    assert set(words["ours"][order["ours"] == ""]) <= {"not run", "1/10 classes"}
    assert set(words["paper"][order["paper"] == ""]) == {"not given"}
    if number == 3:
        assert set(words["verdict"]) == {"… incomplete", "not run", "no rule"}
        measured = words[order["ours"] != ""]
        assert sorted(zip(measured["scale"], measured["seeds"], strict=True)) == [
            ("laptop", "2/3"), ("paper", "1/3"), ("paper", "2/3")
        ]  # fmt: skip
        assert all(re.match("[▲▼=] [+−]\\d", text) for text in measured["difference"])


@pytest.mark.parametrize(("points", "said"), [(1.25, "▲ +1.2"), (-0.3, "▼ −0.3"), (0.04, "= 0.0"), (-0.04, "= 0.0")])
def test_a_difference_has_a_sign_besides_its_colour(points, said):
    assert re.sub("<[^>]+>", "", html.difference(points)) == said


def luminance(colour):
    """WCAG 2.2's relative luminance of "#rrggbb"."""
    channels = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def colours(style):
    return re.fullmatch("background-color:(#[0-9a-f]{6});color:(#[0-9a-f]{6})", style).groups()


@pytest.mark.parametrize("value", np.linspace(0, 100, 201))
def test_the_figure_in_a_coloured_cell_can_be_read(value):
    light, dark = sorted(map(luminance, colours(heatmap.style(value))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_larger_figure_is_lighter_and_the_colours_are_cividis():
    backgrounds = [colours(heatmap.style(value))[0] for value in range(20, 101, 5)]
    light = [luminance(colour) for colour in backgrounds]
    assert light == sorted(light) and len(set(light)) == len(light)
    ends = [tuple(round(255 * c) for c in colormaps["cividis"](x)[:3]) for x in (0.0, 1.0)]
    assert [tuple(int(c[n : n + 2], 16) for n in (1, 3, 5)) for c in (backgrounds[0], backgrounds[-1])] == ends


def test_the_heat_maps_show_every_figure_and_mark_those_below_chance(shown, runs):
    """Of the data sets and schemes where something was trained at the scale."""
    frame = results.frame(3, read_all(runs))
    kinds = [("laptop", "fashion_mnist"), ("paper", "fashion_mnist"), ("paper", "mnist")]
    of_kind = frame[["scale", "dataset"]].apply(tuple, axis=1).isin(kinds) & (frame["scheme"] == "one-vs-all")
    frame = frame[of_kind]
    figures = [*frame["paper"].dropna(), *frame["ours"].dropna()]
    cells = re.findall(r'<td style="[^"]*">(?:<a [^>]*>)?([\d.]+)(?:</a>)?(<span aria-hidden="true">▾)?', shown["heat"])
    assert sorted(float(text) for text, _ in cells) == sorted(float(f"{value:.1f}") for value in figures)
    assert sum(bool(mark) for _, mark in cells) == sum(value < 50 for value in figures) > 0
    captions = re.findall("<caption>(.*?)</caption>", shown["heat"])
    assert [caption.split(":")[0] for caption in captions] == [
        "Fashion-MNIST, one-vs-all, scale laptop", "Fashion-MNIST, one-vs-all, scale paper",
        "MNIST, one-vs-all, scale paper",
    ]  # fmt: skip
    missing = re.findall(r'<td class="adcgan-hatched"><span class="adcgan-hidden">([^<]+)</span>', shown["heat"])
    assert missing.count("not run") == 4 * len(frame[frame["model"] == "ALAD"]) - 3


def test_without_a_trained_run_there_is_no_heat_map(tmp_path, monkeypatch):
    pca = write_record(tmp_path, method="pca")
    monkeypatch.setattr(heatmap, "committed", lambda: (pca,))
    assert "<caption>" not in heatmap.heat_maps().text


def test_downloads_name_the_columns(shown):
    for number in results.TITLES:
        text = shown[f"downloads{number}"]
        assert re.findall('href="([^"]+)"', text) == [f"downloads/table{number}.csv", f"downloads/table{number}.json"]
        assert re.findall("<dt><code>([^<]+)", text) == list(results.frame(number, []))
