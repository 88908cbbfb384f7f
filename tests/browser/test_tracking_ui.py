"""MLflow's UI on the runs of a finished workflow."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import checks
import pages
import pytest
from conftest import Workflow
from pages import LOOKS, Visit

MODEL = "green-taxi-duration"


@pytest.fixture
def window(request: pytest.FixtureRequest, windows, ui: str) -> Iterator[Visit]:
    """A window in light on a desktop, or as a test's parameter says.

    Whatever a test does in it: nothing is said on the console but what MLflow's makers know of,
    and no other host is asked.
    """
    visit = windows(*getattr(request, "param", ()))
    visit.forget()
    yield visit
    checks.says_nothing(visit)
    checks.asks_only(visit, ui)


def seen(*looks: tuple[str, str]) -> pytest.MarkDecorator:
    """Parametrize a test by its window."""
    return pytest.mark.parametrize("window", looks, ids="-".join, indirect=True)


def winner(workflow: Workflow) -> str:
    run_id = workflow.run("register").data.tags["workflow.winner"]
    return workflow.store.client.get_run(run_id).info.run_name


@seen(*LOOKS)
def test_the_run_page_begins_its_description_with_the_result(window, ui, workflow):
    note = pages.open_run(window.page, ui, workflow.run("main"))
    first = note.locator("> *").first
    assert workflow.run("register").data.tags["workflow.family"] in first.inner_text()
    assert "test_rmse" in first.inner_text()
    assert note.locator("table").first.is_visible()


def test_the_result_is_readable_without_a_click(window, ui, workflow):
    """MLflow cuts a description at 100 px, and lets the lower 60 of them fade."""
    note = pages.open_run(window.page, ui, workflow.run("main"))
    top = note.bounding_box()["y"]
    first = note.locator("> *").first.bounding_box()
    assert first["y"] + first["height"] - top <= 100
    assert top + 100 < window.page.viewport_size["height"]


def test_the_description_has_the_leaderboard_and_the_command(window, ui, workflow):
    note = pages.open_run(window.page, ui, workflow.run("main"))
    more = window.page.get_by_test_id("show-comment-toggle")
    if more.inner_text() == "Show more":
        more.click()
    table = note.locator("table").first
    assert {"run", "family", "val_rmse", "test_rmse"} <= set(table.locator("th").all_inner_texts())
    rows = table.locator("tbody tr")
    assert winner(workflow) in rows.first.inner_text()
    assert "baseline" in rows.last.inner_text()
    command = note.locator("pre").last.inner_text()
    assert "mlflow run " in command
    assert "-P seed=7" in command
    links = note.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert all(link.startswith("#/") for link in links)  # "@champion" would lead to github.com


def test_the_description_links_to_the_report_and_the_version(window, ui, workflow):
    main = workflow.run("main")
    note = pages.open_run(window.page, ui, main)
    report = note.locator("a", has_text="report.html").first.get_attribute("href")
    assert report == pages.artifact_address(main, "report.html")  # it is opened below
    version = note.locator("a", has_text=f"{MODEL} version 1").first.get_attribute("href")
    window.page.goto(f"{ui}/{version}")
    text = window.page.get_by_test_id("note-editor-preview-content")
    text.wait_for()
    assert winner(workflow) in text.locator("table").first.inner_text()
    assert "mlflow models serve" in text.inner_text()


@seen(("desktop", "dark"), ("phone", "light"))
def test_the_report_is_drawn_in_the_artifact_viewer(window, ui, workflow):
    """A sandboxed frame of another origin, where a link to a place in the page is not followed."""
    frame = pages.open_artifact(window.page, ui, workflow.run("main"), "report.html")
    pages.wait_until_drawn(frame)
    checks.is_drawn(frame)
    checks.has_every_section(frame)
    checks.is_readable(frame)
    checks.contents_lead_to(frame, "winner")


def test_the_report_fits_the_viewer_when_mlflows_assistant_is_beside_it(window, ui, workflow):
    """On a first visit the assistant is open: as if the window were 328 pixels narrower."""
    size = window.page.viewport_size
    window.page.set_viewport_size(size | {"width": size["width"] - 328})
    frame = pages.open_artifact(window.page, ui, workflow.run("main"), "report.html")
    pages.wait_until_drawn(frame)
    assert frame.evaluate("innerWidth") < 520
    checks.is_readable(frame)
    window.page.set_viewport_size(size)


def test_the_ui_compares_trials_in_its_own_chart(window, ui, workflow):
    trials = workflow.store.children(workflow.run("hpo"))
    ids = quote(json.dumps([run.info.run_id for run in trials]))
    window.page.goto(f"{ui}/#/compare-runs?runs={ids}&experiments=%5B%220%22%5D")
    window.page.locator(".parcoords .axis-title").first.wait_for(state="attached")
    axes = window.page.locator(".parcoords .axis-title").all_text_contents()
    assert "val_rmse" in axes
    assert len(axes) > 2
    shown = window.page.locator("body").inner_text()
    for run in trials:
        assert run.info.run_name in shown
        for name in run.data.params:
            assert name in shown
    for name in ("val_rmse", "val_mae", "fit_seconds", "workflow.family"):
        assert name in shown


def test_the_ui_filters_runs_by_kind_and_family_and_sorts_by_score(window, ui, workflow):
    query = "tags.`workflow.kind` = 'trial' AND params.family = 'lightgbm'"  # as in docs/runs.md
    window.page.goto(
        f"{ui}/#/experiments/0/runs?searchFilter={quote(query)}"
        "&orderByKey=metrics.%60val_rmse%60&orderByAsc=true&startTime=ALL&lifecycleFilter=Active"
    )
    names = window.page.locator(".ag-row a", has_text="trial-")
    names.first.wait_for()
    # Those of other tests' searches too, if they came first.
    alike = workflow.store.client.search_runs(["0"], query)
    ranked = sorted(alike, key=lambda run: run.data.metrics["val_rmse"])
    assert names.all_inner_texts() == [run.info.run_name for run in ranked]
