"""Find the stored launches that can be pooled with those of a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traingate.baselines.comparability import environment_changes, hardware_differences
from traingate.baselines.subject import Subject, failed_in, tests_of
from traingate.baselines.summaries import RunSummary, TestSummary
from traingate.records import Launch


def poolable_tests(
    earlier_runs: Sequence[RunSummary],
    run: RunSummary,
    newest: TestSummary,
    subject: Subject,
    test: str,
) -> Iterator[tuple[RunSummary, TestSummary]]:
    """Yield the tests in *earlier_runs* of the same code, machine and environment.

    Those that failed or were left open are no part of a baseline. Only steps with the same number
    are compared, so launches with far fewer steps than the newest ones would hide their slow steps.
    """
    for other in earlier_runs if run.commit is not None else ():
        if other.commit != run.commit or failed_in(other, subject, test):
            continue
        for item in tests_of(subject, other, test).values():
            if (
                item.batch_size == newest.batch_size
                and not item.is_undecided
                and 4 * item.steps >= 3 * newest.steps
                and not hardware_differences(item.machine, newest.machine)
                and not environment_changes(item.environment, newest.environment)
                and item.yardstick == newest.yardstick
            ):
                yield other, item


def without_copies(
    newest: Sequence[Launch], others: Sequence[Sequence[Launch]]
) -> list[list[Launch]]:
    """Return the launches in *others*, each of them once, and no empty list.

    A run may lie in a storage twice, as a copy or a link. No two launches take the same times.
    """
    seen = {_times(launch) for launch in newest}
    pooled = []
    for launches in others:
        new = [launch for launch in launches if _times(launch) not in seen]
        seen |= {_times(launch) for launch in new}
        pooled += [new] if new else []
    return pooled


def _times(launch: Launch) -> tuple[Sequence[float], ...]:
    return (launch.step_seconds, launch.gemm_seconds, launch.triad_seconds)
