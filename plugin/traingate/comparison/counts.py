"""Count the tests of a comparison by what became of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from traingate.records import Outcome

KIND_OF_OUTCOME: Final = {
    Outcome.REGRESSED: "regressed",
    Outcome.INCONCLUSIVE: "open",
    Outcome.PASSED: "passed",
    Outcome.IMPROVED: "passed",
    Outcome.NO_BASELINE: "new",
}
"""Name of the count of each outcome. Of several verdicts on one test, the first one here counts."""


@dataclass(frozen=True)
class ComparisonCounts:
    """Numbers of training benchmarks of one comparison: of a session, or of two saved runs.

    Each selected one of a session is among ``compared``, ``new`` and ``skipped``.

    Attributes:
        compared: Tests that were judged by a comparison: ``passed``, ``regressed`` and ``open``.
        passed: Tests whose verdict is PASSED or IMPROVED, even if a limit of the marker is broken.
        regressed: Tests with a REGRESSED verdict, even if a later run of the same test passed.
        open: Tests whose verdict is INCONCLUSIVE.
        new: Tests that have nothing to be compared with.
        gone: Tests that have a baseline, and that do not exist any more.
        skipped: Tests that were not judged for another reason: they were skipped, failed before
            their verdict, or did not call the fixture.
        deselected: Tests that have a baseline, and that the user's selection left out.
    """

    compared: int = 0
    passed: int = 0
    regressed: int = 0
    open: int = 0
    new: int = 0
    gone: int = 0
    skipped: int = 0
    deselected: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items())

    @classmethod
    def of_kinds(
        cls, kinds: Iterable[str], *, gone: int = 0, skipped: int = 0, deselected: int = 0
    ) -> ComparisonCounts:
        """Return the numbers of these tests, and of others that were not measured.

        Args:
            kinds: What became of each test: a value of ``KIND_OF_OUTCOME``, or ``skipped``.
            gone: Number of further tests that do not exist any more.
            skipped: Number of further tests that were not judged.
            deselected: Number of further tests that were left out.
        """
        numbers = Counter(kinds)
        return cls(
            compared=numbers["passed"] + numbers["regressed"] + numbers["open"],
            passed=numbers["passed"],
            regressed=numbers["regressed"],
            open=numbers["open"],
            new=numbers["new"],
            gone=gone,
            skipped=numbers["skipped"] + skipped,
            deselected=deselected,
        )
