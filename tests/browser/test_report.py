"""report.html opened as a file, as somebody would who was sent it."""

import checks
import pages
import pytest
from conftest import Workflow
from pages import LOOKS, Visit

REPORT = "report.html"
MOST = 3_000_000  # bytes: what a mail takes without a thought


@pytest.fixture
def report(request: pytest.FixtureRequest, windows, workflow: Workflow) -> Visit:
    """The report, drawn, in light on a desktop, or as a test's parameter says.

    Drawing takes seconds: it is done once for each look.
    """
    visit = windows(*getattr(request, "param", ()))
    if not visit.asked:
        visit.page.goto(pages.artifact(workflow.run("main"), REPORT).as_uri())
        pages.wait_until_drawn(visit.page)
    return visit


def seen(*looks: tuple[str, str]) -> pytest.MarkDecorator:
    """Parametrize a test by the looks at the report."""
    return pytest.mark.parametrize("report", looks, ids="-".join, indirect=True)


everywhere = seen(*LOOKS)


def point_at(visit: Visit, *, finger: bool = False) -> str:
    """Point at the first trial of the search's history; return what is shown then."""
    point = visit.page.locator("#search .js-plotly-plot .scatterlayer path.point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    touch = visit.page.touchscreen.tap if finger else visit.page.mouse.move
    touch(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = visit.page.locator("#search .hoverlayer .hovertext").first
    label.wait_for()
    return label.text_content()


def test_the_report_is_one_file_small_enough_to_mail(workflow):
    assert pages.artifact(workflow.run("main"), REPORT).stat().st_size < MOST


@everywhere
def test_every_chart_is_drawn_and_every_section_is_there(report):
    checks.is_drawn(report.page)
    checks.has_every_section(report.page)


@everywhere
def test_the_console_stays_empty_and_nothing_else_is_requested(report, workflow):
    file = pages.artifact(workflow.run("main"), REPORT).as_uri()
    checks.says_nothing(report)
    assert report.asked[0] == file
    checks.asks_only(report, file)


@everywhere
def test_the_page_fits_the_screen_and_its_charts_are_readable(report):
    checks.is_readable(report.page)


@everywhere
def test_the_report_is_accessible(report):
    checks.is_accessible(report.page)


def test_the_report_has_the_winner_the_baseline_and_the_command(report, workflow):
    run_id = workflow.run("register").data.tags["workflow.winner"]
    best = workflow.store.client.get_run(run_id).info.run_name
    models = report.page.locator("#leaderboard tbody tr")
    assert best in models.first.inner_text()
    assert "baseline" in models.last.inner_text()
    assert "green-taxi-duration" in report.page.locator("#result").inner_text()
    command = report.page.locator("#reproduce pre").first.inner_text()
    assert "mlflow run " in command
    assert "-P seed=7" in command


def test_hovering_over_a_trial_shows_its_hyperparameters(report, workflow):
    label = point_at(report)
    trial = next(
        run
        for run in workflow.store.children(workflow.run("hpo"))
        if run.info.run_name in label and run.data.tags["workflow.family"] in label
    )
    searched = {"n_estimators", "max_depth", "num_leaves", "learning_rate", "alpha"}
    assert searched & set(trial.data.params)
    for name in searched & set(trial.data.params):
        assert name in label


@seen(("phone", "light"))
def test_tapping_on_a_trial_shows_it(report):
    assert "trial-000" in point_at(report, finger=True)


def test_links_of_the_contents_lead_to_their_sections(report):
    checks.contents_lead_to(report.page, "winner")


@seen(("desktop", "dark"))
def test_the_dark_report_prints_on_white_with_nothing_cut_off(report):
    report.page.emulate_media(media="print")
    try:
        paper = report.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"
        assert report.page.evaluate(checks.FAINT_TEXTS) == []
        assert report.page.evaluate(checks.OVER_THE_PAPER) == []
        pdf = report.page.pdf(format="A4")
        assert 3 <= checks.number_of_pages(pdf) <= 40
    finally:
        report.page.emulate_media(media="screen")
    checks.says_nothing(report)
