"""Names by which pytest recognises tests, in the configuration of another version."""

from __future__ import annotations

from pathlib import Path

import pytest

from traingate.worktree.naming import TestNaming
from traingate.worktree.naming_settings import naming_in, naming_of

ROOT = Path("/home/user/project")
FOLDER = ROOT / "speed"


def _functions(files):
    """Return the names of functions by files of these paths below the root."""
    contents = {ROOT.joinpath(name): text.encode() for name, text in files.items()}
    naming = naming_in(FOLDER, ROOT, contents.get)
    assert (naming.python_files, naming.python_classes) == (
        TestNaming().python_files,
        TestNaming().python_classes,
    )
    return list(naming.python_functions)


INI, CFG = "[pytest]\npython_functions = bench_*", "[tool:pytest]\npython_functions = bench_*"
NATIVE = '[pytest]\npython_functions = ["bench_*"]'
OPTIONS = '[tool.pytest.ini_options]\npython_functions = "bench_*"'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ["test"]),
        ({"pytest.ini": INI}, ["bench_*"]),
        ({"pytest.ini": INI.replace("\n", "\r\n")}, ["bench_*"]),
        ({"pytest.ini": INI.replace("= b", "=\n    test 'a b'\n  # more\n    b")},
         ["test", "a b", "bench_*"]),
        ({".pytest.ini": INI}, ["bench_*"]),
        ({"tox.ini": INI}, ["bench_*"]),
        ({"setup.cfg": CFG}, ["bench_*"]),
        ({"pytest.toml": NATIVE}, ["bench_*"]),
        ({"pyproject.toml": OPTIONS}, ["bench_*"]),
        ({"pyproject.toml": OPTIONS.replace('"bench_*"', '["bench_*", "test"]')},
         ["bench_*", "test"]),
        ({"pyproject.toml": OPTIONS.replace(".ini_options", "")}, ["bench_*"]),
        ({"pyproject.toml": NATIVE}, ["test"]),
        ({"pytest.ini": "", "tox.ini": INI}, ["test"]),
        ({"pytest.toml": "", "pytest.ini": INI}, ["test"]),
        ({"pyproject.toml": "[project]", "tox.ini": INI}, ["bench_*"]),
        ({"setup.cfg": INI}, ["test"]),
        ({"speed/tox.ini": "[pytest]", "pytest.ini": INI}, ["test"]),
        ({"speed/tox.ini": "[tox]", "pytest.ini": INI}, ["bench_*"]),
        ({"/home/user/pytest.ini": INI}, ["test"]),
        ({"tox.ini": "python_functions = bench_*"}, ["test"]),
        ({"pyproject.toml": "[["}, ["test"]),
        ({"pyproject.toml": "tool = 1"}, ["test"]),
        ({"pytest.ini": INI.replace("bench_*", "'")}, ["test"]),
        ({"pyproject.toml": OPTIONS.replace('"bench_*"', "1")}, ["test"]),
    ],
)  # fmt: skip
def test_names_are_read_where_pytest_reads_them(files, expected):
    assert _functions(files) == expected


def test_all_keys_are_read_of_the_file_that_an_option_names():
    text = b"[pytest]\npython_files = a.py b.py\npython_classes = A\npython_functions = a\n"
    naming = naming_of(ROOT / "other.ini", {ROOT / "other.ini": text}.get)
    assert naming == TestNaming(["a.py", "b.py"], ["A"], ["a"])
    assert naming_of(ROOT / "other.toml", {ROOT / "other.toml": NATIVE.encode()}.get) == TestNaming(
        python_functions=["bench_*"]
    )
    assert naming_of(ROOT / "absent.ini", {}.get) == TestNaming()


def test_a_number_of_more_digits_than_python_reads_is_no_setting():
    text = b"[pytest]\nnumber = " + b"1" * 5000
    assert naming_of(Path("pytest.toml"), lambda _file: text) == TestNaming()
