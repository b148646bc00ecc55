"""Both sides of a duet run what they claim to run."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import site
import sysconfig
import textwrap
import venv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from workers import IMPORT_PATHS, name_in, record_of, too_large_for_two

from sample_settings import settings
from traingate.comparison.against_base import AgainstBase
from traingate.comparison.base_setup import prepare_base_tree
from traingate.comparison.base_side import BaseSides
from traingate.comparison.next_step import CodeRelation
from traingate.controller.job import LaunchPlan
from traingate.controller.measure import measure
from traingate.errors import ConfigurationError, EditedFileError, WorkloadError
from traingate.host.shared_libraries import loaded_library
from traingate.records import Method, Outcome
from traingate.report.progress import NoProgress

TOLERANCE = 40.0
"""Percent: 10 ms are told from 40 on a busy machine too, and 10 ms from 10."""


@pytest.fixture
def compared(project, base_sides):
    """``compared(...)``: the result of a duet of the working tree with its commit."""

    def compare(
        against="HEAD", python=None, sides=base_sides, *, observer=None, measurement=None, **changes
    ):
        chosen = settings(against=against, against_python=python, launches=2)
        job = replace(project.job(project=project.folder), **changes)
        comparison = AgainstBase(chosen, TOLERANCE, job, sides)
        comparison.prepare()
        return comparison.conclude(measurement or record_of([0.01]), observer or NoProgress())

    return compare


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


BUILDING = """
    import os, time
    from pathlib import Path
    from trainings import training

    def build(name, seconds):
        folder = Path(os.environ.get("TORCH_EXTENSIONS_DIR", {common!r})) / name
        if not folder.exists():  # one folder by name, as in torch.utils.cpp_extension
            folder.mkdir(parents=True)
            (folder / "seconds").write_text(str(seconds))
        return float((folder / "seconds").read_text())

    def model():
        seconds = build("kernel", {seconds})
        return training(lambda: time.sleep(seconds))
"""


def test_a_slower_extension_is_found_though_it_is_built_by_name(compared, project, temporary):
    common = str(temporary / "common")
    write(project.model, BUILDING.format(common=common, seconds=0.01))
    project.commit()
    write(project.model, BUILDING.format(common=common, seconds=0.05))
    assert compared().verdict.outcome is Outcome.REGRESSED


def test_a_file_edited_between_two_launches_is_refused(project):
    class Editing(NoProgress):
        def launching(self, number, planned):
            if number == 2:
                project.write(0.02)

    job = project.job(project=project.folder, launches=LaunchPlan(2, 2), peak_rss_bytes=None)
    with pytest.raises(ConfigurationError, match="launch 2 imported another version of models"):
        measure(job, lambda _: True, Editing())


def test_a_file_edited_during_a_launch_is_refused(project):
    class Editing(NoProgress):
        def stepped(self, step, steps, samples_per_second):
            project.write(0.02)

    job = project.job(project=project.folder)
    with pytest.raises(ConfigurationError, match="the file of models was changed while this"):
        measure(job, lambda _: True, Editing())


EDITED_WHILE_BUILT = """
    import time
    from pathlib import Path
    from trainings import training

    def model():
        file = Path({edited!r})  # a person edits it while a data set is loaded
        file.write_text(file.read_text() + "# edited")
        return training(lambda: time.sleep(0.01))
"""


@pytest.mark.parametrize("edited", ["models", "helpers"])
def test_a_file_edited_while_the_training_is_built_is_refused(project, edited):
    write(project.folder / "helpers.py", "SECONDS = 0.01")
    text = EDITED_WHILE_BUILT.format(edited=str(project.folder / f"{edited}.py"))
    write(project.model, f"import helpers\n{textwrap.dedent(text)}")
    job = project.job(project=project.folder)
    with pytest.raises(EditedFileError, match=f"the file of {edited} was changed while this"):
        measure(job, lambda _: True, NoProgress())


def test_a_file_edited_between_two_pairs_of_a_duet_is_refused(compared, project):
    class Editing(NoProgress):
        def launching(self, number, planned):
            if number == 2:
                project.write(0.01, "# edited")

    with pytest.raises(EditedFileError, match="imported another version of models than an earlier"):
        compared(observer=Editing(), measurement=too_large_for_two(record_of([0.01])))


def test_a_file_edited_in_the_steps_of_a_duet_is_refused(compared, project):
    class Editing(NoProgress):
        def stepped(self, step, steps, samples_per_second):
            project.write(0.02)

    with pytest.raises(EditedFileError, match="the file of models was changed while this"):
        compared(observer=Editing())


def test_the_record_tells_which_files_were_measured(compared, project):
    project.write(0.011)
    duet = compared().duet
    assert duet.candidate_files_digest != duet.base_files_digest
    assert len(duet.candidate_files_digest) == len(duet.base_files_digest) == 16
    assert duet.candidate_peak_bytes > 0 < duet.base_peak_bytes


def test_a_reference_is_the_same_commit_for_the_whole_session(base_sides, project):
    job = project.job()
    first = base_sides.job_for(job, "HEAD", None)
    assert base_sides.compare_code(job, "HEAD") is CodeRelation.SAME
    project.write(0.02)
    project.commit()
    assert base_sides.job_for(job, "HEAD", None).side.title == first.side.title
    assert base_sides.compare_code(job, "HEAD") is CodeRelation.DIFFERENT
    assert base_sides.compare_code(job, "0" * 40) is CodeRelation.UNAVAILABLE


LOADING = """
    import ctypes, os, time
    from pathlib import Path
    from trainings import training

    def model():
        ctypes.CDLL({path})
        return training(lambda: time.sleep(0.01))
"""


@pytest.mark.parametrize(
    ("path", "refused"),
    [("{library!r}", True), ("'libkernel.so'", True), ("Path(__file__).parent / 'build/libkernel.so'", False)],
    ids=["absolute", "search path", "beside the module"],
)  # fmt: skip
def test_a_library_of_the_working_tree_that_the_base_loads_is_refused(
    compared, project, monkeypatch, path, refused
):
    ctypes.CDLL("libm.so.6")
    library = project.folder / "build" / "libkernel.so"
    library.parent.mkdir()
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library.parent))
    write(project.model, LOADING.format(path=path.format(library=str(library))))
    (project.folder / ".gitignore").write_text("build/\n")
    project.commit()
    shutil.copy(loaded_library("m"), library)
    build = f"mkdir build && cp {library} build"
    sides = BaseSides(project.folder, project.folder.parent, build)
    try:
        if not refused:
            assert compared(sides=sides).verdict.outcome is Outcome.PASSED
            return
        with pytest.raises(
            ConfigurationError, match=r"the shared library .*/build/libkernel\.so was"
        ):
            compared(sides=sides)
    finally:
        sides.close()


@pytest.fixture
def generated(project):
    """Let the project import a module that git ignores, and that only the working tree has."""
    (project.folder / ".gitignore").write_text("generated.py\n")
    project.write(0.01, "try:\n    import generated\nexcept ImportError:\n    pass")
    project.commit()
    (project.folder / "generated.py").write_text("def kernel(): pass\n")


def test_a_generated_file_that_the_base_lacks_is_refused(compared, generated):
    with pytest.raises(ConfigurationError, match=r"the base needs generated, .*base-setup COMMAND"):
        compared()


def test_the_setup_command_prepares_the_base_once(compared, generated, project, temporary):
    runs = temporary / "runs"
    command = f"pwd >> {runs}; echo 'def kernel(): pass' > generated.py"
    sides = BaseSides(project.folder, temporary, command)
    try:
        assert compared(sides=sides).verdict.outcome is Outcome.PASSED
        sides.job_for(project.job(), "HEAD", None)
    finally:
        sides.close()
    (folder,) = runs.read_text().split()
    assert folder != str(project.folder)


def test_a_setup_command_that_fails_shows_its_output_and_runs_once(compared, project, temporary):
    runs = temporary / "runs"
    sides = BaseSides(project.folder, temporary, f"pwd >> {runs}; echo no compiler; exit 3")
    for _test in range(2):
        with pytest.raises(
            ConfigurationError, match=r"exit status 3 in the base's tree(.|\n)*no compiler"
        ):
            compared(sides=sides)
    sides.close()
    assert len(runs.read_text().split()) == 1


def test_a_setup_command_that_hangs_is_ended_with_all_that_it_started(temporary):
    with pytest.raises(ConfigurationError, match=r"took longer than 0\.5 s"):
        prepare_base_tree("setsid sleep 86399 & sleep 86399", temporary, None, 0.5)
    commands = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert ["sleep", "86399"] not in commands


def test_the_base_is_checked_out_where_its_build_can_be_run(project, temporary, monkeypatch):
    def statvfs(folder):
        return SimpleNamespace(f_flag=os.ST_NOEXEC if Path(folder) == temporary else 0)

    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(temporary / "caches"))
    sides = BaseSides(project.folder, temporary)
    try:
        tree = Path(sides.job_for(project.job(), "HEAD", None).side.relocation.tree)
        assert tree.parent == temporary / "caches" / "traingate"
        assert (tree / "models.py").is_file()
    finally:
        sides.close()
    assert not tree.exists()


def test_a_setup_command_must_not_change_the_candidates_packages(temporary, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda _kind: str(temporary))
    prepare_base_tree("true", temporary, None, 60)
    with pytest.raises(ConfigurationError, match="has changed the packages of this environment"):
        prepare_base_tree("touch project.pth", temporary, None, 60)


def test_packages_in_the_users_folder_are_the_candidates_too(temporary, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", lambda _kind: str(temporary / "missing"))
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(temporary / "user"))
    prepare_base_tree("mkdir user", temporary, None, 60)
    with pytest.raises(ConfigurationError, match="has changed the packages of this environment"):
        prepare_base_tree("touch user/project.pth", temporary, None, 60)


@pytest.mark.parametrize(
    "read",
    ["open('data/samples.bin').close()", "Path(__file__).with_name('data').joinpath('samples.bin').stat()"],
)  # fmt: skip
def test_a_file_that_git_ignores_and_the_base_lacks_is_told_with_the_way_out(
    compared, project, temporary, monkeypatch, read
):
    write(project.folder / ".gitignore", "data\n")
    write(project.folder / "data" / "samples.bin", "")
    project.write(0.01, f"from pathlib import Path\n{read}")
    project.commit()
    monkeypatch.chdir(project.folder)
    with pytest.raises(WorkloadError, match="--traingate-base-setup COMMAND") as error:
        compared()
    command = re.search(r"'(ln -s .* data)'", str(error.value))[1]
    sides = BaseSides(project.folder, temporary, command)
    try:
        assert compared(sides=sides).verdict.outcome is Outcome.PASSED
    finally:
        sides.close()


def test_sources_that_are_not_utf8_are_read_by_their_own_encoding(compared, project):
    text = project.model.read_text()
    project.model.write_bytes(f"# coding: latin-1\n# für\n{text}".encode("latin-1"))
    project.commit()
    assert compared().verdict.outcome is Outcome.PASSED


def test_relative_imports_of_pytests_importlib_mode_lead_into_the_base(compared, project):
    folder = project.folder / "suite"
    write(folder / "helpers.py", "SECONDS = 0.01")
    text = """
        import time
        from trainings import training
        from .helpers import SECONDS

        def model():
            return training(lambda: time.sleep(SECONDS))
    """
    write(folder / "test_speed.py", text)
    project.commit()
    write(folder / "helpers.py", "SECONDS = 0.05")
    workload = replace(name_in(folder / "test_speed.py", "model"), module="suite.test_speed")
    result = compared(workload=workload, import_paths=())
    assert result.verdict.outcome is Outcome.REGRESSED


HOOK = """
    import sys
    from importlib.util import spec_from_file_location

    class Hook:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "helpers":
                return spec_from_file_location(name, {file!r})

    sys.meta_path.append(Hook)
"""
"""Import hook of an editable install: it leads to the working tree in each process."""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_data_workers_that_do_not_fork_import_from_the_base(
    compared, project, temporary, monkeypatch, method
):
    helpers = project.folder / "src" / "helpers.py"
    text = """
        def send(connection):
            connection.send({seconds})
    """
    write(helpers, text.format(seconds=0.01))
    write(temporary / "hook" / "sitecustomize.py", HOOK.format(file=str(helpers)))
    monkeypatch.setenv("PYTHONPATH", str(temporary / "hook"), prepend=":")
    model = f"""
        import multiprocessing, time
        import helpers
        from trainings import training

        def model():
            context = multiprocessing.get_context({method!r})
            receiver, sender = context.Pipe()
            process = context.Process(target=helpers.send, args=(sender,))
            process.start()
            seconds = receiver.recv()
            process.join()
            return training(lambda: time.sleep(seconds))
    """
    write(project.model, model)
    project.commit()
    write(helpers, text.format(seconds=0.05))
    assert compared().verdict.outcome is Outcome.REGRESSED


@pytest.mark.parametrize("same", [True, False])
def test_a_copy_in_another_interpreter_must_be_the_same_code(
    compared, project, temporary, monkeypatch, same
):
    source = project.folder / "src" / "helpers" / "__init__.py"
    write(source, "SECONDS = 0.01")
    project.write(0.01, "import helpers")
    project.commit()
    monkeypatch.setenv("PYTHONPATH", str(project.folder / "src"), prepend=":")
    venv.create(temporary / "other", symlinks=True)
    packages = next((temporary / "other").glob("lib/python*/site-packages"))
    (packages / "paths.pth").write_text("\n".join(IMPORT_PATHS))
    write(packages / "helpers" / "__init__.py", "SECONDS = 0.01" if same else "SECONDS = 0.02")
    python = str(temporary / "other")
    if same:
        assert compared(None, python).verdict.outcome is Outcome.PASSED
        return
    with pytest.raises(ConfigurationError, match="imported another helpers than the candidate"):
        compared(None, python)


CROWDED = """
    import os, signal, time
    from pathlib import Path
    from trainings import training

    PLACES = Path({places!r})

    def is_alone():
        others = {{int(place.name) for place in PLACES.iterdir()}} - {{os.getpid()}}
        return not any(Path("/proc", str(other)).exists() for other in others)

    def model():
        (PLACES / str(os.getpid())).touch()

        def step():
            time.sleep(0.01)
            if not is_alone():
                os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does for lack of memory

        return training(step)
"""


def test_a_side_that_is_killed_is_tried_again_launch_by_launch(compared, project, temporary):
    places = temporary / "places"
    places.mkdir()
    write(project.model, CROWDED.format(places=str(places)))
    project.commit()
    verdict = compared().verdict
    assert verdict.method is Method.TURNS
    assert "side by side, one side ran out of memory or was killed" in verdict.evidence[-1]


ALLOCATING = """
    import os, time
    from trainings import training

    SHARED = b"s" * (200 << 20)

    def model():
        receiver, sender = os.pipe()
        if os.fork() == 0:  # as a data worker, with the training's memory and some of its own
            own = b"o" * (100 << 20)
            os.write(sender, b"1")
            time.sleep(600)
        os.read(receiver, 1)
        return training(lambda: None)
"""


def test_the_memory_of_data_workers_counts_without_what_they_share(project):
    write(project.model, ALLOCATING)
    measurement = measure(project.job(), lambda _: True, NoProgress()).measurement
    (launch,) = measurement.launches
    assert 100 << 20 <= launch.data_workers_peak_bytes < 180 << 20
    assert measurement.peak_memory_bytes == launch.peak_rss_bytes + launch.data_workers_peak_bytes
