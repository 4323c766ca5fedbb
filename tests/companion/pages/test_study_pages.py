"""What moves the score, variance, the authors' script, ablations and open choices: the frames' figures on the pages."""

import re
from pathlib import Path

import pytest
import yaml
from companion.analysis import sizes, tables, variants
from companion.pages import ablation, audit, choices, citation, networks, why
from companion.pages.results import downloads
from showing import rows, words

from adcgan.config import RECIPES, configure, open_choices
from adcgan.experiments import grid

ROOT = Path(__file__).resolve().parents[3]


def minus(text):
    return float(text.replace("−", "-"))


def test_single_changes_stand_with_their_size_and_interval(few):
    lines = {
        line["change"]: line for line in rows(why.effects_table([few.laptop, few.second, few.other, few.ablation]))
    }
    frame = variants.effects([few.laptop, few.second, few.other, few.ablation], "laptop").set_index("change")
    assert set(lines) == set(frame.index) and lines["no contrastive loss"]["weights"] == "trained again"
    for name, line in lines.items():
        assert minus(line["points"]) == pytest.approx(frame.loc[name, "mean"], abs=0.051) and line["interval"] == "–"
    ordered = "batch statistics, label order, batches of 256"
    assert (lines[ordered]["points"], lines[ordered]["runs"], lines[ordered]["weights"]) == ("+2.0", "2", "the same")


def test_every_scoring_variant_and_component_has_its_mean(few):
    lines = {line["scoring variant"]: line for line in rows(why.scoring([few.laptop]))}
    assert lines["score"]["NS"] == f"{100 * few.laptop.auroc['NS']:.1f}" and lines["score"]["points"] == "+0.0"
    assert lines["BatchNorm re-estimated"]["points"] == "+4.0" and "stale noise" in lines
    lines = rows(why.parts([few.laptop]))
    assert [line["component"] for line in lines] == ["LGD", "LGR", "LFE", "LFL"]
    assert [line["AUROC"] for line in lines] == [
        f"{100 * few.laptop.auroc[name]:.1f}" for name in few.laptop.components
    ]
    assert lines[1]["terms"] == "784"
    (line,) = rows(why.reductions([few.laptop]))
    assert (line["sum"], line["mean"]) == tuple(
        f"{100 * tables.auroc_of(few.laptop, kind):.1f}" for kind in ("sum", "mean")
    )
    (line,) = rows(why.reconstruction([few.laptop]))
    losses = [epoch["L_AE"] / 784 for epoch in few.laptop.content["losses"]]
    assert (line["end of the warm-up"], line["last epoch"]) == (f"{losses[4]:.4f}", f"{losses[-1]:.4f}")
    summaries = re.findall("<details( open)?><summary>(.*?)</summary>", why.parts(few.all).text)
    assert summaries == [
        (" open", "CIFAR-10, all-vs-one, scale laptop"), ("", "MNIST, one-vs-all, scale laptop"),
        ("", "MNIST, one-vs-all, scale paper"),
    ]  # fmt: skip


def test_ablations_stand_beside_the_run_without_and_the_plan_counts_them(few):
    (line,) = rows(ablation.trained([few.laptop, few.ablation]))
    change = 100 * (few.ablation.auroc["NS"] - few.laptop.auroc["NS"])
    assert (line["change"], line["NS"]) == ("no contrastive loss", f"{100 * few.ablation.auroc['NS']:.1f}")
    assert minus(line["NS, points"]) == pytest.approx(change, abs=0.051)
    lines = {line["change"]: line["runs"] for line in rows(ablation.planned([few.laptop, few.ablation]))}
    of = len(grid.ablations()) // len(grid.ABLATIONS)
    assert list(lines) == list(grid.ABLATIONS) and lines["no D_z"] == f"0 of {of}"
    assert lines["no contrastive loss"] == f"1 of {of}"


def test_every_open_choice_has_what_each_recipe_takes_and_what_a_change_moves(few):
    lines = rows(choices.choices([few.laptop]))
    assert len(lines) == len(open_choices()) > 40 and "eight choices that matter" in choices.choices(()).text
    for choice in open_choices().values():
        (line,) = [line for line in lines if re.match(re.escape(choice["choice"]) + "(Paper|Script|Others|Exc|$)",
                                                      line["open choice"])]  # fmt: skip
        for recipe in RECIPES:
            for name in choice.get("recipes", {}).get(recipe, {}):
                assert f"{name.rstrip('_')}=" in line[f"recipe {recipe}"]
    (line,) = [line for line in lines if "reduction=sum" in line["recipe printed"]]
    assert line["measured"].startswith("reduction=mean: −2.0 points (–), 1 run")


def test_the_networks_pages_have_every_layer_and_every_total():
    text = networks.layers().text
    shown = re.findall(r'<td class="text">([^<]*)</td><td>([^<]*)</td><td>([\d,]+)</td>', text)
    configs = [configure("adcgan", "one-vs-all", size, 3 if size > 28 else 1, architecture=name)
               for size in (28, 32, 64) for name in ("t2r", "t2p")]  # fmt: skip
    layers = [row for config in configs for row in sizes.sizes(config)]
    assert shown == [(row.layer, " × ".join(map(str, row.output)), f"{row.parameters:,}") for row in layers]
    totals = [count for config in configs for count in sizes.totals(config).values()]
    assert all(f"<td>{count:,}</td>" in networks.parameters().text for count in totals)


def test_the_audit_says_how_many_fit_and_downloads_name_every_column():
    assert "gives 13 of 14 printed values; the sample deviation, cut to two places, 14 of 14" in words(
        audit.published_spread()
    )
    assert sum(line["agrees"] == "no" for line in rows(audit.published_means())) == 1
    for number in (1, 2, 3, 4):
        text = downloads(number).text
        assert all(f'href="downloads/table{number}.{kind}" download' in text for kind in ("csv", "json"))
        assert text.count("<dt>") == text.count("<dd>") > 5


def test_how_to_cite_says_what_the_citation_file_says():
    source = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    reproduced, later = source["references"]
    paper, proceedings, software = citation.paper(reproduced), citation.paper(later), citation.software(source)
    for text in (paper, proceedings):
        assert "{Rafiee Sevyeri, Laya and Fevens, Thomas}" in text
    assert "doi" not in paper and reproduced["notes"] in paper
    assert f"{{{later['doi']}}}" in proceedings and "{322--334}" in proceedings
    assert source["version"] in software and source["license"] in software
    entries = citation.entries(ROOT / "CITATION.cff").text.replace("&#x27;", "'")
    for text in (paper, proceedings, software):
        assert text.count("{") == text.count("}") and text.startswith("@") and text.strip() in entries
