"""Tables 1 to 4 from records: what enters, what a mean needs, and that every published figure is there."""

import re

import numpy as np
import pandas as pd
import pytest
from companion.analysis import results, study, tables
from companion.figures import classes as figures_classes
from companion.pages import common, decision_pages, html, machine_pages, network_pages, opening, table_pages
from factories import DEVICE, write_format1, write_record
from test_study import as_read, rows_of

from adcgan import paper
from adcgan.experiments import grid
from adcgan.experiments.records import read_all
from adcgan.scoring import VARIANTS, auroc, combine

# Recipe printed's local map of 4 x 4 with 256 channels, not projected; pixels; latents; one probability.
TERMS = {"L_GD": 256 * 4 * 4, "L_GR": 28 * 28, "L_FE": 100, "L_FL": 1}


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


def test_ablations_stay_out(tmp_path):
    for scale in ("paper", "laptop"):
        record = write_record(tmp_path, scale=scale, epochs=1)
        for table in (tables.table1, tables.table3, tables.table4):
            assert (table([record], scale)["seeds"] == 0).all()
        assert not list(tables.of_adcgan([record], scale)) and not results.behind(3, [record])
        assert len(tables.runs([record])) == 1


def test_each_scale_has_its_own_tables_and_library_baselines_stand_in_both(tmp_path):
    one, other = (write_record(tmp_path, scale=scale) for scale in ("paper", "laptop"))
    pca, alad = write_record(tmp_path, method="pca"), write_record(tmp_path, method="alad", scale="laptop")
    records = [one, other, pca, alad]
    for table in (tables.table3, tables.table4):
        for record, scale in ((one, "paper"), (other, "laptop")):
            alone = table([record, pca] if scale == "paper" else [record, pca, alad], scale)
            pd.testing.assert_frame_equal(table(records, scale), alone)
    for scale, methods in (("paper", ["adcgan-printed", "pca"]), ("laptop", ["adcgan-printed", "alad", "pca"])):
        assert [record.run.name for record in tables.standing(records, scale)] == methods
        assert list(tables.measured(records, scale)["method"]) == methods
    assert one.result != other.result
    (row,) = adcgan(tables.table3(records)).query("`class` == 0").itertuples()
    assert row.ours == pytest.approx(100 * one.result), "the paper's scale unless told"


def test_recipe_script_has_a_line_of_its_own_with_the_mean_over_the_stale_noise(tmp_path):
    script = [write_record(tmp_path, label=label, recipe="script") for label in range(10)]
    printed = write_record(tmp_path)
    frame = tables.table3([*script, printed]).query("dataset == 'mnist' and scheme == 'one-vs-all'")
    of = frame[frame["model"] == "AD-CGAN, recipe script"].set_index("class")
    for record in script:
        mean = record.content["stale_noise"]["NS"]["mean"]
        assert of.loc[record.run.label, "ours"] == pytest.approx(100 * mean) and mean != record.auroc["NS"]
    assert of["paper"].isna().all(), "the published figures stand beside recipe printed"
    assert adcgan(frame).set_index("class")["ours"].dropna().to_dict() == {0: pytest.approx(100 * printed.auroc["NS"])}
    means = tables.table1(script).query("model == 'AD-CGAN, recipe script' and ours.notna()")
    assert list(means["ours"]) == [pytest.approx(100 * np.mean([record.result for record in script]))]
    assert (tables.table4(script)["seeds"] == 0).all(), "Table 4 is of recipe printed"


def test_records_of_the_old_default_are_no_runs_of_the_tables_but_those_of_other_methods_stand(tmp_path):
    old, pca = write_format1(tmp_path), write_format1(tmp_path, method="pca", study=False)
    assert tables.standing([old, pca]) == [pca] and study.verdicts([old]).empty
    (row,) = tables.runs([old]).to_dict("records")
    assert "contrastive=masked" in row["changes"] and row["class_name"] == "name 0"
    assert (row["recipe"], row["scale"], row["score_seconds"]) == ("printed", "paper", 2)


def test_the_list_of_runs_says_recipe_scale_changes_and_what_stands_in_the_tables(tmp_path):
    records = [write_record(tmp_path, scale="laptop", recipe="script"), write_record(tmp_path, rho=0.25, beta=0.0),
               write_record(tmp_path, method="knn")]  # fmt: skip
    script, ablation, knn = tables.runs(records).to_dict("records")
    assert (script["method"], script["recipe"], script["scale"], script["changes"]) == (
        "adcgan", "script", "laptop", "")  # fmt: skip
    assert script["result"] == pytest.approx(100 * records[0].content["stale_noise"]["NS"]["mean"]) != script["NS"]
    assert script["NS"] == pytest.approx(100 * records[0].auroc["NS"])
    assert set(ablation["changes"].split(", ")) == {"rho=0.25", "beta=0.0"}
    assert ablation["result"] == ablation["NS"] == pytest.approx(100 * records[1].auroc["NS"])
    assert pd.isna(knn["recipe"]) and pd.isna(knn["scale"])


def test_data_sets_that_the_paper_does_not_have_stay_out(tmp_path):
    cell = write_record(tmp_path).run
    record = write_record(tmp_path, dataset="digits")
    assert not record.run.changes and record.run.config == cell.config
    assert not list(tables.of_adcgan([record])) and (tables.table4([record])["seeds"] == 0).all()
    assert (tables.table3([record])["seeds"] == 0).all()


def test_schemes_and_data_sets_are_kept_apart(tmp_path):
    record = write_record(tmp_path, scheme="all-vs-one", dataset="fashion_mnist")
    frame = tables.table3([record])
    assert frame["seeds"].sum() == 1
    assert adcgan(frame, "fashion_mnist", "all-vs-one").iloc[0]["seeds"] == 1


def test_table4_variants_follow_from_the_components(tmp_path):
    record = write_record(tmp_path)
    for reduction, numbers in (("sum", TERMS), ("mean", None)):
        frame = tables.table4_by_class([record], reduction).set_index("variant")["ours"]
        for variant, rho in VARIANTS.items():
            score = combine(record.components, 0.1, rho, numbers)
            assert frame[variant] == pytest.approx(100 * auroc(record.anomalous, score))
    frame = tables.table4_by_class([record]).set_index("variant")["ours"]
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


@pytest.mark.parametrize("scale", ["paper", "laptop"])
def test_pages_show_missing_seeds_missing_classes_and_the_data_used(tmp_path, book_of, scale):
    write_record(tmp_path, scale=scale, canonical=False)
    write_record(tmp_path, seed=1, scale=scale)
    book_of(tmp_path)
    table3, table1 = table_pages.table3().text, table_pages.table1().text
    assert table3.count("<small>2/3 seeds</small>") == 1
    assert "1/10 classes" in table1 and "not run" in table1
    for text in (opening.measured().text, table1, table3, table_pages.table4().text):
        assert "Not the canonical data. mnist: a copy." in text
    (line,) = rows_of(opening.measured().text)
    assert (line["scale"], line["classes"], line["seeds"]) == (scale, "1 of 10", "2 to 2 of 3")


def test_the_pages_have_both_scales_laptop_first_with_the_figures_of_each(tmp_path, book_of):
    records = {scale: write_record(tmp_path, scale=scale) for scale in ("paper", "laptop")}
    scripts = {scale: write_record(tmp_path, scale=scale, recipe="script") for scale in ("paper", "laptop")}
    book_of(tmp_path)
    for page in (table_pages.table1, table_pages.table3, table_pages.table4):
        captions = re.findall(r"<caption>.*?scale (laptop|paper).*?</caption>", page().text)
        assert captions == sorted(captions) and set(captions) == {"laptop", "paper"}
    _, *parts = re.split(r"<caption>Table 3, one-vs-all, scale ", table_pages.table3().text)
    for part, scale in zip(parts, ("laptop", "paper"), strict=True):
        assert part.startswith(scale)
        assert f'adcgan-printed-mnist-one-vs-all-0.html">{100 * records[scale].result:.1f}</a>' in part
        assert f'adcgan-script-mnist-one-vs-all-0.html">{100 * scripts[scale].result:.1f}</a>' in part
    lines = rows_of(opening.measured().text)
    assert [(line["scale"], line["recipe"]) for line in lines] == [
        ("laptop", "printed"), ("laptop", "script"), ("paper", "printed"), ("paper", "script")
    ]  # fmt: skip
    published = adcgan(tables.table3([])).query("`class` == 0")["paper"].item()
    for line in lines:
        ours = 100 * (records if line["recipe"] == "printed" else scripts)[line["scale"]].result
        assert (line["paper"], line["ours"]) == (f"{published:.1f}", f"{ours:.1f}")
        assert re.sub("<[^>]+>", "", line["difference"]).endswith(f"{ours - published:+.1f}")


def test_the_baselines_stand_beside_adcgan_on_the_classes_that_it_is_run_on(tmp_path, book_of):
    ours = [write_record(tmp_path, label=label, scale="laptop") for label in (0, 3)]
    write_record(tmp_path, label=7)  # at the other scale
    pca = [write_record(tmp_path, method="pca", label=label) for label in range(10)]
    write_record(tmp_path, method="knn", label=3)
    alone = [write_record(tmp_path, method="autoencoder", label=label, scale="laptop") for label in (0, 3)]
    book_of(tmp_path)
    lines = rows_of(opening.baselines().text)
    (line,) = (line for line in lines if line[""] == "MNIST, one-vs-all")
    published = [row for row in tables.table3(ours, "laptop").to_dict("records") if row["model"] == "AD-CGAN"]
    published = [row["paper"] for row in published if row["seeds"]]
    assert line["classes"] == "2 of 10" and len(published) == 2
    assert line["AD-CGAN, paper"] == f"{np.mean(published):.1f}"
    assert line["AD-CGAN, ours"] == f"{100 * np.mean([record.auroc['NS'] for record in ours]):.1f}"
    assert line["PCA reconstruction"] == f"{100 * np.mean([pca[n].auroc['NS'] for n in (0, 3)]):.1f}"
    assert line["autoencoder"] == f"{100 * np.mean([record.auroc['NS'] for record in alone]):.1f}"
    assert line["nearest neighbours"] == "1 of 2" and line["isolation forest"] == "not run"
    (other,) = (line for line in lines if line[""] == "MNIST, all-vs-one")
    assert (other["classes"], other["AD-CGAN, ours"]) == ("10 of 10", "not run")


@pytest.mark.parametrize("scale", ["paper", "laptop"])
def test_the_opening_picture_has_each_class_that_is_run_and_draws_its_figures(tmp_path, book_of, monkeypatch, scale):
    ours = [write_record(tmp_path, label=label, scale=scale) for label in (0, 3)]
    script = write_record(tmp_path, label=3, scale=scale, recipe="script")
    others = [write_record(tmp_path, method=method, label=3) for method in ("pca", "knn")]
    write_record(tmp_path, "fashion_mnist", label=8, scale=scale)
    write_record(tmp_path, method="pca", label=5)  # AD-CGAN is not run there
    book_of(tmp_path)
    drawn = []
    monkeypatch.setattr(opening.figures, "classes", lambda frame: drawn.append(frame) or figures_classes(frame))
    text = opening.picture().text
    (frame,) = drawn
    assert re.findall("<strong>(.*?)</strong>", text) == [f"Scale {scale}"]
    assert list(zip(frame["place"], frame["name"], strict=True)) == [
        ("Fashion-MNIST, one-vs-all", "bag"), ("MNIST, one-vs-all", "0"), ("MNIST, one-vs-all", "3")
    ]  # fmt: skip
    line = frame.iloc[-1]
    assert (line["ours"], line["script"]) == (pytest.approx(100 * ours[1].result), pytest.approx(100 * script.result))
    lowest, highest = sorted(100 * record.auroc["NS"] for record in others)
    assert (line["least"], line["most"]) == (pytest.approx(lowest), pytest.approx(highest))
    assert frame.iloc[0][["least", "script"]].isna().all(), "no baseline is run on it, and no recipe script"
    assert "MNIST, one-vs-all, 2 classes, mean published" in text and "nan" not in text.lower()
    panel = next(axis for axis in figures_classes(frame).axes if axis.get_title() == "MNIST, one-vs-all")
    assert [title.get_text() for title in panel.get_yticklabels()] == ["0", "3"]
    marks = {mark.get_label(): mark.get_xdata() for mark in panel.get_lines()}
    for label, column in (("published", "paper"), ("ours, recipe printed", "ours"), ("ours, recipe script", "script")):
        np.testing.assert_array_equal(marks[label], frame[column][1:])
    top, bottom = panel.get_ylim()[::-1]
    assert top < 0 < 1 < bottom, "both classes within the panel, the first on top"


def test_coverage_counts_the_recorded_runs_of_every_model_against_the_plan(tmp_path, book_of):
    write_record(tmp_path)
    write_record(tmp_path, seed=1)
    write_record(tmp_path, recipe="script", scale="laptop")
    write_record(tmp_path, method="pca", label=4)
    write_record(tmp_path, contrastive="masked")  # an ablation: behind no table
    book_of(tmp_path)
    rows = {row.pop(""): row for row in rows_of(opening.coverage().text)}
    assert set(rows) == {*tables.MODELS, *tables.OTHERS}
    assert rows["AD-CGAN"] == {
        "one-vs-all, laptop": "0 of 96", "all-vs-one, laptop": "0 of 90",
        "one-vs-all, paper": "2 of 96", "all-vs-one, paper": "0 of 90",
    }  # fmt: skip
    assert rows["AD-CGAN, recipe script"]["one-vs-all, laptop"] == "1 of 96"
    assert rows["ALAD"]["one-vs-all, paper"] == "0 of 96"
    assert (
        rows["PCA reconstruction"]["one-vs-all, paper"] == rows["PCA reconstruction"]["one-vs-all, laptop"] == "1 of 32"
    )
    for recipe in ("printed", "script"):
        for scale in ("paper", "laptop"):
            asked = dict(methods=["adcgan"], schemes=["one-vs-all"], recipes=[recipe], scales=[scale])
            assert len(grid.planned(**asked)) == 96


def test_models_are_compared_class_by_class_where_all_classes_were_run(monkeypatch):
    columns = ["dataset", "scheme", "class", "model", "ours"]
    aurocs = {"ALAD": np.arange(50, 60.0), "AE-GAN": np.arange(49, 59.0), "AnoGAN": 108 - np.arange(50, 60.0)}
    aurocs["ADGAN"] = np.where(np.arange(10) == 3, np.nan, 50.0)  # a class is missing
    aurocs["AD-CGAN"] = np.arange(60, 70.0)
    rows = [("mnist", "one-vs-all", n, model, value) for model, some in aurocs.items() for n, value in enumerate(some)]
    rows += [("cats_vs_dogs", "one-vs-all", n, model, 60.0 + n) for model in ("ALAD", "AE-GAN") for n in range(2)]
    frame = pd.DataFrame(rows, columns=columns)
    monkeypatch.setattr(tables, "table3", lambda records, scale: frame)
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


def test_the_page_of_comparisons_has_pairs_of_library_baselines_once_and_others_by_scale(tmp_path, book_of):
    for label in range(10):
        for method, scale in (("adcgan", "paper"), ("alad", "laptop"), ("pca", None), ("knn", None)):
            write_record(tmp_path, method=method, label=label, scale=scale)
    book_of(tmp_path)
    found = [(row["scale"], row["first"], row["second"]) for row in rows_of(table_pages.comparisons().text)]
    libraries = ("PCA reconstruction", "nearest neighbours")
    expected = {("", *libraries)} | {("laptop", "ALAD", name) for name in libraries}
    assert set(found) == expected | {("paper", "AD-CGAN", name) for name in libraries}
    assert len(found) == len(set(found))


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
        opening.baselines,
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
    write_record(tmp_path, seconds=30, device=DEVICE | {"threads": 2}, scale="laptop")
    write_record(tmp_path, seconds=40, device=DEVICE | {"threads": 2}, recipe="script", scale="laptop")
    write_record(tmp_path, seconds=4, device=DEVICE | {"threads": 2}, method="pca")
    write_record(tmp_path, seconds=1e6, device=DEVICE | {"threads": 2}, width=0.5)  # an ablation
    book_of(tmp_path)
    shown = as_read(machine_pages.costs().text)
    parts = re.findall(r"<table.*?</table>", shown, re.DOTALL)
    parts = {re.search(r"<caption>.*?, medians: (.*?)</caption>", part)[1]: part for part in parts}
    assert set(parts) == {"test, 1 thread", "test, 2 threads"}
    (line,) = rows_of(parts["test, 1 thread"])
    assert (line["method"], line["scheme"]) == ("AD-CGAN", "one-vs-all, scale paper")
    assert line["MNIST"] == "1.5 min + 1.0 s"
    costs = {
        (line["method"], line["scheme"]): (line["MNIST"], line["pictures"])
        for line in rows_of(parts["test, 2 threads"])
    }
    assert costs == {
        ("AD-CGAN", "one-vs-all, scale paper"): ("2.0 h + 1.0 s", "1.0 s + 1.0 s"),
        ("AD-CGAN", "one-vs-all, scale paper, 2,000 test images"): ("3.0 min + 1.0 s", ""),
        ("AD-CGAN", "one-vs-all, scale laptop"): ("30.0 s + 1.0 s", ""),
        ("AD-CGAN, recipe script", "one-vs-all, scale laptop"): ("40.0 s + 1.0 s", ""),
        ("PCA reconstruction", "one-vs-all"): ("4.0 s + 1.0 s", ""),
    }


@pytest.mark.parametrize(("recipe", "scale"), [("printed", "paper"), ("script", "laptop")])
def test_run_list_gives_the_command_that_repeats_each_run(tmp_path, book_of, recipe, scale):
    from adcgan import cli

    record = write_record(tmp_path, label=3, recipe=recipe, scale=scale, beta=0.5, lambda_=0.2)
    book_of(tmp_path)
    text = table_pages.run_list().text
    command = text.partition("<code>adcgan ")[2].partition("</code>")[0]
    given = cli._parser().parse_args(command.split())
    assert (given.dataset, given.classes, given.seeds) == ("mnist", ["3"], [0])
    assert (given.recipe, given.scale) == (recipe, scale)
    assert (given.beta, given.lambda_, str(given.runs)) == ("0.5", "0.2", "my-runs")
    assert str(record.directory.relative_to(tmp_path)) in text
    assert [row["AUROC %"] for row in rows_of(text)] == [f"{100 * record.result:.1f}"]


def test_run_list_names_an_ablation_and_the_revisions_before_the_last(tmp_path, book_of):
    options = grid.ABLATIONS["script's training"]
    write_record(tmp_path, label=3, **options, earlier=["a" * 40 + "+changed", "b" * 40])
    write_record(tmp_path, label=3, lambda_=0.2)
    write_record(tmp_path, label=3, scale="laptop")
    write_format1(tmp_path, label=3)
    book_of(tmp_path)
    text = table_pages.run_list().text
    named = re.findall(r"<summary>(.*?)</summary>", text)
    assert sorted(named) == [
        "MNIST, one-vs-all, 3 name 3, seed 0, scale paper, old default",
        "MNIST, one-vs-all, 3, seed 0, scale laptop",
        "MNIST, one-vs-all, 3, seed 0, scale paper, lambda_=0.2",
        "MNIST, one-vs-all, 3, seed 0, scale paper, script&#x27;s training",
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
    assert study.verdicts(others).empty and not list(tables.of_adcgan(others))
    assert not results.behind(3, others)
    (row,) = study.verdicts([*others, write_record(tmp_path, seed=1)]).to_dict("records")
    assert (row["seeds"], row["verdict"]) == (1, "incomplete")


def test_a_share_is_the_least_and_more_test_images_stand_before_fewer(tmp_path):
    some = [write_record(tmp_path, seed=seed, test_images=count) for seed, count in ((0, 100), (0, 2000), (1, 1000))]
    frame = tables.table3([*some, write_record(tmp_path, seed=2)])
    row = frame.query(ONE).iloc[0]
    assert (row["seeds"], row["share"]) == (3, 1000)
    assert len(results.behind(3, some)) == 2, "the run on 100 images does not stand"
