"""Read the history of a storage over the commits of the repository that we are in."""

from __future__ import annotations

from pathlib import Path

from traingate.baselines.index import Progress, load_summaries
from traingate.baselines.summaries import RunSummary
from traingate.errors import BaselineError, ConfigurationError
from traingate.history.collect import collect_history
from traingate.records.history import History, HistoryCommit
from traingate.worktree.commit_log import commits_to
from traingate.worktree.repository import Repository


def read_history(
    storage: str,
    *,
    root: Path | None = None,
    reference: str = "HEAD",
    anchor: str | None = None,
    tolerance: float = 5.0,
    tests: tuple[str, ...] = (),
    progress: Progress | None = None,
    current: RunSummary | None = None,
) -> History:
    """Return the history of a storage over the commits of the repository that we are in.

    Args:
        storage: Folder of the saved runs.
        root: Folder in the repository; None for the working directory.
        reference: Commit that the history leads to.
        anchor: Commit that the newest level is compared with; None for the default.
        tolerance: Largest loss since the anchor that is let through, in percent.
        tests: Parts of the names of tests; all tests if empty.
        progress: Function that is told how many files were read.
        current: Run of the working tree, which is the last point; None for the saved ones alone.

    Raises:
        BaselineError: If there is no run with a record of traingate, or a damaged one.
        ConfigurationError: If a commit does not exist, if the clone is shallow, if the anchor is no
            ancestor, or if a library is not installed.
    """
    runs = [*load_summaries(storage, True, progress), *([current] if current else [])]
    repository = Repository.required_if_any(root or Path.cwd())
    commits, anchor_hash = None, None
    if repository is not None:
        commits = commits_to(repository, repository.resolve_commit(reference).hash)
        if current is not None:
            work = HistoryCommit(
                hash=current.commit or "", date=current.saved_at, subject=current.title
            )
            commits.append(work)
        anchor_hash = anchor and repository.resolve_commit(anchor).hash
        if repository.is_shallow:
            raise ConfigurationError(
                "this clone is shallow, and lacks the commits of the history: git fetch --unshallow"
            )
    elif anchor is not None:
        raise ConfigurationError("--anchor names a commit, and this folder is in no repository")
    result = collect_history(
        [_selected(run, tests) for run in runs],
        commits,
        reference=reference if repository is not None else "",
        anchor=anchor_hash,
        tolerance_percent=tolerance,
    )
    if not result.series:
        reasons = "; ".join(f"{count} {reason}" for reason, count in result.left_out.items())
        suffix = f" ({reasons})" if reasons else ""
        raise BaselineError(f"no run in {storage} has a record for this history{suffix}")
    return result


def _selected(run: RunSummary, tests: tuple[str, ...]) -> RunSummary:
    """Return a run with those of its tests alone whose names have one of these parts."""
    if not tests:
        return run
    kept = tuple(item for item in run.tests if any(part in item.test for part in tests))
    return RunSummary(run.path, run.title, run.saved_at, run.commit, kept)
