"""The other side of a duet, found and measured: from a commit or an interpreter to a verdict."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.controller.command import LEADING_TO_PACKAGES, Interpreter
from traingate.controller.duet import duet
from traingate.controller.job import Job, LaunchPlan, Observer, Side
from traingate.errors import BaselineError, ConfigurationError
from traingate.gate.counters import faults, shifts, with_faults
from traingate.gate.decision import judge_pairs, pair_policy
from traingate.records import Duet, Measurement, Outcome, Verdict
from traingate.workload import ObjectName
from traingate.worktree.relocation import Relocation, belongs
from traingate.worktree.repository import Repository, Worktrees

LEAST_PAIRS: Final = 2
_OLDEST_PYTHON: Final = [3, 10]
_PROBE: Final = (
    "import importlib.util, json, sys; "
    "print(json.dumps([sys.prefix, sys.version_info[:2], bool(importlib.util.find_spec('torch'))]))"
)


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


def find_interpreter(given: str) -> Interpreter:
    """The Python at ``given``, an executable or the folder of an environment.

    Raises:
        ConfigurationError: if it does not run, is too old, or has no torch.
    """
    path = Path(given).expanduser()
    path = path / "bin" / "python" if path.is_dir() else path
    found = shutil.which(given) if len(path.parts) == 1 and not path.exists() else None
    python = os.path.abspath(found or path)  # noqa: PTH100 - resolve() would leave the environment
    environment = {
        name: value for name, value in os.environ.items() if name not in LEADING_TO_PACKAGES
    }
    try:
        told = subprocess.run(  # noqa: S603 - the interpreter that the user named
            [python, "-c", _PROBE], capture_output=True, text=True, check=True, env=environment
        )
        prefix, version, has_torch = json.loads(told.stdout)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"--traingate-against-python: {python} does not run as a Python: {error}"
        ) from error
    if version < _OLDEST_PYTHON:
        raise ConfigurationError(
            f"--traingate-against-python: {python} is Python {'.'.join(map(str, version))}, and "
            "traingate's worker needs 3.10 or later."
        )
    if not has_torch:
        raise ConfigurationError(
            f"--traingate-against-python: {python} has no torch. Install it there: "
            f"{python} -m pip install torch"
        )
    return Interpreter(python, prefix)


@dataclass(frozen=True)
class Settled:
    """A duet and what it came to."""

    verdict: Verdict
    duet: Duet


def settle(
    job: Job,
    base: Job,
    measurement: Measurement,
    observer: Observer,
    *,
    tolerance: float,
    most: int,
) -> Settled:
    """Measure ``base`` beside ``job``, pair after pair, until that decides.

    Args:
        job: the candidate's.
        base: the other side's.
        measurement: of the candidate alone, which tells how much memory a launch takes.
        observer: told how far it is.
        tolerance: in percent.
        most: pairs at the most.

    Raises:
        As ``controller.duet``.
    """
    policy = pair_policy(tolerance, most)
    first = policy.first_look
    plan = LaunchPlan(first, most)
    ours = for_duet(job, measurement, plan)
    theirs = replace(for_duet(base, measurement, plan), work=None)

    def decided(so_far: Duet) -> bool:
        verdict = judge_pairs(so_far.pairs, measurement.batch_size, policy)
        found = _faults(so_far)
        return verdict.outcome is not Outcome.INCONCLUSIVE or bool(found)

    result = duet(ours, theirs, plan, decided, observer)
    verdict = judge_pairs(result.pairs, measurement.batch_size, policy)
    verdict = msgspec.structs.replace(
        verdict,
        baseline=_described(result),
        evidence=(
            *environment_changes(result.base_environment, result.candidate_environment),
            *shifts(result.base_account, result.candidate_account),
            *_unrest(result),
        ),
    )
    return Settled(with_faults(verdict, _faults(result)), result)


def for_duet(job: Job, measurement: Measurement, plan: LaunchPlan) -> Job:
    """``job`` as a side of a duet of so many pairs, with what ``measurement`` has taught of it."""
    return replace(
        job,
        duet=True,
        profile=False,
        launches=plan,
        work=(measurement.flops_per_sample, measurement.operators_per_step),
        peak_rss_bytes=measurement.peak_rss_bytes,
    )


def _faults(result: Duet) -> list[str]:
    same = result.base_environment["torch"] == result.candidate_environment["torch"]
    return faults(result.base_account, result.candidate_account, same_torch=same)


def _unrest(result: Duet) -> list[str]:
    """What to know where a side did not sleep while the other stepped."""
    restless = sum(pair.restless_turns for pair in result.pairs)
    if not restless:
        return []
    return [
        f"after {restless} turns a side still computed (data workers?) while the other stepped: "
        "that draws the two together"
    ]


def _described(result: Duet) -> str:
    software = result.base_environment
    return f"{result.base}, Python {software['python']}, torch {software['torch']}"
