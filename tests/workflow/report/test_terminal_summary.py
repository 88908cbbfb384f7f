from dataclasses import replace

import mlflow
import pytest
from finished_workflows import finished

from workflow.report import run_description, terminal_summary, workflow_report


@pytest.fixture
def local():
    mlflow.set_tracking_uri("sqlite:////store/mlflow.db")


def lines(capsys: pytest.CaptureFixture, **given: object) -> list[str]:
    terminal_summary.show(finished(**given))
    return capsys.readouterr().out.splitlines()


def test_the_summary_of_many_models_fits_a_screen(local, capsys):
    warnings = tuple(f"column {n} is odd." for n in range(40))
    found = lines(capsys, models=60, warnings=warnings, left_out={f"c{n}": "why" for n in range(9)})
    assert len(found) <= 28
    assert "  and 52 more, in the report" in found
    assert "! and 37 more, in the report" in found
    assert sum(line.startswith("*") for line in found) == 1
    assert any(line.startswith("  baseline") for line in found)


def test_columns_that_are_read_in_a_way_of_their_own_are_named(local, capsys):
    notes = {f"c{n}": f"column 'c{n}' is read so." for n in range(7)}
    named = "  read in a way of their own, see the report: c0, c1, c2, c3, c4 and 2 more"
    assert named in lines(capsys, notes=notes)
    page = workflow_report.report(finished(notes=notes))
    assert all(line.replace("'", "&#39;") in page for line in notes.values())


def test_the_summary_for_a_local_store_ends_with_the_reports_path(local, capsys):
    found = lines(capsys)
    assert found[-1].strip() == "/store/main/artifacts/report.html"
    assert "  export MLFLOW_TRACKING_URI=sqlite:////store/mlflow.db" in found


def test_the_summary_for_a_server_ends_with_its_page_and_no_password(capsys):
    mlflow.set_tracking_uri("http://me:secret@host:5000")
    found = lines(capsys)
    assert found[-1].strip() == "http://host:5000/#/experiments/0/runs/main/artifacts/report.html"
    assert "  http://host:5000/#/experiments/0/runs/main" in found
    assert "secret" not in "\n".join(found)


def test_the_summary_shows_no_password_of_a_database(monkeypatch, capsys):
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "postgresql://me:secret@host/mlflow")
    found = lines(capsys)
    assert "  mlflow server --backend-store-uri postgresql://host/mlflow" in found
    assert "secret" not in "\n".join(found)


def test_control_characters_in_a_name_are_printed_as_text(local, capsys):
    found = lines(capsys, warnings=("column '\x1b[2J' is odd.",))
    assert "\x1b" not in "\n".join(found)
    assert r"! column '\x1b[2J' is odd." in found


PROMOTION = {
    "version": "3", "champion": "2", "promoted": False, "metric": "rmse", "score": 0.6,
    "sentence": "not promoted: 0.1 % better than version 2, by chance from -0.4 to 0.6 %",
    "champion_score": 0.601, "improvement": 0.001, "low": -0.004, "high": 0.006, "needed": 0.002,
    "rows": 1_200, "rows_of": "the test split", "seen_rows": 7, "clusters": 30,
    "clusters_are": "days", "used_before": 2,
}  # fmt: skip


def test_a_version_that_is_not_promoted_is_told_of_by_its_number_with_the_reason(local, capsys):
    workflow = finished()
    workflow = replace(workflow, model=replace(workflow.model, promotion=PROMOTION))
    terminal_summary.show(workflow)
    out = capsys.readouterr().out
    assert "Registered houses version 3, @challenger: " in out
    assert f"\n  {PROMOTION['sentence']}\n" in out
    assert "mlflow models serve -m models:/houses/3 --env-manager uv" in out
    described = run_description.of_run(workflow)
    assert "houses version 3](#/models/houses/versions/3), `@challenger`" in described
    assert "Not promoted: 0.1 % better than version 2, by chance from -0.4 to 0.6 %." in described
    page = workflow_report.report(workflow)
    assert "Version 3 is not the champion. Not promoted: 0.1 % better than version 2" in page
    for cell in (">1,200<", ">30<", ">7<", ">2<", ">0.601<"):
        assert cell in page


def test_the_first_version_and_one_that_is_champion_already_need_no_reason(local, capsys):
    workflow = finished()
    for champion, promoted in (("none", True), ("3", False)):
        found = {"champion": champion, "promoted": promoted, "sentence": "it is so"}
        terminal_summary.show(replace(workflow, model=replace(workflow.model, promotion=found)))
        out = capsys.readouterr().out
        assert "Registered houses version 3, @champion: " in out
        assert "it is so" not in out and "models:/houses@champion" in out
