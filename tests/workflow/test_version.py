import re

from conftest import ROOT

from workflow.version import VERSION


def test_the_changelogs_newest_release_is_the_version_of_the_code():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", one) for one in headings[1:]]
    assert all(released), headings
    assert released[0][1] == VERSION
