"""Keep the runs of the main branch on a branch of their own, which has one commit.

Caches of GitHub Actions are evicted, and artifacts expire. A branch stays. It is replaced by a new
commit without a parent each time, so that it does not grow by what was removed.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

from traingate.baselines.index import load_summaries
from traingate.baselines.run_files import stored_files
from traingate.baselines.summaries import RunSummary
from traingate.errors import ConfigurationError, NoRunError
from traingate.untrusted.files import write_atomically
from traingate.untrusted.masking import masked_text
from traingate.worktree.git_command import checked_git, git_output, run_git
from traingate.worktree.removal import Removal

BRANCH: Final = "traingate-runs"
"""Name of the branch, unless the user chooses another."""

_ATTEMPTS: Final = 5
"""Number of times that a push is tried while other jobs push too."""

_NO_REFERENCE: Final = 1
"""Exit status of git-show-ref(1) if there is no such reference."""

_MAX_FILES: Final = 100_000
_MAX_BYTES: Final = 8 << 30
"""Largest number, and size of all, of the files that are taken from the branch."""

_SERVER: Final = "https://github.com"
"""Server that is given the token, unless the job's is another one."""

_CREDENTIALS: Final = (
    '!f() { test "$1" = get && echo username=x-access-token && echo "password=$GITHUB_TOKEN"; }; f'
)
"""Helper by which git asks for the token of the job (gitcredentials(7)). The token is no argument
of a process."""


@dataclass(frozen=True)
class DataBranch:
    """Branch with the runs of the main branch.

    Attributes:
        remote: Address, or path, of the repository.
        name: Name of the branch.
    """

    remote: str
    name: str = BRANCH

    @classmethod
    def of_origin(cls, name: str = BRANCH) -> DataBranch:
        """Return the branch in the repository that the working directory was cloned from.

        Raises:
            ConfigurationError: If it was cloned from none.
        """
        remote = git_output(Path.cwd(), "remote", "get-url", "origin")
        if not remote:
            raise ConfigurationError("this repository has no remote called origin")
        return cls(remote, name)

    def fetch(self, folder: Path) -> None:
        """Copy the runs into a folder; there are none yet if there is no such branch.

        Nothing else is copied: pytest would run the tests of the branch, as part of the checkout.

        Raises:
            ConfigurationError: If the repository cannot be reached, or if the folder has a link,
                through which a file outside of it would be written.
        """
        refuse_links((folder, *folder.rglob("*")))
        with Removal() as removal:
            clone = _Clone(removal.make_folder("traingate-runs-"), removal)
            self._check_out(clone)
            for file in stored_files(clone.folder):
                if file.is_file():
                    copy = folder / file.relative_to(clone.folder)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)

    def add(self, files: Collection[Path], storage: Path, keep: int) -> None:
        """Add runs to the branch, and remove those that it need not keep.

        Args:
            files: Files of new runs in *storage*.
            storage: Folder of the runs.
            keep: Number of the newest runs of each kind of machine to keep. Runs that a person has
                accepted, and those of tags, are always kept.

        Raises:
            ConfigurationError: If the branch cannot be pushed.
        """
        for _ in range(_ATTEMPTS):
            with Removal() as removal:
                clone = _Clone(removal.make_folder("traingate-runs-"), removal)
                old = self._check_out(clone)
                for file in files:
                    _check_is_file(file)
                    copy = clone.folder / file.relative_to(storage)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
                for path in removable_runs(clone.folder, keep, _tagged_commits()):
                    path.unlink()
                error = self._push(clone, old)
                if error is None:
                    return
        raise ConfigurationError(f"the branch {self.name} was not pushed: {error}")

    def _check_out(self, clone: _Clone) -> str | None:
        """Fill a new clone with the branch's files, and return the commit of the branch."""
        clone.git("init", "--quiet", "--initial-branch", "runs")
        settings = clone.folder / ".git" / "info"
        settings.mkdir(exist_ok=True)
        write_atomically(settings / "attributes", _ATTRIBUTES)
        head = f"refs/heads/{self.name}"  # a short name would match other branches, and tags
        if not clone.git("ls-remote", "--heads", "--end-of-options", self.remote, head):
            return None
        clone.git("fetch", "--quiet", "--depth=1", "--end-of-options", self.remote, head)
        _check_size(clone.git("ls-tree", "-r", "-l", "-z", "FETCH_HEAD"))
        clone.git("checkout", "--quiet", "FETCH_HEAD")
        return clone.git("rev-parse", "FETCH_HEAD")

    def _push(self, clone: _Clone, old: str | None) -> str | None:
        """Replace the branch by the files of a clone; return git's message if another job won."""
        clone.git("checkout", "--quiet", "--orphan", "next")
        clone.git("add", "--all", "--force")
        clone.git("commit", "--quiet", "--allow-empty", "-m", "Runs of traingate")
        lease = f"--force-with-lease=refs/heads/{self.name}:{old or ''}"
        target = f"HEAD:refs/heads/{self.name}"
        arguments = ("push", "--quiet", lease, "--end-of-options", self.remote, target)
        process = clone.run_git(*arguments)
        return process.stderr.strip() if process.returncode else None


def refuse_links(paths: Iterable[Path]) -> None:
    """Refuse to go on if one of these paths is a link.

    The checkout of a pull request may have a link anywhere, through which a file outside of it
    would be written.

    Raises:
        ConfigurationError: If one is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a link, and nothing is written through it")


_ATTRIBUTES: Final = "* -text -eol -ident -filter -working-tree-encoding\n"
"""Attributes in the place of those of the branch, which could start filters such as Git LFS."""

_SETTINGS: Final = (
    "-c", "user.name=traingate", "-c", "user.email=traingate@users.noreply.github.com",
    "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null",
    # A link in the branch would lead what is read or written to a file outside of the clone.
    "-c", "core.symlinks=false",
    # The empty value removes the user's helpers, which would be given the token to store.
    "-c", "credential.helper=",
)  # fmt: skip


@dataclass(frozen=True)
class _Clone:
    """Temporary repository for the files of the branch.

    Attributes:
        folder: Its folder, which is empty at first.
        removal: Removal of the folder, which ends a git that works there too.
    """

    folder: Path
    removal: Removal

    def git(self, *arguments: str) -> str:
        """Return git's output.

        Raises:
            ConfigurationError: If git fails.
        """
        process = self.run_git(*arguments)
        if process.returncode:
            raise ConfigurationError(
                f"git {arguments[0]} failed: {masked_text(process.stderr.strip())}"
            )
        return process.stdout.strip()

    def run_git(self, *arguments: str) -> CompletedProcess[str]:
        """Run git with the settings for the branch."""
        on_change = self.removal.note_group
        # No other server is given the token, whatever the address of the remote has become.
        server = os.environ.get("GITHUB_SERVER_URL") or _SERVER
        helper = ("-c", f"credential.{server}.helper={_CREDENTIALS}")
        return run_git(self.folder, *_SETTINGS, *helper, *arguments, on_change=on_change)


def _check_size(listing: str) -> None:
    """Check that the files of the branch, which may be packed very small, can be written.

    Args:
        listing: Output of git-ls-tree(1) with ``-l`` and ``-z``.

    Raises:
        ConfigurationError: If they are too many, or too large.
    """
    sizes = [entry.split(maxsplit=4)[3] for entry in listing.split("\0") if entry]
    total = sum(int(size) for size in sizes if size.isdigit())  # a submodule has none
    if len(sizes) > _MAX_FILES or total > _MAX_BYTES:
        raise ConfigurationError(
            f"the branch of the runs has {len(sizes)} files of {total} bytes, and at most "
            f"{_MAX_FILES} of {_MAX_BYTES} bytes are taken"
        )


def _check_is_file(file: Path) -> None:
    """Check that a new run is no link, which could add any file of this machine to the branch.

    Raises:
        ConfigurationError: If it is one.
    """
    if file.is_symlink() or not file.is_file():
        raise ConfigurationError(f"{file} is a link, or no file, and was not added to the branch")


def removable_runs(storage: Path, keep: int, tagged: Collection[str]) -> list[Path]:
    """Return the files of runs that need not be kept.

    Args:
        storage: Folder of the runs.
        keep: Number of the newest runs of each kind of machine to keep.
        tagged: Full names of commits whose runs are kept.
    """
    try:
        runs = load_summaries(str(storage), selection=True)
    except NoRunError:
        return []
    by_machine: dict[str, list[RunSummary]] = defaultdict(list)
    for run in runs:
        machine = run.tests[0].machine if run.tests else None
        by_machine[f"{machine and (machine.cpu, machine.cores)}"].append(run)
    removable = []
    for machine_runs in by_machine.values():
        removable += [
            run.path
            for run in machine_runs[: -keep or None]
            if run.commit not in tagged and not any(test.accepted for test in run.tests)
        ]
    return removable


def _tagged_commits() -> frozenset[str]:
    """Return the full names of the commits of all tags of the working directory's repository.

    Raises:
        ConfigurationError: If git fails, without which all runs of tags would be removed.
    """
    command = ("show-ref", "--tags", "--dereference")
    listing = checked_git(Path.cwd(), *command, empty_status=_NO_REFERENCE).stdout
    return frozenset(line.split()[0] for line in listing.splitlines())
