"""Inputs that have failed once, by target, or that a fuzzer would not come upon.

Those of races are functions that return them, since a valid race takes seconds to make.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from race_targets import changed_race
from record_targets import EMPTY_PROFILE, changed_run
from test_statistics_properties import PROPERTIES
from text_targets import FORMS

from traingate.records.profile import Profile

CASES: dict[str, list[Any]] = {
    "records": [
        b"",
        b"[" * 200_000,
        b"\xff\xfe",
        b'{"benchmarks": [], "x": 1e999}',
        # A mean of no steps.
        changed_run("duet", "pairs", 0, "base_step_seconds", value=[]),
        changed_run("duet", "pairs", 0, "candidate_step_seconds", value=[]),
        changed_run("duet", "pairs", 0, "candidate_phase_seconds", value={"forward": []}),
        changed_run("launches", 0, "step_seconds", value=[]),
        # A division by zero, and a rate that is None.
        changed_run("verdict", "slowdown_percent", value=100.0),
        changed_run("verdict", "samples_per_second", value=None),
        changed_run("launches", 0, "peak_rss_bytes", value=10**400),
    ],
    "profiles": [b"", b"[" * 200_000, b"\xff\xfe"],
    "index": [b"", b"SQLite format 3\0" + b"\xff" * 9000],
    "races": [
        b"",
        b"[" * 200_000,
        # Sums that are infinite, and logarithms of 0.
        partial(changed_race, "heats", 0, "launches", 0, "turn_seconds", value=[1.7e308, 1.7e308]),
        partial(changed_race, "heats", 0, "launches", 0, "turn_seconds", value=[5e-324]),
        partial(changed_race, "heats", 0, "launches", 0, "batch_size", value=2**63 - 1),
        partial(changed_race, "heats", 0, "seconds", value=1.7e308),
        partial(changed_race, "candidates", 0, "cost", value=5e-324),
        # Ratios whose intervals are.
        partial(changed_race, "heats", 0, "launches", 0, "turn_seconds", value=[1e-9]),
        partial(changed_race, "heats", 0, "launches", 0, "turn_seconds", value=[1e9]),
    ],
    "wire": [
        b"[" * 200_000,
        b'{"type": "Step", "count": ' + b"9" * 5000 + b"}",
        b"\xff",
        b'{"type": "Failed", "error": "X", "message": "'
        + b"x" * 1_000_000
        + b'", "traceback": ""}',
        b'{"type": "Failed", "error": "X", "message": "\\udcff", "traceback": ""}',
        b'{"type": "Failed", "error": "X", "message": "", "traceback": "\xed\xb3\xbf"}',
    ],
    "options": [("text", "\ud800"), ("text", "9" * 5000)],
    "markdown": ["\u009b31m", "`" * 100, "www.example.org"],
    "html": ["]]>", "<!--", "\ud800", "key"],
    "terminal": [
        "\x1b\x1b[[31m",
        "\x1b]\x1b[m::x",
        ":\x00:error::x",
        "#\x1b[m#[x",
        "\u200b::x",
        "a\u2028::x",
        "aaaaaaaaa ::x",
        "aaaaaaaaaaaa::x",
        "\x1b]0;a\nb\x07",
        "\x1bPa\nb",
        "\x9da\nb\x9c",
    ],
    "masking": [(form, "\u2028=", "\x00=") for form in FORMS],
    # Steps of which no part is known.
    "causes": [
        (EMPTY_PROFILE, EMPTY_PROFILE),
        (EMPTY_PROFILE, Profile(steps=1, step_seconds=1e-6, cells=())),
    ],
    # The quantiles of the narrowest and of the widest distribution.
    "statistics": [
        (number, (1e-6, 1 - 1e-6, degrees))
        for number, (_, test) in enumerate(PROPERTIES)
        if test.__name__ == "test_quantiles_rise_and_are_symmetric"
        for degrees in (1, 100)
    ],
}
