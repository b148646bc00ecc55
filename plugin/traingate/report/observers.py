"""Choose how the progress of a test is shown, by where and how much pytest writes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.console import Console

from traingate.report.progress import LogLines, ProgressLine, WorkerOutput
from traingate.report.terminal_text import terminal_text

if TYPE_CHECKING:
    import pytest

_SILENT: int = -2
"""Verbosity of ``-qq``, at which a log gets no lines."""


@contextlib.contextmanager
def observer_of(request: pytest.FixtureRequest) -> Iterator[WorkerOutput]:
    """Yield the observer of a test.

    On a terminal it redraws a line, unless pytest is quiet (``-q``). Elsewhere it writes a line at
    the start of the test and one in each minute; under ``-q`` only the latter, and under ``-qq``
    none. All of them show what the workers print.

    Args:
        request: Request of the test's fixture.
    """
    plugins = request.config.pluginmanager
    reporter: Any = plugins.getplugin("terminalreporter")
    capture: Any = plugins.getplugin("capturemanager")
    verbosity = request.config.get_verbosity()

    def capture_disabled() -> AbstractContextManager[object]:
        if capture is None:
            return contextlib.nullcontext()
        context: AbstractContextManager[object] = capture.global_and_fixture_disabled()
        return context

    def write_line(text: str) -> None:
        with capture_disabled():
            reporter.write_line(terminal_text(text))
            reporter.flush()

    if reporter is None or verbosity <= _SILENT or (reporter.isatty and verbosity < 0):
        yield WorkerOutput()
    elif not reporter.isatty:
        with LogLines(write_line, request.node.nodeid, announces=verbosity >= 0) as log_lines:
            yield log_lines
    else:
        with capture_disabled():
            console = Console(file=cast("TextIO", _EncodableStream(sys.__stdout__)))
        with ProgressLine(console, capture_disabled, terminal_text(request.node.name)) as line:
            yield line


class _EncodableStream:
    """Stream that writes a question mark for each character that the encoding of another one lacks.

    Escapes would make the line of the progress longer than the terminal is wide.

    Args:
        stream: The other stream.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, and return its number of characters."""
        if self._stream is None:
            return len(text)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return self._stream.write(text.encode(encoding, "replace").decode(encoding))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
