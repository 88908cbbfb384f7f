"""Take pictures of a finished workflow: `python tests/browser/screenshots.py STORE RUN FOLDER`.

STORE is the address of a tracking store whose artifacts this machine can read, such as
sqlite:////home/me/trips/mlflow.db; RUN the workflow's run; FOLDER where the pictures go: the run's
page, the report as a file (the whole of it, and its first screen) and in MLflow's artifact viewer,
on a desktop and on a phone, in light and in dark.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # as in pytest.ini

import pages  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from playwright.sync_api import Page  # noqa: E402

SETTLED = 700  # milliseconds: until the UI has faded in what it shows


def shoot(page: Page, path: Path, **how: bool) -> None:
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=path, **how)
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("run")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    run = MlflowClient(given.store).get_run(given.run)
    with (
        tempfile.TemporaryDirectory() as folder,
        pages.tracking_ui(given.store, Path(folder)) as ui,
        pages.open_browser() as browser,
    ):
        for screen, scheme in pages.LOOKS:
            with pages.visit(browser, screen, scheme) as visit:
                page = visit.page
                pages.open_run(page, ui, run)
                shoot(page, given.folder / f"run-{screen}-{scheme}.png")
                pages.wait_until_drawn(pages.open_artifact(page, ui, run, "report.html"))
                shoot(page, given.folder / f"viewer-{screen}-{scheme}.png")
                page.goto(pages.artifact(run, "report.html").as_uri())
                pages.wait_until_drawn(page)
                shoot(page, given.folder / f"report-top-{screen}-{scheme}.png")
                shoot(page, given.folder / f"report-{screen}-{scheme}.png", full_page=True)
                for line in visit.said:
                    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
