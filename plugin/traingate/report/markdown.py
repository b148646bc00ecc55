"""Write results as Markdown, for the summary of a job and for comments.

Names of tests, errors and reasons are a stranger's text in a pull request: none of it may become
markup, a link or a mention.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, Final

import jinja2

from traingate.records.results import State, SuiteResults, TestResult
from traingate.report import figures
from traingate.untrusted.plain_text import without_control_characters

_TEMPLATES: Final = Path(__file__).parent / "assets"
_MARKS: Final[dict[State, str]] = {"failed": "❌", "open": "❔", "passed": "✅", "measured": "⏱️"}

_MARKUP: Final = re.compile(r"[\\`*_{}\[\]()#+!|~@:\"'-]")
"""Characters that Markdown, or GitHub's dialect of it, gives a meaning."""

_REFERENCE: Final = re.compile(r"[@#]|\bgh-(?=\d)|\bwww(?=\.)", re.IGNORECASE)
"""Starts of mentions, of numbers of issues, and of links without a scheme."""

_BREAK: Final = "\u200b"
"""Space without a width. GitHub looks for mentions in the page that it has made of the Markdown,
where a reference to a character is that character again."""


def to_markdown(results: SuiteResults, *, details: bool = True) -> str:
    """Return the results as Markdown: the verdict, a table, and the details of what moved.

    Args:
        results: Results of a session or a comparison.
        details: False to leave out the measured values of what moved.
    """
    environment = jinja2.Environment(  # noqa: S701 - the filters escape Markdown and HTML
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        text=escaped,
        code=code_span,
        block=code_block,
        ratio=figures.ratio,
        outcome=_outcome,
        samples=figures.samples,
        change=figures.change,
        is_notable=figures.is_notable,
    )
    text = environment.get_template("summary.md").render(
        results=results, marks=_MARKS, details=details
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escaped(text: Any) -> str:
    """Return a text of one line, in which no character has a meaning in Markdown or HTML."""
    line = " ".join(without_control_characters(str(text)).split())
    line = _REFERENCE.sub(lambda match: match[0] + _BREAK, line)
    return _MARKUP.sub(_reference, html.escape(line, quote=False))


def _reference(match: re.Match[str]) -> str:
    """Return a character as a reference, which Markdown shows and does not interpret.

    Those of HTML entities, which ``html.escape`` has made, are none of these characters.
    """
    return f"&#{ord(match[0])};"


def code_span(text: str) -> str:
    """Return a text of one line as code, whatever backticks are in it."""
    line = " ".join(without_control_characters(text).split())
    fence = _fence(line, 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def code_block(text: str) -> str:
    """Return a text of several lines as a block of code, whatever backticks are in it."""
    lines = without_control_characters(text)
    fence = _fence(lines, 3)
    return f"{fence}text\n{lines}\n{fence}"


def _fence(text: str, least: int) -> str:
    """Return more backticks than stand together anywhere in *text*, and at least *least*."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _outcome(result: TestResult) -> str:
    if result.error:
        return "**failed**"
    if result.verdict is None:
        return "**not compared**" if result.failed else ""
    name = result.verdict.outcome.value
    if result.verdict.accepted is not None:
        return f"{name}, accepted"
    return f"**{name}**" if result.failed else name
