"""A path that cannot be, or that may not be read, is an error that names it, and no traceback."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from stored_records import record_of

from damages import public_folder, unreadable
from sample_records import save_run
from traingate.cli import main
from traingate.environments.interpreter import find_interpreter
from traingate.errors import ConfigurationError
from traingate.races.space_file import read_space
from traingate.report.profiles import make_profile_folder, read_profiles
from traingate.untrusted.files import read_bounded, write_atomically

LONG = "x" * 300
UNREADABLE = "closed/file"
PATHS = [LONG, f"a/{LONG}/b", "run.json/below", UNREADABLE, "~nobody-has-this-name/file"]

COMMANDS = {
    "diff": ["diff", "PATH", "run.json"],
    "diff from a run": ["diff", "run.json", "PATH"],
    "diff with nothing": ["diff", "PATH"],
    "diff with profiles": ["diff", "profiles", "PATH"],
    "show": ["show", "PATH"],
    "show from a storage": ["show", "--storage=PATH"],
    "show a race": ["show", "PATH.race.json"],
    "report": ["report", "PATH"],
    "report as a page": ["report", "PATH", "-o", "page.html"],
    "report from a storage": ["report", "--storage=PATH"],
    "compare": ["compare", "run.json", "PATH"],
    "accept": ["accept", "PATH", "--reason=why"],
    "history": ["history", "PATH"],
    "ci check": ["ci", "check", "PATH"],
    "environment doctor": ["environment", "doctor", "PATH"],
    "bisect": ["bisect", "test.py::test", "--good=PATH"],
}
"""Arguments of commands that read ``PATH``."""

WRITING = {
    "report to a page": ["report", "run.json", "-o", "PATH"],
    "report to a picture": ["report", "run.json", "--svg=PATH"],
    "history to a file": ["history", "storage", "-o", "PATH"],
    "ci record": ["ci", "record", "--output=PATH"],
    "ci fetch": ["ci", "fetch", "--output=PATH"],
}
"""Arguments of commands that write to ``PATH``."""


@pytest.fixture
def folder(monkeypatch):
    """Return a folder with two runs, in which another user may not read the folder ``closed``."""
    Console().render_str("a")  # loads a module, which that user may not read either
    with public_folder() as folder:
        for path in (folder / "run.json", folder / "storage" / "Linux" / "0001_a.json"):
            save_run(path, {"bench.py::test_0": record_of(0.1)})
            path.chmod(0o644)
        (folder / "closed").mkdir()
        (folder / "closed" / "file").write_text("{}")
        (folder / "profiles").mkdir()
        monkeypatch.chdir(folder)
        yield folder


@pytest.mark.parametrize(
    ("command", "path"),
    [
        *itertools.product(COMMANDS, PATHS),
        *itertools.product(WRITING, PATHS[:-1]),  # the last one can be made
    ],
)
def test_a_path_that_cannot_be_is_an_error_without_a_traceback(folder, command, path):
    arguments = [text.replace("PATH", path) for text in {**COMMANDS, **WRITING}[command]]
    with unreadable(folder / "closed"):
        result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert result.stderr.strip()
    assert "Traceback" not in result.output


@pytest.mark.parametrize("path", [LONG, UNREADABLE])
@pytest.mark.parametrize("command", [["profile", "a.py::test"], ["diff", "HEAD", "--test=a"]])
def test_a_folder_of_profiles_that_cannot_be_is_an_error_before_pytest_runs(folder, command, path):
    with unreadable(folder / "closed"):
        result = CliRunner().invoke(main, [*command, f"--output={path}"])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert "--output: " in result.stderr
    assert f"{path} cannot be read" in result.stderr


@pytest.mark.parametrize("read", [read_space, read_profiles])
@pytest.mark.parametrize("path", [*PATHS, "a\0b"])
def test_a_reader_names_the_path_that_cannot_be(folder, read, path):
    with unreadable(folder / "closed"), pytest.raises(ConfigurationError) as caught:
        read(Path(path))
    assert Path(path).name in str(caught.value)


@pytest.mark.parametrize("path", [LONG, f"a/{LONG}/b", "run.json/below", "~nobody-is/x", "a\0b"])
def test_an_interpreter_at_such_a_path_is_refused(folder, path):
    with pytest.raises(ConfigurationError, match="does not run as a Python"):
        find_interpreter(path, "--traingate-against-python")


def test_a_null_byte_from_a_configuration_file_is_an_error_as_of_the_operating_system(tmp_path):
    path = tmp_path / "a\0b"
    with pytest.raises(OSError, match="null byte"):
        read_bounded(path, 1)
    with pytest.raises(OSError, match="null byte"):
        write_atomically(path, "text")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        make_profile_folder(path, "test")
    assert not [*tmp_path.iterdir()]
