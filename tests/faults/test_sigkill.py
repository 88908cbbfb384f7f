"""SIGKILL for all processes of a workflow, anywhere in it; the same command then goes on."""

import signal

import harness
import pytest

# One after the other: a run whose process never started after `mlflow run` made it is ended by the
# next workflow only where no other `mlflow run` is at work on the machine.
pytestmark = pytest.mark.xdist_group("kills")

# Where the same command is killed, one run after the other, in four workflows: every kind of write
# once, where what is half done would show most, before or after it. A number tells which of its
# kind in its process.
KILLS = {
    "register": [
        ("before", "register.py log_inputs"),
        ("after", "register.py create_registered_model"),
        ("after", "register.py create_model_version"),
        ("after", "register.py set_registered_model_alias"),  # of the challenger
        ("after", "register.py set_model_version_tag 2"),  # of the promotion
        ("before", "register.py set_registered_model_alias 2"),  # of the champion
        ("after", "register.py set_registered_model_alias 2"),
        ("before", "main.py log_outputs"),
        ("after", "main.py update_model_version"),
        ("before", "mlflow update_run_info"),
    ],
    "hpo": [
        ("after", "hpo.py create_run"),
        ("before", "hpo.py update_run_info 4"),  # the end of the second trial: its scores are there
        ("after", "hpo.py log_outputs"),
        ("before", "hpo.py finalize_logged_model"),
        ("before", "hpo.py log_artifact 4"),  # step.json, by which the step would be found again
    ],
    "train": [
        ("before", "train.py log_inputs"),
        ("after", "train.py log_param"),
        ("after", "train.py create_logged_model"),
        ("after", "train.py log_artifacts"),
        ("after", "train.py finalize_logged_model"),
        ("before", "train.py update_run_info 5"),  # the end of the step
    ],
    "preprocess": [
        ("before", "mlflow create_run"),
        ("after", "mlflow log_batch"),
        ("after", "main.py create_run"),
        ("after", "preprocess.py log_artifacts"),
        ("before", "preprocess.py log_inputs"),
        ("after", "preprocess.py log_artifact 4"),  # step.json; the run is not FINISHED yet
    ],
}


def test_the_writes_counted_are_of_every_process_and_kind(undisturbed):
    processes = [line.split()[0] for line in undisturbed.writes]
    methods = {line.split()[1] for line in undisturbed.writes}
    assert {"mlflow", "main.py", "preprocess.py", "train.py", "hpo.py", "register.py"} == set(
        processes
    )
    assert {"create_run", "update_run_info", "log_batch", "create_logged_model", "log_artifacts",
            "create_model_version", "set_registered_model_alias"} <= methods  # fmt: skip


@pytest.mark.parametrize("step", KILLS)
def test_a_workflow_killed_again_and_again_is_finished_in_the_end(
    step, undisturbed, store, few_trips
):
    given = {"data": few_trips}
    for number, (when, at) in enumerate(KILLS[step]):
        counted = store.folder / f"writes-{number}.txt"
        inject = {"FAULTS_WRITES": str(counted), "FAULTS_AT": at, "FAULTS_WHEN": when}
        killed = harness.run(store.folder, given, **inject)
        print(f"killed {when} {at}: {dict(harness.statuses(store.client))}")
        assert killed.process.returncode == -signal.SIGKILL, killed.said
        assert " ".join(at.split()[:2]) in counted.read_text().splitlines()
    done = harness.finished(store.folder, given)
    print(done.our_words)
    if step == "register":
        assert "[hpo] reused" in done.said
    harness.check_nothing_lost(store.client)
    assert harness.outcome(store.client) == undisturbed.outcome
