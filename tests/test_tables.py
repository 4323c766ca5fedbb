"""Tables 1 to 4 from records: what enters, what a mean needs, and that every published figure is there."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from adcgan import paper, plan, results, study, tables
from adcgan.book import common, decision_pages, html, machine_pages, network_pages, opening, table_pages
from adcgan.config import configure
from adcgan.evaluation import auroc
from adcgan.figures import classes as figures_classes
from adcgan.records import RECORD, Cell, read_all, write
from adcgan.scores import COMPONENTS, VARIANTS, combine, normality_score

DEVICE = {"type": "cpu", "name": "test", "threads": 1}


def write_record(
    runs,
    dataset="mnist",
    scheme="one-vs-all",
    label=0,
    seed=0,
    canonical=True,
    seconds=60,
    device=DEVICE,
    method="adcgan",
    fingerprint="0" * 64,
    **options,
):
    """A whole record with scores drawn from a generator: enough for a table, written and read for real."""
    size, channels = tables.FORMATS.get(dataset, (28, 1))
    cell = Cell(method, dataset, scheme, label, seed, configure(method, scheme, size, channels, **options))
    random = np.random.default_rng([label, seed])
    anomalous = np.arange(40) % 2 == 1
    names = COMPONENTS if method == "adcgan" else ("score",)
    components = {name: (random.random(40) + 0.3 * anomalous).astype(np.float16) for name in names}
    scores = normality_score(cell.config, components).astype(np.float32)
    content = {
        "cell": {"method": method, "dataset": dataset, "scheme": scheme, "label": label, "class_name": str(label),
                 "seed": seed},
        "config": cell.config.to_dict(), "departures": cell.departures, "digest": cell.digest,
        "auroc": {name: auroc(anomalous, values) for name, values in {"NS": scores, **components}.items()},
        "images": {"train": 1, "test_normal": 20, "test_anomalous": 20},
        "losses": [{"L_AE": 1.0}],
        "data": {"fingerprint": fingerprint, "canonical": canonical,
                 "provenance": "canonical" if canonical else "a copy"},
        "code": {"version": "0", "revision": "abc", "dirty": False},
        "environment": {},
        "device": device,
        "cost": {"train_seconds": seconds, "score_seconds": 1, "peak_memory_bytes": 1, "resumed": 0},
        "finished": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    arrays = {"NS": scores, "labels": np.zeros(40, np.uint16), "anomalous": anomalous, **components}
    return write(cell, runs, content, arrays, {"normal": np.zeros((2, size, size, channels), np.uint8)})


def adcgan(frame, dataset="mnist", scheme="one-vs-all"):
    return frame[(frame["dataset"] == dataset) & (frame["scheme"] == scheme) & (frame["model"] == "AD-CGAN")]


def test_without_records_every_published_figure_is_there_and_none_of_ours():
    for number, frame in ((1, tables.table1([])), (3, tables.table3([])), (4, tables.table4([]))):
        published = paper.table(number)
        if number == 3:
            published = published[published["class"] != "mean"]
        assert sorted(frame["paper"].dropna()) == sorted(published["auc_percent"].dropna())
        assert frame["ours"].isna().all() and (frame["seeds"] == 0).all()


def test_a_class_mean_says_how_many_seeds_it_rests_on(tmp_path):
    records = [write_record(tmp_path, seed=seed) for seed in (0, 1)]
    row = adcgan(tables.table3(records)).iloc[0]
    values = [100 * record.auroc["NS"] for record in records]
    assert row["seeds"] == 2
    assert row["ours"] == pytest.approx(np.mean(values)) and row["sd"] == pytest.approx(np.std(values, ddof=1))


def test_the_mean_over_classes_waits_for_the_last_class(tmp_path):
    records = [write_record(tmp_path, label=label) for label in range(9)]
    (row,) = adcgan(tables.table1(records)).itertuples()
    assert np.isnan(row.ours) and (row.classes, row.of_classes) == (9, 10)
    records.append(write_record(tmp_path, label=9))
    records.append(write_record(tmp_path, label=9, seed=1))
    (row,) = adcgan(tables.table1(records)).itertuples()
    nines = [100 * record.auroc["NS"] for record in records[9:]]
    expected = np.mean([100 * record.auroc["NS"] for record in records[:9]] + [np.mean(nines)])
    assert row.ours == pytest.approx(expected) and row.seeds == 1


def test_runs_at_other_settings_stay_out(tmp_path):
    record = write_record(tmp_path, epochs=1)
    for table in (tables.table1, tables.table3, tables.table4):
        assert (table([record])["seeds"] == 0).all()
    assert tables.table4_by_class([record]).empty
    assert len(tables.runs([record])) == 1


def test_data_sets_that_the_paper_does_not_have_stay_out(tmp_path):
    cell = write_record(tmp_path).cell
    record = write_record(tmp_path, dataset="digits")
    assert not record.cell.departures and record.cell.config == cell.config
    assert tables.table4_by_class([record]).empty and (tables.table3([record])["seeds"] == 0).all()


def test_schemes_and_data_sets_are_kept_apart(tmp_path):
    record = write_record(tmp_path, scheme="all-vs-one", dataset="fashion_mnist")
    frame = tables.table3([record])
    assert frame["seeds"].sum() == 1
    assert adcgan(frame, "fashion_mnist", "all-vs-one").iloc[0]["seeds"] == 1


def test_table4_variants_follow_from_the_components(tmp_path):
    record = write_record(tmp_path)
    frame = tables.table4_by_class([record]).set_index("variant")["ours"]
    for variant, rho in VARIANTS.items():
        assert frame[variant] == pytest.approx(100 * auroc(record.anomalous, combine(record.components, 0.1, rho)))
    assert frame["AD-CGAN_GF"] == pytest.approx(100 * record.auroc["NS"])


def test_table2_departs_from_the_paper_in_one_convolution_of_two_generators():
    frame = tables.table2()
    assert (frame["paper"] == frame["t2p"]).all()
    differs = frame[frame["paper"] != frame["t2r"]]
    assert set(zip(differs["dataset"], differs["module"], differs["kind"], strict=True)) == {
        (dataset, "generator", "conv") for dataset in ("mnist", "fashion_mnist", "cats_vs_dogs")
    }
    assert (differs["t2r"] - differs["paper"] == 1).all()


def test_a_table_built_on_other_than_canonical_data_says_so(tmp_path):
    records = [write_record(tmp_path, canonical=False), write_record(tmp_path, label=1)]
    assert tables.notes(records) == ["mnist: a copy"]
    assert tables.notes(records[1:]) == []


@pytest.fixture
def book_of(monkeypatch):
    """The pages over the records of a directory."""

    def use(runs):
        for module in (common, table_pages, opening, machine_pages):
            monkeypatch.setattr(module, "committed", lambda: tuple(read_all(runs)))
        monkeypatch.setattr(table_pages, "ROOT", runs)
        monkeypatch.setattr(machine_pages, "LOCAL", runs / "none")

    return use


def test_pages_show_missing_seeds_missing_classes_and_the_data_used(tmp_path, book_of):
    write_record(tmp_path, canonical=False)
    write_record(tmp_path, seed=1)
    book_of(tmp_path)
    table3, table1 = table_pages.table3().text, table_pages.table1().text
    assert "<small>2/3 seeds</small>" in table3
    assert "1/10 classes" in table1 and "not run" in table1
    for text in (opening.measured().text, table1, table3, table_pages.table4().text):
        assert "Not the canonical data. mnist: a copy." in text
    assert "2 of 30" in opening.measured().text


def test_the_yardsticks_stand_beside_adcgan_on_the_classes_that_it_is_run_on(tmp_path, book_of):
    ours = [write_record(tmp_path, label=label) for label in (0, 3)]
    pca = [write_record(tmp_path, method="pca", label=label) for label in range(10)]
    write_record(tmp_path, method="knn", label=3)
    book_of(tmp_path)
    head, *body = re.findall("<tr>(.*?)</tr>", opening.yardsticks().text, re.DOTALL)
    titles = re.findall("<th[^>]*>(.*?)</th>", head)
    lines = [dict(zip(titles, re.findall("<t[hd][^>]*>(.*?)</t[hd]>", line), strict=True)) for line in body]
    (line,) = (line for line in lines if line[""] == "MNIST, one-vs-all")
    published = [row for row in tables.table3(ours).to_dict("records") if row["model"] == "AD-CGAN" and row["seeds"]]
    assert line["classes"] == "2 of 10" and len(published) == 2
    assert line["AD-CGAN, paper"] == f"{np.mean([row['paper'] for row in published]):.1f}"
    assert line["AD-CGAN, ours"] == f"{100 * np.mean([record.auroc['NS'] for record in ours]):.1f}"
    counts = {"L_GD": 512 * 6 * 6, "L_GR": 28 * 28, "L_FE": 100, "L_FL": 1}
    sums = [100 * auroc(record.anomalous, combine(record.components, 0.1, 0.5, counts)) for record in ours]
    assert line["ours, printed sums"] == f"{np.mean(sums):.1f}"
    assert line["PCA reconstruction"] == f"{100 * np.mean([pca[n].auroc['NS'] for n in (0, 3)]):.1f}"
    assert line["nearest neighbours"] == "1 of 2" and line["isolation forest"] == "not run"
    (other,) = (line for line in lines if line[""] == "MNIST, all-vs-one")
    assert (other["classes"], other["AD-CGAN, ours"], other["ours, printed sums"]) == ("10 of 10", "not run", "not run")
    assert f"<td>{np.mean(sums):.1f}</td>" in opening.measured().text


def test_the_opening_picture_has_each_class_that_is_run_and_draws_its_figures(tmp_path, book_of, monkeypatch):
    ours = [write_record(tmp_path, label=label) for label in (0, 3)]
    others = [write_record(tmp_path, method=method, label=3) for method in ("pca", "knn")]
    write_record(tmp_path, "fashion_mnist", label=8)
    write_record(tmp_path, method="pca", label=5)  # AD-CGAN is not run there
    book_of(tmp_path)
    drawn = []
    monkeypatch.setattr(opening.figures, "classes", lambda frame: drawn.append(frame) or figures_classes(frame))
    text = opening.picture().text
    (frame,) = drawn
    assert list(zip(frame["place"], frame["name"], strict=True)) == [
        ("Fashion-MNIST, one-vs-all", "bag"), ("MNIST, one-vs-all", "0"), ("MNIST, one-vs-all", "3")
    ]  # fmt: skip
    line = frame.iloc[-1]
    assert line["ours"] == pytest.approx(100 * ours[1].auroc["NS"])
    lowest, highest = sorted(100 * record.auroc["NS"] for record in others)
    assert (line["least"], line["most"]) == (pytest.approx(lowest), pytest.approx(highest))
    assert np.isnan(frame.iloc[0]["least"]), "no yardstick is run on it"
    assert "MNIST, one-vs-all, 2 classes, mean published" in text and "nan" not in text.lower()
    panel = next(axis for axis in figures_classes(frame).axes if axis.get_title() == "MNIST, one-vs-all")
    assert [title.get_text() for title in panel.get_yticklabels()] == ["0", "3"]
    marks = {mark.get_label(): mark.get_xdata() for mark in panel.get_lines()}
    for label, column in (("published", "paper"), ("ours", "ours"), ("ours, printed sums", "sums")):
        assert list(marks[label]) == list(frame[column][1:])
    top, bottom = panel.get_ylim()[::-1]
    assert top < 0 < 1 < bottom, "both classes within the panel, the first on top"


def test_coverage_counts_the_recorded_runs_of_every_model_against_the_plan(tmp_path, book_of):
    write_record(tmp_path)
    write_record(tmp_path, seed=1)
    write_record(tmp_path, contrastive="literal")  # not at the paper's settings: behind no table
    book_of(tmp_path)
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td>([^<]+)</td>', opening.coverage().text))
    assert rows["AD-CGAN"] == "2 of 96" and rows["ALAD"] == "0 of 96" and rows["PCA reconstruction"] == "0 of 32"
    assert set(rows) == {*tables.MODELS, *tables.OTHERS}
    planned = sum(cell.method == "adcgan" for cell in plan.cells(schemes=["one-vs-all"]))
    assert planned == 96


def test_models_are_compared_class_by_class_where_all_classes_were_run(monkeypatch):
    columns = ["dataset", "scheme", "class", "model", "ours"]
    aurocs = {"ALAD": np.arange(50, 60.0), "AE-GAN": np.arange(49, 59.0), "AnoGAN": 108 - np.arange(50, 60.0)}
    aurocs["ADGAN"] = np.where(np.arange(10) == 3, np.nan, 50.0)  # a class is missing
    aurocs["AD-CGAN"] = np.arange(60, 70.0)
    rows = [("mnist", "one-vs-all", n, model, value) for model, some in aurocs.items() for n, value in enumerate(some)]
    rows += [("cats_vs_dogs", "one-vs-all", n, model, 60.0 + n) for model in ("ALAD", "AE-GAN") for n in range(2)]
    frame = pd.DataFrame(rows, columns=columns)
    monkeypatch.setattr(tables, "table3", lambda records: frame)
    found = tables.comparisons([]).set_index(["first", "second"])
    ours = [("AD-CGAN", "ALAD"), ("AD-CGAN", "AE-GAN"), ("AD-CGAN", "AnoGAN")]
    assert list(found.index) == [*ours, ("ALAD", "AE-GAN"), ("ALAD", "AnoGAN"), ("AE-GAN", "AnoGAN")]
    assert found.loc[ours[0], "corrected"] == pytest.approx(3 * 2 / 2**10), "the pairs with AD-CGAN are a family"
    assert set(found["dataset"]) == {"mnist"} and set(found["classes"]) == {10}
    first = found.loc[("ALAD", "AE-GAN")]
    assert (first["difference"], first["higher"]) == (pytest.approx(1), 10)
    assert first["p"] == pytest.approx(2 / 2**10)  # all ten differences of one sign
    assert first["corrected"] == pytest.approx(3 * first["p"])
    assert found.loc[("ALAD", "AnoGAN"), "higher"] == 5
    assert (found["corrected"] >= found["p"]).all() and (found["corrected"] <= 1).all()


def test_models_measured_on_different_bytes_are_not_compared(tmp_path):
    for method, fingerprint in (("adcgan", "0"), ("pca", "0"), ("knn", "1")):
        for label in range(10):
            write_record(tmp_path, method=method, label=label, fingerprint=fingerprint * 64)
    found = tables.comparisons(read_all(tmp_path))
    assert list(zip(found["first"], found["second"], strict=True)) == [("AD-CGAN", "PCA reconstruction")]


def test_a_run_on_a_share_of_the_test_images_has_no_verdict_and_breaks_no_page(tmp_path, book_of):
    share = write_record(tmp_path, test_images=20)
    assert len(tables.measured([share])) == 1 and study.verdicts([share]).empty
    whole = write_record(tmp_path)
    (row,) = study.verdicts([share, whole]).to_dict("records")
    assert (row["ours"], row["seeds"]) == (pytest.approx(100 * whole.auroc["NS"]), 1)
    assert tables.standing([share, whole]) == [whole]
    book_of(tmp_path)
    assert opening.measured().text and table_pages.table3().text and results.frame(3, [share]) is not None


def test_pages_are_whole_without_any_record(tmp_path, book_of):
    book_of(tmp_path)
    everywhere = [
        opening.measured,
        opening.yardsticks,
        opening.coverage,
        opening.picture,
        table_pages.comparisons,
        table_pages.table1,
        table_pages.table2,
        table_pages.table3,
        table_pages.table4,
        table_pages.run_list,
    ]
    machines = [table_pages.run_list, machine_pages.costs, machine_pages.local_run]
    networks = [network_pages.figure1, network_pages.parameters, network_pages.layers]
    for page in [*everywhere, *machines, *networks, decision_pages.decisions, lambda: decision_pages.options("alad")]:
        assert page().text.strip()


@pytest.mark.parametrize(
    "seconds, text",
    [(0.02, "< 0.1 s"), (0.3, "0.3 s"), (59, "59.0 s"), (60, "1.0 min"), (3600, "1.0 h"), (4e6, "1,111.1 h")],
)
def test_a_time_has_the_largest_unit_of_which_it_has_one(seconds, text):
    assert html.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


def test_what_cells_cost_has_a_table_for_each_device(tmp_path, book_of):
    for label, (seconds, threads) in enumerate([(60, 1), (120, 1), (7200, 2)]):
        write_record(tmp_path, label=label, seconds=seconds, device=DEVICE | {"threads": threads})
    write_record(tmp_path, "pictures", seconds=1, device=DEVICE | {"threads": 2})
    write_record(tmp_path, label=5, seconds=180, device=DEVICE | {"threads": 2}, test_images=2000)
    write_record(tmp_path, seconds=1e6, device=DEVICE | {"threads": 2}, width=0.5)
    book_of(tmp_path)
    shown = machine_pages.costs().text.replace("\N{NO-BREAK SPACE}", " ")
    assert re.findall(r"<caption>.*?, medians: (.*?)</caption>", shown) == ["test, 1 thread", "test, 2 threads"]
    _, one, two = shown.split("<caption>")
    assert re.findall(r"<td>(.*?)</td>", one) == ["1.5 min + 1.0 s"]
    assert re.findall(r"<td>(.*?)</td>", two) == ["2.0 h + 1.0 s", "1.0 s + 1.0 s", "3.0 min + 1.0 s", ""]
    assert re.findall(r'<td class="text">(.*?)</td>', two) == ["one-vs-all", "one-vs-all, 2,000 test images"]
    assert re.findall(r'<th scope="col">(.*?)</th>', shown) == ["method", "MNIST", "method", "MNIST", "pictures"]


def test_run_list_gives_the_command_that_repeats_each_run(tmp_path, book_of):
    from adcgan import cli

    record = write_record(tmp_path, label=3, contrastive="literal", lambda_=0.2)
    book_of(tmp_path)
    command = table_pages.run_list().text.partition("<code>adcgan ")[2].partition("</code>")[0]
    given = cli._parser().parse_args(command.split())
    assert (given.dataset, given.classes, given.seeds) == ("mnist", ["3"], [0])
    assert (given.contrastive, given.lambda_, str(given.runs)) == ("literal", "0.2", "my-runs")
    assert str(record.directory.relative_to(tmp_path)) in table_pages.run_list().text


def test_run_list_names_a_planned_change_and_the_revisions_before_the_last(tmp_path, book_of):
    options = plan.CHANGES["released training"]
    record = write_record(tmp_path, label=3, **options)
    write_record(tmp_path, label=3, lambda_=0.2)
    content = json.loads((record.directory / RECORD).read_text())
    content["code"]["earlier"] = ["a" * 40 + "+changed", "b" * 40]
    (record.directory / RECORD).write_text(json.dumps(content))
    book_of(tmp_path)
    text = table_pages.run_list().text
    named = re.findall(r"<summary>(.*?)</summary>", text)
    assert sorted(named) == [
        "MNIST, one-vs-all, 3, seed 0, lambda_=0.2",
        "MNIST, one-vs-all, 3, seed 0, released training",
    ]
    assert all(f"{name.replace('_', '-')} {value}" in text for name, value in options.items()), "in the command"
    assert f"Trained first by <code>{'a' * 10}</code> (changed), then <code>{'b' * 10}</code>." in text
    assert len(re.findall(r"</code>[^<]*, after 2 more</td>", text)) == 1


def test_decisions_list_every_option():
    from dataclasses import fields

    from adcgan.config import ADCGANConfig

    text = decision_pages.options("adcgan").text
    for field in fields(ADCGANConfig):
        assert f'<th scope="row">{field.name.rstrip("_")}</th>' in text and html.escape(field.metadata["help"]) in text


ONE = "model == 'AD-CGAN' and dataset == 'mnist' and scheme == 'one-vs-all' and `class` == 0"


def test_seeds_that_were_not_planned_enter_no_table(tmp_path):
    others = [write_record(tmp_path, seed=seed) for seed in (5, 6, 7)]
    row = tables.table3(others).query(ONE).iloc[0]
    assert row["seeds"] == 0 and np.isnan(row["ours"])
    assert study.verdicts(others).empty and tables.table4_by_class(others).empty and not results.behind(3, others)
    (row,) = study.verdicts([*others, write_record(tmp_path, seed=1)]).to_dict("records")
    assert (row["seeds"], row["verdict"]) == (1, "incomplete")


def test_a_share_is_the_least_and_more_test_images_stand_before_fewer(tmp_path):
    some = [write_record(tmp_path, seed=seed, test_images=count) for seed, count in ((0, 100), (0, 2000), (1, 1000))]
    frame = tables.table3([*some, write_record(tmp_path, seed=2)])
    row = frame.query(ONE).iloc[0]
    assert (row["seeds"], row["share"]) == (3, 1000)
    assert len(results.behind(3, some)) == 2, "the run on 100 images does not stand"
