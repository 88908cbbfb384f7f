"""A real browser before MLflow's UI and the report, for tests and for screenshots.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import chromium
from conftest import free_port, start_tracking_server, stop, wait_for
from mlflow.entities import Run
from playwright.sync_api import Browser, ConsoleMessage, Frame, Locator, Page, sync_playwright

SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
SCHEMES = ("light", "dark")
LOOKS = [(screen, scheme) for screen in SCREENS for scheme in SCHEMES]
# What MLflow's UI remembers in a browser that has seen it before, and has set it to models instead
# of GenAI. On a first visit its assistant opens and takes the right third of the page.
SEEN_BEFORE = """
if (location.protocol === "http:" && window === top) {
  localStorage.setItem("mlflow.workflowType_v1", '"machine_learning"');
  localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
  localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
}
"""
# Not the project's: text, and the end of the address that said it ("" for any).
NOT_OURS = [
    # MLflow's UI asks who the user is; a server without accounts does not know.
    ("the server responded with a status of 404", "/ajax-api/2.0/mlflow/users/current"),
    # MLflow's table of runs uses options that its grid would like to forget.
    ("AG Grid: since v27.1, `getRowNodeId` is deprecated", ".chunk.js"),
    ("AG Grid: since v27.1, `immutableData` is deprecated", ".chunk.js"),
    # Chromium without a graphics card, of the lines of parallel coordinates.
    ("GPU stall due to ReadPixels", ""),
]


@contextmanager
def open_browser() -> Iterator[Browser]:
    path = chromium.path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page with all that it said and asked for, its frames and windows included."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew to take notes."""
        self.said.clear()
        self.asked.clear()

    def hear(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type in ("error", "warning") and not any(
            text in message.text and where.endswith(end) for text, end in NOT_OURS
        ):
            self.said.append(f"{message.type}: {message.text} ({where})")


@contextmanager
def visit(
    browser: Browser, screen: str = "desktop", scheme: str = "light", *, seen_before: bool = True
) -> Iterator[Visit]:
    """Open a window of its own.

    Args:
        browser: Where.
        screen: One of `SCREENS`.
        scheme: "light" or "dark": what the user prefers. MLflow's UI follows it on a first visit.
        seen_before: False for a browser that MLflow's UI has never been opened in.
    """
    context = browser.new_context(**SCREENS[screen], color_scheme=scheme, reduced_motion="reduce")
    if seen_before:
        context.add_init_script(SEEN_BEFORE)
    made = Visit(context.new_page())
    context.on("console", made.hear)
    context.on("weberror", lambda error: made.said.append(f"uncaught: {error.error}"))
    context.on("request", lambda request: made.asked.append(request.url))
    yield made
    context.close()


@contextmanager
def tracking_ui(store_uri: str, folder: Path) -> Iterator[str]:
    """Run `mlflow server` on the loopback over a store; yield its address.

    Args:
        store_uri: A tracking store whose artifacts this machine can read.
        folder: Where the server may leave files.
    """
    port = free_port()
    process = start_tracking_server(port, store_uri, folder, folder)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health", process)
        yield address
    finally:
        stop(process)


def artifact(run: Run, path: str) -> Path:
    """Return the file of an artifact in a store on this machine."""
    return Path(run.info.artifact_uri) / path


def wait_until_drawn(page: Page | Frame) -> None:
    """Wait for a report's charts; charts.js says when they are there."""
    page.locator("html[data-drawn]").wait_for(state="attached")


def run_address(run: Run) -> str:
    """Return where in the UI a run is shown."""
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


def open_run(page: Page, ui: str, run: Run) -> Locator:
    """Open a run's page in the UI; return its description."""
    page.goto(f"{ui}/{run_address(run)}")
    note = page.get_by_test_id("note-editor-preview-content")
    note.wait_for()
    return note


def artifact_address(run: Run, path: str) -> str:
    """Return where in the UI an artifact is shown."""
    return f"{run_address(run)}/artifacts/{path}"


def open_artifact(page: Page, ui: str, run: Run, path: str) -> Frame:
    """Open an HTML artifact in the UI's viewer; return the frame that shows it."""
    page.goto(f"{ui}/{artifact_address(run, path)}")
    return viewer(page)


def viewer(page: Page) -> Frame:
    """Return the frame in which the UI shows an HTML artifact, when it is there."""
    element = page.locator("iframe#html")
    element.wait_for(state="attached")
    frame = element.element_handle().content_frame()
    frame.wait_for_load_state()
    return frame
