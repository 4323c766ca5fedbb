"""A browser for the tests: Chromium as the system has it, the book on a server of this machine, one page at a time."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

AXE = Path(__file__).parent / "_vendor/axe-core/axe.min.js"
OPTIONS = (
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-gpu", "--no-proxy-server",
    # Playwright's own way to refuse requests would switch the cache off, and every page would load MathJax again.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


@cache
def chromium() -> str | None:
    """The browser to test with: `$ADCGAN_BROWSER`, or the first found on the path; None where there is none."""
    if named := os.environ.get("ADCGAN_BROWSER"):
        if not shutil.which(named):
            raise pytest.UsageError(f"ADCGAN_BROWSER={named}: no such program; name Chromium's, or unset it")
        return named
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address of a server on this machine for ``directory``, which ends with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@contextmanager
def watched(context) -> Iterator:
    """A new page of ``context``; ``page.complaints`` gathers what it reports as wrong and asks of other machines."""
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: message.type in ("error", "warning") and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: _local(request.url) or page.complaints.append(request.url))
    yield page
    page.close()


def _local(url):
    return url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:", "about:"))


def switch_to(page, theme: str) -> None:
    """Press the page's own switch until the page is "light" or "dark"."""
    for _ in range(3):
        if page.locator("html").get_attribute("data-theme") == theme:
            return
        page.locator(".theme-switch-button").first.evaluate("button => button.click()")
    assert page.locator("html").get_attribute("data-theme") == theme


def findings(page, options: dict) -> list[str]:
    """What axe-core, run with ``options``, calls serious or critical on the page as it stands: rule, place, reason."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    violations = page.evaluate(
        "async options => (await axe.run({resultTypes: ['violations'], ...options})).violations", options
    )
    return [
        f"{rule['id']} at {node['target']}: {node['failureSummary']}"
        for rule in violations
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def leave_one_of_each_kind(page) -> None:
    """Hide a text that differs from one before it in its words alone, not in the classes and styles it stands under."""
    page.evaluate(
        """() => {
            const kind = (part) => part.tagName + part.getAttribute("class") + part.getAttribute("style")
                                   + (part.parentElement ? kind(part.parentElement) : "");
            const seen = new Set();
            const texts = [...document.body.querySelectorAll("*")].filter((part) => !part.children.length);
            for (const [part, key] of texts.map((part) => [part, kind(part)]))
                if (seen.has(key)) part.style.visibility = "hidden"; else seen.add(key);
        }"""
    )
