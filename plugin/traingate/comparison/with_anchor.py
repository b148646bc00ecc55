"""Judge a test by an anchor, after the newest baseline or base has let it pass.

Eight commits that lose 2 % each all pass, and are a loss of 15 % together. The anchor is an older
state, such as the last release, that does not move with each commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from traingate.comparison.base import Comparison, ComparisonResult
from traingate.controller.job import Job, Observer
from traingate.errors import BaselineError, NewTestError
from traingate.records import AnchorResult, Measurement, Outcome, Verdict
from traingate.report.verdict import loss_in_words


@dataclass
class WithAnchor:
    """Comparison with the newest baseline or base, and with an anchor if that lets the test pass.

    Attributes:
        newest: Comparison with the newest baseline, or with the base that the user named.
        anchor: Comparison with the anchor.
        title: Title of the anchor, such as ``tag v1.2``.
        tolerance: Largest loss since the anchor that is let through, in percent.
        is_required: True if the user named the anchor, so that a comparison that fails is an error.
    """

    newest: Comparison
    anchor: Comparison
    title: str
    tolerance: float
    is_required: bool
    _obstacle: str | None = field(default=None, init=False)
    _lack: str | None = field(default=None, init=False)
    _is_absent: bool = field(default=False, init=False)

    def prepare(self) -> Job | None:
        """Prepare both comparisons; the launches are those that the newest baseline asks for.

        If there is no newest baseline, and the user has named an anchor, that alone is compared
        with.

        Raises:
            BaselineError: If there is nothing to compare with; or if the user has named an anchor
                that has the test, and it cannot be compared with it.
        """
        try:
            job = self.newest.prepare()
        except BaselineError as error:
            if not self.is_required:
                raise
            return self._prepare_alone(error)
        try:
            self.anchor.prepare()
        except NewTestError:
            self._is_absent = True
        except BaselineError as error:
            self._keep(error)
        return job

    def _prepare_alone(self, error: BaselineError) -> Job | None:
        """Prepare a comparison with the anchor alone; raise *error* if it has no such test."""
        try:
            job = self.anchor.prepare()
        except NewTestError:
            raise error from None
        self._lack = str(error)
        return job

    def look(self, measurement: Measurement) -> bool:
        """Look at the launches so far, as the newest baseline asks for.

        Raises:
            BaselineError: If the launches show that there is nothing to compare with.
        """
        if self._lack is None:
            try:
                return self.newest.look(measurement)
            except BaselineError as error:  # the batch size shows that there is no baseline
                if not self.is_required:
                    raise
                self._prepare_alone(error)
        return self.anchor.look(measurement)

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict by the newest baseline, or by the anchor if that alone is faster.

        Raises:
            BaselineError: If there is nothing to compare with; or if the user has named an anchor
                that has the test, and it cannot be compared with it.
        """
        if self._lack is not None:
            return self._by_anchor_alone(self.anchor.conclude(measurement, observer))
        result = self.newest.conclude(measurement, observer)
        verdict = result.verdict
        if verdict is None or verdict.outcome is Outcome.REGRESSED or verdict.accepted is not None:
            return result
        anchored = self._compare_with_anchor(result.measurement or measurement, observer)
        if anchored is None:
            return self._without_anchor(result)
        assert anchored.verdict is not None
        anchor_result = _anchor_result(anchored.verdict, self.title, self.tolerance)
        if anchored.verdict.outcome is Outcome.REGRESSED:
            slower = _verdict_by_anchor(anchored.verdict, verdict, anchor_result)
            kept = anchored.measurement or result.measurement
            return replace(anchored, verdict=slower, measurement=kept)
        return replace(result, verdict=msgspec.structs.replace(verdict, anchor=anchor_result))

    def _compare_with_anchor(
        self, measurement: Measurement, observer: Observer
    ) -> ComparisonResult | None:
        """Return the comparison with the anchor; None if it has no such test, or an obstacle.

        Raises:
            BaselineError: If the user has named the anchor, and it cannot be compared with it.
        """
        if self._is_absent or self._obstacle is not None:
            return None
        try:
            self.anchor.look(measurement)
            return self.anchor.conclude(measurement, observer)
        except NewTestError:
            return None
        except BaselineError as error:
            self._keep(error)
            return None

    def _by_anchor_alone(self, result: ComparisonResult) -> ComparisonResult:
        """Return the verdict of the anchor, with the reason for which it stands alone."""
        assert result.verdict is not None
        sentence = f"compared with the anchor {self.title} alone: {self._lack}"
        evidence = (*result.verdict.evidence, sentence)
        return replace(result, verdict=msgspec.structs.replace(result.verdict, evidence=evidence))

    def _keep(self, error: BaselineError) -> None:
        """Keep the reason for which there is no comparison; raise it if the user asked for one."""
        if self.is_required:
            raise error
        self._obstacle = str(error)

    def _without_anchor(self, result: ComparisonResult) -> ComparisonResult:
        if self._obstacle is None or result.verdict is None:
            return result
        anchor = AnchorResult(
            title=self.title, tolerance_percent=self.tolerance, obstacle=self._obstacle
        )
        return replace(result, verdict=msgspec.structs.replace(result.verdict, anchor=anchor))


def _anchor_result(verdict: Verdict, title: str, tolerance: float) -> AnchorResult:
    return AnchorResult(
        title=title,
        outcome=verdict.outcome,
        tolerance_percent=tolerance,
        slowdown_percent=verdict.slowdown_percent,
        slowdown_percent_interval=verdict.slowdown_percent_interval,
    )


def _verdict_by_anchor(by_anchor: Verdict, by_newest: Verdict, anchor: AnchorResult) -> Verdict:
    """Return the verdict of a test that is slower than the anchor, and not than the newest."""
    sentence = (
        f"{by_newest.baseline} alone would let it pass: {by_newest.outcome.value}, "
        f"{loss_in_words(by_newest.slowdown_percent or 0.0)}"
    )
    return msgspec.structs.replace(
        by_anchor, evidence=(*by_anchor.evidence, sentence), anchor=anchor
    )
