"""A table whose names and values are HTML, scripts and markdown: shown as text, wherever.

It is one of classes, so its report is the other kind.
"""

from collections.abc import Iterator
from pathlib import Path

import checks
import numpy as np
import pages
import pandas as pd
import pytest
from conftest import Workflow, new_store
from in_process import run_here
from pages import Visit
from playwright.sync_api import Locator, Page

ALARM = "document.title='OWNED'"
SCRIPT = f"<script>{ALARM}</script>"
IMAGE = f'"><img src=x onerror="{ALARM}">'
END = f"</script><script>{ALARM}</script>"  # of the script that holds a chart's data
MARKDOWN = "![m](x) [m](javascript:m) | **m** `"
TARGET = f"kind {IMAGE}"
LABELS = [IMAGE, SCRIPT, END]
BEGINNINGS = ['"><img src=x', "<script>doc", "</script><script>"]  # charts cut what is long
# What any of it would leave behind where it was not taken for text.
INJECTED = "img, [onerror], a[href^='javascript'], a[href='x'], script:not([type]):not([src])"


def hostile_table(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    kind = rng.integers(3, size=rows)
    words = np.array([END, SCRIPT, MARKDOWN], dtype=object)[(kind + rng.integers(2, size=rows)) % 3]
    words[::7] = None
    return pd.DataFrame(
        {
            SCRIPT: kind + rng.normal(0, 0.7, rows),
            IMAGE: words,
            MARKDOWN: rng.normal(size=rows),
            TARGET: np.array(LABELS)[kind],
        }
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Workflow:
    caller = tmp_path_factory.mktemp("hostile")
    store = new_store(empty_store, caller)
    path = caller / "<i>trees.csv"
    hostile_table().to_csv(path, index=False)
    done = run_here(store, data=path, target=TARGET, models="linear", max_evals=2)
    return Workflow(store, done, caller)


@pytest.fixture(scope="module")
def hostile_ui(hostile: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pages.tracking_ui(hostile.store.uri, tmp_path_factory.mktemp("ui")) as address:
        yield address


@pytest.fixture(scope="module", params=[("desktop", "light"), ("phone", "dark")], ids="-".join)
def report(request: pytest.FixtureRequest, browser, hostile: Workflow) -> Iterator[Visit]:
    with pages.visit(browser, *request.param) as visit:
        visit.page.goto(pages.artifact(hostile.run("main"), "report.html").as_uri())
        pages.wait_until_drawn(visit.page)
        yield visit


def is_harmless(page: Page, *, inside: Locator) -> None:
    """Nothing has been run, and no element was made of a text."""
    assert page.title() != "OWNED"
    left = inside.locator(INJECTED).evaluate_all("all => all.map((one) => one.outerHTML)")
    assert [one for one in left if "plotly.js" not in one[:200]] == []


def test_the_report_of_a_classification_is_sound_too(report, hostile):
    checks.is_drawn(report.page)
    checks.has_every_section(report.page)
    checks.is_accessible(report.page)
    checks.says_nothing(report)
    checks.asks_only(report, pages.artifact(hostile.run("main"), "report.html").as_uri())


def test_names_of_any_length_fit_the_charts(report):
    checks.is_readable(report.page)


def test_the_report_shows_scripts_as_text_and_runs_none(report):
    is_harmless(report.page, inside=report.page.locator("html"))
    shown = report.page.locator("body").inner_text()
    for text in (SCRIPT, IMAGE, MARKDOWN, TARGET):
        assert text in shown


def test_the_charts_show_hostile_names_and_labels_unchanged(report):
    winner = report.page.locator("#winner")
    texts = winner.locator(".js-plotly-plot svg text").evaluate_all(
        "all => all.map((one) => one.textContent)"
    )
    for beginning in BEGINNINGS:
        assert any(text.startswith(beginning) for text in texts)


def test_a_hover_label_shows_a_hostile_label_unchanged(report):
    bar = report.page.locator("#data figure", has_text="target").locator(".bars .point").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    report.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = report.page.locator("#data .hoverlayer text").first
    label.wait_for()
    shown = report.page.locator("#data .hoverlayer").first.text_content()
    assert any(beginning in shown for beginning in BEGINNINGS)
    is_harmless(report.page, inside=report.page.locator("html"))


def test_the_run_page_shows_html_as_text(browser, hostile, hostile_ui):
    with pages.visit(browser) as visit:
        note = pages.open_run(visit.page, hostile_ui, hostile.run("main"))
        is_harmless(visit.page, inside=note)
        assert note.locator("iframe").count() == 0
        assert IMAGE in note.inner_text()
        checks.says_nothing(visit)
        checks.asks_only(visit, hostile_ui)
        assert f"{hostile_ui}/x" not in visit.asked
