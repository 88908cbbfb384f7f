import mlflow
import pytest
from finished_workflows import finished

from workflow.report import terminal_summary, workflow_report


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
