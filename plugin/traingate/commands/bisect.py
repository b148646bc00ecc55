"""Define ``traingate bisect``: find the commit that has made a test slower."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from traingate.bisection import Bisection, BisectionResult, CommitVerdict
from traingate.commands.output import NO_RESULT, exit_without_result, note, print_text
from traingate.errors import ConfigurationError


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("test")
@click.option("--good", required=True, metavar="REF", help="Commit that was fast enough.")
@click.option("--bad", default="HEAD", show_default=True, metavar="REF", help="Slow commit.")
@click.option(
    "--restart", is_flag=True, help="Forget the verdicts of an earlier bisection of this test."
)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def bisect(
    test: str, good: str, bad: str, pytest_arguments: tuple[str, ...], *, restart: bool
) -> None:
    """Find the first commit at which TEST is as slow as at BAD, by duets.

    Each commit that git bisect chooses is compared with BAD, side by side. Commits that cannot be
    measured are skipped. If it is interrupted, the same command goes on where it has stopped.
    Further arguments go to pytest. Exit status: 0 found, 2 not found.
    """
    try:
        bisection = Bisection.of(Path.cwd(), test, good, bad, pytest_arguments)
        if restart:
            bisection.forget()
        result = bisection.run(_report)
    except (ConfigurationError, OSError) as error:
        exit_without_result(error)
    print_text(describe(result))
    sys.exit(0 if result.first_bad is not None else NO_RESULT)


def describe(result: BisectionResult) -> str:
    """Return the result of a bisection in words, with the verdicts that it rests on."""
    lines = []
    if result.first_bad is not None:
        lines.append(f"{result.first_bad[:12]} is the first slow commit: {result.subject}")
    else:
        lines.append(f"The first slow commit is one of: {', '.join(result.candidates)}")
        lines.append("The commits between them could not be measured.")
    lines.append(
        f"{result.slowdown_percent:.1f} % slower in all; {len(result.verdicts)} commits measured, "
        f"wrong with a probability of at most {100 * result.error:.2g} %"
    )
    lines += [f"  {_line(verdict)}" for verdict in result.verdicts]
    lines += [f"  {commit[:12]}  skipped: {reason}" for commit, reason in result.skipped.items()]
    return "\n".join(lines)


def _report(text: str) -> None:
    note(text)


def _line(verdict: CommitVerdict) -> str:
    word = "slow" if verdict.is_bad else "fast"
    low, high = verdict.slowdown_percent_interval
    return (
        f"{verdict.commit[:12]}  {word}: BAD is {verdict.slowdown_percent:.1f} % slower than it "
        f"({low:.1f} to {high:.1f} %), {verdict.pairs} pairs"
    )
