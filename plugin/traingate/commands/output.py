"""Print the results and the errors of commands.

Records, names of commits and messages of git may be a stranger's, so all text passes through here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

import click
from rich.console import Console

from traingate.records import encode
from traingate.report.terminal_text import encodable, rendered_text, terminal_text
from traingate.untrusted.masking import masked_text

NO_RESULT: Final = 2
"""Exit status of a command that could not do its work."""

_CONTROL: Final = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters that JSON does not escape."""


def print_text(text: str, *, ends_line: bool = True) -> None:
    """Print a text to the standard output.

    Args:
        text: Text of any origin.
        ends_line: True to end its last line.
    """
    click.echo(encodable(terminal_text(text), sys.stdout), nl=ends_line)


def print_rendered(text: str) -> None:
    """Print what a renderer has made, with its colours, to the standard output.

    Args:
        text: Text whose parts went through ``terminal_text`` before they were rendered.
    """
    click.echo(encodable(rendered_text(text), sys.stdout), nl=False, color=True)


def print_on_console(draw: Callable[[Console], object]) -> None:
    """Print what a function draws on a console to the standard output, as wide as the terminal.

    Args:
        draw: Function whose texts went through ``terminal_text``.
    """
    console = Console(highlight=False)
    with console.capture() as capture:
        draw(console)
    print_rendered(capture.get())


def exit_without_result(problem: object) -> NoReturn:
    """Print a problem, and end a command that could not do its work."""
    complain(problem)
    sys.exit(NO_RESULT)


def complain(problem: object) -> None:
    """Print a problem to the standard error output, and no secret in it."""
    note(masked_text(terminal_text(f"traingate: {problem}")))  # a colour may precede a token


def note(text: str) -> None:
    """Print a text to the standard error output."""
    click.echo(encodable(terminal_text(text), sys.stderr), err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON to the standard output."""
    click.echo(encodable(json_text(value), sys.stdout))


def json_text(value: Any) -> str:
    """Return a value as JSON in several lines, in which a terminal or a job finds no command."""
    text = encode(value, indent=2).decode()
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text).replace("##[", "#\\u0023[")
