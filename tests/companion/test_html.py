"""Numbers as text, escaping, tables and what stands once for each scale."""

import re

import numpy as np
import pandas as pd
import pytest
from companion import html
from companion.html import Cell, Html
from showing import Outline, rows, words

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (html.number(12.345), "12.3"), (html.number(-0.25, 2), "−0.25"), (html.number(NAN), "–"),
        (html.signed(1.25), "+1.2"), (html.signed(-0.34), "−0.3"), (html.signed(-0.04), "+0.0"),
        (html.signed(NAN), "–"),
        (html.interval(-1, 2.5), "−1.0 to +2.5"), (html.interval(NAN, NAN), "–"),
        (html.counted(1), "1 run"), (html.counted(1200), "1,200 runs"), 
        (html.counted(1, "class", "classes"), "1 class"),
        (html.duration(0.3), "0.3 s"), (html.duration(59), "59.0 s"), (html.duration(60), "1.0 min"),
        (html.duration(3600), "1.0 h"), (html.duration(4e6), "1,111.1 h"),
        (html.difference(1.25), "▲ +1.2"), (html.difference(-0.3), "▼ −0.3"), (html.difference(-0.04), "= +0.0"),
        (html.verdict("not reproduced"), "✗ not reproduced"), (html.symbol("L_GD"), "LGD"), (html.symbol("NS"), "NS"),
    ],
)  # fmt: skip
def test_a_value_is_said_so(value, said):
    assert words(value) == said


def test_whatever_is_no_html_is_escaped():
    bad = '<script>"&'
    shown = [html.link(bad, bad), html.code(bad), html.note(bad), html.symbol(bad), html.folded(bad, Html("<b>x</b>")),
             html.plain(pd.DataFrame({bad: [bad], "ours": [Html("<b>y</b>")]}), bad), html.symbol(f"L_{bad}"),
             html.table(bad, [[Cell(bad, bad, "col", style=bad)]], [[bad]], kind=bad)]  # fmt: skip
    text = html.joined(shown).text
    assert "<script" not in text and "<b>x</b>" in text and "<b>y</b>" in text
    assert words(shown[1]) == bad and Outline(text).tags
    assert Html("<i>{}</i>").format("<").text == "<i>&lt;</i>"
    assert not Html() and (Html("a") + Html("b"))._repr_html_() == "ab"


def test_a_frame_becomes_a_table_with_headings_that_scrolls_and_has_a_name():
    frame = pd.DataFrame({"class": ["a", "b"], "n": [1, np.nan], "why": ["x", "y"]}, dtype=object).fillna("")
    table = html.plain(frame, "A table", ("why",), kind="adcgan-sortable")
    assert rows(table) == [{"class": "a", "n": "1", "why": "x"}, {"class": "b", "n": "", "why": "y"}]
    outline = Outline(table)
    (region,) = [of for of in outline.all("div") if of.get("role") == "region"]
    assert region["tabindex"] == "0" and region["aria-label"] == "A table" and "adcgan-sortable" in region["class"]
    assert [of["scope"] for of in outline.all("th")] == ["col"] * 3 + ["row"] * 2
    assert table.text.count('class="text"') == 3
    wide = html.table("t", [[Cell("a", head="col", down=2), Cell("g", "group", "colgroup", 2)], ["b", "c"]],
                      [["x", 1, 2], ["y", 3, 4]], rules=[1])  # fmt: skip
    assert 'rowspan="2"' in wide.text and 'colspan="2"' in wide.text
    assert [of.get("class") for of in Outline(wide).all("tr")] == [None, None, None, "first"]


def test_scales_are_switched_by_named_buttons_the_first_chosen_and_one_scale_has_none():
    both = html.by_scale("t1", {"laptop": Html("<p>l</p>"), "paper": Html("<p>p</p>")}).text
    buttons = Outline(both).all("input")
    assert [(b["type"], b["name"], b["value"], "checked" in b) for b in buttons] == [
        ("radio", "t1", "laptop", True), ("radio", "t1", "paper", False)
    ]  # fmt: skip
    assert len(re.findall(r"<label><input[^>]*> (laptop|paper)</label>", both)) == 2 and "<legend>" in both
    assert re.findall(r'class="adcgan-scale-(\w+)"', both) == ["laptop", "paper"]
    assert html.by_scale("t1", {"laptop": Html(), "paper": Html("<p>p</p>")}).text.strip() == "<p>p</p>"
    assert not html.by_scale("t1", {"laptop": Html()}).text.strip()
