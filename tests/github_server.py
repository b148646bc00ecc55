"""A server that answers as GitHub's REST API does, for one pull request and its comments."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"


class GitHubServer:
    """Server of the repository ``someone/project``, which has the open pull request 5.

    Attributes:
        comments: Comments of the pull request, by their numbers, as dicts with login and body.
        requests: Method and path of each request.
        head: Owner and branch of the pull request, as ``owner:branch``.
        sha: Commit of that branch.
    """

    def __init__(self, head="stranger:feature", sha="a" * 40):
        self.comments, self.requests = {}, []
        self.head, self.sha = head, sha
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method, path, query, body):
        """Return the status and the content of the answer to a request."""
        repository = "/repos/someone/project"
        if (method, path) == ("GET", f"{repository}/pulls"):
            matches = query.get("head") == [self.head] and query.get("state") == ["open"]
            return 200, [self._pull_request(repository)] if matches else []
        comments = f"{repository}/issues/5/comments"
        if (method, path) == ("GET", comments):
            return 200, [self._comment(number) for number in self.comments]
        if (method, path) == ("POST", comments):
            number = len(self.comments) + 1
            self.comments[number] = {"login": BOT, "body": body["body"]}
            return 201, self._comment(number)
        if method == "PATCH" and path.startswith(f"{repository}/issues/comments/"):
            number = int(path.rpartition("/")[2])
            self.comments[number]["body"] = body["body"]
            return 200, self._comment(number)
        return 404, {"message": "Not Found"}

    def _pull_request(self, repository):
        address = f"{self.address}{repository}"
        return {
            "number": 5,
            "url": f"{address}/pulls/5",
            "issue_url": f"{address}/issues/5",
            "comments_url": f"{address}/issues/5/comments",
            "head": {"sha": self.sha, "ref": self.head.partition(":")[2]},
            "base": {"ref": "main"},
        }

    def _comment(self, number):
        comment = self.comments[number]
        return {
            "id": number,
            "url": f"{self.address}/repos/someone/project/issues/comments/{number}",
            "html_url": f"https://example.test/5#{number}",
            "body": comment["body"],
            "user": {"login": comment["login"], "type": "Bot"},
        }

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _respond(self):
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                server.requests.append((self.command, self.path))
                status, content = server.answer(
                    self.command, parts.path, parse_qs(parts.query), body
                )
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = _respond  # noqa: N815 - names of http.server

            def log_message(self, *_):
                """Write nothing."""

        return Handler
