"""The other side of a duet, found and measured: from a commit or an interpreter to a verdict."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from traingate.comparison.interpreter import find_interpreter
from traingate.controller.command import Interpreter
from traingate.controller.job import Job, Side
from traingate.errors import BaselineError, ConfigurationError
from traingate.workload import ObjectName
from traingate.worktree.relocation import Relocation, belongs
from traingate.worktree.repository import Repository
from traingate.worktree.worktrees import Worktrees


class Bases:
    """The other sides of a session's duets; ``close`` removes what was checked out for them.

    Args:
        root: pytest's rootdir.
        caches: folder for compile caches.
    """

    def __init__(self, root: Path, caches: Path) -> None:
        self._root = root
        self._caches = caches
        self._worktrees = Worktrees()
        self._interpreters: dict[str, Interpreter] = {}
        self._repositories: dict[Path, Repository | None] = {}

    def close(self) -> None:
        """Remove the worktrees."""
        self._worktrees.close()

    def of(self, job: Job, reference: str | None, python: str | None) -> Job:
        """The job that is to be measured beside ``job``.

        Args:
            job: the candidate's.
            reference: a commit; None for the working tree itself.
            python: an interpreter; None for ours.

        Raises:
            BaselineError: if the commit is not there, or does not hold the workload.
            ConfigurationError: if the interpreter cannot serve.
        """
        titles, relocation, folder, interpreter = [], None, None, None
        paths: Sequence[str] = job.import_paths
        if reference is not None:
            repository, commit = self._commit_of(job, reference)
            tree = self._worktrees.of(repository, commit)
            relocation = Relocation(str(repository.root), str(tree))
            there = relocation.moved(str(Path.cwd().resolve()))
            folder = there if Path(there).is_dir() else str(tree)
            given = "" if commit.startswith(reference) else f" ({reference})"
            titles.append(f"commit {commit[:9]}{given}")
        if python is not None:
            interpreter = self._interpreter(python)
            titles.append(f"the Python of {interpreter.prefix}")
            paths = [path for path in paths if self._belongs(path, job)]
        side = Side(" under ".join(titles), relocation, interpreter, folder)
        name = "".join(letter if letter.isalnum() else "-" for letter in side.title)
        cache = self._caches / f"{job.compile_cache.name}-{name}"
        return replace(job, side=side, import_paths=tuple(paths), compile_cache=cache)

    def repository(self, job: Job) -> Repository | None:
        """Where the job's workload is kept; None if in none."""
        file = Path(job.workload.file)
        if file not in self._repositories:
            self._repositories[file] = Repository.around(file)
        return self._repositories[file]

    def is_at(self, job: Job, reference: str) -> bool:
        """Whether the working tree is just that commit's, as far as git knows."""
        repository = self.repository(job)
        return repository is not None and repository.is_at(repository.commit(reference))

    def _commit_of(self, job: Job, reference: str) -> tuple[Repository, str]:
        """The commit that is named, if it holds what the job names."""
        repository = self.repository(job)
        if repository is None:
            file = Path(job.workload.file)
            raise ConfigurationError(
                f"{file} is in no git repository, so there is no {reference!r} to measure it "
                f"against. {Repository.complaint(file)}"
            )
        if not self._root.is_relative_to(repository.root) and repository.is_submodule:
            raise ConfigurationError(
                f"{job.workload.file} lies in the submodule {repository.root}, whose commits "
                f"{reference!r} would name, not those of the project around it. Run pytest with "
                "the submodule as its rootdir."
            )
        commit = repository.commit(reference)
        for name in _named(job):
            if not _holds(repository, commit, name):
                inside = Path(name.file).relative_to(repository.root)
                raise BaselineError(
                    f"{reference} (commit {commit[:9]}) has no {name.qualname} in {inside}: what "
                    "is new there has nothing to be measured against. Let it pass by "
                    "--traingate-on-missing=record."
                )
        return repository, commit

    def _belongs(self, path: str, job: Job) -> bool:
        """Whether a folder is the project's own: others may hold packages of our environment."""
        repository = self.repository(job)
        roots = [self._root, Path(job.workload.file).parent]
        roots += [repository.root] if repository else []
        return any(Path(path).is_relative_to(root) for root in roots)

    def _interpreter(self, given: str) -> Interpreter:
        if given not in self._interpreters:
            self._interpreters[given] = find_interpreter(given)
        return self._interpreters[given]


def _named(job: Job) -> list[ObjectName]:
    """What the worker imports by name: the workload, and the layers' classes."""
    factories: list[Any] = job.stack.factories()
    return [job.workload, *(ObjectName(**item["factory"]) for item in factories)]


def _holds(repository: Repository, commit: str, name: ObjectName) -> bool:
    """Whether ``commit`` has what is named; libraries and traingate itself are on both sides."""
    file = Path(name.file)
    if not belongs(file, repository.root):
        return True
    text = repository.text(commit, file)
    return text is not None and _binds(text, name.qualname.partition(".")[0])


def _binds(text: str, name: str) -> bool:
    """Whether a module of this text may have ``name`` at its top level."""
    try:
        module = ast.parse(text)
    except SyntaxError:
        return True  # the worker will say what is wrong with it
    bound: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return name in bound or "*" in bound
