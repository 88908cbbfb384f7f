"""The page of monitoring, of judgements that are made of rows of a small table of classes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from finished_workflows import run
from html_page import HOSTILE, Page

from sql_features.expressions import connect
from workflow.data import splits as splits_of_training
from workflow.data.dataset_file import from_yaml
from workflow.data.new_rows import open_rows
from workflow.data.split_rules import SPLITS, ByHash
from workflow.data.splits import Splits
from workflow.models.metrics import METRICS
from workflow.monitoring import new_table, reference, windows
from workflow.monitoring.judgement import Rules, judge
from workflow.monitoring.result import Result, WindowResult
from workflow.monitoring.windows import Window
from workflow.report import monitor_description, monitor_report

TYPES = {"age": "DOUBLE", "town": "VARCHAR", "label": "VARCHAR", "seen": "TIMESTAMP"}
READ = {"age": "DOUBLE", "town": "VARCHAR"}
DEFINITION = """
name: buyers
task: binary
data: x.csv
split: {by: hash, key: [age]}
target: label
features: {age: age, town: town}
"""
LOG_LOSS = METRICS["binary"]["log_loss"]


class Logistic:
    """A model that is right about its own rows."""

    labels = ("no", "yes")

    def predict(self, raw):
        p = 1 / (1 + np.exp(-(raw["age"].fillna(0).to_numpy() - 40) / 10))
        return pd.DataFrame({"prediction": p}), np.stack([1 - p, p], axis=1)


def rows(count, seed):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, count)
    yes = rng.random(count) < 1 / (1 + np.exp(-(age - 40) / 10))
    seen = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(count) % 4, "D")
    towns = rng.choice(["Ulm", "Bonn", HOSTILE], count)
    return pd.DataFrame(
        {"age": age, "town": towns, "label": np.where(yes, "yes", "no"), "seen": seen}
    )


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("splits")
    (folder / splits_of_training.DEFINITION).write_text(DEFINITION)
    for seed, split in enumerate(SPLITS):
        frame = rows(1_500, seed)
        frame.assign(target=frame["label"]).to_parquet(folder / f"{split}.parquet")
    test = rows(1_500, 2)
    probabilities = Logistic().predict(test)[1]
    answers = pd.DataFrame(probabilities, columns=["probability_no", "probability_yes"])
    splits = Splits("runs:/1/splits", folder)
    return reference.read(splits, READ, answers.assign(actual=test["label"]), ["no", "yes"])


@pytest.fixture
def looked(known, tmp_path):
    """Judges a table by days, or as a whole, and returns the result."""

    def look(frame, window=None, moving=frozenset(), known=known):
        frame.to_parquet(tmp_path / "rows.parquet")
        found = open_rows(
            str(tmp_path / "rows.parquet"), from_yaml(DEFINITION, "x"), TYPES, tmp_path
        )
        table = new_table.read(found, window, tmp_path)
        by = Rules(
            metric=LOG_LOSS, split=ByHash(key=("age",)), needed=frozenset(READ),
            max_degradation=0.1, kept=(4_500, 4_500), seed=1,
        )  # fmt: skip
        kept = replace(known, moving=moving)
        with connect() as connection:
            begins = [None]
            if window:
                begins = windows.timeline(
                    connection, table.sql(), new_table.WINDOW, window, 9
                ).begins
            judged = [judge(connection, table, one, "", Logistic(), kept, by) for one in begins]
        parted = [
            WindowResult(name=window.name(begin), begin=begin, judgement=one)
            for begin, one in zip(begins, judged, strict=True)
            if window
        ]
        return Result(
            model="buyers", version="3", data="rows.parquet", digest="d",
            verdict=judged[-1].level, newest=judged[-1], windows=parted, notes=["A note."],
        )  # fmt: skip

    return look


def test_labelled_classes_are_scored_beside_test(looked):
    result = looked(rows(1_500, 7))
    assert result.verdict == "ok"
    assert result.newest.performance.score == pytest.approx(
        result.newest.performance.test, rel=0.05
    )
    assert result.newest.estimates == {}


def test_without_labels_the_score_is_estimated_and_no_alert(looked):
    result = looked(rows(1_500, 7).drop(columns="label"))
    assert (result.verdict, result.newest.performance) == ("ok", None)
    assert result.newest.estimates["log_loss"] == pytest.approx(0.6, abs=0.05)
    plain = result.as_json()
    assert plain["performance"] is None
    assert plain["estimated"]["log_loss"] > 0


def test_a_column_that_moves_by_itself_is_a_warning_at_most(looked, known):
    frame = rows(1_500, 7)
    frame = frame.assign(town=frame["town"].replace({"Ulm": "Kiel", "Bonn": "Jena"}))
    assert looked(frame).verdict == "alert"
    assert known.moving == frozenset()
    result = looked(frame, moving=frozenset({"town"}))
    assert result.verdict == "warning"
    assert result.reason.endswith("it had shifted between train and test already; and 1 more")
    assert result.newest.auc == pytest.approx(0.5, abs=0.05)
    # That it has no value at all is no way of moving.
    assert looked(frame.assign(town=None), moving=frozenset({"town"})).verdict == "alert"


def test_rows_told_apart_as_the_test_rows_were_are_a_warning(looked, known):
    # Only together: age and town are each distributed as before.
    def sorted_by_town(frame):
        return frame.assign(
            town=frame["town"].sort_values().to_numpy()[frame["age"].argsort().argsort()]
        )

    new = sorted_by_town(rows(1_500, 7))
    result = looked(new)
    assert (result.verdict, known.test_auc < 0.6) == ("alert", True)
    shifted = replace(known, test_frame=sorted_by_town(known.test_frame))
    result = looked(new, known=shifted)
    assert result.verdict == "warning"
    assert f"; test rows with one of {shifted.test_auc:.2f}" in result.reason


def test_columns_that_have_shifted_between_train_and_test_are_known(tmp_path):
    (tmp_path / splits_of_training.DEFINITION).write_text(DEFINITION)
    for seed, split in enumerate(SPLITS):
        frame = rows(1_500, seed)
        frame["age"] += 20 * seed
        frame.assign(target=frame["label"]).to_parquet(tmp_path / f"{split}.parquet")
    answers = pd.DataFrame({"probability_no": [0.5], "probability_yes": [0.5], "actual": ["no"]})
    splits = Splits("runs:/1/splits", tmp_path)
    assert reference.read(splits, READ, answers, ["no", "yes"]).moving == {"age"}


def test_labels_that_mean_something_else_now_are_an_alert(looked):
    frame = rows(1_500, 7)
    frame["label"] = frame["label"].map({"yes": "no", "no": "yes"})
    result = looked(frame)
    assert result.verdict == "alert"
    assert result.reason.startswith("log_loss is ")


@pytest.mark.parametrize("window", [None, Window("day", "seen")])
def test_the_page_is_whole_and_safe_and_its_charts_are_valid(looked, known, window):
    frame = rows(1_500, 7)
    result = looked(frame.assign(age=frame["age"] * 100), window)
    page = Page(monitor_report.report(result, known, "log_loss", ""))
    assert f"buyers version 3: {result.verdict}" in page.text
    sections = {"result", "findings", "distributions"} | ({"windows"} if window else set())
    assert sections <= page.ids
    assert "onerror" not in page.attributes
    assert "img" not in page.tags
    assert page.tags["figure"] == len(page.charts) == (5 if window else 3)
    for chart in page.charts:
        go.Figure(chart)
    assert "column 'age'" in page.text
    assert "A note." in page.text


def test_the_description_tells_the_verdict_and_every_window(looked):
    text = monitor_description.of_run(looked(rows(1_500, 7), Window("day", "seen")), run("id"))
    assert text.startswith("**buyers version 3, day 2023-01-04: ok on 375 rows, log\\_loss ")
    assert "artifacts/monitor.html)" in text
    assert [f"| day 2023-01-0{day} | ok | 375 |" in text for day in range(1, 5)] == [True] * 4
