"""Commands that are shown to be copied have a stranger's text as one literal word."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_records import record_of

from traingate.pull_requests.comment import with_commands
from traingate.records.results import SuiteResults, TestResult
from traingate.report.markdown import code_span
from traingate.report.results import measured_result
from traingate.report.terminal_text import terminal_line
from traingate.untrusted.plain_text import without_control_characters
from traingate.untrusted.shell_words import shell_command, shell_word

HOSTILE = [
    "\x1b'$(touch PWNED)\" #",
    "\x1b[ '$(touch PWNED)\" #m",
    "\x1b]'; touch PWNED #",
    "'\x1b]'; touch PWNED; '\x07",
    "\x9b'; touch PWNED #",
    "a\nb'; touch PWNED",
    "\u202e'; touch PWNED #",
    "\ud800'`touch PWNED`",
    "$(touch PWNED)",
    "::error::x",
    "-rf /",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "show", [str, terminal_line, without_control_characters, code_span], ids=lambda f: f.__name__
)
def test_a_hostile_text_is_one_word_however_it_is_shown(text, show):
    shown = show(shell_command(["pytest", text]))
    shown = re.fullmatch(r"(`*) ?(.*?) ?\1", shown, re.DOTALL)[2].replace("\u200b", "")
    words = shlex.split(shown)
    assert words == ["pytest", "".join(filter(str.isprintable, text))]


@given(st.text())
def test_showing_changes_no_command(text):
    command = shell_word(text)
    assert without_control_characters(command) == command
    assert shlex.split(command) == ["".join(filter(str.isprintable, text))]


def results_of(test):
    result = TestResult(test=test, failed=True, sentence="x", details="d")
    return SuiteResults(state="failed", title="1 failed", tests=(result,))


@pytest.mark.parametrize(
    "name", ["-p x::y", "\x1b-p x::y", "\u200b--basetemp=x::y", "@x::y", "no name"]
)
def test_no_option_is_recommended(name):
    (result,) = with_commands(results_of(name), "main").tests
    assert result.command == ""
    assert measured_result(name, record_of(0.1), "pytest --benchmark-compare").command == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_the_comment_and_the_results_quote_the_name_of_a_test(text):
    name = f"bench.py::{text}"
    (result,) = with_commands(results_of(name), "main").tests
    assert shlex.split(result.command)[2:] == ([name] if name.isprintable() else [])
    own = measured_result(name, record_of(0.1), "pytest --benchmark-compare")
    assert shlex.split(own.command)[2] == "".join(filter(str.isprintable, name))
