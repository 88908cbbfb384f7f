import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from sql_features.errors import WorkflowError
from workflow.data.table_writers import KINDS, Output

TABLE = pa.table({"n": [1, None], "x": [0.1 + 0.2, None], "text": ['a "b", c', None]})


def write(address: Path | str) -> Output:
    output = Output(str(address))
    output.check()
    with output.writer(TABLE.schema, {"model_name": "m"}) as writer:
        writer(TABLE)
        writer(TABLE)
    return output


def read(path: Path) -> pd.DataFrame:
    if ".jsonl" in path.name:
        return pd.read_json(path, lines=True, precise_float=True)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_holds_each_batch_to_the_last_digit(tmp_path, kind):
    output = write(tmp_path / f"out{kind}")
    frame = read(output.path)
    assert frame["x"].tolist()[::2] == [0.1 + 0.2] * 2
    assert frame["text"].tolist()[::2] == ['a "b", c'] * 2
    assert frame["n"].isna().tolist() == [False, True] * 2
    assert [path.name for path in tmp_path.iterdir()] == [f"out{kind}"]


def test_json_lines_hold_no_number_that_json_does_not_know(tmp_path):
    table = pa.table({"x": [1.0, float("nan"), float("inf"), None]})
    output = Output(str(tmp_path / "out.jsonl"))
    with output.writer(table.schema, {}) as writer:
        writer(table)
    lines = output.path.read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["x"] for line in lines] == [
        1.0, None, None, None
    ]  # fmt: skip


def test_a_parquet_file_says_where_it_comes_from(tmp_path):
    found = pq.read_schema(write(tmp_path / "out.parquet").path).metadata
    assert json.loads(found[b"tabular-workflow"]) == {"model_name": "m"}


def test_nothing_appears_and_nothing_is_lost_when_writing_fails(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(RuntimeError), Output(str(path)).writer(TABLE.schema, {}) as writer:
        writer(TABLE)
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("{}/out.txt", r"^output='.*/out.txt': give the name of a file that ends in \.parquet"),
        ("{}/no/out.csv", r"^output='.*/no/out.csv': there is no folder .*/no: make it first"),
        ("{}", r"^output='.*folder\.csv' is a folder: give the name of a file in it"),
        ("https://host/out.csv?key=1", r"^output='https://host/out\.csv\?\.\.\.': nothing is wr"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_computed(tmp_path, address, line):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(WorkflowError, match=line):
        Output(address.format(folder)).check()


def test_a_csv_file_holds_no_lists(tmp_path):
    table = pa.table({"tags": [["a"]]})
    with (
        pytest.raises(WorkflowError, match="cannot hold the column 'tags' of type list"),
        Output(str(tmp_path / "out.csv")).writer(table.schema, {}),
    ):
        pass


def test_an_object_on_s3_appears_when_it_is_complete(tmp_path, monkeypatch):
    server = ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "me",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        import s3fs

        files = s3fs.S3FileSystem(skip_instance_cache=True)
        files.mkdir("predictions")
        output = Output("s3://predictions/out.parquet")
        assert not output.exists()
        with pytest.raises(RuntimeError), output.writer(TABLE.schema, {}) as writer:
            writer(TABLE)
            raise RuntimeError
        assert not output.exists()
        write(output.address)
        assert output.exists()
        with files.open("predictions/out.parquet") as file:
            assert len(pd.read_parquet(file)) == 4
    finally:
        server.stop()
