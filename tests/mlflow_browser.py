"""MLflow's web interface in a headless Chromium, and programs that use MLflow."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Locator, Page, sync_playwright

from tests.mlflow_server import TOP, environment

CHROMIUM = shutil.which("chromium")
_PATIENCE_MS = 90_000
"""Machines that run tests may have much else to do."""


def train(url: str, folder: Path) -> None:
    """A model "Wine Classifier" is trained, and registered through the server, by a program that knows only its URL."""
    program = TOP / "examples" / "mlflow" / "training_pipeline.py"
    run = subprocess.run(
        [sys.executable, program, "--tracking-uri", url],
        cwd=folder,
        env=environment(folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert run.returncode == 0, run.stdout


@dataclass
class Registry:
    """What a person does in MLflow's pages of registered models."""

    page: Page
    url: str

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def open_models(self) -> None:
        """The list of registered models; a dialog that praises the newer pages and an assistant are closed."""
        self.page.goto(f"{self.url}/#/models")
        self.dialog.get_by_role("button", name="Close").click()
        self.dialog.wait_for(state="hidden")
        self.page.get_by_role("button", name="Close").click()

    def back_to_models(self) -> None:
        self.main.get_by_role("link", name="Registered Models").click()

    def open_version(self, model: str, version: int) -> None:
        """From the list to a model and on to one of its versions, by their links."""
        self.main.get_by_role("link", name=model, exact=True).click()
        self.page.wait_for_url(f"**/#/models/{quote(model)}")
        self.main.get_by_role("link", name=f"Version {version}", exact=True).click()
        self.main.get_by_text("Registered At").wait_for()

    def stages(self, *, shown: bool) -> None:
        """Stages can be changed on the older pages, aliases on the newer ones: a switch leads from one to the other."""
        self.main.get_by_role("switch").click()
        if shown:
            self.dialog.get_by_role("button", name="Disable").click()
            self.dialog.wait_for(state="hidden")
        self.main.get_by_text("Stage", exact=True).or_(self.main.get_by_text("Stage (deprecated)")).wait_for()

    def move(self, now: str, to: str, *, archive: bool = False) -> None:
        """Ask for another stage; the dialog closes whatever the answer is."""
        self.main.get_by_text(now, exact=True).click()
        self.page.get_by_role("menuitem").filter(has_text=to).click()
        if archive:
            self.dialog.get_by_role("checkbox").check()
        with self.page.expect_response("**/transition-stage"):
            self.dialog.get_by_role("button", name="OK").click()
        self.dialog.wait_for(state="hidden")

    def refusal(self) -> str:
        """What the message says that the page shows."""
        told = self.page.get_by_role("alert").first
        told.wait_for()
        return told.inner_text()

    def describe(self, text: str) -> None:
        self.main.get_by_text("Edit", exact=True).first.click()
        self.main.get_by_role("textbox").first.fill(text)
        with self.page.expect_response("**/model-versions/update"):
            self.main.get_by_role("button", name="Save").first.click()
        self.main.get_by_text(text).wait_for()

    def add_alias(self, alias: str) -> None:
        self.main.get_by_role("button", name="Add").first.click()
        self.dialog.get_by_role("combobox").press_sequentially(alias)
        self.dialog.get_by_role("combobox").press("Enter")
        self.dialog.get_by_role("button", name="Save aliases").click()
        self.dialog.wait_for(state="hidden")

    def tags(self) -> dict[str, str]:
        """Of the version that is open."""
        rows = [row.get_by_role("cell").all_inner_texts() for row in self.main.get_by_role("row").all()]
        return {row[0].strip(): row[1].strip() for row in rows if len(row) == 3}

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path)


@contextlib.contextmanager
def in_a_browser(url: str) -> Iterator[Registry]:
    """The pages of a server, in a browser that reaches this server and nothing else."""
    with sync_playwright() as playwright:
        # The sandbox wants a user that is not root, and namespaces that containers seldom give.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.route(
                "**/*", lambda route: route.continue_() if route.request.url.startswith(url) else route.abort()
            )
            context.set_default_timeout(_PATIENCE_MS)
            yield Registry(context.new_page(), url)
        finally:
            browser.close()
