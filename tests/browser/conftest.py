"""The browser that all tests of pages share."""

import shutil

import pytest

from opened_page import Report

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="module")  # an event loop runs as long as it is open
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a file; all that is opened must ask for nothing else."""
    pages = []

    def open_file(file, width=1200, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        report = Report(context.new_page())
        report.show(file)
        pages.append((report, file))
        return report

    yield open_file
    for report, file in pages:
        report.close_without_complaint(file)
        report.page.context.close()
