"""Check that the commit of a base defines what a job imports."""

from __future__ import annotations

import ast
from pathlib import Path

from traingate.controller.job import Job
from traingate.errors import NewTestError
from traingate.training_setup import WorkloadName
from traingate.workload import ObjectName
from traingate.worktree.references import Commit
from traingate.worktree.relocation import is_project_file
from traingate.worktree.repository import Repository
from traingate.worktree.statements import parsed_module


def check_imported_names(job: Job, repository: Repository, commit: Commit) -> None:
    """Check that *commit* defines the workload, its parameters, and the classes of the layers.

    Args:
        job: Job of the candidate.
        repository: Repository with the commit.
        commit: Commit of the base.

    Raises:
        NewTestError: If it lacks one of them.
    """
    for name in _imported_names(job):
        if not _commit_defines(repository, commit.hash, name):
            relative_path = Path(name.file).relative_to(repository.root)
            raise NewTestError(
                f"{commit.name} (commit {commit.hash[:9]}) has no {name.qualname} in "
                f"{relative_path}, so there is nothing to measure the new one against. Let it "
                "pass by --traingate-on-missing=record."
            )
    parameter = _missing_parameter(repository, commit.hash, job.workload)
    if parameter is not None:
        raise NewTestError(
            f"In {commit.name} (commit {commit.hash[:9]}), {job.workload.qualname} has no "
            f"parameter {parameter}, so there is nothing to measure the new workload against. "
            "Let it pass by --traingate-on-missing=record."
        )


def _imported_names(job: Job) -> list[ObjectName]:
    """Return the names that the worker imports: the workload, and the classes of the layers."""
    return [job.workload, *job.stack.class_names()]


def _commit_defines(repository: Repository, commit: str, name: ObjectName) -> bool:
    """Return whether *commit* defines *name*, which is always so for a name of a library."""
    file = Path(name.file)
    if not is_project_file(file, repository.root):
        return True
    source = repository.read_source(commit, file)
    return source is not None and _module_defines(source, name.qualname.partition(".")[0])


def _missing_parameter(repository: Repository, commit: str, name: ObjectName) -> str | None:
    """Return an argument of a workload that its function in *commit* has no parameter for."""
    file = Path(name.file)
    if not isinstance(name, WorkloadName) or not is_project_file(file, repository.root):
        return None
    module = parsed_module(repository.read_source(commit, file) or b"")
    if module is None:
        return None  # the worker will report the error
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == name.qualname and not node.args.kwarg:
            parameters = {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
            return next((each for each in name.arguments if each not in parameters), None)
    return None


def _module_defines(source: bytes, name: str) -> bool:
    """Return whether a module with this source may have *name* at its top level.

    Args:
        source: Content of the file; Python finds its encoding (PEP 263).
        name: Name that is looked for.
    """
    module = parsed_module(source)
    if module is None:
        return True  # the worker will report the error
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return name in names or "*" in names
