"""Control sequences are left out of a text, and nothing beside them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_report import verdict_of
from traingate.records import Outcome
from traingate.records.history import History
from traingate.report.history import history_text
from traingate.report.verdict import explain
from traingate.untrusted.plain_text import without_control_characters

EXAMPLES = settings(deadline=None, max_examples=100, derandomize=True, database=None)

STRING_STARTS = (
    "\x1b]",
    "\x1bP",
    "\x1bX",
    "\x1b^",
    "\x1b_",
    "\x9d",
    "\x90",
    "\x98",
    "\x9e",
    "\x9f",
)
"""OSC, DCS, SOS, PM and APC, each with a text up to its end."""

STRING_ENDS = ("\x07", "\x1b\\", "\x9c")

PARTS = (*STRING_STARTS, *STRING_ENDS, "\x1b", "\x1b[", "\x9b", "\x1b(", *"0;1mB a\t", "\n", "\n")

TEXTS = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)


def test_characters_that_change_the_direction_of_writing_are_left_out():
    names = ["ALM", "LRM", "RLM", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"]
    marks = "".join(unicodedata.lookup(name) for name in names)
    assert without_control_characters(f"a{marks}b") == "ab"


@pytest.mark.parametrize("start", STRING_STARTS)
@pytest.mark.parametrize("end", STRING_ENDS)
def test_a_string_with_an_end_is_left_out(start, end):
    assert without_control_characters(f"a{start}8;;https://h{end}b") == "ab"


@pytest.mark.parametrize("start", STRING_STARTS)
@pytest.mark.parametrize("rest", ["", ")", "0;title", "0;title\n\x07", "0;title\r\x07", "\x1b[m"])
def test_a_string_without_an_end_hides_nothing(start, rest):
    plain_rest = rest.replace("\x1b[m", "").replace("\x07", "").replace("\r", "")
    expected = f"a{start[1:]}{plain_rest}\nFAILED"
    assert without_control_characters(f"a{start}{rest}\nFAILED") == expected


@pytest.mark.parametrize(
    ("sequence", "rest"),
    [
        ("\x1b[1;31m", ""),
        ("\x9b1;31m", ""),
        ("\x1b[?25l", ""),
        ("\x1b[2 q", ""),
        ("\x1b(B\x1b[m", ""),  # tput sgr0
        ("\x1b", ""),
        ("\x1b\x1b[m", ""),
        ("\x1b[1;31\n", "[1;31\n"),
        ("\x9b1;31\n", "1;31\n"),
        ("\x1bM", "M"),
        ("\x1b'", "'"),
        ("\x1b slower", " slower"),
    ],
)
def test_a_short_sequence_takes_no_letter_with_it(sequence, rest):
    assert without_control_characters(f"a{sequence}b") == f"a{rest}b"


@EXAMPLES
@given(TEXTS)
def test_no_sequence_hides_text_of_another_line(text):
    lines = map(without_control_characters, text.split("\n"))
    assert without_control_characters(text) == "\n".join(lines)


@EXAMPLES
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])), st.sampled_from(STRING_STARTS))
def test_no_start_of_a_string_hides_text_of_its_own_line(text, start):
    assert without_control_characters(start + text).endswith(text)


def test_the_name_of_a_baseline_hides_nothing_of_its_verdict():
    sample = {"failed": True, "reason": None, "evidence": ("torch has changed",)}
    name = "0001_a.json (2026-01-01, \x1b])"
    hostile = explain(verdict_of(Outcome.REGRESSED, 18.8, baseline=name, **sample))
    plain = explain(verdict_of(Outcome.REGRESSED, 18.8, baseline="0001_a.json", **sample))
    assert "torch has changed" in hostile
    assert hostile.splitlines()[2:] == plain.splitlines()[2:]


def test_one_series_hides_no_other_in_a_history():
    history = History(reference="HEAD", commits=(), series=(), left_out={"of x\x1b]": 1, "of y": 2})
    assert history_text(history).splitlines()[1] == "Left out: 2 runs of y."
