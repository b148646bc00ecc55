"""Test runs whose disks are full, read-only or missing."""

from __future__ import annotations

import os
import subprocess

import pytest
from session_sites import DUET, SMOKE, STORED, site

LIST = 'ls -A "$TMPDIR" > "$LISTING"; exit $status'
FULL = f'mount -t tmpfs -o size=400k none "$TMPDIR"; "$@"; status=$?; {LIST}'
READ_ONLY = f'mount -t tmpfs -o ro none "$TMPDIR"; "$@"; status=$?; {LIST}'


@pytest.fixture
def project():
    with site() as made:
        made.store()
        yield made


@pytest.fixture
def mounted(project):
    """Return a function that lets runs be started by a script that mounts, in a namespace.

    The script writes what is in TMPDIR after the run to the file that the function returns.
    """
    for namespace in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        command = [*namespace, "mount", "-t", "tmpfs", "none", str(project.temporary)]
        mounting = subprocess.run(command, capture_output=True, check=False)
        if mounting.returncode == 0:
            break
    else:
        pytest.skip(f"this user may not mount a file system: {mounting.stderr.decode().strip()}")
    listing = project.root / "listing"
    project.variables["LISTING"] = str(listing)

    def mount(script):
        project.prefix[:] = [*namespace, "sh", "-c", script, "sh"]
        return listing

    return mount


FILLING = """
import os
from pathlib import Path
from trainings import training

def model():
    def step():
        with Path(os.environ["TMPDIR"], "large").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(10_000))

    return training(step)
"""


def test_a_disk_that_runs_full_in_a_step_fails_that_test_and_is_empty_afterwards(project, mounted):
    listing = mounted(FULL)
    project.write("filling.py", FILLING)
    project.write(
        "test_other.py",
        "from filling import model\n\n"
        "def test_filling(training_benchmark):\n    training_benchmark(model)\n",
    )
    ended = project.run("test_other.py", "test_speed.py", *STORED, "--traingate-on-missing=record")
    assert ended.status == 1, ended.output
    message = ended.output.partition("the workload raised in launch 1, in its first step:")[2]
    assert "No space left on device" in message, ended.output
    assert ended.counts["compared"] == 1
    assert project.leftovers() == []
    assert listing.read_text() == ""


PROTECTING = """
import os, tempfile
from pathlib import Path
from trainings import training

def model():
    folder = Path(tempfile.mkdtemp(), "protected")
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0o500)
    return training(lambda: None)
"""


def test_a_folder_that_the_workload_has_protected_from_writing_is_removed(project):
    """Go's module cache makes such folders; root is bound by permissions without capabilities."""
    if os.geteuid() == 0:
        project.prefix[:] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    project.write("models.py", PROTECTING)
    ended = project.run(*SMOKE)
    assert ended.status == 0, ended.output
    assert project.leftovers(5) == []


@pytest.mark.parametrize("options", [STORED, DUET], ids=["stored", "duet"])
def test_a_read_only_folder_for_temporary_files_is_not_used(project, mounted, options):
    listing = mounted(READ_ONLY)
    _compare_beside(project, options)
    assert listing.read_text() == ""


@pytest.mark.parametrize("options", [STORED, DUET], ids=["stored", "duet"])
def test_a_missing_folder_for_temporary_files_is_not_used(project, options):
    project.temporary.rmdir()
    _compare_beside(project, options)
    assert not project.temporary.exists()


def _compare_beside(project, options):
    """Compare where a second folder for temporary files can be used, and is empty afterwards."""
    other = project.root / "other"
    other.mkdir()
    project.variables["TEMP"] = str(other)
    project.commit()
    ended = project.run(*options)
    assert ended.status == 0, ended.output
    assert ended.counts["compared"] == 1
    assert project.leftovers() == []
    assert os.listdir(other) == []  # noqa: PTH208 - hidden files too


@pytest.mark.parametrize(
    "option", ["--traingate-json", "--traingate-html", "--traingate-markdown", "--benchmark-json"]
)
def test_a_result_that_finds_no_room_fails_the_run(project, option):
    ended = project.run(*STORED, f"{option}=/dev/full")
    assert ended.status != 0
    assert "No space left on device" in ended.output
    assert option == "--benchmark-json" or f"{option}: " in ended.output
    assert project.leftovers(0) == []


@pytest.mark.parametrize("option", ["--traingate-profile=full", "--benchmark-save=full"])
def test_a_folder_that_finds_no_room_fails_the_run(project, mounted, option):
    folder = "full" if "profile" in option else "stored"
    script = f"mkdir -p {folder}; cp -r {folder} copy; mount -t tmpfs -o size=60k none {folder}; "
    mounted(f'{script} cp -r copy/. {folder}; dd if=/dev/zero of={folder}/room; "$@"')
    ended = project.run(*STORED, option)
    assert ended.status != 0
    assert "No space left on device" in ended.output
    assert f"{folder}/" in ended.output
    assert project.leftovers(0) == []


def test_files_of_bounded_size_fail_what_is_longer(project):
    project.prefix[:] = ["sh", "-c", 'ulimit -f 20; exec "$@"', "sh"]  # in blocks of 512 bytes
    ended = project.run(*STORED, "--traingate-html=report.html")
    assert ended.status != 0
    assert "File too large" in ended.output
    assert "report.html" in ended.output
    assert project.leftovers(0) == []
