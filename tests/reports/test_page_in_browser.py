"""The page in a real browser, from its file, with the network off."""

from __future__ import annotations

import os
import shutil

import pytest

KINDS = ("pass", "fail", "interrupted", "damaged", "outcomes", "speeds", "empty")


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing = "these tests drive chromium, which is not installed: apt-get install -y chromium"
        # CI requires the browser; a fresh machine is told what it has not tested.
        (pytest.fail if os.environ.get("TORCHSTONE_REQUIRE_BROWSER") else pytest.skip)(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # chromium has no sandbox of its own inside a container that runs as root.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, written):
    """Open the page of a kind of results; every complaint of the browser and every request is kept."""
    contexts = []

    def open_page(kind, **settings):
        context = browser.new_context(offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.requests = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.address = written(kind).as_uri()
        page.goto(page.address)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_opens_alone_and_fits(visit, kind, scheme, width):
    page = visit(kind, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
    assert [url for url in page.requests if url != page.address and not url.startswith("data:")] == []


# WCAG 2.1, 1.4.3: relative luminance and contrast ratio, over every text whose background is plain.
LOW_CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const back_of = (e) => parse(getComputedStyle(e).backgroundColor);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    let behind = element, opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    while (behind && (back_of(behind)[3] ?? 1) === 0) behind = behind.parentElement;
    const back = back_of(behind).slice(0, 3);
    const full = parse(getComputedStyle(element).color).slice(0, 3);
    const ink = full.map((v, i) => v * opacity + back[i] * (1 - opacity));
    const [a, b] = [luminance(ink), luminance(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.className} ${node.data.trim().slice(0, 30)}`);
  }
  return [...new Set(low)];
}"""


@pytest.mark.parametrize("kind", ["fail", "damaged", "interrupted", "empty"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(visit, kind, scheme):
    page = visit(kind, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_two_schemes_differ(visit):
    backgrounds = {
        visit("pass", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert len(backgrounds) == 2


def test_it_is_whole_without_scripts(visit):
    page = visit("fail", java_script_enabled=False)
    assert page.get_by_role("heading", level=1).inner_text().startswith("torch 2.13.0")
    page.locator("#listing > summary").click()
    assert page.locator("#listing tbody tr").count() > 2000
    assert page.get_by_role("button").count() == 0


def test_a_cell_of_the_matrix_leads_to_its_outcomes(visit):
    page = visit("fail")
    page.get_by_role("link", name="fail 2 of 50").click()
    head = page.locator("#listing tbody:target th").first
    assert head.is_visible()
    assert head.inner_text().startswith("tanh")


def test_outcomes_can_be_filtered_from_the_keyboard(visit):
    page = visit("fail")
    page.locator("#listing > summary").press("Enter")
    page.get_by_label("Filter outcomes").press_sequentially("fail tanh")
    assert page.locator("#listing tbody tr.fail:visible").count() == 2
    assert page.locator("#listing tbody tr.pass:visible").count() == 0
    assert page.locator("#listing ~ *, #listing output").first.inner_text() == "2 shown"


def test_speeds_can_be_sorted(visit):
    page = visit("pass")
    page.get_by_role("button", name="Forward").click()
    seconds = page.evaluate(
        "[...document.querySelectorAll('.speed tbody tr')].map(r => r.cells[3].dataset.v)"
    )
    timed = [float(value) for value in seconds if value]
    assert timed == sorted(timed)
    assert len(timed) > 300


def test_the_command_that_reproduces_a_failure_can_be_copied(visit):
    page = visit("fail")
    button = page.locator(".finding .command button").first
    button.click()
    assert page.evaluate("getSelection().toString()").startswith("torchstone verify tanh")


def test_it_prints_without_the_parts_that_only_a_screen_needs(visit):
    page = visit("fail")
    page.emulate_media(media="print")
    assert not page.get_by_label("Sections").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
