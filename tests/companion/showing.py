"""How the tests read what a page shows: the rows of its tables, its words, and whether its HTML is whole."""

import re
from html import unescape
from html.parser import HTMLParser


def words(html) -> str:
    """The text without its tags, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", str(html)).replace("\N{NO-BREAK SPACE}", " ")).split())


def tables(html) -> dict[str, str]:
    """Every table by its caption."""
    return {words(re.search("<caption>(.*?)</caption>", text)[1]): text
            for text in re.findall(r"<table.*?</table>", str(html), re.DOTALL)}  # fmt: skip


def rows(html) -> list[dict[str, str]]:
    """The lines of all tables, the words of each cell by its heading; of a head of several lines the last counts."""
    found = []
    for text in tables(html).values():
        head, body = (re.findall(r"<tr.*?</tr>", part, re.DOTALL) for part in text.split("<tbody>"))
        names = [words(cell) for cell in re.findall(r"<th.*?</th>", head[-1])]
        for line in body:
            cells = [words(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", line, re.DOTALL)]
            found.append(dict(zip(names, cells[-len(names) :], strict=False)))
    return found


class Outline(HTMLParser):
    """Every (tag, attributes); fails where a tag is closed that is not the open one, or an attribute stands twice."""

    VOID = {"input", "br", "img", "meta", "link", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(str(text))
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes)
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]
