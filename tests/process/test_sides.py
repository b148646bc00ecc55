"""Both sides of a duet run what they claim to run."""

from __future__ import annotations

import ctypes
import shutil
import venv
from dataclasses import replace

import pytest
from workers import IMPORT_PATHS, name_in, write

from traingate.comparison.base_side import BaseSides
from traingate.comparison.next_step import CodeRelation
from traingate.controller.measure import measure
from traingate.environments.interpreter import Interpreter
from traingate.environments.placement import place_in
from traingate.environments.registry import Environment
from traingate.errors import ConfigurationError
from traingate.host.shared_libraries import loaded_library
from traingate.layers.stack import Stack
from traingate.records import Method, Outcome
from traingate.report.progress import NoProgress
from traingate.worktree.removal import Removal

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


def test_the_record_tells_which_files_were_measured(compared, project):
    project.write(0.011)
    duet = compared().duet
    assert duet.candidate_files_digest != duet.base_files_digest
    assert len(duet.candidate_files_digest) == len(duet.base_files_digest) == 16
    assert duet.candidate_peak_bytes > 0 < duet.base_peak_bytes


def test_a_reference_is_the_same_commit_for_the_whole_session(base_sides, project):
    job = project.job()
    first = base_sides.job_for(job, "HEAD")
    assert base_sides.compare_code(job, "HEAD") is CodeRelation.SAME
    project.write(0.02)
    project.commit()
    assert base_sides.job_for(job, "HEAD").side.title == first.side.title
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
    with Removal() as removal:
        sides = BaseSides(project.folder, project.folder.parent, removal, build)
        if not refused:
            assert compared(sides=sides).duet.pairs
            return
        with pytest.raises(
            ConfigurationError, match=r"the shared library .*/build/libkernel\.so was"
        ):
            compared(sides=sides)


def test_sources_that_are_not_utf8_are_read_by_their_own_encoding(compared, project):
    text = project.model.read_text()
    project.model.write_bytes(f"# coding: latin-1\n# für\n{text}".encode("latin-1"))
    project.commit()
    assert compared().duet.pairs


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
    prefix = temporary / "other"
    interpreter = Interpreter(str(prefix / "bin" / "python"), str(prefix))
    base = place_in(Stack(), Environment("", interpreter), lambda _environment: ())
    if same:
        assert compared(None, base).duet.pairs
        return
    with pytest.raises(ConfigurationError, match="imported another helpers than the candidate"):
        compared(None, base)


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
