import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest
from finished_workflows import COMMIT, finished
from html_page import HOSTILE, Page
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.models.metrics import METRICS
from workflow.report import chart_style, search_charts, workflow_report

RMSE = METRICS["regression"]["rmse"]


@pytest.fixture(scope="module", params=["regression", "binary"])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(
        workflow_report.report(finished(task=request.param, warnings=("column 'x' is odd.",)))
    )


def test_every_section_is_there_and_linked(page):
    sections = [name.lower() for name in workflow_report.SECTIONS]
    assert set(sections) <= page.ids
    assert {f"#{name}" for name in sections} <= set(page.links)


def test_nothing_is_loaded_from_anywhere(page):
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not {"iframe", "img", "object", "embed"} & set(page.tags)


def test_the_report_has_the_result_the_warnings_and_the_command(page):
    assert "houses version 3, @champion" in page.text
    assert "it spares at least 12.3 % of the baseline's loss" in page.text
    assert "33% below the baseline's 0.9" in page.text
    assert "column 'x' is odd." in page.text
    assert f"mlflow run https://host/org/project -v {COMMIT} --env-manager uv" in page.text
    assert "mlflow models serve -m models:/houses@champion" in page.text
    assert "cv:5" in page.text


def test_every_chart_has_a_caption_and_named_axes(page):
    assert page.tags["figure"] == page.tags["figcaption"] == len(page.charts)
    for chart in page.charts:
        kinds = {trace["type"] for trace in chart["data"]}
        if not {"parcoords"} & kinds:
            axes = chart["layout"]["xaxis"], chart["layout"]["yaxis"]
            assert any(axis.get("title", {}).get("text") for axis in axes), chart["layout"]


def test_every_chart_is_valid_for_plotly(page):
    for chart in page.charts:
        go.Figure(chart)  # raises ValueError for a property or a value that plotly does not know


def test_each_task_has_its_own_charts_of_the_winner():
    regression, binary = (
        Page(workflow_report.report(finished(task=task))) for task in ("regression", "binary")
    )
    assert "Predicted against actual" in regression.text
    assert "Confusion matrix" not in regression.text
    for name in ("Confusion matrix", "ROC", "Precision and recall", "Calibration"):
        assert name in binary.text


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_how_often_intervals_hold_the_truth_is_drawn(task):
    before = finished(task=task)
    coverage = [{"level": 0.5, "coverage": 0.52, "width": 3.0},
                {"level": 0.9, "coverage": 0.89, "width": 9.0}]  # fmt: skip
    analysis = before.model.analysis | {"intervals": {"residuals": {}, "coverage": coverage}}
    drawn = replace(before, model=replace(before.model, analysis=analysis))
    plain, page = (Page(workflow_report.report(one)) for one in (before, drawn))
    assert "how often they hold the truth" not in plain.text
    assert "how often they hold the truth (dotted: as asked for)" in page.text
    assert len(page.charts) == len(plain.charts) + 1
    traces = [trace for chart in page.charts for trace in chart["data"]]
    assert any((one.get("x"), one.get("y")) == ([0.5, 0.9], [0.52, 0.89]) for one in traces)


def test_a_trials_hover_label_has_its_hyperparameters(page):
    (history,) = [chart for chart in page.charts if "best so far" in json.dumps(chart)]
    said = [text for trace in history["data"] for text in trace.get("hovertext", [])]
    assert len(said) == 3
    assert "<b>trial-001</b>, lightgbm" in said[1]
    assert "leaves: 8" in said[1]


def test_a_reused_step_names_the_run_that_did_the_work():
    page = Page(workflow_report.report(finished(reused=("train",))))
    assert "reused from train-run" in page.text
    assert "reused from hpo-run" not in page.text


def test_a_report_of_a_thousand_columns_is_smaller_than_3_mb():
    workflow = finished(models=400)
    workflow.data.columns[:] = workflow.data.columns * 500
    html = workflow_report.report(workflow)
    assert len(html.encode()) < 3_000_000
    assert "984 more columns" in Page(html).text


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_html_from_the_data_is_shown_as_text(task):
    harmless = Page(workflow_report.report(finished(task=task, name="x", label="yes")))
    page = Page(
        workflow_report.report(
            finished(
                task=task, name=HOSTILE, label=HOSTILE, warnings=(HOSTILE,), description=HOSTILE,
                left_out={HOSTILE: HOSTILE}, params={"target": HOSTILE}, unit=HOSTILE,
            )
        )
    )  # fmt: skip
    assert page.tags["script"] == harmless.tags["script"]
    assert page.tags["img"] == 0
    assert page.attributes <= harmless.attributes
    assert HOSTILE in page.text
    for chart in page.charts:
        assert "<script" not in json.dumps(chart)
        assert "<img" not in json.dumps(chart)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
@settings(max_examples=8, deadline=None)
def test_a_column_may_have_any_name(name):
    page = Page(workflow_report.report(finished(name=name)))
    assert page.tags["figure"] == len(page.charts) > 5
    assert "script" not in {tag for tag in page.tags if page.tags[tag] == 0}


def test_labels_that_are_cut_to_the_same_text_stay_different():
    found = chart_style.labels(["a" * 60, "a" * 61, "b"])
    assert len(set(found)) == 3
    assert all(len(label) <= chart_style.LONGEST + 2 for label in found)


def test_a_search_of_one_trial_has_its_history_alone():
    workflow = finished()
    nothing = workflow.hyperparameter_importance.head(0)
    one_trial = {"trials": workflow.trials.head(1), "hyperparameter_importance": nothing}
    page = Page(workflow_report.report(replace(workflow, **one_trial)))
    assert "Search history" in page.text
    assert "What mattered" not in page.text
    assert "parcoords" not in json.dumps(page.charts)
    assert "Too few trials, or nothing that varies, for more pictures of lightgbm." in page.text


def test_a_search_has_its_history_and_charts_of_each_family():
    workflow = finished()
    found = search_charts.of_search(workflow.trials, workflow.hyperparameter_importance, RMSE)
    assert list(found["importance"]) == list(found["parallel"]) == ["lightgbm"]
    assert found["few"] == ["linear"]
    assert len(found["history"].data) == 3


def test_a_search_history_has_its_families_and_the_best_so_far():
    figure = search_charts.history(finished().trials, RMSE)
    assert [trace["name"] for trace in figure.data] == ["lightgbm", "linear", "best so far"]
    assert figure.data[-1]["y"] == [0.7, 0.5, 0.5]
    greater = search_charts.history(finished().trials, replace(RMSE, greater_is_better=True))
    assert greater.data[-1]["y"] == [0.7, 0.7, 0.9]


def test_parallel_coordinates_end_with_the_score():
    rows = finished().trials.query("family == 'lightgbm'")
    figure = search_charts.parallel_coordinates(rows, RMSE)
    labels = [axis["label"] for axis in figure.data[0]["dimensions"]]
    assert labels == ["leaves", "how", "val_rmse"]
