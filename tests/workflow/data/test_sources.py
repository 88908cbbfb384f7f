import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path

import fsspec
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from sql_features.errors import WorkflowError
from workflow import digests
from workflow.data.dataset_file import load
from workflow.data.sources import fetch, gather, identities, is_remote
from workflow.paths import PROJECT

BODY = bytes(range(256)) * 20_000  # 5 MB: more than one block of any reader


def refusal(location: str, names: list[str], into: Path) -> str:
    with pytest.raises(WorkflowError) as caught:
        fetch(location, names, into)
    return str(caught.value)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_bytes(BODY)
    (folder / "test.csv").write_bytes(b"x\n1\n")
    return folder


@pytest.mark.parametrize(
    ("location", "remote"),
    [
        ("/data/trips", False),
        ("file:///data/trips", False),
        (r"C:\trips", False),
        ("http://host/trips", True),
        ("https://host/trips", True),
        ("s3://bucket/trips", True),
        ("gs://bucket/trips", True),
    ],
)
def test_a_url_is_told_from_a_path(location, remote):
    assert is_remote(location) is remote


@pytest.mark.parametrize("location", ["ftp://host/x", "hdfs://host/x", "s3a://bucket/x"])
def test_a_url_of_another_kind_is_refused_with_those_that_are_read(location, into):
    assert refusal(location, ["a.csv"], into) == (
        f"data '{location}': give a local path or one of http://, https://, s3://, gs://."
    )


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}"])
def test_local_files_are_used_where_they_are(data, into, form):
    files = fetch(form.format(data), ["train.csv", "test.csv"], into)
    assert files == {"train.csv": data / "train.csv", "test.csv": data / "test.csv"}
    assert list(into.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_with_what_to_give(tmp_path, into):
    location = str(tmp_path / "nothing")
    assert refusal(location, ["a.csv", "b.csv"], into) == (
        f"data '{location}': no such folder. Give the folder or URL prefix that holds a.csv, "
        "b.csv, or 'sample' or 'default'."
    )


def test_a_file_in_place_of_a_folder_is_called_a_file(data, into):
    assert "no such folder" not in refusal(str(data / "train.csv"), ["train.csv"], into)


def test_a_file_that_is_not_there_is_refused_with_the_nearest(data, into):
    assert refusal(str(data), ["trian.csv"], into) == (
        f"data '{data}' has no file 'trian.csv': did you mean 'train.csv'? It holds test.csv, "
        "train.csv."
    )


def test_at_most_ten_names_of_a_folder_are_shown(data, into):
    for number in range(20):
        (data / f"{number:02d}").touch()
    message = refusal(str(data), ["zzz"], into)
    assert message.endswith("It holds 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, ....")


def test_an_empty_folder_is_called_empty(tmp_path, into):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert refusal(str(folder), ["a.csv"], into) == (
        f"data '{folder}' has no file 'a.csv': It holds nothing."
    )


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Unmeasured(BaseHTTPRequestHandler):
    """Sends the body without saying how long it is, as servers that compress do."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


class Cut(Unmeasured):
    """Says how long the body is, and hangs up after half of it."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(BODY[: len(BODY) // 2])


class Failing(Unmeasured):
    """Is out of order."""

    def do_HEAD(self) -> None:
        self.send_error(503)

    do_GET = do_HEAD


@pytest.mark.parametrize("end", ["", "/"])
def test_files_are_copied_from_a_web_server(serve, data, into, end):
    url = serve(partial(Quiet, directory=data))
    files = fetch(url + end, ["train.csv", "test.csv"], into)
    assert files == {"train.csv": into / "train.csv", "test.csv": into / "test.csv"}
    assert files["train.csv"].read_bytes() == BODY


def test_a_file_in_a_folder_of_the_server_is_copied_into_one(serve, data, into):
    (data / "2023").mkdir()
    (data / "2023" / "a.csv").write_text("x")
    files = fetch(serve(partial(Quiet, directory=data)), ["2023/a.csv"], into)
    assert files["2023/a.csv"].read_text() == "x"


def test_a_server_that_gives_no_length_is_read(serve, into):
    files = fetch(serve(Unmeasured), ["train.csv"], into)
    assert files["train.csv"].read_bytes() == BODY


def test_a_file_the_server_does_not_have_is_refused_and_leaves_nothing(serve, data, into):
    url = serve(partial(Quiet, directory=data))
    assert refusal(url, ["no.csv"], into) == f"data: there is no file {url}/no.csv."
    assert list(into.iterdir()) == []


def failed_to_read(message: str, url: str) -> bool:
    return message.startswith(f"data: {url} cannot be read (") and message.endswith(
        "). Check the address, the network and the credentials in the environment."
    )


def test_a_server_that_does_not_answer_is_not_said_to_lack_the_file(into):
    url = "http://127.0.0.1:1"
    assert failed_to_read(refusal(url, ["a.csv"], into), f"{url}/a.csv")


def test_a_server_out_of_order_is_not_said_to_lack_the_file(serve, into):
    url = serve(Failing)
    assert failed_to_read(refusal(url, ["a.csv"], into), f"{url}/a.csv")


def test_a_connection_that_breaks_is_refused_with_the_reason(serve, into):
    url = serve(Cut)
    assert failed_to_read(refusal(url, ["train.csv"], into), f"{url}/train.csv")


def test_a_connection_that_breaks_leaves_no_file(serve, into):
    refusal(serve(Cut), ["train.csv"], into)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize("name", ["../outside.csv", "{}/outside.csv"], ids=["above", "absolute"])
def test_no_file_is_written_outside_the_folder(serve, tmp_path, into, name):
    refusal(serve(Unmeasured), [name.format(tmp_path)], into)
    assert not (tmp_path / "outside.csv").exists()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    """The bucket `trips`, reached as a user would: by what the environment says."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    if not files.exists("trips"):
        files.mkdir("trips")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()


def test_files_are_copied_from_a_bucket(bucket, into):
    bucket.pipe("trips/2023/train.csv", BODY)
    files = fetch("s3://trips/2023", ["train.csv"], into)
    assert files == {"train.csv": into / "train.csv"}
    assert files["train.csv"].read_bytes() == BODY


@pytest.mark.parametrize("place", ["trips", "no-such-bucket"])
def test_a_file_the_bucket_does_not_have_is_refused_and_leaves_nothing(bucket, into, place):
    message = refusal(f"s3://{place}", ["no.csv"], into)
    assert message == f"data: there is no file s3://{place}/no.csv."
    assert list(into.iterdir()) == []


def test_a_bucket_that_is_not_reached_is_refused_with_the_reason(bucket, into, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    s3fs.S3FileSystem.clear_instance_cache()
    message = refusal("s3://trips", ["a.csv"], into)
    assert failed_to_read(message, "s3://trips/a.csv")
    assert "Could not connect to the endpoint URL" in message


def test_a_bucket_without_credentials_is_refused_with_the_reason(bucket, into, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    message = refusal("s3://trips", ["a.csv"], into)
    assert failed_to_read(message, "s3://trips/a.csv")
    assert "Unable to locate credentials" in message


TABLE = b"x,y\n1,2\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    (folder / "more").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "c.csv.gz", ".hidden.csv", "notes.md", "more/d.csv"):
        (folder / name).write_bytes(TABLE)
    return folder


def gathered(location: object, into: Path) -> list[str]:
    return [path.name for path in gather(str(location), into)]


def gather_refusal(location: object, into: Path) -> str:
    with pytest.raises(WorkflowError) as caught:
        gather(str(location), into)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("folder", ["plain", "with [1] bracket", "with * star"])
def test_a_file_or_folder_is_a_table_whatever_its_folder_is_called(tables, into, folder):
    tables = tables.rename(tables.with_name(folder))
    assert gather(str(tables / "a.csv"), into) == [tables / "a.csv"]
    assert gather(f"file://{tables / 'a.csv'}", into) == [tables / "a.csv"]
    assert gathered(tables, into) == ["a.csv", "b.csv", "c.csv.gz"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv*", ["a.csv", "b.csv", "c.csv.gz"]),
        ("[bc].csv*", ["b.csv", "c.csv.gz"]),
        ("**/*.csv", ["a.csv", "b.csv", "d.csv"]),
    ],
)
def test_a_pattern_finds_the_matching_files_but_no_hidden_ones(tables, into, pattern, names):
    assert gathered(tables / pattern, into) == names


def test_a_file_whose_lines_end_in_several_ways_is_read_as_a_copy(tmp_path, into):
    for year, end in ((2022, b"\r\n"), (2023, b"\n")):
        folder = tmp_path / "t" / f"year={year}"
        folder.mkdir(parents=True)
        (folder / "t.csv").write_bytes(b"a,b\n1,2" + end)
    mixed, plain = gather(str(tmp_path / "t"), into)
    assert plain == tmp_path / "t" / "year=2023" / "t.csv"
    assert into in mixed.parents and mixed.parts[-2:] == ("year=2022", "t.csv")
    assert mixed.read_bytes() == b"a,b\n1,2\n"
    fetched = fetch(str(tmp_path / "t" / "year=2022"), ["t.csv"], into)
    assert fetched["t.csv"].read_bytes() == b"a,b\n1,2\n"


def test_a_name_that_is_also_a_pattern_is_a_name(tmp_path, into):
    (tmp_path / "a[1].csv").write_bytes(TABLE)
    (tmp_path / "a1.csv").write_bytes(TABLE)
    assert gathered(tmp_path / "a[1].csv", into) == ["a[1].csv"]


@pytest.mark.parametrize("name", ["no.csv", "no/*.csv", "*.nothing", "more/x"])
def test_a_missing_table_is_refused_with_the_kinds_that_are_read(tables, into, name):
    message = gather_refusal(tables / name, into)
    assert message.startswith(f"data '{tables / name}': there is no such file, or none that is ")
    assert ".parquet" in message
    assert ".csv.gz" in message


def test_a_folder_without_a_table_is_refused(tmp_path, into):
    (tmp_path / "readme.md").touch()
    assert "there is no such file, or none that is read" in gather_refusal(tmp_path, into)


def test_files_of_several_kinds_are_no_table(tables, into):
    (tables / "z.parquet").write_bytes(b"")
    message = gather_refusal(tables, into)
    assert ".csv" in message
    assert "z.parquet" in message


def test_an_unsupported_kind_of_file_is_refused(tables, into):
    message = gather_refusal(tables / "notes.md", into)
    assert message.startswith("data file 'notes.md': give one of .parquet, ")


def test_a_table_is_copied_from_a_web_server(serve, tables, into):
    url = serve(partial(Quiet, directory=tables))
    (path,) = gather(f"{url}/c.csv.gz", into)
    assert path.name == "c.csv.gz"
    assert path.read_bytes() == TABLE


def test_a_table_whose_url_has_a_query_is_copied_under_its_own_name(serve, tables, into):
    url = serve(partial(Quiet, directory=tables))
    (path,) = gather(f"{url}/a.csv?version=2&sort=x/y.md", into)
    assert path.name == "a.csv"


def test_a_table_that_the_server_does_not_have_is_refused(serve, tables, into):
    url = serve(partial(Quiet, directory=tables))
    assert gather_refusal(f"{url}/no.csv", into) == f"data: there is no file {url}/no.csv."


@pytest.mark.parametrize("place", ["houses", "houses/", "houses/*.csv", "houses/[ab].csv"])
def test_a_table_of_several_files_is_copied_from_a_bucket(bucket, into, place):
    for name in ("b.csv", "a.csv"):
        bucket.pipe(f"trips/houses/{name}", TABLE)
    found = gather(f"s3://trips/{place}", into)
    assert [path.name for path in found] == ["a.csv", "b.csv"]
    assert all(path.read_bytes() == TABLE for path in found)


def test_files_of_one_name_in_two_folders_of_a_bucket_are_both_copied(bucket, into):
    for year in (2023, 2024):
        bucket.pipe(f"trips/years/{year}/a.csv", str(year).encode())
    found = gather("s3://trips/years/*/a.csv", into)
    assert [path.read_text() for path in found] == ["2023", "2024"]


@pytest.mark.parametrize("place", ["none/*.csv", "none", "none/a.csv"])
def test_a_table_that_the_bucket_does_not_have_is_refused(bucket, into, place):
    message = gather_refusal(f"s3://trips/{place}", into)
    assert message == f"data: there is no file s3://trips/{place}."


def answering(body: bytes = TABLE, *, head: int = 200, measured: bool = True, **headers: str):
    """Return a handler that says of a file what it is told to, and counts how often it is read."""

    class Answering(Unmeasured):
        said, reads = dict(headers), 0

        def do_HEAD(self) -> None:
            self._answer(head)

        def do_GET(self) -> None:
            type(self).reads += 1
            self._answer(200)
            self.wfile.write(body)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if measured:
                self.send_header("Content-Length", str(len(body)))
            for name, value in self.said.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

    return Answering


MONDAY, TUESDAY = "Mon, 05 Jan 2026 07:00:00 GMT", "Tue, 06 Jan 2026 07:00:00 GMT"


def test_local_files_are_known_by_their_content_under_their_paths(data):
    named = identities(str(data), ["train.csv", "test.csv"])
    assert named == {
        str(data / name): digests.of_files([data / name]) for name in ("train.csv", "test.csv")
    }
    assert identities(str(data)) == named
    assert identities(f"file://{data}", ["test.csv"]) == {
        str(data / "test.csv"): named[str(data / "test.csv")]
    }


def test_a_local_file_is_known_by_its_content_not_its_time(data):
    path = data / "test.csv"
    before = identities(str(path))
    os.utime(path, (1, 1))
    assert identities(str(path)) == before
    path.write_bytes(b"x\n2\n")
    assert identities(str(path)) != before


@pytest.mark.parametrize("names", [["no.csv"], None])
def test_a_missing_local_file_has_no_identity(data, names):
    location = data if names else data / "no.csv"
    with pytest.raises(WorkflowError, match=r"no file|no such file"):
        identities(str(location), names)


@pytest.mark.parametrize("header", ["ETag", "Content_MD5", "Digest"])
def test_a_file_of_a_web_server_is_known_by_its_version_and_is_not_read(serve, header):
    handler = answering(**{header: '"one"', "Last_Modified": MONDAY})
    url = f"{serve(handler)}/a.csv"
    assert identities(url) == {url: "one"}
    handler.said["Last_Modified"] = TUESDAY
    assert identities(url) == {url: "one"}
    handler.said[header] = '"two"'
    assert identities(url) == {url: "two"}
    assert handler.reads == 0


@pytest.mark.parametrize("end", ["", "/"])
def test_files_of_a_web_server_are_known_one_by_one(serve, data, end):
    url = serve(partial(Quiet, directory=data))
    found = identities(url + end, ["train.csv", "test.csv"])
    assert set(found) == {f"{url}/train.csv", f"{url}/test.csv"}
    os.utime(data / "test.csv", (1, 1))
    now = identities(url + end, ["train.csv", "test.csv"])
    assert {one for one in now if now[one] != found[one]} == {f"{url}/test.csv"}


def test_without_a_version_a_file_is_known_by_its_size_and_time(serve):
    handler = answering(Last_Modified=MONDAY)
    url = f"{serve(handler)}/a.csv"
    assert identities(url) == {url: f"{len(TABLE)} bytes, {MONDAY}"}
    handler.said["Last_Modified"] = TUESDAY
    assert identities(url) == {url: f"{len(TABLE)} bytes, {TUESDAY}"}
    other = f"{serve(answering(TABLE * 2, Last_Modified=MONDAY))}/a.csv"
    assert identities(other) == {other: f"{2 * len(TABLE)} bytes, {MONDAY}"}


def test_a_version_is_taken_from_a_read_where_head_is_refused(serve):
    url = f"{serve(answering(head=405, ETag='one'))}/a.csv"
    assert identities(url) == {url: "one"}


ELSEWHERE = """
import sys
from workflow.data.sources import identities
for url in sys.argv[1:]:
    print(*identities(url).values())
"""


def test_a_file_without_version_or_time_is_unknown_to_a_new_process(serve):
    said = {"ETag": "one"}, {"Last_Modified": MONDAY}, {}, {"measured": False, "ETag": ""}
    urls = [f"{serve(answering(**one))}/a.csv" for one in said]
    here = [identities(url)[url] for url in urls]
    # Preprocess looks again whether the files have changed while it read them.
    assert here == [identities(url)[url] for url in urls]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *urls],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    there = done.stdout.splitlines()
    assert [one == other for one, other in zip(here, there, strict=True)] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_time_without_a_size_is_not_enough(serve):
    url = f"{serve(answering(measured=False, Last_Modified=MONDAY))}/a.csv"
    assert identities(url)[url].startswith("unknown ")


def identities_refusal(location: str, names: list[str] | None = None) -> str:
    with pytest.raises(WorkflowError) as caught:
        identities(location, names)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_missing_on_a_server_is_refused_before_it_is_fetched(serve, data):
    url = serve(partial(Quiet, directory=data))
    assert identities_refusal(f"{url}/no.csv") == f"data: there is no file {url}/no.csv."
    assert identities_refusal(url, ["no.csv"]) == f"data: there is no file {url}/no.csv."


def test_a_server_that_cannot_be_asked_is_not_said_to_lack_the_file(serve):
    for url in ("http://127.0.0.1:1", serve(Failing)):
        assert failed_to_read(identities_refusal(url, ["a.csv"]), f"{url}/a.csv")


def test_a_file_of_a_bucket_is_known_by_content_not_by_time(bucket):
    bucket.pipe("trips/known/a.csv", TABLE)
    before = identities("s3://trips/known", ["a.csv"])
    assert set(before) == {"s3://trips/known/a.csv"}
    bucket.pipe("trips/known/a.csv", TABLE)
    assert identities("s3://trips/known", ["a.csv"]) == before
    bucket.pipe("trips/known/a.csv", TABLE + b"3,4\n")
    assert identities("s3://trips/known", ["a.csv"]) != before


@pytest.mark.parametrize("place", ["many", "many/", "many/*.csv"])
def test_the_files_of_a_bucket_are_listed_anew_each_time(bucket, place):
    if bucket.exists("trips/many"):
        bucket.rm("trips/many", recursive=True)
    bucket.pipe("trips/many/a.csv", TABLE)
    before = identities(f"s3://trips/{place}")
    assert set(before) == {"s3://trips/many/a.csv"}
    # Another process writes: this one's listing is out of date.
    s3fs.S3FileSystem(skip_instance_cache=True).pipe("trips/many/b.csv", TABLE)
    now = identities(f"s3://trips/{place}")
    assert now == before | {"s3://trips/many/b.csv": before["s3://trips/many/a.csv"]}


def test_a_file_missing_in_a_bucket_is_refused_before_it_is_fetched(bucket):
    assert identities_refusal("s3://trips", ["no.csv"]) == (
        "data: there is no file s3://trips/no.csv."
    )


SIGNATURE = "signature=hush/abc%2Bd"


def refusing(status: int) -> type[BaseHTTPRequestHandler]:
    """Return a handler that gives a file to those alone who know its signature."""

    class Refusing(answering(ETag="one")):
        def _answer(self, code: int) -> None:
            known = self.path.startswith("/a.csv?signature=hush/abc")
            super()._answer(code if known else status)

    return Refusing


def test_a_signed_file_is_known_and_named_without_its_signature(serve, into):
    folder = serve(refusing(403))
    known = {f"{folder}/a.csv?...": "one"}
    assert identities(f"{folder}/a.csv?{SIGNATURE}") == known
    assert identities(f"{folder}?{SIGNATURE}", ["a.csv"]) == known
    (path,) = gather(f"{folder}/a.csv?{SIGNATURE}", into)
    assert path.name == "a.csv"
    found = fetch(f"{folder}?{SIGNATURE}", ["a.csv"], into)
    assert found["a.csv"].read_bytes() == path.read_bytes() == TABLE


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_of_a_signed_file_does_not_repeat_the_signature(serve, into, status):
    url = f"{serve(refusing(status))}/a.csv"
    wrong = f"{url}?signature=hu/sh%2Bhush"
    for message in (identities_refusal(wrong), gather_refusal(wrong, into)):
        assert f"{url}?..." in message
        assert "hush" not in message
        assert ("there is no file" if status == 404 else str(status)) in message


def test_a_server_that_repeats_the_signature_is_quoted_without_it(serve, into):
    class Repeating(Failing):
        def do_HEAD(self) -> None:
            self.send_error(403, f"no {self.path}")

        do_GET = do_HEAD

    url = f"{serve(Repeating)}/a.csv"
    message = gather_refusal(f"{url}?signature=hu/sh%2Bhush", into)
    assert message.startswith(f"data: {url}?... cannot be read (ClientResponseError: 403, ")
    assert "hush" not in message


def test_a_dataset_file_that_a_server_refuses_is_refused_with_its_answer(serve):
    url = f"{serve(Failing)}/x.yaml"
    with pytest.raises(WorkflowError) as caught:
        load(f"{url}?signature=hush")
    message = str(caught.value)
    assert message.startswith(f"dataset file {url}?... cannot be read: ClientResponseError: 503, ")
    assert "hush" not in message


def test_a_server_that_is_away_is_named_without_the_signature(into):
    message = gather_refusal("http://127.0.0.1:1/a.csv?signature=hush", into)
    assert message.startswith("data: http://127.0.0.1:1/a.csv?... cannot be read (")
    assert "hush" not in message


def test_credentials_of_a_web_server_come_from_the_environment(serve, into, monkeypatch):
    class Guarded(answering()):
        def _answer(self, code: int) -> None:
            super()._answer(code if self.headers["Authorization"] == "Bearer hush" else 401)

    assert "401" in gather_refusal(f"{serve(Guarded)}/a.csv", into)
    variable = {"FSSPEC_HTTP": '{"headers": {"Authorization": "Bearer hush"}}'}
    monkeypatch.setattr(fsspec.config, "conf", {})
    fsspec.config.set_conf_env(fsspec.config.conf, variable)  # as it does when it is imported
    assert gather(f"{serve(Guarded)}/a.csv", into)[0].read_bytes() == TABLE
