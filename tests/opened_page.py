"""A page in a browser, with all that it has complained about or asked for."""

from __future__ import annotations

import pytest

KINDS = ("ladder", "sweep", "pairs", "phases", "flame", "steps", "history")


class OpenedPage:
    """Page in a browser.

    Attributes:
        page: Page of playwright.
        complaints: Messages on the console, and errors of scripts.
        requests: Addresses that were asked for.
    """

    def __init__(self, page):
        self.complaints, self.requests = [], []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self.page = page

    def show(self, file):
        self.page.goto(file.as_uri())

    def close_without_complaint(self, file):
        self.page.close()
        assert self.complaints == []
        assert self.requests == [file.as_uri()]


class Report(OpenedPage):
    """Report in a browser."""

    def scroll_to(self, kind):
        """Scroll to each chart of a kind, and wait until it is drawn."""
        for plot in self.page.locator(f".chart[data-kind={kind}] .plot:visible").all():
            plot.scroll_into_view_if_needed()
            plot.locator("svg").first.wait_for()

    def scroll_to_all(self):
        for kind in KINDS:
            self.scroll_to(kind)

    def count(self, selector):
        return self.page.locator(selector).count()

    def focused(self):
        return self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")

    def tab_to(self, text):
        """Press Tab until the focus is on an element with this text."""
        for _ in range(200):
            self.page.keyboard.press("Tab")
            if text in self.focused():
                return
        pytest.fail(f"Tab does not reach {text}; it ends at {self.focused()}")
