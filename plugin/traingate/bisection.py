"""Find the commit that has made a test slower: git chooses commits, and a duet judges each."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from traingate.baselines import saved_runs
from traingate.ending.pytest_process import run_pytest
from traingate.errors import BaselineError, ConfigurationError
from traingate.records import Interval, Outcome, Verdict, decode, encode
from traingate.untrusted.files import read_bounded, write_atomically
from traingate.worktree.commit_search import CommitSearch, SearchEnd
from traingate.worktree.git_command import git_output
from traingate.worktree.removal import Removal
from traingate.worktree.repository import Repository
from traingate.worktree.worktrees import Worktrees

_FALSE_ALARM: Final = 0.001
"""Probability that a commit which is as slow as BAD is taken for a fast one."""

_MISS: Final = 0.01
"""Probability that a fast commit is taken for one that is as slow as BAD."""

_MAX_STATE_BYTES: Final = 64 << 20

_TOLERANCES: Final = (1.0, 25.0)
"""Smallest and largest tolerance of the duets, in percent."""


class CommitVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Verdict on one commit by a duet with the slow one.

    Attributes:
        commit: Full name of the commit.
        is_bad: True if it is as slow as the slow commit.
        slowdown_percent: Slowdown of the slow commit against this one, in percent of throughput.
        slowdown_percent_interval: 95 % interval of it.
        pairs: Number of pairs of the duet.
    """

    commit: str
    is_bad: bool
    slowdown_percent: float
    slowdown_percent_interval: Interval
    pairs: int


class _State(msgspec.Struct, kw_only=True):
    """Verdicts so far, by which an interrupted bisection goes on."""

    verdicts: dict[str, CommitVerdict] = {}
    skipped: dict[str, str] = {}


@dataclass(frozen=True)
class BisectionResult:
    """Result of a bisection.

    Attributes:
        first_bad: First slow commit; None if skipped commits hide it.
        subject: First line of its message.
        candidates: Commits of which one is the first slow one, if ``first_bad`` is None.
        slowdown_percent: Slowdown of the slow commit against the fast one.
        verdicts: Verdicts in the order of measuring.
        skipped: Reasons why commits were not measured, by commit.
        error: Upper bound of the probability that any of the verdicts is wrong.
    """

    first_bad: str | None
    subject: str
    candidates: tuple[str, ...]
    slowdown_percent: float
    verdicts: tuple[CommitVerdict, ...]
    skipped: dict[str, str]
    error: float


@dataclass
class Bisection:
    """Bisection of one test.

    Attributes:
        repository: Repository of the project.
        folder, test, arguments: As in ``of``.
        good, bad: Full names of the fast and of the slow commit.
    """

    repository: Repository
    folder: Path
    test: str
    good: str
    bad: str
    arguments: tuple[str, ...] = ()
    _removal: Removal = field(default_factory=Removal, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, folder: Path, test: str, good: str, bad: str, arguments: tuple[str, ...]
    ) -> Bisection:
        """Return the bisection of a test between two commits.

        Args:
            folder: Folder in which pytest runs.
            test: Full name of the test.
            good: Name of a commit that was fast enough.
            bad: Name of a slow commit.
            arguments: Further arguments for pytest.

        Raises:
            ConfigurationError: If the folder is in no repository, or if a commit does not exist.
        """
        repository = Repository.containing(folder)
        if repository is None:
            raise ConfigurationError(f"{folder} is in no git repository")
        good_commit, bad_commit = (
            repository.resolve_commit(reference).hash for reference in (good, bad)
        )
        return cls(repository, folder, test, good_commit, bad_commit, arguments)

    def forget(self) -> None:
        """Forget the verdicts of an earlier, interrupted run of the same bisection."""
        self._state_file.unlink(missing_ok=True)

    def run(self, report: Callable[[str], None]) -> BisectionResult:
        """Search, and return what was found.

        Args:
            report: Function that is called with a sentence on each commit.

        Raises:
            ConfigurationError: If the slow commit is not slower than the fast one, or if git fails.
        """
        with self._removal:
            worktrees = Worktrees(self._removal)
            folder = self._slow_folder(worktrees)
            state = self._load(report)
            total = self._check_ends(folder, state, report)
            tolerance = min(max(total / 2, _TOLERANCES[0]), _TOLERANCES[1])
            search = CommitSearch(
                worktrees.add_without_files(self.repository, self.bad), self.good, self.bad
            )
            end = self._search(search, folder, state, tolerance, report)
        self.forget()
        verdicts = tuple(state.verdicts.values())
        first_bad = end.first_bad
        return BisectionResult(
            first_bad=first_bad,
            subject=self._subject(first_bad) if first_bad else "",
            candidates=end.candidates,
            slowdown_percent=total,
            verdicts=verdicts,
            skipped=state.skipped,
            error=sum(_MISS if verdict.is_bad else _FALSE_ALARM for verdict in verdicts),
        )

    def _search(
        self,
        search: CommitSearch,
        folder: Path,
        state: _State,
        tolerance: float,
        report: Callable[[str], None],
    ) -> SearchEnd:
        """Let git choose commits until it names the first bad one."""
        step = search.start()
        while not isinstance(step, SearchEnd):
            report(f"commit {step[:12]}: {self._subject(step)}")
            verdict = self._verdict_on(step, folder, state, tolerance)
            if verdict is None:
                report(f"commit {step[:12]} skipped: {state.skipped[step]}")
                step = search.mark(step, "skip")
            else:
                word = "slow" if verdict.is_bad else "fast"
                report(f"commit {step[:12]} is {word}")
                step = search.mark(step, "bad" if verdict.is_bad else "good")
        return step

    def _check_ends(self, folder: Path, state: _State, report: Callable[[str], None]) -> float:
        """Return the slowdown of the slow commit against the fast one, in percent.

        Raises:
            ConfigurationError: If it is not slower, or if it was not measured.
        """
        report(f"fast commit {self.good[:12]}: {self._subject(self.good)}")
        verdict = self._verdict_on(self.good, folder, state, None)
        if verdict is None:
            reason = state.skipped.pop(self.good)
            self._save(state)
            raise ConfigurationError(f"the fast commit {self.good[:12]} was not measured: {reason}")
        if verdict.is_bad:
            self.forget()
            raise ConfigurationError(
                f"{self.bad[:12]} is not slower than {self.good[:12]}: the slowdown is "
                f"{verdict.slowdown_percent:.1f} %, which the tolerance lets through. Give a "
                "smaller --traingate-tolerance, or other commits."
            )
        return verdict.slowdown_percent

    def _verdict_on(
        self, commit: str, folder: Path, state: _State, tolerance: float | None
    ) -> CommitVerdict | None:
        """Return the verdict on a commit, measured now or before; None if it was skipped.

        Args:
            commit: Full name of the commit.
            folder: Folder of the slow commit, in which pytest runs.
            state: Verdicts so far; the new one is added and saved.
            tolerance: Tolerance in percent; None for that of the project.
        """
        if commit not in state.verdicts and commit not in state.skipped:
            outcome = self._measure(commit, folder, tolerance)
            if isinstance(outcome, str):
                state.skipped[commit] = outcome
            else:
                state.verdicts[commit] = outcome
            self._save(state)
        return state.verdicts.get(commit)

    def _measure(self, commit: str, folder: Path, tolerance: float | None) -> CommitVerdict | str:
        """Compare the slow commit with *commit* by a duet; return the reason if that fails."""
        file = self._removal.make_folder("traingate-bisect-") / "run.json"
        options = [f"--traingate-against={commit}", f"--benchmark-json={file}"]
        if tolerance is not None:
            options.append(f"--traingate-tolerance={tolerance:g}")
        arguments = [self.test, *options, *self.arguments]
        end = run_pytest(arguments, folder=folder, output=sys.stderr)
        end.check()
        return _read_verdict(file, commit, end.status)

    def _slow_folder(self, worktrees: Worktrees) -> Path:
        """Return the folder in which pytest measures the slow commit."""
        if self.repository.matches_working_tree(self.bad):
            return self.folder
        tree = worktrees.check_out(self.repository, self.bad)
        return tree / self.folder.resolve().relative_to(self.repository.root)

    def _subject(self, commit: str) -> str:
        return git_output(self.repository.root, "log", "-1", "--format=%s", commit) or ""

    @property
    def _state_file(self) -> Path:
        key = json.dumps([str(self.folder), self.test, self.good, self.bad, self.arguments])
        name = f"traingate-bisect-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        path = git_output(self.repository.root, "rev-parse", "--git-path", name)
        assert path is not None
        return self.repository.root / path

    def _load(self, report: Callable[[str], None]) -> _State:
        """Return the verdicts of an interrupted run; none if there are none, or none to read."""
        try:
            return decode(read_bounded(self._state_file, _MAX_STATE_BYTES), _State)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError) as error:
            report(f"{self._state_file} is damaged ({error}): all commits are measured again")
        return _State()

    def _save(self, state: _State) -> None:
        write_atomically(self._state_file, encode(state))


def _read_verdict(file: Path, commit: str, exit_code: int) -> CommitVerdict | str:
    """Return the verdict in a saved run, or the reason why there is none."""
    try:
        measurements = saved_runs.read_run(file).measurements
    except BaselineError:
        measurements = ()
    verdicts = [measurement.verdict for _, measurement in measurements]
    if len(verdicts) > 1:
        raise ConfigurationError(f"{len(verdicts)} tests were measured: name one of them")
    verdict = verdicts[0] if verdicts else None
    if verdict is None or verdict.slowdown_percent is None:
        return f"it could not be measured (pytest ended with status {exit_code}, see above)"
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return f"it was not decided ({verdict.slowdown_percent:.1f} % slower)"
    return _verdict_on_commit(verdict, commit, verdict.slowdown_percent)


def _verdict_on_commit(verdict: Verdict, commit: str, slowdown: float) -> CommitVerdict:
    return CommitVerdict(
        commit=commit,
        is_bad=verdict.outcome is not Outcome.REGRESSED,
        slowdown_percent=slowdown,
        slowdown_percent_interval=verdict.slowdown_percent_interval or (slowdown, slowdown),
        pairs=verdict.launches,
    )
