"""One browser, and MLflow's UI over the store of a finished workflow."""

from collections.abc import Iterator
from contextlib import ExitStack

import pages
import pytest
from conftest import Workflow
from pages import Visit
from playwright.sync_api import Browser

pytest.register_assert_rewrite("checks")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        pages.chromium()
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)  # a skipped test would show nothing
    with pages.open_browser() as browser:
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
