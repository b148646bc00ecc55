"""A page in a browser, with all that it has complained about or asked for."""

from __future__ import annotations


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
