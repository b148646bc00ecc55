"""Define the results of one session or of one comparison of saved runs, as tools read them."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from traingate.records.units import Interval, Positive
from traingate.records.verdict import Verdict

RESULTS_SCHEMA: Final = 1
"""Version of the schema of ``SuiteResults``; a field that is renamed or dropped raises it."""

State: TypeAlias = Literal["failed", "open", "passed", "measured"]
"""State of a whole session: a test or the session itself failed; a test is INCONCLUSIVE; all
that was compared has passed; nothing was to be compared."""


class TestResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Result of one training benchmark.

    Attributes:
        test: Full name of the test.
        stack: Description of its stack, ``plain`` without layers.
        failed: True if the test failed its gate.
        sentence: First line of the verdict in words; the error if it could not be compared; empty
            if it was only measured.
        details: Whole text of the verdict, as a failure shows it; empty if it was only measured.
        samples_per_second: Throughput; None if it was not measured.
        samples_per_second_interval: 95 % interval between launches; None if it is unknown.
        peak_rss_bytes: Largest memory of a launch, in bytes; None if it was not measured.
        verdict: Decision of the gate; None if nothing was compared.
        command: Command that measures and judges this test alone.
        error: Reason for which the test failed apart from its verdict; empty if there is none.
        cautions: Reasons to doubt the measurement although it succeeded, such as a loss that was
            NaN.
    """

    __test__ = False  # pytest does not collect it

    test: str
    stack: str = ""
    failed: bool = False
    sentence: str = ""
    details: str = ""
    samples_per_second: Positive | None = None
    samples_per_second_interval: Interval | None = None
    peak_rss_bytes: int | None = None
    verdict: Verdict | None = None
    command: str = ""
    error: str = ""
    cautions: tuple[str, ...] = ()


class SuiteChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change of throughput over all compared tests together: one number for a suite.

    Attributes:
        tests: Number of tests in it.
        ratio: Geometric mean of the tests' ratios of throughput, now to before.
        ratio_interval: 95 % interval, from those of the tests; None if one of them is unknown.
    """

    tests: int
    ratio: Positive
    ratio_interval: Interval | None = None


class SuiteResults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Results of one session, or of the comparison of two saved runs.

    Attributes:
        schema: Version of this schema.
        state: State of the whole.
        title: Sentence on the whole.
        problems: Reasons why the session fails although its tests may have passed.
        counts: Numbers of tests that were compared, passed, regressed, open, new, gone, skipped and
            deselected; empty if a session made no comparison.
        change: Change of all compared tests together; None if none was compared.
        tests: Results of the tests, those that failed first.
        machine: Processor and number of cores.
    """

    schema: int = RESULTS_SCHEMA
    state: State
    title: str
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    change: SuiteChange | None = None
    tests: tuple[TestResult, ...] = ()
    machine: str = ""
