"""The built book in a real browser: what a reader sees, with mouse, keyboard, telephone, printer and no network."""

import csv
import json
import re
from pathlib import Path

import pytest
from browsing import OPTIONS, chromium, findings, leave_one_of_each_kind, served, switch_to, watched
from playwright.sync_api import expect, sync_playwright

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent
DESK, TELEPHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TRAINED, FITTED = "cells/adcgan-printed-fashion_mnist-one-vs-all-0.html", "cells/pca-cifar10-all-vs-one-9.html"


def every_kind_of_page():
    """All pages of the contents, the two that Sphinx adds, and one of each kind that is made from records."""
    contents = re.findall(r"(?:file|root): (\S+)", (ROOT / "book/_toc.yml").read_text())
    made = ["cells/adcgan-printed-fashion_mnist-one-vs-all", "gallery/adcgan-printed-fashion_mnist-one-vs-all"]
    return [*(f"{name}.html" for name in [*contents, "genindex", "search", *made]), TRAINED, FITTED]


@pytest.fixture(scope="module")
def context():
    """One profile for all tests, so that what pages share is loaded once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        yield browser.new_context(viewport=DESK, reduced_motion="reduce")
        browser.close()


@pytest.fixture(scope="module")
def site(book):
    with served(book) as address:
        yield address


@pytest.fixture(scope="module")
def tab(context):
    """One tab for all tests: a new one for each page costs half as much processor time again (74 s instead of 48 s)."""
    with watched(context) as tab:
        yield tab


@pytest.fixture(scope="module", params=every_kind_of_page())
def name(request):
    return request.param


@pytest.fixture
def opened(tab, site, name):
    """Each page in turn, opened once for all the tests of pages."""
    if tab.url != site + name:
        tab.complaints.clear()
        tab.goto(site + name)
    return tab


@pytest.fixture
def page(tab):
    """The tab for a test's own use; the test fails where a page reports an error or asks another machine."""
    tab.complaints.clear()
    tab.set_viewport_size(DESK)
    yield tab
    assert tab.complaints == []


def mathematics_is_set(page):
    """Every formula became one of MathJax's, and no formula's source is left in the text. Gives their number."""
    page.wait_for_function("() => !document.querySelector('.math') || window.MathJax?.startup?.promise")
    page.evaluate("() => window.MathJax?.startup?.promise")
    plain = """[...document.querySelectorAll("main .math")]
               .filter(formula => !formula.querySelector("mjx-container svg")).map(formula => formula.textContent)"""
    assert page.evaluate(plain) == []
    prose = page.evaluate(
        """() => { const copy = document.querySelector("main").cloneNode(true);
                   copy.querySelectorAll("pre, code, script, mjx-container").forEach(part => part.remove());
                   return copy.textContent; }"""
    )
    assert not re.search(r"\$\$|\\\(|\\\[|\\begin\{", prose)
    return page.locator("main mjx-container svg").count()


def test_mathematics_is_set(opened):
    mathematics_is_set(opened)


def test_axe_finds_nothing_serious(opened):
    """Colours apart, which the test of the themes looks at."""
    assert findings(opened, {"rules": {"color-contrast": {"enabled": False}}}) == []


def test_on_a_telephone_the_page_is_no_wider_than_the_screen(opened):
    opened.set_viewport_size(TELEPHONE)
    wide = opened.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
    opened.set_viewport_size(DESK)
    assert wide <= 0


def test_at_a_desk_words_of_code_are_whole_and_stay_in_their_column(opened):
    broken = """() => [...document.querySelectorAll("main :is(p, li, td) code .pre")].filter(word => {
        const column = word.closest("p, li, td"), box = word.getBoundingClientRect();
        return word.getClientRects().length > 1 || box.right > column.getBoundingClientRect().right + 1;
    }).map(word => word.textContent)"""
    assert opened.evaluate(broken) == []


def test_in_print_there_are_no_side_bars_and_no_buttons(opened):
    opened.emulate_media(media="print")
    bars = opened.locator(".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, #pst-back-to-top")
    seen = [bar.get_attribute("class") for bar in bars.all() if bar.is_visible()]
    article = opened.locator("#main-content").is_visible()
    opened.emulate_media(media="screen")
    assert not seen and article


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(opened, theme):
    switch_to(opened, theme)
    leave_one_of_each_kind(opened)  # all of them cost twice the time and find the same
    assert findings(opened, {"runOnly": ["color-contrast", "link-in-text-block"]}) == []


def test_the_page_reports_no_error_and_asks_no_other_machine(opened):
    """Over all that the tests above did with it: the last of the tests of pages."""
    assert opened.complaints == []


def test_the_theme_is_chosen_with_a_click_and_kept_on_the_next_page(page, site):
    page.goto(site + "index.html")
    chosen = page.locator("html")
    for _ in range(3):
        before = chosen.get_attribute("data-mode")
        page.locator(".theme-switch-button").first.click()
        expect(chosen).not_to_have_attribute("data-mode", before)
    switch_to(page, "dark")
    dark = luminance(page, "background-color", "body")
    page.goto(site + "table1.html")
    assert chosen.get_attribute("data-theme") == "dark" and luminance(page, "background-color", "body") == dark
    switch_to(page, "light")
    assert luminance(page, "background-color", "body") > dark + 0.5


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_first_visit_follows_the_system(context, site, system):
    visitor = context.browser.new_context(color_scheme=system)
    with watched(visitor) as page:
        page.goto(site + "index.html")
        assert page.locator("html").get_attribute("data-theme") == system
        assert page.complaints == []
    visitor.close()


def luminance(page, attribute, selector="", element=None):
    """Relative luminance of a computed colour, WCAG 2.2: 0 for black to 1 for white."""
    element = element or page.locator(selector).first
    colour = element.evaluate("(element, name) => getComputedStyle(element).getPropertyValue(name)", attribute)
    channels = [int(value) / 255 for value in re.match(r"rgba?\((\d+), (\d+), (\d+)", colour).groups()]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_stand_out_from_the_page(page, site, theme):
    """Text by 4.5 to 1, lines by 3 to 1 (WCAG 1.4.3 and 1.4.11; axe does not look into drawings)."""
    page.goto(site + TRAINED)
    switch_to(page, theme)
    ground = luminance(page, "background-color", "body")
    for selector, attribute, least in (("text", "fill", 4.5), (".curve, .whole, .component", "stroke", 3)):
        parts = page.locator("svg.adcgan-chart").locator(selector).all()
        assert parts
        for part in parts:
            ratio = sorted((ground + 0.05, luminance(page, attribute, element=part) + 0.05))
            assert ratio[1] / ratio[0] >= least, part.evaluate("part => part.outerHTML")


def search(page, word):
    """What the search dialog, opened by its shortcut, leads to."""
    page.keyboard.press("Control+k")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    results = page.locator("ul.search li a")
    expect(results.first).to_be_visible()
    with page.expect_navigation():
        results.first.click()
    assert word in page.locator("main").inner_text().lower()


def test_search_finds_a_word(page, site):
    page.goto(site + "index.html")
    search(page, "contrastive")


def test_the_book_reads_from_the_disk_without_a_server(page, context, book):
    page.goto((book / "method.html").as_uri())
    assert mathematics_is_set(page) > 20
    switch_to(page, "dark")
    with watched(context) as other:  # the search works, but reports that a file may not read others for their summaries
        other.goto((book / "index.html").as_uri())
        search(other, "contrastive")


def test_a_figure_of_a_table_is_the_one_on_the_runs_page_and_in_its_record(page, site, book):
    page.goto(site + "table3.html")
    expect(page.locator(".adcgan-explore.ready")).to_be_visible()
    figures = page.locator(".adcgan-explore td.ours a[href^='cells/']")
    links = figures.evaluate_all(
        """links => links.map(link => [link.innerText, link.getAttribute('href'),
                                       link.closest('tr').cells[2].innerText])"""
    )
    assert len(links) > 100 and page.get_by_role("columnheader", name="scale").count()
    by_scale = [[link for link in links if link[2] == scale] for scale in ("laptop", "paper")]
    assert all(by_scale)
    for figure, address, scale in [link for some in by_scale for link in some[:: max(1, len(some) // 4)]]:
        page.goto(site + address)
        measured = []
        for run in page.locator("section[id*='seed-']").all():
            if not re.fullmatch(rf"Seed \d+(, scale {scale})?(, test_images=\d+)?", run.locator("h2").inner_text()):
                continue  # at another scale, or an ablation
            shown = run.locator("tr", has=page.get_by_role("rowheader", name="NS", exact=True)).first.locator("td")
            record = json.loads((book / "cells" / run.locator("a[href^='records/']").get_attribute("href")).read_text())
            assert shown.inner_text() == f"{100 * record['auroc']['NS']:.1f}"
            of = record["stale_noise"]["NS"]["mean"] if "stale_noise" in record else record["auroc"]["NS"]
            measured.append(100 * of)
        assert figure == f"{sum(measured) / len(measured):.1f}", (address, scale)


def focused(page):
    return page.locator("*:focus")


def tab_to(page, selector, most=80):
    """Press Tab until ``selector`` has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{most} times Tab did not reach {selector}")


def test_the_first_tab_offers_to_skip_the_menu(page, site):
    page.goto(site + "table3.html")
    page.keyboard.press("Tab")
    expect(focused(page)).to_have_text("Skip to main content")
    expect(focused(page)).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_a_table_wider_than_the_screen_scrolls_by_the_keyboard(page, site):
    page.set_viewport_size(TELEPHONE)
    page.goto(site + "table3.html")
    tab_to(page, ".adcgan-wrap")
    ring = focused(page).evaluate(
        "region => getComputedStyle(region).outlineStyle + getComputedStyle(region).boxShadow"
    )
    assert ring != "nonenone"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize(
    ("button", "menu"), [(".primary-toggle", "nav.bd-docs-nav"), (".secondary-toggle", "#pst-page-toc-nav")]
)
def test_on_a_telephone_the_menus_open_and_close_by_the_keyboard(page, site, button, menu):
    page.set_viewport_size(TELEPHONE)
    page.goto(site + "method.html")
    entry = page.locator(f"{menu} a[href]:visible").first
    expect(entry).not_to_be_in_viewport()
    tab_to(page, button)
    page.keyboard.press("Enter")
    expect(entry).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(entry).not_to_be_in_viewport()


@pytest.fixture
def explored(page, site):
    """The table of Table 3 that sorts and filters."""
    page.goto(site + "table3.html")
    explored = page.locator(".adcgan-explore.ready")
    expect(explored).to_be_visible()
    return explored


def column(explored, heading):
    """The texts of a column as shown, from above."""
    return explored.locator("table").evaluate(
        """(table, heading) => {
            const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.innerText.trim().startsWith(heading));
            return [...table.tBodies[0].rows].map(row => row.cells[at].querySelector("a")?.innerText
                                                         ?? row.cells[at].innerText.trim()); }""",
        heading,
    )


def test_a_table_sorts_by_mouse_and_keyboard_with_missing_figures_last(explored):
    heading = explored.get_by_role("columnheader", name="ours")
    measured = sorted(float(text) for text in column(explored, "ours") if text[0].isdigit())
    missing = [text for text in column(explored, "ours") if not text[0].isdigit()]
    heading.click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert column(explored, "ours") == [f"{value:.1f}" for value in measured] + missing
    heading.get_by_role("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert column(explored, "ours") == [f"{value:.1f}" for value in reversed(measured)] + missing


def test_a_table_is_filtered_and_says_how_many_rows_are_left(explored):
    said = explored.locator("output")
    every = len(column(explored, "method"))
    expect(said).to_have_text(f"{every} of {every} rows")
    explored.get_by_role("combobox", name="Method").select_option("one-class SVM")
    left = column(explored, "method")
    assert set(left) == {"one-class SVM"} and len(left) < every
    expect(said).to_have_text(f"{len(left)} of {every} rows")
    explored.get_by_label("Search").fill("trouser")
    assert set(column(explored, "class")) == {"1 trouser"}
    explored.get_by_role("combobox", name="Scale").select_option("paper")
    assert set(column(explored, "scale")) == {"paper"}
    explored.get_by_label("measured only").check()
    assert "not run" not in column(explored, "ours") and column(explored, "ours")
    explored.get_by_label("Search").fill("no such class")
    expect(said).to_have_text(f"0 of {every} rows")


def test_the_seeds_of_a_figure_show_while_it_is_pointed_at_or_focused(page, site):
    page.goto(site + "table3.html")
    cell = page.locator("td.ours:visible", has=page.locator(".adcgan-tip")).first
    tip = cell.locator(".adcgan-tip")
    assert tip.bounding_box()["width"] <= 1 and "seed" in tip.text_content()
    cell.hover()
    assert tip.bounding_box()["width"] > 30
    page.mouse.move(0, 0)
    assert tip.bounding_box()["width"] <= 1
    cell.get_by_role("link").focus()
    assert tip.bounding_box()["width"] > 30


@pytest.mark.parametrize("kind", ["CSV", "JSON"])
def test_a_download_holds_the_figures_of_the_table(explored, page, kind):
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).click()
    text = download.value.path().read_text()
    rows = json.loads(text)["rows"] if kind == "JSON" else list(csv.DictReader(text.splitlines()))
    rows = [row for row in rows if row["scale"] == "paper" or int(row["seeds"])]  # the table has no other
    held = sorted(f"{float(row['ours']):.1f}" if row["ours"] not in ("", None) else "not run" for row in rows)
    assert sorted(text if text[0].isdigit() else "not run" for text in column(explored, "ours")) == held
    assert sorted({row["model"] for row in rows}) == sorted(set(column(explored, "method")))


def test_one_image_is_followed_step_by_step_with_buttons_and_arrow_keys(page, site):
    page.goto(site + "walk.html")
    said = page.locator("#adcgan-steps output")
    steps = page.locator("#adcgan-steps li").count()
    assert steps > 3

    def at(number):
        expect(said).to_contain_text(f"Step {number} of {steps}:")
        title = said.inner_text().partition(": ")[2]
        shown = page.locator("article section section h2:visible")
        expect(shown).to_have_count(1)
        assert shown.inner_text().removesuffix("#") == title

    at(1)
    page.get_by_role("button", name="Previous").press("Enter")
    at(1)
    page.get_by_role("button", name="Next").click()
    at(2)
    page.keyboard.press("ArrowRight")
    at(3)
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Previous").click()
    at(1)
    page.locator("#adcgan-steps li a").last.click()
    at(steps)
    page.get_by_role("button", name="All steps").click()
    expect(page.locator("article section section h2:visible")).to_have_count(steps)
    page.emulate_media(media="print")
    expect(page.locator("article section section h2:visible")).to_have_count(steps)
    page.emulate_media(media="screen")
