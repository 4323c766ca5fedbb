"""Figure 1: a valid, accessible drawing that follows the page's theme, with nothing in the way of its arrows."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from companion.pages.diagram import BOXES, HEIGHT, HUES, NOTES, SUBSCRIPTS, WIDTH, WORDS, arrows, figure1
from companion.pages.network_pages import LINKS

SVG = "{http://www.w3.org/2000/svg}"
SYMBOLS = (
    "x E(x) G(E(x)) G(z) z∼Pz (z,E(x)) (z,z) E G Dcgan Dz LAE Ladv Lcgan Ldz LGR LGD LFE LFL "
    "Cψ(x) Cψ(x′) Eψ(x) φθ φθ(Eψ(x)) gθ C(x) M×M i"
)


@pytest.fixture
def root():
    return ET.fromstring(figure1())


def written(root):
    return ["".join(text.itertext()).replace(" ", "") for text in root.iter(SVG + "text")]


@pytest.mark.parametrize("symbol", SYMBOLS.split())
def test_every_symbol_is_there(root, symbol):
    assert symbol in written(root)


def test_every_box_and_note_is_drawn(root):
    wanted = [line for box in BOXES.values() for line in (box.label, box.tag, *box.note.split("|")) if line]
    wanted += [note[2] for note in NOTES]
    found = written(root)
    for line in wanted:
        plain = re.sub(r"[$ {}_]", "", line)
        assert found.count(plain) >= sum(re.sub(r"[$ {}_]", "", other) == plain for other in wanted), line


def test_title_description_and_unique_ids(root):
    ids = {element.get("id"): element for element in root.iter() if element.get("id")}
    assert len(ids) == sum("id" in element.attrib for element in root.iter())
    assert root.get("role") == "img"
    assert ids[root.get("aria-labelledby")].tag == SVG + "title" and ids[root.get("aria-labelledby")].text
    assert ids[root.get("aria-describedby")].tag == SVG + "desc" and ids[root.get("aria-describedby")].text
    assert set(re.findall(r"url\(#(.*?)\)", figure1())) <= set(ids)


def luminance(colour):
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_hues_stand_out_on_both_themes(page):
    for hue in HUES.values():
        dark, light = sorted((luminance(page), luminance(hue)))
        assert (light + 0.05) / (dark + 0.05) >= 3


def test_only_the_hues_are_fixed_colours(root):
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", figure1()))
    assert colours == set(HUES.values())
    fixed = set(re.findall(r'(?:fill|stroke|color): *([^;}"]+)', figure1()))
    assert fixed - {"none", "currentColor", "inherit"} <= colours
    assert not any({"fill", "stroke", "color"} & set(element.attrib) for element in root.iter())


def test_style_reaches_nothing_else_on_the_page(root):
    for rule in re.findall(r"([^{}]+)\{", root.find(SVG + "style").text):
        assert all(selector.strip().startswith("#adcgan-figure1 ") for selector in rule.split(","))


def test_readable_in_a_column_of_750_pixels():
    assert min(WORDS, SUBSCRIPTS) * 750 / WIDTH >= 11


def test_boxes_lie_on_the_canvas_and_apart():
    boxes = [box for name, box in BOXES.items() if name != "i"]  # a cell of C_psi
    for k, a in enumerate(boxes):
        assert a.w / 2 <= a.x <= WIDTH - a.w / 2 and a.h / 2 <= a.y <= HEIGHT - a.h / 2
        for b in boxes[:k]:
            assert abs(a.x - b.x) >= (a.w + b.w) / 2 or abs(a.y - b.y) >= (a.h + b.h) / 2


def test_arrows_are_level_or_upright_and_cross_no_box():
    for _, points in arrows():
        for (x0, y0), (x1, y1) in pairwise(points):
            assert (x0 == x1) != (y0 == y1)
            for name, box in BOXES.items():
                beside = max(x0, x1) <= box.x - box.w / 2 or min(x0, x1) >= box.x + box.w / 2
                above = max(y0, y1) <= box.y - box.h / 2 or min(y0, y1) >= box.y + box.h / 2
                assert beside or above, (name, points)


def test_linked_boxes_and_the_tags_on_them_are_links_of_their_own():
    links = {"D_z": ("networks.html?a=1&b=2#d-z", 'D_z: the "network"'), "L_FL": ("#fl", "L_FL"), "L_dz": ("#dz", "L")}
    root = ET.fromstring(figure1(links))
    found = {link.find(SVG + "title").text: link for link in root.iter(SVG + "a")}
    assert {name: written(link) for name, link in found.items()} == {
        'D_z: the "network"': ["Dz"], "L_FL": ["LFL"], "L": ["Ldz", "eq.3"],
    }  # fmt: skip
    assert found['D_z: the "network"'].get("href") == "networks.html?a=1&b=2#d-z"
    assert not any(list(link.iter(SVG + "a"))[1:] for link in found.values())
    assert root.get("role") == "group"


def test_every_network_loss_and_tag_leads_to_the_method():
    kinds = ("network", "loss", "tag")
    tags = {re.sub("[${}]", "", box.tag) for box in BOXES.values() if box.tag}
    assert set(LINKS) == {name for name, box in BOXES.items() if box.kind in kinds} | tags
