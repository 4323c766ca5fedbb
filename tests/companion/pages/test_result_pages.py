"""The opening page and the tables as the paper prints them: what stands beside a published figure, at either scale."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from companion.analysis import tables
from companion.pages import result, results
from companion.pages.results import contrast
from factories import write_record
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from showing import rows, words
from showing import tables as tables_of

from adcgan.experiments.records import read_all

PUBLISHED = tables.published()["mnist", "one-vs-all", 0]


def part(html, scale):
    """What a switch shows of one scale."""
    parts = re.split(r'<div class="adcgan-scale-(\w+)">', html.text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[scale]


def figure(record):
    return f"{100 * record.result:.1f}"


def cells(text, address):
    """The words of the cells that link to ``address``."""
    return [words(cell) for cell in re.findall(r"<td[^>]*>(?:(?!</td>).)*</td>", text) if f'href="{address}"' in cell]


def test_a_class_has_paper_printed_and_script_beside_each_other_at_each_scale(few):
    html = results.table3(few.all)
    laptop, paper = part(html, "laptop"), part(html, "paper")
    address = "cells/adcgan-{}-mnist-one-vs-all-0.html"
    ours = np.mean([100 * few.laptop.result, 100 * few.second.result])
    (shown,) = cells(laptop, address.format("printed"))
    said = f"seed 0: {figure(few.laptop)}, seed 1: {figure(few.second)}"
    assert shown.startswith(f"{ours:.1f} 2/3 {said}; sd ") and shown.endswith("points; seed 2 not run")
    assert [cell.split()[0] for cell in cells(laptop, address.format("script"))] == [figure(few.script)]
    assert [cell.split()[0] for cell in cells(paper, address.format("printed"))] == [figure(few.paper)]
    assert not cells(paper, address.format("script")), "a dash stands where nothing was run"
    line = next(line for line in re.findall("<tr.*?</tr>", laptop, re.DOTALL) if address.format("printed") in line)
    numbers = [words(cell) for cell in re.findall(r"<td.*?</td>", line, re.DOTALL)]
    at = numbers.index(shown)
    assert [numbers[at + n].split()[0] for n in (-1, 1)] == [f"{PUBLISHED:.1f}", figure(few.script)]
    assert cells(laptop, "cells/pca-mnist-one-vs-all.html")[0].split()[:1] == [figure(few.pca)]


def test_a_mean_with_classes_missing_says_how_many_are_run_and_every_data_set_is_noted(few):
    for table in (results.table1(few.all), results.table4(few.all)):
        assert "1/10 classes" in words(table) or "2/10 classes" in words(table)
    assert (
        "2/10 classes"
        in cells(part(results.table1(few.all), "laptop"), "cells/adcgan-printed-mnist-one-vs-all.html")[0]
    )
    assert "Not the canonical data. mnist: a copy." in words(results.table1(few.all)), "the nearest neighbours' are"
    assert "canonical" not in words(results.table4(few.all)), "AD-CGAN's are"
    assert re.findall("Table 1, scale (laptop|paper)", " ".join(tables_of(results.table1(())))) == ["laptop", "paper"]


def test_a_published_figure_stands_as_printed_and_a_share_of_the_images_is_said(tmp_path):
    text = words(results.table1(()))
    published = tables.table1([])
    for row in published.dropna(subset=["paper"]).itertuples():
        assert f"{row.paper:.1f}{results.ORIGINS.get(row.origin, '')}" in text
    share = write_record(tmp_path, test_images=2000)
    capped = dataclasses.replace(share, content=share.content | {"ended": "cap"})
    assert f"{figure(share)} 1/3 2,000 images" in words(results.table3([share]))
    assert f"{figure(share)} 1/3 2,000 images §" in words(results.table3([capped]))
    assert "seeds 1, 2 not run; ended by its cap" in words(results.table3([capped]))
    assert "1/10 classes 2,000 images §" in words(results.table1([capped]))


@pytest.mark.parametrize(
    ("values", "planned", "said"),
    [({0: 79.93, 2: 80.36}, 3, "seed 0: 79.9, seed 2: 80.4; sd 0.3 points; seed 1 not run"),
     ({0: 50.0}, 3, "seed 0: 50.0; seeds 1, 2 not run"), ({0: 50.0}, 1, "seed 0: 50.0"),
     ({}, 2, "seeds 0, 1 not run")],
)  # fmt: skip
def test_seeds_run_and_missing_are_named(values, planned, said):
    row = pd.Series({f"seed_{seed}": values.get(seed, np.nan) for seed in range(3)}, dtype=object)
    assert results.seeds_text(row, planned) == said


def test_table_2_outlines_what_differs_from_the_paper():
    text = results.table2().text
    assert text.count('class="differs"') == 3 and len(re.findall("<tr", text)) == 2 + 4 * 4


def test_heat_maps_show_trained_runs_alone_in_readable_colours(few):
    assert not results.heat_maps([few.pca, few.knn]).text.strip(), "without a trained run there is none"
    maps = tables_of(part(results.heat_maps(few.all), "laptop"))
    assert set(maps) == {"MNIST, one-vs-all: AUROC (%) per class", "CIFAR-10, all-vs-one: AUROC (%) per class"}
    values = [float(value) for value in re.findall(r"background-color[^>]*>([\d.]+)<", " ".join(maps.values()))]
    ours = np.mean([100 * few.laptop.result, 100 * few.second.result])
    assert {float(f"{ours:.1f}"), float(figure(few.other)), PUBLISHED} <= set(values)
    for percent in (0, 20, 45, 50, 60, 75, 100):
        ground, text = re.fullmatch("background-color:(.*);color:(.*)", results.style(percent)).groups()
        assert contrast(ground, text) >= 4.5
        np.testing.assert_allclose(to_rgb(ground), colormaps["cividis"]((percent - 20) / 80)[:3], atol=0.003)


def test_verdicts_and_comparisons_say_what_the_frames_do(few, tmp_path):
    (line,) = rows(results.verdicts(few.all))
    assert (line["paper"], line["ours"], line["seeds"]) == (f"{PUBLISHED:.1f}", figure(few.paper), "1/3")
    assert line["verdict"] == "… incomplete" and line["difference"].endswith(
        f"{few.paper.result * 100 - PUBLISHED:.1f}"[-3:]
    )
    for label in range(10):
        for method, scale in (("adcgan", "paper"), ("alad", "laptop"), ("pca", None), ("knn", None)):
            write_record(tmp_path, method=method, label=label, scale=scale)
    found = [(line["scale"], line["first"], line["second"]) for line in rows(results.comparisons(read_all(tmp_path)))]
    libraries = ("PCA reconstruction", "nearest neighbours")
    expected = {("", *libraries)} | {("laptop", "ALAD", name) for name in libraries}
    assert set(found) == expected | {("paper", "AD-CGAN", name) for name in libraries} and len(found) == 5


def test_the_opening_table_has_means_over_the_classes_that_are_run(few):
    html = result.measured(few.all)
    of = {scale: {line[""]: line for line in rows(part(html, scale))} for scale in ("laptop", "paper")}
    assert {scale: list(lines) for scale, lines in of.items()} == {
        "laptop": ["MNIST, one-vs-all", "CIFAR-10, all-vs-one"], "paper": ["MNIST, one-vs-all"]
    }  # fmt: skip
    line = of["laptop"]["MNIST, one-vs-all"]
    ours = [np.mean([few.laptop.result, few.second.result]), few.other.result]
    published = [tables.published()["mnist", "one-vs-all", label] for label in (0, 1)]
    assert (line["classes"], line["ours, as printed"]) == ("2", f"{100 * np.mean(ours):.1f}")
    assert line["paper"] == f"{np.mean(published):.1f}"
    assert not {"ours, as the script", "nearest neighbours", "PCA"} & set(line), "not run on both classes"
    line = of["paper"]["MNIST, one-vs-all"]
    assert (line["PCA"], line["nearest neighbours"]) == (figure(few.pca), figure(few.knn))


def test_the_text_of_the_opening_page_takes_its_figures_from_the_records(few):
    values = result.values(few.all)
    lines = {line[""]: line for line in rows(part(result.measured(few.all), "laptop"))}
    for line, name, ending in (("MNIST, one-vs-all", "mnist", ""), ("CIFAR-10, all-vs-one", "cifar10", "_hard")):
        ours, published = (values[f"{name}_{kind}{ending}"] for kind in ("ours", "paper"))
        assert (ours, published) == (lines[line]["ours, as printed"], lines[line]["paper"])
        assert float(values[f"{name}_gap{ending}"]) == pytest.approx(abs(float(ours) - float(published)), abs=0.11)
    assert values["cifar10_ours"] == "–", "run all-vs-one alone"
    assert (values["paper_least"], values["paper_most"]) == ("84.5", "93.9"), "CIFAR-10 all-vs-one, Fashion-MNIST"
    assert values["label_order"] == "2.0" and set(result.values(())) == set(values)


def test_coverage_counts_the_classes_that_are_run_of_each_seed(few):
    lines = {line.pop(""): line for line in rows(result.coverage(few.all))}
    assert len(lines) == 7 and lines["MNIST, one-vs-all"] == {
        "laptop, seed 0": "2", "laptop, seed 1": "1", "paper, seed 0": "1", "classes": "10",
    }, "columns without a run are left out"  # fmt: skip
    assert lines["CIFAR-10, all-vs-one"]["laptop, seed 0"] == "1"
