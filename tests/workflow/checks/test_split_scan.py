import numpy as np
import pandas as pd
import pytest
from splits_of import looked_at, rows

from workflow.checks import split_scan
from workflow.checks.split_scan import Split


def drawn(split: Split, connection) -> pd.DataFrame:
    """Return the rows drawn for distributions, in an order of their own."""
    frame = connection.execute(f"SELECT * FROM {split.sample}").df()
    return frame.sort_values(list(frame), ignore_index=True)


def test_a_split_no_larger_than_the_samples_is_all_in_them(tmp_path):
    frame = rows(700, 0)
    with looked_at({"train": frame}, tmp_path) as (connection, (train,), step):
        sample = drawn(train, connection)
    assert (step, train.rows, len(train.hashes)) == (1, 700, 700)
    pd.testing.assert_frame_equal(
        sample, frame.sort_values(list(frame), ignore_index=True), check_dtype=False
    )


def test_a_larger_split_is_sampled_and_still_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(split_scan, "SAMPLED", 500)
    monkeypatch.setattr(split_scan, "HASHED", 1000)
    frame = rows(20_000, 0)
    frame.loc[:6, "x"] = np.nan
    with looked_at({"train": frame}, tmp_path) as (connection, (train,), step):
        sample = drawn(train, connection)
    assert (train.rows, train.missing["x"], step) == (20_000, 7, 20)
    assert train.ends == (frame["target"].min(), frame["target"].max())
    assert len(sample) == pytest.approx(500, rel=0.2)
    assert len(train.hashes) == pytest.approx(1000, rel=0.2)


def test_the_samples_do_not_depend_on_the_number_of_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(split_scan, "SAMPLED", 500)
    monkeypatch.setattr(split_scan, "HASHED", 1000)
    frames, found = {"train": rows(300_000, 0)}, []  # three row groups, each a thread's
    for threads in (1, 4):
        with looked_at(frames, tmp_path, threads=threads) as (connection, (train,), _):
            found.append((drawn(train, connection), np.sort(train.hashes)))
    pd.testing.assert_frame_equal(found[0][0], found[1][0])
    assert (found[0][1] == found[1][1]).all()


def test_a_column_with_the_name_of_the_rows_number_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(split_scan, "SAMPLED", 500)
    samples = []
    for name in ("other", "File_Row_Number"):
        frames = {"train": rows(5000, 0).rename(columns={"colour": name})}
        with looked_at(frames, tmp_path) as (connection, (train,), _):
            samples.append(drawn(train, connection).set_axis(list("abc"), axis=1))
    pd.testing.assert_frame_equal(*samples)


def test_rows_that_are_alike_are_drawn_together_from_every_split(tmp_path, monkeypatch):
    monkeypatch.setattr(split_scan, "HASHED", 100)
    frame = rows(2000, 0)
    frames = {"train": pd.concat([frame] * 2), "test": frame.sample(frac=1, random_state=0)}
    with looked_at(frames, tmp_path) as (_, (train, test), step):
        assert step == 40
        assert sorted([*test.hashes, *test.hashes]) == sorted(train.hashes)


def test_long_values_are_kept_short_and_stay_different(tmp_path):
    texts = ["z" * 5000, "z" * 5000 + "!", "z" * split_scan.LONG, "short"]
    frame = rows(4, 0).assign(colour=texts, nested=[[n] * 1000 for n in range(4)])
    with looked_at({"train": frame}, tmp_path) as (connection, (train,), _):
        kept = connection.execute(f"SELECT colour FROM {train.sample}").fetchall()
        described = connection.execute(f"DESCRIBE SELECT * FROM {train.sample}").fetchall()
    assert len(set(kept)) == 4
    assert max(len(text) for (text,) in kept) < 2 * split_scan.LONG
    assert ("nested", "UBIGINT") in [one[:2] for one in described]
