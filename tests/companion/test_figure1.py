"""Figure 1: a valid, accessible drawing that follows the page's theme, with nothing in the way of its arrows."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from companion.figure1 import BOXES, HUES, NOTES, SUBSCRIPTS, WIDTH, WORDS, figure1
from companion.pages.networks import LINKS
from companion.pages.results import contrast

SVG = "{http://www.w3.org/2000/svg}"
SYMBOLS = (
    "x E(x) G(E(x)) G(z) z∼Pz (z,E(x)) (z,z) E G Dcgan Dz LAE Ladv Lcgan Ldz LGR LGD LFE LFL "
    "Cψ(x) Cψ(x′) Eψ(x) φθ φθ(Eψ(x)) gθ C(x) M×M i"
)
PAGE = (Path(__file__).resolve().parents[2] / "book/method.md").read_text()


@pytest.fixture
def root():
    return ET.fromstring(figure1())


def written(root):
    return ["".join(text.itertext()).replace(" ", "") for text in root.iter(SVG + "text")]


def test_every_symbol_box_and_note_is_drawn(root):
    found = written(root)
    assert set(SYMBOLS.split()) <= set(found)
    wanted = [line for box in BOXES.values() for line in (box.label, box.tag, *box.note.split("|")) if line]
    wanted = [re.sub(r"[$ {}_]", "", line) for line in (*wanted, *(note[2] for note in NOTES))]
    assert all(found.count(line) >= wanted.count(line) for line in wanted)


def test_it_has_a_title_a_description_and_unique_ids(root):
    ids = {element.get("id"): element for element in root.iter() if element.get("id")}
    assert len(ids) == sum("id" in element.attrib for element in root.iter()) and root.get("role") == "img"
    for kind in ("labelledby", "describedby"):
        assert ids[root.get(f"aria-{kind}")].text
    assert set(re.findall(r"url\(#(.*?)\)", figure1())) <= set(ids)


def test_colours_are_the_hues_alone_which_stand_out_on_both_themes_and_the_style_stays_inside(root):
    assert all(contrast(hue, page) >= 3 for hue in HUES.values() for page in ("#ffffff", "#121212"))
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", figure1())) == set(HUES.values())
    fixed = set(re.findall(r'(?:fill|stroke|color): *([^;}"]+)', figure1()))
    assert fixed - {"none", "currentColor", "inherit"} <= set(HUES.values())
    for rule in re.findall(r"([^{}]+)\{", root.find(SVG + "style").text):
        assert all(selector.strip().startswith("#adcgan-figure1 ") for selector in rule.split(","))
    assert min(WORDS, SUBSCRIPTS) * 750 / WIDTH >= 11, "readable in a column of 750 pixels"


def test_linked_boxes_and_the_tags_on_them_are_links_of_their_own():
    links = {"D_z": ("method.html?a=1&b=2#d-z", 'D_z: the "network"'), "L_FL": ("#fl", "L_FL"), "L_dz": ("#dz", "L")}
    root = ET.fromstring(figure1(links))
    found = {link.find(SVG + "title").text: link for link in root.iter(SVG + "a")}
    assert {name: written(link) for name, link in found.items()} == {
        'D_z: the "network"': ["Dz"], "L_FL": ["LFL"], "L": ["Ldz", "eq.3"],
    }  # fmt: skip
    assert found['D_z: the "network"'].get("href") == "method.html?a=1&b=2#d-z" and root.get("role") == "group"
    assert not any(list(link.iter(SVG + "a"))[1:] for link in found.values())


def test_every_network_loss_and_tag_leads_to_a_place_on_the_methods_page():
    tags = {re.sub("[${}]", "", box.tag) for box in BOXES.values() if box.tag}
    assert set(LINKS) == {name for name, box in BOXES.items() if box.kind in ("network", "loss", "tag")} | tags
    places = {f"equation-eq-{n}" for n in re.findall(r"^\$\$ \(eq:(\d)\)$", PAGE, re.MULTILINE)}
    places |= set(re.findall(r"^\((.*)\)=$", PAGE, re.MULTILINE))
    assert {address.partition("#")[2] for address, _ in LINKS.values()} <= places
