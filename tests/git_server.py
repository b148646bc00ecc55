"""A git server over HTTP that asks for a password, as GitHub's does."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class GitServer:
    """Server of the repositories of a folder.

    Attributes:
        given: Credentials that it was given, each as ``user:password``.
    """

    def __init__(self, folder, password):
        self.given = []
        self._folder, self._password = folder, password
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._http.server_port}"

    def _is_allowed(self, header):
        if not header:
            return False
        credentials = base64.b64decode(header.partition(" ")[2]).decode()
        self.given.append(credentials)
        return credentials.partition(":")[2] == self._password

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                if not server._is_allowed(self.headers.get("Authorization")):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.end_headers()
                    return
                output = server._run_git(self)
                head, _, body = output.partition(b"\r\n\r\n")
                lines = [line.split(": ", 1) for line in head.decode().splitlines()]
                headers = dict(lines)
                self.send_response(int(headers.pop("Status", "200").split()[0]))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_):
                pass

        return Handler

    def _run_git(self, request):
        """Return what git-http-backend(1), a CGI program, answers."""
        path, _, query = request.path.partition("?")
        content = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        variables = {
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "somebody",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        }
        return subprocess.run(
            ["git", "http-backend"],
            input=content,
            capture_output=True,
            check=True,
            env={**os.environ, **variables},
        ).stdout
