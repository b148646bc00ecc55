"""Find the base side of a duet: another commit's tree, another environment, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from traingate.comparison.base_names import check_imported_names
from traingate.comparison.base_setup import prepare_base_tree
from traingate.comparison.next_step import CodeRelation
from traingate.controller.imported_files import ImportedFiles
from traingate.controller.job import Job, Side
from traingate.environments.placement import Placement
from traingate.environments.registry import RUNNING, Environment
from traingate.errors import ConfigurationError
from traingate.host.temporary_folders import folder_for_builds
from traingate.records import Duet
from traingate.worktree.references import Commit
from traingate.worktree.relocation import Relocation
from traingate.worktree.removal import Removal
from traingate.worktree.repository import Repository
from traingate.worktree.worktrees import Worktrees


class BaseSides:
    """Base sides of a session's duets.

    Args:
        root: Pytest's rootdir.
        caches: Directory for compile caches.
        removal: Removal that ends their worktrees.
        setup: Shell command that prepares the tree of a base commit; None if it needs none.
    """

    def __init__(
        self, root: Path, caches: Path, removal: Removal, setup: str | None = None
    ) -> None:
        self._root = root
        self._caches = caches
        self._setup = setup
        self._worktrees = Worktrees(removal, folder_for_builds())
        self._repositories: dict[Path, Repository | None] = {}
        self._peaks: dict[tuple[str, str, str], int] = {}
        self._commits: dict[tuple[Path, str], Commit] = {}
        self._preparations: dict[tuple[Path, Environment, bool], ConfigurationError | None] = {}

    def job_for(self, job: Job, reference: str | None, placement: Placement | None = None) -> Job:
        """Return the job that is to be measured in turn with *job*.

        Args:
            job: Job of the candidate.
            reference: Name of a commit; None for the working tree itself.
            placement: Environment of the base, with its request for the worker's process; None for
                those of *job*.

        Raises:
            NewTestError: If the commit does not define the workload.
            ConfigurationError: If there is no such commit, if git cannot check it out, or if the
                command that prepares its tree fails.
        """
        titles, relocation, folder = [], None, None
        environment = job.environment if placement is None else placement.environment
        if reference is not None:
            repository, commit = self._find_commit(job, reference)
            tree = self._worktrees.check_out(repository, commit.hash)
            relocation = Relocation(str(repository.root), str(tree), repository.ignored_paths())
            folder = self._folder_in(relocation, Path.cwd().resolve())
            titles.append(str(commit))
            self._prepare_tree(relocation, environment, job)
        if placement is not None:
            titles.append(environment.title)
        search_paths = job.search_paths or job.import_paths
        paths = self.project_paths(search_paths, Path(job.workload.file), environment)
        side = Side(" under ".join(titles), relocation, folder)
        cache = self._caches / f"{job.compile_cache.name}-{side.file_name}-{environment.file_name}"
        files = ImportedFiles(job.imported_files, same_code=relocation is None)
        return replace(
            job,
            side=side,
            environment=environment,
            request=job.request if placement is None else placement.examination.request,
            import_paths=tuple(paths),
            compile_cache=cache,
            peak_rss_bytes=self._peaks.get(_memory_key(job, side.title)),
            imported_files=files,
        )

    def remember_memory(self, base: Job, duet: Duet) -> None:
        """Remember how much memory a base needed, for the next duet of this test's kind with it.

        Args:
            base: Job that ``job_for`` has returned.
            duet: Duet with that job.
        """
        self._peaks[_memory_key(base, duet.base)] = duet.base_peak_bytes

    def accepting_files(self, job: Job, reference: str) -> dict[Path, bytes]:
        """Return the contents of the files that may accept a change in a commit, by their paths.

        Args:
            job: Job of the candidate.
            reference: Name of a commit, which defines what the job names.

        Raises:
            NewTestError: If the commit does not define the workload.
            ConfigurationError: If git cannot read such a file of the commit.
        """
        repository, commit = self._find_commit(job, reference)
        contents = {}
        for file in repository.files_with(commit.hash, "accept_reason"):
            content = repository.read_source(commit.hash, file)
            if content is None:  # without its old acceptances, all of them would look new
                raise ConfigurationError(f"git cannot read {file} in commit {commit.hash[:9]}")
            contents[file] = content
        return contents

    def compare_code(self, job: Job, reference: str) -> CodeRelation:
        """Compare the tracked files of the working tree with a commit.

        Args:
            job: Job of the candidate.
            reference: Name of a commit.
        """
        repository = self._find_repository(Path(job.workload.file))
        if repository is None:
            return CodeRelation.UNAVAILABLE
        try:
            commit = self.resolve(repository, reference).hash
        except ConfigurationError:
            return CodeRelation.UNAVAILABLE
        if not repository.has_file(commit, Path(job.workload.file)):
            return CodeRelation.UNAVAILABLE
        same = repository.matches_working_tree(commit)
        return CodeRelation.SAME if same else CodeRelation.DIFFERENT

    def missing_commit(self, job: Job, commit: str) -> str | None:
        """Return how to get a commit that the workload's repository lacks, None if it has it.

        Args:
            job: Job of the candidate.
            commit: Full name of the commit.
        """
        repository = self._find_repository(Path(job.workload.file))
        if repository is not None:
            try:
                self.resolve(repository, commit)
            except ConfigurationError as error:
                return str(error)
        return None

    def resolve(self, repository: Repository, reference: str) -> Commit:
        """Return the commit that a reference names, the same one for the whole session.

        Raises:
            ConfigurationError: If there is no such commit.
        """
        key = (repository.root, reference)
        if key not in self._commits:
            self._commits[key] = repository.resolve_commit(reference)
        return self._commits[key]

    def project_paths(
        self, search_paths: Sequence[str], workload_file: Path, environment: Environment
    ) -> list[str]:
        """Return the folders that a worker in *environment* adds to its search path.

        For another interpreter these are the project's alone: others may hold installed packages of
        the running one.

        Args:
            search_paths: Folders on pytest's search path that are outside of all library folders.
            workload_file: File of the workload.
            environment: Environment of the worker.
        """
        if environment.interpreter is None:
            return list(search_paths)
        roots = [self._root, workload_file.parent]
        repository = self._find_repository(workload_file)
        roots += [repository.root] if repository else []
        return [
            path for path in search_paths if any(Path(path).is_relative_to(root) for root in roots)
        ]

    def _prepare_tree(self, relocation: Relocation, environment: Environment, job: Job) -> None:
        """Run the setup command in the tree, once for each environment that measures it."""
        if self._setup is None:
            return
        # The candidates of other tests may run in the environment that pytest runs in.
        is_shared = environment in {job.environment, RUNNING}
        key = (Path(relocation.tree), environment, is_shared)
        if key not in self._preparations:
            folder = Path(self._folder_in(relocation, self._root))
            self._preparations[key] = ConfigurationError(
                f"--traingate-base-setup has not ended in the base's tree, {folder}, since a test "
                "was interrupted or timed out before. The base is not prepared."
            )
            try:
                prepare_base_tree(
                    self._setup,
                    folder,
                    environment.interpreter,
                    job.timeouts.base_setup,
                    is_shared=is_shared,
                )
            except ConfigurationError as error:
                self._preparations[key] = error
            else:
                self._preparations[key] = None
        failure = self._preparations[key]
        if failure is not None:
            raise failure

    @staticmethod
    def _folder_in(relocation: Relocation, folder: Path) -> str:
        """Return the place of *folder* in the other tree, or its root if that lacks the folder."""
        own_folder = relocation.relocate(str(folder))
        return own_folder if Path(own_folder).is_dir() else relocation.tree

    def read_base_file(self, job: Job, reference: str, file: Path) -> bytes | None:
        """Return the content that a file of the working tree has in a commit, None if it has none.

        Args:
            job: Job of the candidate.
            reference: Name of a commit.
            file: Absolute path of the file.

        Raises:
            ConfigurationError: If the file is not in the repository of the workload.
        """
        repository = self._find_repository(Path(job.workload.file))
        if repository is None or not file.is_relative_to(repository.root):
            raise ConfigurationError(
                f"{file} accepts a change, and is not in the git repository of the workload"
            )
        return repository.read_source(self.resolve(repository, reference).hash, file)

    def _find_repository(self, file: Path) -> Repository | None:
        """Return the repository that holds the file of a workload, None if there is none."""
        if file not in self._repositories:
            self._repositories[file] = Repository.containing(file)
        return self._repositories[file]

    def commit_hash(self, job: Job, reference: str) -> str:
        """Return the full name of a commit of the workload's repository; empty without one.

        Args:
            job: Job of the candidate.
            reference: Name of the commit.

        Raises:
            ConfigurationError: If there is no such commit.
        """
        repository = self._find_repository(Path(job.workload.file))
        return "" if repository is None else self.resolve(repository, reference).hash

    def _find_commit(self, job: Job, reference: str) -> tuple[Repository, Commit]:
        """Return a commit by its name, after checking that it defines what the job names."""
        repository = self._find_repository(Path(job.workload.file))
        if repository is None:
            file = Path(job.workload.file)
            raise ConfigurationError(
                f"{file} is in no git repository, so there is no {reference!r} to measure it "
                f"against. {Repository.git_error(file)}"
            )
        if not self._root.is_relative_to(repository.root) and repository.is_submodule:
            raise ConfigurationError(
                f"{job.workload.file} lies in the submodule {repository.root}, whose commits "
                f"{reference!r} would name, not those of the project around it. Run pytest with "
                "the submodule as its rootdir."
            )
        commit = self.resolve(repository, reference)
        check_imported_names(job, repository, commit)
        return repository, commit


def _memory_key(job: Job, base: str) -> tuple[str, str, str]:
    """Return what the memory of a base depends on: the workload, its layers, and the base."""
    return job.identity, str(job.stack.factories()), base
