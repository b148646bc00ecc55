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

from traingate.records import Outcome, Verdict
from traingate.records.results import State, SuiteResults, TestResult
from traingate.records.units import Interval
from traingate.report.plain_text import without_control_characters

_TEMPLATES: Final = Path(__file__).parent / "assets"
_MARKS: Final[dict[State, str]] = {"failed": "❌", "open": "❔", "passed": "✅", "measured": "⏱️"}

_MARKUP: Final = re.compile(r"[\\`*_{}\[\]()#+!|~@:-]")
"""Characters that Markdown, or GitHub's dialect of it, gives a meaning: also those of mentions, and
of links without brackets."""

_NOTABLE: Final = frozenset({Outcome.REGRESSED, Outcome.IMPROVED, Outcome.INCONCLUSIVE})


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
        ratio=_ratio,
        outcome=_outcome,
        samples=_samples,
        change=_change,
        is_notable=_is_notable,
    )
    text = environment.get_template("summary.md").render(
        results=results, marks=_MARKS, details=details
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escaped(text: Any) -> str:
    """Return a text of one line, in which no character has a meaning in Markdown or HTML."""
    line = " ".join(without_control_characters(str(text)).split())
    return _MARKUP.sub(_reference, html.escape(line))


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


def _is_notable(result: TestResult) -> bool:
    moved = result.verdict is not None and result.verdict.outcome in _NOTABLE
    return result.failed or moved


def _outcome(result: TestResult) -> str:
    if result.verdict is None:
        return "**not compared**" if result.failed else ""
    name = result.verdict.outcome.value
    if result.verdict.accepted is not None:
        return f"{name}, accepted"
    return f"**{name}**" if result.failed else name


def _samples(result: TestResult) -> str:
    value, interval = result.samples_per_second, result.samples_per_second_interval
    if value is None:
        return ""
    return f"{value:.4g}" + (f" ({interval[0]:.4g} to {interval[1]:.4g})" if interval else "")


def _change(verdict: Verdict | None) -> str:
    """Return the change of throughput in percent, negative for a loss, with its interval."""
    if verdict is None or verdict.slowdown_percent is None:
        return ""
    text = f"{-verdict.slowdown_percent:+.1f} %"
    interval = verdict.slowdown_percent_interval
    return text + (f" ({-interval[1]:+.1f} to {-interval[0]:+.1f})" if interval else "")


def _ratio(ratio: float, interval: Interval | None) -> str:
    text = f"{100 * (ratio - 1):+.1f} %"
    if interval is None:
        return text
    low, high = (100 * (end - 1) for end in interval)
    return f"{text} ({low:+.1f} to {high:+.1f})"
