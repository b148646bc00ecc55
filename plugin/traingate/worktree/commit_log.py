"""List the commits of a repository in their order, with their dates and tags."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from traingate.records.history import HistoryCommit
from traingate.worktree.git_command import checked_git
from traingate.worktree.repository import Repository

_FORMAT: Final = "%H%x1f%cI%x1f%s"

_NO_COMMIT: Final = 1
"""Exit status of git-rev-parse(1) with ``--verify`` and ``--quiet`` if there is no such commit."""


def commits_to(repository: Repository, commit: str) -> list[HistoryCommit]:
    """Return the ancestors of a commit and itself, each after its parents.

    Args:
        repository: Repository of the commit.
        commit: Full name of the commit.

    Raises:
        ConfigurationError: If git fails.
    """
    options = ("--topo-order", "--reverse", "-z", f"--format={_FORMAT}")
    log = checked_git(repository.root, "log", *options, "--end-of-options", commit).stdout
    tags = _tags(repository)
    commits = []
    for entry in filter(None, log.split("\0")):
        name, date, subject = entry.split("\x1f", 2)
        clean = subject.encode(errors="surrogateescape").decode(errors="replace")
        commits.append(
            HistoryCommit(hash=name, date=date, subject=clean, tags=tuple(tags.get(name, ())))
        )
    return commits


def newest_tag(repository: Repository, hashes: frozenset[str]) -> tuple[str, str] | None:
    """Return the newest tag that HEAD contains and that points to one of these commits.

    A tag of HEAD itself does not count if the working tree is the same: its code would be compared
    with itself.

    Args:
        repository: Repository of the working tree.
        hashes: Full names of commits.

    Returns:
        Name of the tag and full name of its commit; None if there is none.

    Raises:
        ConfigurationError: If git fails.
    """
    command = ("rev-parse", "--verify", "--quiet", "HEAD")
    head = checked_git(repository.root, *command, empty_status=_NO_COMMIT).stdout.strip()
    if not head:
        return None
    unchanged = {head} if repository.matches_working_tree("HEAD") else set()
    options = ("--merged=HEAD", "--sort=-creatordate", f"--format={_TAG_FORMAT}")
    listing = checked_git(repository.root, "for-each-ref", *options, "refs/tags").stdout
    for name, commit in map(_parse_tag, listing.splitlines()):
        if commit in hashes and commit not in unchanged:
            return name, commit
    return None


_TAG_FORMAT: Final = "%(refname:strip=2) %(objectname) %(*objectname)"


def _tags(repository: Repository) -> dict[str, list[str]]:
    """Return the names of all tags by the full names of their commits."""
    options = ("--sort=creatordate", f"--format={_TAG_FORMAT}")
    listing = checked_git(repository.root, "for-each-ref", *options, "refs/tags").stdout
    tags = defaultdict(list)
    for name, commit in map(_parse_tag, listing.splitlines()):
        tags[commit].append(name)
    return tags


def _parse_tag(line: str) -> tuple[str, str]:
    """Return the name of a tag and its commit; an annotated tag is an object that points to it."""
    name, *objects = line.split()
    return name, objects[-1]
