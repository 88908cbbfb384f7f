"""Disks that are full or read-only, and an artifact store that cannot be reached."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import harness
import pytest
from conftest import Store, environment, free_port, new_store, stop, wait_for
from mlflow.tracking import MlflowClient

AGAIN = "Then give the same command again"


class Disk:
    """A mount namespace of its own, in which a folder is a small disk (tmpfs) or read-only.

    Attributes:
        folder: Where it is mounted, inside.
        outside: The same for a process that is not inside.
    """

    def __init__(self, folder: Path, mount: str) -> None:
        self.folder = folder
        script = f"mount {mount} {folder} && echo ready && exec sleep infinity"
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.holder.stdout.readline() == "ready\n", "mounting wants root"
        self.outside = Path(f"/proc/{self.holder.pid}/root{folder}")

    def enter(self, cwd: Path) -> tuple[str, ...]:
        """Return the words before a command that is to run inside."""
        return ("nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", f"--wdns={cwd}")

    def mount(self, how: str) -> None:
        """Mount something there, or otherwise."""
        subprocess.run([*self.enter(Path("/")), "sh", "-c", how], check=True)

    def fill(self) -> None:
        """Make it as small as what is on it."""
        found = os.statvfs(self.outside)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        self.mount(f"mount -o remount,size={used} {self.folder}")

    def grow(self) -> None:
        """Make it large enough."""
        self.mount(f"mount -o remount,size=500m {self.folder}")

    def close(self) -> None:
        os.killpg(self.holder.pid, signal.SIGKILL)
        self.holder.wait(20)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """A disk of so many kB in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = Disk(folder, f"-t tmpfs -o size={size}k tmpfs")
    try:
        yield disk
    finally:
        disk.close()


def failed(folder: Path, given: dict[str, object], said: str, **how: object) -> harness.Started:
    """Run the workflow, which must fail and say why in one line."""
    with harness.started(folder, given, **how) as running:
        code = running.wait()
    check_failed(running, code, said)
    return running


def check_failed(running: harness.Started, code: int, said: str) -> None:
    print(running.our_words)
    assert code not in (0, None), running.said
    lines = harness.errors(running)
    assert lines, running.said
    for line in lines:
        assert said in line and AGAIN in line, line


def check_no_half_registered_model(client: MlflowClient) -> None:
    """Check that a registered model has a version, and it the alias, or that there is none."""
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name = '{model.name}'")
        assert [one.version for one in versions] == [model.aliases["champion"]]


def again(folder: Path, given: dict[str, object], client: MlflowClient, **how: object) -> None:
    """Run the same command, which must finish now."""
    with harness.started(folder, given, **how) as running:
        assert running.wait() == 0, running.said
    harness.check_nothing_lost(client)


@pytest.mark.parametrize("step", ["train", "hpo", "register"])
def test_a_full_disk_of_artifacts_is_one_line(step, store, few_trips):
    given = {"data": few_trips}
    with small_disk(store.folder / "mlruns", 100_000) as disk:
        how = {"before": disk.enter(store.folder)}
        with harness.started(store.folder, given, **how) as running:
            running.until(lambda: harness.has_begun(store, step))
            disk.fill()
            code = running.wait()
        check_failed(running, code, "the disk is full")
        for name in (step, "main"):
            (run,) = store.runs(name)
            assert run.info.status == "FAILED"
            assert "the disk is full" in run.data.tags["workflow.error"]
        assert not store.client.search_registered_models()
        disk.grow()
        again(store.folder, given, store.client, **how)


def test_a_full_disk_of_temporary_files_is_one_line(store, few_trips):
    given = {"data": few_trips}
    with small_disk(store.folder / "tmp", 24) as disk:
        how = {"before": disk.enter(store.folder), "TMPDIR": str(disk.folder)}
        failed(store.folder, given, "the disk is full", **how)
        (main,) = store.runs("main")
        assert main.info.status == "FAILED"
        assert "the disk is full" in main.data.tags["workflow.error"]
        check_no_half_registered_model(store.client)
        disk.grow()
        again(store.folder, given, store.client, **how)


def test_a_full_disk_of_the_store_is_one_line(store, few_trips):
    given = {"data": few_trips}
    database = store.folder / "mlflow.db"
    spare = 60  # kB
    with small_disk(store.folder / "disk", database.stat().st_size // 1024 + spare) as disk:
        disk.mount(f"cp {database} {disk.folder}")
        how = {
            "before": disk.enter(store.folder),
            "MLFLOW_TRACKING_URI": f"sqlite:///{disk.folder}/mlflow.db",
        }
        failed(store.folder, given, "the disk is full", **how)
        check_no_half_registered_model(copied(disk, store.folder / "full"))
        disk.grow()
        with harness.started(store.folder, given, **how) as running:
            assert running.wait() == 0, running.said
        harness.check_nothing_lost(copied(disk, store.folder / "grown"))


def copied(disk: Disk, folder: Path) -> MlflowClient:
    """Return a client of a copy of the store: SQLite would look for the disk's path outside."""
    folder.mkdir()
    shutil.copy(disk.outside / "mlflow.db", folder)
    return Store(folder).client


@pytest.mark.parametrize("step", ["train", "hpo"])
def test_a_store_made_read_only_is_one_line(step, store, few_trips):
    given = {"data": few_trips}
    # The folder is mounted over itself, so that files that are open stay open.
    disk = Disk(store.folder, f"--bind {store.folder}")
    try:
        how = {"before": disk.enter(store.folder)}
        with harness.started(store.folder, given, **how) as running:
            running.until(lambda: harness.has_begun(store, step))
            disk.mount(f"mount --bind {store.folder} {store.folder} && "
                       f"mount -o remount,bind,ro {store.folder}")  # fmt: skip
            code = running.wait()
        check_failed(running, code, "nothing can be written")
        check_no_half_registered_model(store.client)
        disk.mount(f"umount {store.folder}")
        again(store.folder, given, store.client, **how)
    finally:
        disk.close()


def test_an_artifact_store_that_cannot_be_reached_is_one_line(empty_store, tmp_path, few_trips):
    given = {"data": few_trips}
    store = new_store(empty_store, tmp_path, "s3://bucket/0")
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    secret = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "x"}
    how = {"MLFLOW_S3_ENDPOINT_URL": endpoint, **secret}
    start = time.monotonic()
    failed(tmp_path, given, "the tracking server or the artifact store cannot be reached", **how)
    print(f"ended after {time.monotonic() - start:.0f} s")
    assert {status for _, status in harness.statuses(store.client)} == {"FAILED"}
    check_no_half_registered_model(store.client)
    moto = subprocess.Popen(
        ["moto_server", "-p", str(port)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"{endpoint}/moto-api/", moto)
        boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        ).create_bucket(Bucket="bucket")
        again(tmp_path, given, store.client, **how)
    finally:
        stop(moto)
