"""Find the commit that a user's reference means, and say how to get a commit that is missing.

A branch of the remote repository is often all that a checkout has: a pull request's job checks out
a single commit, and has ``origin/main`` but no branch ``main``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
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
    branches of the remote: of ``origin``, or of the only remote if it has another name. All else
    that git understands comes last, such as a hash or ``HEAD~2``.

    Args:
        root: Root of the repository's working tree.
        reference: Any revision in the syntax of gitrevisions(7).

    Raises:
        ConfigurationError: If *reference* names no commit; the message has the command that fetches
            the commit if the repository has a remote.
    """
    name, *suffixes = _SUFFIX.split(reference, maxsplit=1)
    suffix = "".join(suffixes)
    remote = _remote(root)
    prefixes = {"refs/heads/": "", "refs/tags/": ""}
    if remote is not None:
        prefixes[f"refs/remotes/{remote}/"] = f"{remote}/"
    if name == "HEAD" or name.startswith("refs/"):
        prefixes = {}
    for prefix, short_prefix in {**prefixes, "": ""}.items():
        revision = f"{prefix}{reference}^{{commit}}"
        output = git_output(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        if output:
            return Commit(output.splitlines()[-1], f"{short_prefix}{reference}")
    raise ConfigurationError(
        f"{reference!r} names no commit of {root}. {_remedy(root, name, suffix, remote)}"
    )


def _remote(root: Path) -> str | None:
    """Return ``origin``, or the name of the only remote; None if there is neither."""
    remotes = (git_output(root, "remote") or "").split()
    if "origin" in remotes:
        return "origin"
    return remotes[0] if len(remotes) == 1 else None


def _remedy(root: Path, name: str, suffix: str, remote: str | None) -> str:
    """Return a sentence on how to get the commit that is missing."""
    if remote is None:
        return "There is no branch, tag or commit of that name, and no remote to fetch it from."
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
    return f"{reason}: {shlex.join(['git', 'fetch', *arguments])}"
