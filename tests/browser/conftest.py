"""One browser, and MLflow's UI over the store of a finished workflow."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import chromium
import pages
import pytest
from conftest import Workflow
from pages import Visit
from playwright.sync_api import Browser, Error

pytest.register_assert_rewrite("checks")


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """One Chromium, which is installed if there is none.

    Where that fails the tests fail: that they were skipped would be overlooked.
    """
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", file=sys.__stderr__, flush=True)

    with ExitStack() as stack:
        try:
            chromium.path_after_setup(say)
            reason, browser = "", stack.enter_context(pages.open_browser())
        except LookupError as error:
            reason = str(error)
        except Error as error:
            reason = f"Chromium cannot be started: {str(error).splitlines()[0]}"
        if reason:
            pytest.fail(reason, pytrace=False)
        yield browser


@pytest.fixture(scope="session")
def ui(workflow: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's UI, with the one workflow that most tests look at."""
    with pages.tracking_ui(workflow.store.uri, tmp_path_factory.mktemp("ui")) as address:
        yield address


class Windows:
    """One window for each screen and scheme, opened when it is first asked for."""

    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self.browser, self.stack = browser, stack
        self.opened: dict[tuple[str, str], Visit] = {}

    def __call__(self, screen: str = "desktop", scheme: str = "light") -> Visit:
        look = screen, scheme
        if look not in self.opened:
            self.opened[look] = self.stack.enter_context(pages.visit(self.browser, *look))
        return self.opened[look]


@pytest.fixture(scope="module")
def windows(browser: Browser) -> Iterator[Windows]:
    with ExitStack() as stack:
        yield Windows(browser, stack)
