"""The built book as files: the structure that every page needs for readers who do not see it, and its weight."""

import os
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

MEGABYTE = 10**6


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    inside: list["Element"]
    text: str = ""


class Page(HTMLParser):
    """A page's elements in order, each with those that it is in and the text directly in it."""

    VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

    def __init__(self, source):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        element = Element(tag, dict(attributes), list(self.open))
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append(Element(tag, dict(attributes), list(self.open)))

    def handle_endtag(self, tag):
        while self.open and any(element.tag == tag for element in self.open):
            if self.open.pop().tag == tag:
                return

    def handle_data(self, data):
        if self.open:
            self.open[-1].text += data

    def find(self, *tags):
        return [element for element in self.elements if element.tag in tags]


@pytest.fixture(scope="module")
def pages(book):
    """Every page of the site by its address; not the theme's own pieces in _static."""
    paths = [path for path in sorted(book.rglob("*.html")) if "_static" not in path.relative_to(book).parts]
    assert len(paths) > 100
    return {str(path.relative_to(book)): Page(path.read_text()) for path in paths}


def language(page):
    return [] if page.find("html")[0].attributes.get("lang") == "en" else ["no language"]


def title(page):
    texts = [element.text.strip() for element in page.find("title") if element.inside[-1].tag == "head"]
    return [] if len(texts) == 1 and texts[0] else [f"titles: {texts}"]


def headings(page):
    """One first heading that is seen (the theme has another for print), and no level left out on the way down."""
    found = [
        int(heading.tag[1])
        for heading in page.find("h1", "h2", "h3", "h4", "h5", "h6")
        if not any("onlyprint" in (around.attributes.get("class") or "") for around in heading.inside)
    ]
    skipped = [pair for pair in zip(found, found[1:], strict=False) if pair[1] > pair[0] + 1]
    return [] if found[:1] == [1] and found.count(1) == 1 and not skipped else [f"headings: {found}"]


def texts_of_pictures(page):
    drawings = [svg for svg in page.find("svg") if svg.attributes.get("aria-hidden") != "true"]
    without = [image for image in page.find("img") if "alt" not in image.attributes]
    without += [
        svg for svg in drawings if not (svg.attributes.get("aria-label") or "aria-labelledby" in svg.attributes)
    ]
    return [f"no text: {element.tag} {element.attributes.get('class')}" for element in without]


def labels(page):
    labelled = {label.attributes.get("for") for label in page.find("label")}
    return [
        f"no label: {control.attributes}"
        for control in page.find("input", "select", "textarea")
        if control.attributes.get("type") not in ("hidden", "submit")
        and not control.attributes.get("aria-label")
        and control.attributes.get("id") not in labelled - {None}
        and not any(around.tag == "label" for around in control.inside)
    ]


def identifiers(page):
    found = [element.attributes["id"] for element in page.elements if element.attributes.get("id")]
    return (
        sorted({f"id twice: {name}" for name in found if found.count(name) > 1}) if len(found) > len(set(found)) else []
    )


@pytest.mark.parametrize("faults", [language, title, headings, texts_of_pictures, labels, identifiers])
def test_every_page_has_the_structure_that_readers_need(pages, faults):
    found = {address: faults(page) for address, page in pages.items()}
    assert {address: some for address, some in found.items() if some} == {}


@pytest.mark.parametrize(
    ("faults", "source"),
    [
        (language, "<html><title>a</title></html>"),
        (title, "<html lang=en><title> </title></html>"),
        (headings, "<h1>a</h1><h2>b</h2><h4>c</h4>"),
        (headings, "<h2>a</h2>"),
        (texts_of_pictures, "<p><img src=a.png></p>"),
        (texts_of_pictures, "<svg role=img></svg>"),
        (labels, "<p>Search <input type=search></p>"),
        (identifiers, "<p id=a></p><p id=a></p>"),
    ],
)
def test_a_page_without_it_is_found(faults, source):
    assert len(faults(Page(source))) == 1


def test_every_page_of_ours_has_a_title_of_its_own(pages):
    titles = [page.find("title")[0].text for page in pages.values()]
    assert len(set(titles)) == len(titles)


def weight(book, address, page):
    """Bytes of a page and of the pictures that it shows; not the scripts and styles that all pages share."""
    own = book / address
    pictures = {urlsplit(image.attributes.get("src", "data:")).path for image in page.find("img")}
    files = [own, *(own.parent / path for path in pictures if path and not path.startswith("image/"))]
    return sum(path.stat().st_size for path in files if path.is_file())


def test_no_page_is_heavy(book, pages):
    weights = {address: weight(book, address, page) for address, page in pages.items()}
    assert {address: size for address, size in weights.items() if size > 1.5 * MEGABYTE} == {}


def test_the_site_is_light_enough_to_hand_on(book):
    size = sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(book) for name in names)
    assert size < 60 * MEGABYTE
