import re

import pytest
from finished_workflows import COMMIT, finished
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.report import run_description


def test_a_runs_description_has_the_result_the_data_and_the_command():
    text = run_description.of_run(finished(params={"target": "price", "seed": "42"}))
    assert text.startswith(
        r"**lightgbm (trial-000): test\_rmse 0.6, 33% below the baseline's 0.9**"
    )
    assert "[houses version 3](#/models/houses/versions/3)" in text
    assert "Houses. Better than the baseline by more than chance (p = 0.0021): with 99 %" in text
    assert "| ★ | [trial-000](#/experiments/0/runs/id-0) | lightgbm | 0.5 | 0.6 | 1.5 s |" in text
    assert "|  | baseline | baseline | 0.9 | 0.9 | - | - |" in text
    assert "| train | 1,100 | 1,200 | 100 target missing | `" + "t" * 32 in text
    assert f"mlflow run https://host/org/project -v {COMMIT} --env-manager uv" in text
    assert "-P target=price" in text
    assert "-P seed=42" in text


@pytest.mark.parametrize("describe", [run_description.of_run, run_description.of_version])
def test_a_long_description_is_shortened_and_keeps_the_winner(describe):
    workflow = finished(
        models=300,
        warnings=tuple(f"column '{n}' is {'very ' * 200} odd." for n in range(50)),
        params={"features": ",".join(f"feature_{n}" for n in range(400))},
        left_out={f"column {n}": "because " * 50 for n in range(300)},
    )
    text = describe(workflow)
    limit = run_description.LONGEST if describe is run_description.of_run else 5_000
    assert len(text) <= limit
    assert "trial-000" in text.splitlines()[0]
    assert "baseline" in text
    assert "report.html" in text
    assert "…" not in text[-1]


def test_a_versions_description_names_the_raw_columns_with_their_types():
    workflow = finished()
    assert "Raw columns" not in run_description.of_version(workflow)  # registered by 0.1.0
    workflow.model.analysis["raw_columns"] = {"area_m2": "DOUBLE", "sold": "DATE"}
    text = run_description.of_version(workflow)
    assert r"Raw columns: area\_m2 DOUBLE, sold DATE." in text
    workflow.model.analysis["raw_columns"] = {f"column {n}": "DOUBLE" for n in range(21)}
    text = run_description.of_version(workflow)
    assert "column 19 DOUBLE and more, all in the model's metadata." in text


def test_a_command_is_shown_whole_or_not_at_all():
    text = run_description.of_run(finished(params={"features": "x" * 5_900}, models=50))
    assert "x" * 5_900 in text or "The command is too long for here" in text


def test_uncommitted_changes_are_counted_in_the_description():
    text = run_description.of_run(finished(tags={"workflow.uncommitted": "2"}))
    assert "2 changed files of the project were in no commit." in text


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "<img src=http://x/y.png>", "a|b", "*a*", "`a`", "[a](http://x)"],
)
def test_texts_from_the_data_are_escaped_in_markdown(name):
    plain = run_description.of_run(finished(warnings=("column 'plain' is odd.",)))
    text = run_description.of_run(finished(warnings=(f"column '{name}' is odd.",)))
    assert "<" not in text
    # As many cells and links as without it.
    assert len(re.findall(r"(?<!\\)\|", text)) == len(re.findall(r"(?<!\\)\|", plain))
    assert len(re.findall(r"(?<!\\)\]\(", text)) == len(re.findall(r"(?<!\\)\]\(", plain))
    assert len(re.findall(r"(?<!\\)`", text)) == len(re.findall(r"(?<!\\)`", plain))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_an_escaped_text_is_one_line_without_markup(text):
    found = run_description.escaped(text)
    assert "\n" not in found
    assert not set("<>@") & set(found)
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_|\[\]]", found)
