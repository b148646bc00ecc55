"""Find the commit that a user's reference means, and say how to get a commit that is missing.

A branch of the remote repository is often all that a checkout has: a pull request's job checks out
a single commit, and has ``origin/main`` but no branch ``main``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.untrusted.shell_words import shell_command
from traingate.worktree.git_command import git_output

_SUFFIX: Final = re.compile(r"(?=[~^:]|@\{)")
"""Start of the part of a revision that leads from a name to another object (gitrevisions(7))."""

_ABBREVIATED_HASH: Final = re.compile(r"[0-9a-f]{4,39}")
_FULL_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Commit:
    """Commit that a reference was resolved to.

    Attributes:
        hash: Full name of the commit.
        name: Short name of the reference that led to it, such as ``main`` or ``origin/main``.
    """

    hash: str
    name: str

    def __str__(self) -> str:
        alias = "" if self.hash.startswith(self.name) else f" ({self.name})"
        return f"commit {self.hash[:9]}{alias}"


def resolve(root: Path, reference: str) -> Commit:
    """Return the commit that *reference* means in the repository at *root*.

    A name is first looked for among the local branches, then among the tags, and then among the
    branches of the remotes: of ``origin`` if there is a remote of that name, else of all. All else
    that git understands comes last, such as a hash or ``HEAD~2``.

    Args:
        root: Root of the repository's working tree.
        reference: Any revision in the syntax of gitrevisions(7).

    Raises:
        ConfigurationError: If *reference* names no commit; the message has the command that fetches
            the commit if the repository has a remote. Or if several remotes have such a branch, at
            different commits.
    """
    if "\0" in reference:  # which no argument of a program can have
        raise ConfigurationError(f"{reference!r} names no commit of {root}.")
    name, *suffixes = _SUFFIX.split(reference, maxsplit=1)
    remotes = _remotes(root)
    commit = None
    if name != "HEAD" and not name.startswith("refs/"):
        commit = (
            _commit_at(root, "refs/heads/", reference)
            or _commit_at(root, "refs/tags/", reference)
            or _commit_of_remotes(root, remotes, reference)
        )
    commit = commit or _commit_at(root, "", reference)
    if commit is None:
        remedy = _remedy(root, name, "".join(suffixes), remotes)
        raise ConfigurationError(f"{reference!r} names no commit of {root}. {remedy}")
    return commit


def _commit_at(root: Path, prefix: str, reference: str, short_prefix: str = "") -> Commit | None:
    """Return the commit of a reference that starts with *prefix* in full, None without one."""
    revision = f"{prefix}{reference}^{{commit}}"
    output = git_output(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
    lines = (output or "").splitlines()
    # An excluded revision, such as ^HEAD, is not that of a commit.
    is_commit = bool(lines) and _FULL_HASH.fullmatch(lines[-1])
    return Commit(lines[-1], f"{short_prefix}{reference}") if is_commit else None


def _commit_of_remotes(root: Path, remotes: Sequence[str], reference: str) -> Commit | None:
    """Return the commit of the remotes' branch of a name, None if no remote has it.

    Raises:
        ConfigurationError: If several remotes have the branch, at different commits.
    """
    branches = (
        _commit_at(root, f"refs/remotes/{remote}/", reference, f"{remote}/") for remote in remotes
    )
    commits = [commit for commit in branches if commit is not None]
    if len({commit.hash for commit in commits}) > 1:
        names = " and ".join(commit.name for commit in commits)
        raise ConfigurationError(f"{reference!r} may mean {names}: name one of them.")
    return commits[0] if commits else None


def _remotes(root: Path) -> list[str]:
    """Return ``origin`` alone if there is a remote of that name, else the names of all remotes."""
    remotes = (git_output(root, "remote") or "").split()
    return ["origin"] if "origin" in remotes else remotes


def _remedy(root: Path, name: str, suffix: str, remotes: Sequence[str]) -> str:
    """Return a sentence on how to get the commit that is missing."""
    if not remotes:
        return "There is no branch, tag or commit of that name, and no remote to fetch it from."
    remote = next((each for each in remotes if name.startswith(f"{each}/")), remotes[0])
    is_shallow = git_output(root, "rev-parse", "--is-shallow-repository") == "true"
    short_name = name.removeprefix(f"{remote}/")
    if suffix or name == "HEAD" or _ABBREVIATED_HASH.fullmatch(name):
        # Only a clone with its history can follow parents and complete hashes.
        refspec, depth = f"+refs/heads/*:refs/remotes/{remote}/*", "--unshallow"
    elif _FULL_HASH.fullmatch(name):
        refspec, depth = name, "--depth=1"
    else:
        refspec, depth = f"+{short_name}:refs/remotes/{remote}/{short_name}", "--depth=1"
    arguments = [*([depth] if is_shallow else []), remote, refspec]
    reason = (
        "This clone is shallow. Get the commit by" if is_shallow else f"If {remote} has it, use"
    )
    if len(remotes) > 1 and not name.startswith(f"{remote}/"):
        others = " or ".join(each for each in remotes if each != remote)
        reason = f"(If {others} has it, put that for {remote}.) {reason}"
    return f"{reason}: {shell_command(['git', 'fetch', *arguments])}"
