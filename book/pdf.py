"""The built book as one PDF: every page of its contents printed by an installed Chromium, joined in their order.

python book/pdf.py [OUTPUT]: by default book/_build/adcgan.pdf
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, NameObject

BOOK = Path(__file__).resolve().parent
HTML = BOOK / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str:
    """The browser to print with. Exits with one line where there is none."""
    named = [os.environ["ADCGAN_BROWSER"]] if "ADCGAN_BROWSER" in os.environ else BROWSERS
    found = next(filter(None, map(shutil.which, named)), None)
    return found or sys.exit(f"no browser found ({', '.join(named)}): install Chromium or name one in $ADCGAN_BROWSER")


def contents() -> list[Path]:
    """The built pages in the order of the book's contents. Exits with one line where one is missing."""
    pages = [HTML / f"{name}.html" for name in re.findall(r"(?:root|file): (\S+)", (BOOK / "_toc.yml").read_text())]
    missing = next((page for page in pages if not page.exists()), None)
    return sys.exit(f"{missing} is missing: build the book first (make book)") if missing else pages


def print_page(page: Path, output: Path, profile: Path) -> None:
    """Print one page; mathematics is typeset by the page's own script first."""
    subprocess.run(
        [
            browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={profile}", "--allow-file-access-from-files", "--virtual-time-budget=20000",
            "--no-pdf-header-footer", f"--print-to-pdf={output}", page.as_uri(),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip


def drop_file_links(joined: PdfWriter) -> None:
    """Take out links to files of this machine; those within a page and to the web stay."""
    for page in joined.pages:
        kept = [
            note for note in page.get("/Annots") or ()
            if not str(note.get_object().get("/A", {}).get("/URI", "")).startswith("file:")
        ]  # fmt: skip
        page[NameObject("/Annots")] = ArrayObject(kept)


def main(output: Path) -> None:
    """Write the PDF, with a bookmark for each page."""
    with tempfile.TemporaryDirectory() as scratch, PdfWriter() as joined:
        for page in contents():
            part = Path(scratch) / f"{page.stem}.pdf"
            print_page(page, part, Path(scratch) / "profile")
            title = re.search(r"<title>(.*?)</title>", page.read_text(), re.DOTALL)[1]
            joined.append(part, outline_item=unescape(title).split(" — ")[0].strip())
        drop_file_links(joined)
        joined.write(output)
    print(output)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BOOK / "_build" / "adcgan.pdf")
