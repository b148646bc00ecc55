"""Find the saved run that an argument of a command names."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from click.shell_completion import CompletionItem
from rich.console import Console
from rich.progress import Progress as RichProgress

from traingate.baselines import saved_runs
from traingate.baselines.index import Progress, load_summaries
from traingate.baselines.run_files import select_files
from traingate.baselines.saved_runs import SavedRun
from traingate.errors import BaselineError, ConfigurationError, NoRunError
from traingate.untrusted.paths import is_file, is_folder
from traingate.worktree.repository import Repository

if TYPE_CHECKING:
    import click


def _complete_runs(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the saved runs in the storage, and files, that start with *incomplete*."""
    storage = context.params.get("storage") or ".benchmarks"
    try:
        names = [path.stem for path in select_files(storage, selection=True)]
    except BaselineError:
        names = []
    items = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*items, CompletionItem(incomplete, type="file")]


RUN_COMPLETION: Final = _complete_runs
"""Function that completes the name of a saved run in a shell."""


def find_run(name: str | None, storage: str) -> SavedRun:
    """Return the saved run of this name.

    Args:
        name: Path of a file; path of a storage, for its newest run; number of a saved run, or the
            start of its file's name; or a commit, for its newest run. None for the newest run in
            *storage*.
        storage: Folder in which numbers, names and commits are looked for.

    Raises:
        NoRunError: If there is none.
        DamagedRecordError: If a file cannot be read.
    """
    if name is None:
        return newest_run(storage)
    path = Path(name)
    if is_file(path):
        return saved_runs.read_run(path)
    if is_folder(path):
        return newest_run(name)
    try:
        return newest_run(storage, name)
    except NoRunError:
        run = _run_of_commit(name, storage)
    if run is None:
        raise NoRunError(
            f"{name} is no file, no storage, no saved run in {storage}, and no commit with one."
        )
    return run


def newest_run(storage: str, selection: str | bool = True) -> SavedRun:
    """Return the newest of the saved runs that ``load_summaries`` finds.

    Raises:
        BaselineError, NoRunError, DamagedRecordError: If ``load_summaries`` raises them.
    """
    return saved_runs.read_run(load_summaries(storage, selection)[-1].path)


def _run_of_commit(reference: str, storage: str) -> SavedRun | None:
    """Return the newest run of a commit; None if there is no such commit, or no run of it."""
    repository = Repository.containing(Path.cwd())
    if repository is None:
        return None
    try:
        commit = repository.resolve_commit(reference).hash
        runs = load_summaries(storage, selection=True)
    except (ConfigurationError, NoRunError):
        return None
    paths = (run.path for run in reversed(runs) if run.commit == commit)
    return next(map(saved_runs.read_run, paths), None)


@contextlib.contextmanager
def show_progress(title: str) -> Iterator[Progress | None]:
    """Yield a function that shows on a terminal how many files were read, with the time left.

    Args:
        title: Title of the bar.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with RichProgress(
        *RichProgress.get_default_columns(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda count, total: bar.update(task, completed=count, total=total)
