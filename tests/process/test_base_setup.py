"""Files that the base lacks, and the command that prepares its tree."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import venv
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from workers import write

from traingate.comparison import base_setup
from traingate.comparison.base_setup import prepare_base_tree
from traingate.environments.interpreter import Interpreter
from traingate.errors import ConfigurationError, WorkloadError
from traingate.untrusted import output_end


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


def test_the_setup_command_prepares_the_base_once(
    compared, generated, project, base_sides_with, temporary
):
    runs = temporary / "runs"
    command = f"pwd >> {runs}; echo 'def kernel(): pass' > generated.py"
    sides = base_sides_with(command)
    assert compared(sides=sides).duet.pairs
    sides.job_for(project.job(), "HEAD")
    (folder,) = runs.read_text().split()
    assert folder != str(project.folder)


def test_the_output_of_a_setup_command_is_cut_while_it_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(output_end, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(base_setup, "_CHECK_SECONDS", 0.05)
    measure = f"stat -L -c %s /dev/stderr > {tmp_path}/size"
    # What is printed just while it is cut may be lost.
    command = f"yes | head -c 20000000; sleep 0.5; echo the end; sleep 0.5; {measure}; exit 3"
    with pytest.raises(ConfigurationError, match="exit status 3") as caught:
        prepare_base_tree(command, tmp_path, None, 60.0, is_shared=False)
    assert str(caught.value).endswith("y\n    the end")
    assert int((tmp_path / "size").read_text()) <= output_end.MAX_BYTES


def test_a_setup_command_that_fails_shows_its_output_and_runs_once(
    compared, base_sides_with, temporary
):
    runs = temporary / "runs"
    much = "head -c 1000000 /dev/zero | tr '\\0' x"
    command = f"pwd >> {runs}; {much}; echo no compiler; exit 3"
    sides = base_sides_with(command)
    for _test in range(2):
        with pytest.raises(
            ConfigurationError, match=r"exit status 3 in the base's tree(.|\n)*no compiler"
        ) as caught:
            compared(sides=sides)
        assert len(str(caught.value)) < 100_000
    assert len(runs.read_text().split()) == 1


def test_the_output_of_a_setup_command_has_no_secret_behind_a_colour(temporary):
    command = "printf '\\033[32mghp_q7Zx9Lm2Vb4Nc8Kd1Fg51234\\033[0m\\n::error::x'; exit 3"
    with pytest.raises(ConfigurationError, match=r"Last output:\n    \[masked\]") as caught:
        prepare_base_tree(command, temporary, None, 60, is_shared=False)
    text = str(caught.value).partition("Last output:")[2]
    assert "q7Zx9Lm2" not in text
    assert "  ::" not in text


def test_a_setup_command_that_hangs_is_ended_with_all_that_it_started(temporary):
    command = "setsid sleep 86399 & sleep 86399"
    with pytest.raises(ConfigurationError, match=r"took longer than 0\.5 s"):
        prepare_base_tree(command, temporary, None, 0.5, is_shared=True)
    commands = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert ["sleep", "86399"] not in commands


def test_a_base_whose_setup_was_ended_by_a_time_limit_is_not_measured_later(
    project, base_sides_with
):
    """As pytest-timeout does, which fails the test alone: the next one has the same base."""

    def fail(*_arguments):
        pytest.fail("time limit")

    sides = base_sides_with("echo begun > generated.py; sleep 60; echo ended >> generated.py")
    previous = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        with pytest.raises(pytest.fail.Exception, match="time limit"):
            sides.job_for(project.job(), "HEAD")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(ConfigurationError, match="has not ended in the base's tree"):
        sides.job_for(project.job(), "HEAD")


def test_a_setup_command_that_cannot_be_started_is_an_error_of_its_own(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(
        ConfigurationError, match=r"base-setup: 'true' cannot be run .*No such file"
    ):
        prepare_base_tree("true", temporary, None, 60, is_shared=False)


def test_an_interpreter_that_does_not_answer_is_refused(temporary, monkeypatch):
    monkeypatch.setattr("traingate.comparison.base_setup.PROBE_SECONDS", 0.2)
    python = temporary / "python"
    python.write_text("#!/bin/sh\nexec sleep 600\n")
    python.chmod(0o755)
    interpreter = Interpreter(str(python), str(temporary))
    with pytest.raises(ConfigurationError, match=r"cannot tell where.*timed out after 0\.2"):
        prepare_base_tree("true", temporary, interpreter, 60, is_shared=True)


def test_an_interpreter_that_does_not_run_is_refused(temporary):
    interpreter = Interpreter("/bin/false", str(temporary))
    with pytest.raises(ConfigurationError, match=r"false cannot tell where its packages are"):
        prepare_base_tree("true", temporary, interpreter, 60, is_shared=True)


def test_the_base_is_checked_out_where_its_build_can_be_run(
    project, base_sides_with, temporary, monkeypatch
):
    def statvfs(folder):
        flag = os.ST_NOEXEC if Path(folder) == temporary else 0
        return SimpleNamespace(f_flag=flag, f_bavail=1, f_blocks=1, f_favail=1, f_files=1)

    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(temporary / "caches"))
    sides = base_sides_with(None)
    tree = Path(sides.job_for(project.job(), "HEAD").side.relocation.tree)
    assert tree.parent == temporary / "caches" / "traingate"
    assert (tree / "models.py").is_file()


@pytest.mark.parametrize(
    "scheme", ["posix_prefix", "posix_user"], ids=["the environment", "the user's folder"]
)
def test_a_setup_command_must_not_change_the_candidates_packages(temporary, monkeypatch, scheme):
    monkeypatch.setenv("PYTHONUSERBASE", str(temporary / "user"))
    venv.create(temporary / "other", symlinks=True, system_site_packages=True)
    prefix = temporary / "other"
    interpreter = Interpreter(str(prefix / "bin" / "python"), str(prefix))

    def prepare(command, *, is_shared):
        prepare_base_tree(command, temporary, interpreter, 60, is_shared=is_shared)

    folder = f'$(python -c \'import sysconfig; print(sysconfig.get_path("purelib", "{scheme}"))\')'
    prepare(f"mkdir -p {folder}", is_shared=True)
    prepare(f"touch {folder}/first.pth", is_shared=False)
    with pytest.raises(ConfigurationError, match="has changed the packages of this environment"):
        prepare(f"touch {folder}/second.pth", is_shared=True)


@pytest.mark.parametrize(
    "read",
    ["open('data/samples.bin').close()", "Path(__file__).with_name('data').joinpath('samples.bin').stat()"],
)  # fmt: skip
def test_a_file_that_git_ignores_and_the_base_lacks_is_told_with_the_way_out(
    compared, project, base_sides_with, monkeypatch, read
):
    write(project.folder / ".gitignore", "data\n")
    write(project.folder / "data" / "samples.bin", "")
    project.write(0.01, f"from pathlib import Path\n{read}")
    project.commit()
    monkeypatch.chdir(project.folder)
    with pytest.raises(WorkloadError, match="--traingate-base-setup COMMAND") as error:
        compared()
    command = re.search(r"'(ln -s .* data)'", str(error.value))[1]
    sides = base_sides_with(command)
    assert compared(sides=sides).duet.pairs
