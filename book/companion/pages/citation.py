"""How to cite the paper and this software: BibTeX made from CITATION.cff."""

from html import escape
from pathlib import Path

import yaml

from ..html import Html


def paper(source: dict) -> str:
    """BibTeX of one of the file's references: the reproduced version of the paper, or a later one in proceedings."""
    fields = {
        "author": " and ".join(f"{one['family-names']}, {one['given-names']}" for one in source["authors"]),
        "title": f"{{{source['title']}}}",
    }
    if source["type"] == "unpublished":
        fields |= {"note": source["notes"], "year": source["year"]}
        return _entry("unpublished", f"adcgan{source['year']}", fields)
    book, _, series = source["collection-title"].partition(", ")
    fields |= {
        "booktitle": book.replace(" - ", " -- "),
        "series": series,
        "pages": f"{source['start']}--{source['end']}",
        "year": source["year"],
        "doi": source["doi"],
    }
    return _entry("inproceedings", f"adcgan{source['year']}", fields)


def software(citation: dict) -> str:
    """BibTeX of this software at its version, the file's preferred citation."""
    preferred = citation["preferred-citation"]
    fields = {
        "author": " and ".join(f"{{{one['name']}}}" for one in preferred["authors"]),
        "title": f"{{{preferred['title']}}}",
        "version": preferred["version"],
        "year": preferred["year"],
        "note": f"Software, licence {citation['license']}",
    }
    return _entry("misc", f"adcgan-companion{preferred['year']}", fields)


def entries(citation_file: Path | str = "../CITATION.cff") -> Html:
    """All as text to copy, each of the paper's versions with its scope."""
    citation = yaml.safe_load(Path(citation_file).read_text())
    titled = [(source["scope"], paper(source)) for source in citation["references"]]
    html = ""
    for title, text in (*titled, ("This software.", software(citation))):
        code = f'<div class="highlight"><pre tabindex="0">{escape(text)}</pre></div>'
        html += f'<p>{title}</p><div class="highlight-bibtex notranslate">{code}</div>'
    return Html(html)


def _entry(kind, key, fields):
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"
