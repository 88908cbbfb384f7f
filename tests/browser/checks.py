"""What every report must be like, whatever the workflow, wherever it is shown."""

import re

from axe_playwright_python.sync_playwright import Axe
from pages import Visit
from playwright.sync_api import Frame, Page

SECTIONS = {
    "result": "Result",
    "leaderboard": "Leaderboard",
    "workflow": "Workflow",
    "data": "Data",
    "search": "Search",
    "winner": "Winner",
    "reproduce": "Reproduce",
}
CHARTS = {"exclude": [[".main-svg"]]}  # axe looks at no text in SVG, and long at all the rest
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}
# So here is the contrast of a chart's texts that lie on the page itself, by the formulas of
# https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio.
FAINT_TEXTS = """() => {
  const channels = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((c) => c / 255).map(
      (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = luminance(getComputedStyle(document.body).backgroundColor);
  const faint = [];
  for (const text of document.querySelectorAll(".js-plotly-plot svg text")) {
    if (!text.textContent.trim()) continue;
    if (text.closest(".plot, .hoverlayer, .heatmap-label, .annotation")) continue;
    const style = getComputedStyle(text);
    if (style.visibility === "hidden" || style.fill === "none") continue;
    const own = luminance(style.fill);
    const ratio = (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05);
    if (ratio < 4.5) faint.push(`${text.textContent} ${style.fill} ${ratio.toFixed(1)}`);
  }
  return faint;
}"""
UNDRAWN = """() => [...document.querySelectorAll(".chart")].filter((chart) =>
  !chart.classList.contains("js-plotly-plot") || chart.data.length === 0 ||
  !chart.querySelector(".main-svg :is(.trace, .bars, .parcoords, .hm, .point, path.js-line)")
).map((chart) => chart.getAttribute("aria-label"))"""
# Texts of a chart that its edges cut.
CUT_OFF = """() => [...document.querySelectorAll(".js-plotly-plot")].flatMap((chart) => {
  const edge = chart.getBoundingClientRect();
  return [...chart.querySelectorAll(".main-svg text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.width > 0 && text.textContent.trim() && !text.closest(".hoverlayer") &&
      (box.left < edge.left - 2 || box.right > edge.right + 2 ||
       box.top < edge.top - 2 || box.bottom > edge.bottom + 2);
  }).map((text) => `${chart.getAttribute("aria-label")}: ${text.textContent}`);
})"""
# As the browser does before it prints, and after.
OVER_THE_PAPER = """() => {
  dispatchEvent(new Event("beforeprint"));
  const edge = document.body.getBoundingClientRect().right + 1;
  const over = [...document.querySelectorAll("main :is(.main-svg, table, pre)")]
    .filter((one) => one.getBoundingClientRect().right > edge)
    .map((one) => (one.closest("figure") ?? one).textContent.slice(0, 60));
  dispatchEvent(new Event("afterprint"));
  return over;
}"""
TOO_WIDE = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1)
    .map((one) => one.outerHTML.slice(0, 80));
}"""


def says_nothing(visit: Visit) -> None:
    """No console error or warning, no exception that nobody caught."""
    assert visit.said == []


def asks_only(visit: Visit, *addresses: str) -> None:
    """Every request was for something below these addresses, or inside the page."""
    inside = (*addresses, "blob:", "data:")
    assert [url for url in visit.asked if not url.startswith(inside)] == []


def is_drawn(page: Page | Frame) -> None:
    charts = page.locator(".chart").count()
    assert charts > 3
    assert int(page.locator("html").get_attribute("data-drawn")) == charts
    assert page.evaluate(UNDRAWN) == []


def is_readable(page: Page | Frame) -> None:
    """Texts of charts are whole and not faint; the page does not scroll sideways."""
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(FAINT_TEXTS) == []


def has_every_section(page: Page | Frame) -> None:
    found = page.locator("main > section").evaluate_all("all => all.map((one) => one.id)")
    assert found == list(SECTIONS)
    for id, name in SECTIONS.items():
        assert page.locator(f"section#{id} > h2").inner_text().startswith(name)


def is_accessible(page: Page | Frame) -> None:
    """axe-core finds nothing that it calls serious or critical."""
    found = Axe().run(page, context=CHARTS, options=RULES).response["violations"]
    grave = [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert grave == []


def contents_lead_to(page: Page | Frame, section: str) -> None:
    page.locator("nav a", has_text=SECTIONS[section]).click()
    top = f"document.getElementById('{section}').getBoundingClientRect().top"
    page.wait_for_function(f"Math.abs({top}) < 100", timeout=5_000)


def number_of_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
