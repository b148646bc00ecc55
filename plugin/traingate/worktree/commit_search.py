"""Search a commit by ``git bisect``, without a check-out, apart from the user's own bisection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.worktree.git_command import git_output, run_git

_FIRST_BAD: Final = re.compile(r"^([0-9a-f]{40,64}) is the first bad commit", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^([0-9a-f]{40,64})$", re.MULTILINE)
_ONLY_SKIPPED: Final = "only 'skip'ped commits left"


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
        output = self._git(self._folder, "bisect", "start", "--no-checkout", self._bad, self._good)
        return self._next(output)

    def mark(self, commit: str, term: str) -> str | SearchEnd:
        """Return the next commit to look at, or the end.

        Args:
            commit: Full name of the commit that was looked at.
            term: ``good``, ``bad`` or ``skip``.
        """
        process = run_git(self._folder, "bisect", term, commit)
        output = process.stdout + process.stderr
        if process.returncode and _ONLY_SKIPPED not in output:
            raise ConfigurationError(f"git bisect {term} {commit[:9]} failed: {output.strip()}")
        return self._next(output)

    def _next(self, output: str) -> str | SearchEnd:
        first_bad = _FIRST_BAD.search(output)
        if first_bad is not None:
            return SearchEnd(first_bad[1])
        if _ONLY_SKIPPED in output:
            return SearchEnd(None, tuple(_CANDIDATE.findall(output)))
        commit = git_output(self._folder, "rev-parse", "BISECT_HEAD")
        if commit is None:
            raise ConfigurationError(f"git bisect has chosen no commit: {output.strip()}")
        return commit

    def _git(self, folder: Path, *arguments: str) -> str:
        process = run_git(folder, *arguments)
        if process.returncode:
            raise ConfigurationError(f"git {' '.join(arguments)} failed: {process.stderr.strip()}")
        return process.stdout + process.stderr
