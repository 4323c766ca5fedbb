"""Terms are defined, sources exist, and how to cite is what the citation file says."""

import re
from pathlib import Path

import pytest
import yaml
from companion.pages import citation

ROOT = Path(__file__).resolve().parent.parent
PAGES = {path.stem: path.read_text() for path in (ROOT / "book").glob("*.md")}


def test_the_glossary_has_its_terms_and_every_term_used_is_one_of_them():
    defined = set(re.findall(r"^(\S.*)\n  \S", PAGES["glossary"].split("{glossary}")[1], re.MULTILINE))
    needed = {
        "AUROC", "one-vs-all", "all-vs-one", "NS", "L_GD", "L_GR", "L_FE", "L_FL", "cell", "record", "seed",
        "paper protocol", "released protocol", "left-over z", "null control", "T2-R", "T2-P", "fingerprint", "verdict",
        "baseline", "spectral norm", "evaluation mode",
    }  # fmt: skip
    assert needed <= defined
    used = {term for text in PAGES.values() for term in re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", text)}
    assert used <= defined and used


def bibliography():
    text = (ROOT / "book/references.bib").read_text()
    return dict(re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))


def test_every_source_cited_exists_and_every_source_is_cited():
    cited = {
        key.strip()
        for text in PAGES.values()
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
        for key in keys.split(",")
    }
    assert cited == set(bibliography())


@pytest.mark.parametrize("page", ["method", "table1", "study"])
def test_the_page_cites_its_sources(page):
    assert re.search(r"\{cite(:\w+)?\}`", PAGES[page])


def test_a_source_has_author_title_year_and_where_it_appeared():
    for key, fields in bibliography().items():
        names = set(re.findall(r"^  (\w+) = \{.+\},$", fields, re.MULTILINE))
        assert {"author", "title", "year"} <= names, key
        assert names & {"booktitle", "journal", "howpublished", "institution"}, key


def test_how_to_cite_says_what_the_citation_file_says():
    source = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    reproduced, later = source["references"]
    paper, proceedings, software = citation.paper(reproduced), citation.paper(later), citation.software(source)
    for text in (paper, proceedings):
        assert "{Rafiee Sevyeri, Laya and Fevens, Thomas}" in text
    assert "doi" not in paper and reproduced["notes"] in paper
    assert f"{{{later['doi']}}}" in proceedings and "{322--334}" in proceedings
    assert source["version"] in software and source["license"] in software
    for text in (paper, proceedings, software):
        assert text.count("{") == text.count("}") and text.startswith("@")
        assert text.strip() in citation.entries().text.replace("&#x27;", "'")
