"""The built book in a real browser: what a reader sees, with mouse, keyboard, telephone, printer and no network."""

import re

import pytest
from browsing import OPTIONS, chromium, findings, leave_one_of_each_kind, served, switch_to, watched
from playwright.sync_api import expect, sync_playwright

pytestmark = pytest.mark.browser
DESK, TELEPHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
RUN = "cells/adcgan-printed-fashion_mnist-one-vs-all-0.html"
KINDS = ["index.html", "method.html", "results.html", "appendix.html", RUN,
         "gallery/adcgan-printed-fashion_mnist-one-vs-all.html"]  # fmt: skip
LUMINANCE = """(part, name) => {
    const [r, g, b] = getComputedStyle(part).getPropertyValue(name).match(/\\d+/g).slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; }"""  # of a computed colour, WCAG 2.2


@pytest.fixture(scope="module")
def site(book):
    with served(book) as address:
        yield address


@pytest.fixture(scope="module")
def tab():
    """One tab for all tests; a new one for each page costs half as much processor time again."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        with watched(browser.new_context(viewport=DESK, reduced_motion="reduce")) as tab:
            yield tab
        browser.close()


@pytest.fixture(scope="module", params=KINDS)
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


def mathematics(page):
    """How many formulas there are, each set by MathJax, none with its source left in the text."""
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


def test_axe_finds_nothing_serious_and_mathematics_is_set(opened):
    """Colours apart, which the test of the themes looks at."""
    assert mathematics(opened) > 20 or "method" not in opened.url
    assert findings(opened, {"rules": {"color-contrast": {"enabled": False}}}) == []


def test_on_a_telephone_the_page_is_no_wider_than_the_screen_and_in_print_there_are_no_bars(opened):
    opened.set_viewport_size(TELEPHONE)
    wide = opened.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
    opened.set_viewport_size(DESK)
    opened.emulate_media(media="print")
    bars = opened.locator(".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, #pst-back-to-top, fieldset")
    seen = [bar.get_attribute("class") for bar in bars.all() if bar.is_visible()]
    article = opened.locator("#main-content").is_visible()
    opened.emulate_media(media="screen")
    assert wide <= 0 and not seen and article


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_charts_stand_out_in_both_themes(opened, theme):
    """Text by 4.5 to 1, lines by 3 to 1 (WCAG 1.4.3 and 1.4.11; axe does not look into drawings)."""
    switch_to(opened, theme)
    ground = opened.locator("body").evaluate(LUMINANCE, "background-color")
    for selector, attribute, least in (("text", "fill", 4.5), (".curve, .whole, .component", "stroke", 3)):
        parts = opened.locator("svg.adcgan-chart").locator(selector)
        for value in parts.evaluate_all(f"(parts, name) => parts.map(part => ({LUMINANCE})(part, name))", attribute):
            ratio = sorted((ground + 0.05, value + 0.05))
            assert ratio[1] / ratio[0] >= least
    leave_one_of_each_kind(opened)  # all of them cost twice the time and find the same
    assert findings(opened, {"runOnly": ["color-contrast", "link-in-text-block"]}) == []


def test_the_page_reports_no_error_and_asks_no_other_machine(opened):
    """Over all that the tests above did with it: the last of the tests of pages."""
    assert opened.complaints == []


def test_the_theme_is_chosen_with_a_click_and_kept_on_the_next_page(page, site):
    page.goto(site + "index.html")
    chosen = page.locator("html")
    before = chosen.get_attribute("data-mode")
    page.locator(".theme-switch-button").first.click()
    expect(chosen).not_to_have_attribute("data-mode", before)
    for theme in ("light", "dark"):
        switch_to(page, theme)
        ground = page.locator("body").evaluate(LUMINANCE, "background-color")
        page.goto(site + "audit.html")
        assert chosen.get_attribute("data-theme") == theme and (ground > 0.5) == (theme == "light")
        assert page.locator("body").evaluate(LUMINANCE, "background-color") == ground


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_first_visit_follows_the_system(tab, site, system):
    with watched(tab.context.browser.new_context(color_scheme=system)) as visitor:
        visitor.goto(site + "audit.html")
        assert visitor.locator("html").get_attribute("data-theme") == system and visitor.complaints == []


def search(page, word):
    """What the search dialog, opened by its shortcut, leads to."""
    page.keyboard.press("Control+k")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    results = page.locator("ul.search li a")
    expect(results.first).to_be_visible()
    page.goto(results.first.evaluate("link => link.href"))
    assert word in page.locator("main").inner_text().lower()


def test_search_finds_a_word(page, site):
    page.goto(site + "index.html")
    search(page, "contrastive")


def test_the_book_reads_from_the_disk_without_a_server(page, book):
    page.goto((book / "method.html").as_uri())
    assert mathematics(page) > 20
    with watched(page.context) as other:  # the search works, but reports that a file may not read others
        other.goto((book / "index.html").as_uri())
        search(other, "contrastive")


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
    page.goto(site + "results.html")
    page.keyboard.press("Tab")
    expect(focused(page)).to_have_text("Skip to main content")
    expect(focused(page)).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_a_table_wider_than_the_screen_scrolls_by_the_keyboard_and_menus_open(page, site):
    page.set_viewport_size(TELEPHONE)
    page.goto(site + "results.html")
    for button, menu in ((".primary-toggle", "nav.bd-docs-nav"), (".secondary-toggle", "#pst-page-toc-nav")):
        entry = page.locator(f"{menu} a[href]:visible").first
        expect(entry).not_to_be_in_viewport()
        tab_to(page, button)
        page.keyboard.press("Enter")
        expect(entry).to_be_in_viewport()
        page.keyboard.press("Escape")
        expect(entry).not_to_be_in_viewport()
    tab_to(page, ".adcgan-wrap")
    style = "region => getComputedStyle(region).outlineStyle + getComputedStyle(region).boxShadow"
    assert focused(page).evaluate(style) != "nonenone", "a ring is seen"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_the_scale_is_switched_by_the_keyboard_and_print_has_both(page, site):
    page.goto(site + "results.html")
    laptop, paper = (page.locator(f".adcgan-scale-{scale}").first for scale in ("laptop", "paper"))
    expect(laptop).to_be_visible()
    expect(paper).to_be_hidden()
    tab_to(page, ".adcgan-scales input")
    page.keyboard.press("ArrowRight")
    expect(paper).to_be_visible()
    expect(laptop).to_be_hidden()
    expect(page.locator(".adcgan-scale-laptop").nth(1)).to_be_visible()
    page.emulate_media(media="print")
    expect(laptop).to_be_visible()
    expect(paper).to_be_visible()
    page.emulate_media(media="screen")


def test_the_seeds_of_a_figure_show_while_it_is_pointed_at_or_focused(page, site):
    page.goto(site + "results.html")
    cell = page.locator("td.ours:visible", has=page.locator(".adcgan-tip")).first
    tip = cell.locator(".adcgan-tip")
    assert tip.bounding_box()["width"] <= 1 and "seed" in tip.text_content()
    cell.hover()
    assert tip.bounding_box()["width"] > 30
    page.mouse.move(0, 0)
    assert tip.bounding_box()["width"] <= 1
    cell.get_by_role("link").focus()
    assert tip.bounding_box()["width"] > 30


def test_the_list_of_runs_sorts_by_mouse_and_keyboard_and_is_searched(page, site):
    page.goto(site + "appendix.html")
    listed = page.locator(".adcgan-sortable.ready")
    expect(listed).to_be_visible()
    heading = listed.get_by_role("columnheader", name="AUROC")
    at = heading.evaluate("heading => heading.cellIndex")

    def column():
        texts = listed.locator("tbody tr").evaluate_all(f"rows => rows.map(row => row.cells[{at}].innerText)")
        return [float(text) for text in texts]

    every = column()
    assert len(every) > 100
    heading.click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert column() == sorted(every)
    heading.get_by_role("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert column() == sorted(every, reverse=True)
    listed.get_by_role("searchbox").fill("nearest neighbours")
    names = listed.locator("tbody tr").evaluate_all("rows => rows.map(row => row.cells[0].innerText)")
    assert set(names) == {"nearest neighbours"} and len(names) < len(every)
    expect(listed.locator(".dt-info")).to_contain_text(str(len(names)))


def test_one_image_is_followed_step_by_step_with_buttons_and_arrow_keys(page, site):
    page.goto(site + "method.html#one-image")
    said = page.locator("#adcgan-steps output")
    steps = page.locator("#adcgan-steps li").count()
    shown = page.locator("#one-image-step-by-step > section:visible")
    assert steps == 8

    def at(number):
        expect(said).to_contain_text(f"Step {number} of {steps}:")
        expect(shown).to_have_count(1)
        assert said.inner_text().partition(": ")[2] in shown.inner_text()

    at(1)
    page.get_by_role("button", name="Previous").press("Enter")
    at(1)
    page.get_by_role("button", name="Next").click()
    at(2)
    page.keyboard.press("ArrowRight")
    at(3)
    page.keyboard.press("ArrowLeft")
    at(2)
    page.locator("#adcgan-steps li a").last.click()
    at(steps)
    page.get_by_role("button", name="All steps").click()
    expect(shown).to_have_count(steps)
    page.emulate_media(media="print")
    expect(shown).to_have_count(steps)
    page.emulate_media(media="screen")
