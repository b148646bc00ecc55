"""Search a commit by ``git bisect``, without a check-out, apart from the user's own bisection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.worktree.git_command import checked_git, run_git

_FIRST_BAD: Final = re.compile(r"^# first '?bad'? commit: \[([0-9a-f]+)\]", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^# possible first '?bad'? commit: \[([0-9a-f]+)\]", re.MULTILINE)
"""Lines that end a log of git-bisect(1), which no language changes; git 2.55 has put the quotes."""


@dataclass(frozen=True)
class SearchEnd:
    """End of a search.

    Attributes:
        first_bad: First bad commit; None if skipped commits hide it.
        candidates: Commits of which one is the first bad one, if ``first_bad`` is None.
    """

    first_bad: str | None
    candidates: tuple[str, ...] = ()


class CommitSearch:
    """Search for the first bad commit, in a worktree of its own that has no files.

    A worktree has its own ``refs/bisect`` (git-worktree(1)). Call ``start`` and then ``mark``.

    Args:
        folder: Folder of the worktree.
        good: Full name of the good commit.
        bad: Full name of the bad commit.
    """

    def __init__(self, folder: Path, good: str, bad: str) -> None:
        self._folder, self._good, self._bad = folder, good, bad

    def start(self) -> str | SearchEnd:
        """Return the first commit to look at, or the end if there is none between the two.

        Raises:
            ConfigurationError: If git refuses the two commits.
        """
        checked_git(self._folder, "bisect", "start", "--no-checkout", self._bad, self._good)
        return self._end() or self._next()

    def mark(self, commit: str, term: str) -> str | SearchEnd:
        """Return the next commit to look at, or the end.

        Args:
            commit: Full name of the commit that was looked at.
            term: ``good``, ``bad`` or ``skip``.
        """
        process = run_git(self._folder, "bisect", term, commit)
        end = self._end()
        if process.returncode and end is None:  # it fails too if only skipped commits are left
            output = process.stdout + process.stderr
            raise ConfigurationError(f"git bisect {term} {commit[:9]} failed: {output.strip()}")
        return end or self._next()

    def _end(self) -> SearchEnd | None:
        return parse_bisect_log(checked_git(self._folder, "bisect", "log").stdout)

    def _next(self) -> str:
        return checked_git(self._folder, "rev-parse", "BISECT_HEAD").stdout.strip()


def parse_bisect_log(log: str) -> SearchEnd | None:
    """Return the end of a search that a log of ``git bisect`` tells, None if it goes on."""
    first_bad = _FIRST_BAD.search(log)
    if first_bad is not None:
        return SearchEnd(first_bad[1])
    candidates = _CANDIDATE.findall(log)
    return SearchEnd(None, tuple(candidates)) if candidates else None
