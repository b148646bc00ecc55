"""Check out commits into temporary worktrees."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from traingate.errors import ConfigurationError
from traingate.untrusted.masking import masked_text
from traingate.worktree.git_command import run_git
from traingate.worktree.removal import Removal
from traingate.worktree.repository import Repository


class Worktrees:
    """Temporary worktrees, one per commit.

    Args:
        removal: Removal that ends them.
        folder: Folder to make them in; None for the usual one for temporary files.
    """

    def __init__(self, removal: Removal, folder: Path | None = None) -> None:
        self._removal = removal
        self._folder = folder
        self._trees: dict[tuple[Path, str], Path] = {}

    def check_out(self, repository: Repository, commit: str) -> Path:
        """Return the folder in which *commit* and its submodules are checked out.

        Args:
            repository: Repository that contains the commit.
            commit: Full name of the commit.

        Raises:
            ConfigurationError: If git cannot check it out.
        """
        key = (repository.root, commit)
        if key not in self._trees:
            tree = self._removal.make_folder("traingate-base-", self._folder)
            self._add(repository, commit, tree)
            self._trees[key] = tree
        return self._trees[key]

    def add_without_files(self, repository: Repository, commit: str) -> Path:
        """Return the folder of a new worktree at *commit* in which no file is checked out.

        Args:
            repository: Repository that contains the commit.
            commit: Full name of the commit.

        Raises:
            ConfigurationError: If git cannot make it.
        """
        tree = self._removal.make_folder("traingate-bisect-", self._folder)
        self._add_worktree(repository, commit, tree, "--no-checkout")
        return tree

    def _add(self, repository: Repository, commit: str, tree: Path) -> None:
        """Check out *commit* into the folder *tree*, and its submodules into their folders."""
        self._add_worktree(repository, commit, tree)
        for path, submodule_commit in repository.submodules(commit):
            shutil.rmtree(tree / path, ignore_errors=True)
            (tree / path).mkdir(parents=True)
            # The working tree's clone of the submodule is used: it needs no network, and has the
            # commits that were made in it and not pushed.
            self._add(Repository(repository.root / path), submodule_commit, tree / path)

    def _add_worktree(self, repository: Repository, commit: str, tree: Path, *options: str) -> None:
        """Make the folder *tree* a worktree of *commit*, with further options of git."""
        self._removal.remove_worktree_at_end(
            repository.root, tree
        )  # first, since git may be interrupted
        no_hooks = ("-c", f"core.hooksPath={os.devnull}")
        command = ("worktree", "add", "--detach", "--force", *options, str(tree), commit)
        process = run_git(repository.root, *no_hooks, *command, on_change=self._removal.note_group)
        if process.returncode != 0:
            raise ConfigurationError(
                f"git could not check out commit {commit[:9]} of {repository.root}: "
                f"{masked_text(process.stderr.strip())}"
            )
