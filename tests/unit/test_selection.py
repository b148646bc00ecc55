"""Test why a test is not selected: the user left it out, or it is gone."""

from __future__ import annotations

import pytest

from traingate.selection import Absence

TESTS = """
import pytest

class TestNet:
    @pytest.mark.parametrize("size", [1, 2])
    def test_net(self, training_benchmark, size): ...

def test_plain(training_benchmark): ...

def test_other(): ...
"""
NET, PLAIN = "speed/test_net.py::TestNet::test_net[1]", "speed/test_net.py::test_plain"
DESELECTED, GONE, SKIPPED = Absence.DESELECTED, Absence.GONE, Absence.SKIPPED


class _Collected:
    """Plugin that keeps the selection of a run."""

    def pytest_collection_finish(self, session):
        self.selection = session.config.pluginmanager.getplugin("traingate-selection")


@pytest.fixture
def select(pytester):
    """``select(*arguments)``: the selection of a run in a project of two files."""
    pytester.mkdir("speed")
    (pytester.path / "speed" / "test_net.py").write_text(TESTS)
    pytester.makepyfile(test_late="import pytest\npytest.importorskip('no_such_module')")
    pytester.makeini("[pytest]\n")

    def collect(*arguments):
        collected = _Collected()
        pytester.inline_run("--collect-only", "-q", *arguments, plugins=[collected])
        return collected.selection

    return collect


def test_the_selected_training_benchmarks_are_known(select):
    selection = select()
    assert selection.benchmarks == (NET, NET.replace("1", "2"), PLAIN)
    assert "speed/test_net.py::test_other" in selection.names


@pytest.mark.parametrize(
    ("arguments", "test", "absence"),
    [
        ((), "speed/test_net.py::test_removed", GONE),
        ((), "speed/test_removed.py::test_net", GONE),
        ((), "speed/test_net.py::test_other", GONE),
        ((), "test_late.py::test_net", SKIPPED),
        (("-k", "plain"), NET, DESELECTED),
        (("-k", "plain"), NET.removesuffix("[1]"), DESELECTED),
        (("-k", "plain"), "speed/test_net.py::test_removed", GONE),
        ((f"--deselect={PLAIN}",), PLAIN, DESELECTED),
        (("test_late.py",), PLAIN, DESELECTED),
        (("test_late.py",), "speed/test_removed.py::test_net", GONE),
        (("speed",), "speed/test_net.py::test_removed", GONE),
        ((PLAIN,), NET, DESELECTED),
        (("speed/test_net.py::TestNet",), NET.replace("[1]", "[3]"), GONE),
        (("speed/test_net.py::TestNet",), PLAIN, DESELECTED),
        (("--ignore=speed",), PLAIN, DESELECTED),
        (("--ignore-glob=*net.py",), PLAIN, DESELECTED),
        (("--ignore=speed",), "speed/test_removed.py::test_net", GONE),
    ],
)
def test_a_test_is_gone_unless_the_user_left_it_out(select, arguments, test, absence):
    assert select(*arguments).absence(test) is absence


@pytest.mark.parametrize(
    ("arguments", "is_named"),
    [
        ((), False),
        (("speed",), False),
        (("test_late.py",), False),
        (("speed/test_net.py",), True),
        ((PLAIN,), True),
    ],
)
def test_a_file_is_named_by_an_argument_that_is_its_path(select, pytester, arguments, is_named):
    assert select(*arguments).names_file(pytester.path / "speed" / "test_net.py") is is_named


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "a/" * 5000, "\ud800", "", "/", ".."])
def test_a_stored_test_of_any_name_is_gone(select, name):
    """The name is that of a saved run, which anybody may have written."""
    assert select("test_late.py").absence(f"{name}.py::test_net") is GONE


def test_a_test_that_another_plugin_drops_in_silence_is_gone(select, pytester):
    pytester.makeconftest("def pytest_collection_modifyitems(items): items[:] = items[:1]")
    assert select().absence(PLAIN) is GONE


def test_a_file_that_the_last_failed_tests_leave_out_is_not_gone(select, pytester):
    removed = "speed/test_net.py::test_removed"
    assert select("--last-failed").absence(removed) is GONE
    failing = pytester.makepyfile(test_failing="def test_failing(): assert False")
    assert pytester.runpytest_subprocess(failing, "-p", "no:traingate").ret == 1
    assert select("--last-failed").absence(removed) is DESELECTED


def test_testpaths_are_no_selection_by_the_user(select, pytester):
    pytester.makeini("[pytest]\ntestpaths = test_late.py\n")
    assert select().absence(PLAIN) is GONE
    assert select("test_late.py").absence(PLAIN) is DESELECTED


def test_a_package_that_the_command_line_names_is_selected(select, pytester):
    pytester.syspathinsert()
    (pytester.path / "speed" / "__init__.py").touch()
    removed = "speed/test_net.py::test_removed"
    assert select("--pyargs", "speed").absence(removed) is GONE
    assert select("--pyargs", "speed.test_net").absence(removed) is GONE
    assert select("--pyargs", "speed.test_net::TestNet").absence(PLAIN) is DESELECTED
    assert select("--pyargs", "test_late").absence(PLAIN) is DESELECTED


@pytest.mark.parametrize(
    ("base", "arguments", "functions"),
    [
        ("python_functions = bench_*", (), ["plain_*", "bench_*"]),
        ("python_functions = test bench", (), ["plain_*", "test", "bench"]),
        ("python_functions = plain_*\r\nminversion = 8", (), ["plain_*"]),
        ("", (), ["plain_*", "test"]),
        ("python_functions = bench_*", ("-c", "other.ini"), ["test"]),
        ("python_functions = bench_*", ("-o", "python_functions=a"), ["a"]),
        ("python_functions = bench_*", ("-o", "python_classes=A"), ["plain_*", "bench_*"]),
    ],
)
def test_tests_are_recognised_by_the_names_of_this_version_or_the_base(
    pytester, select, base, arguments, functions
):
    pytester.makeini("[pytest]\npython_functions = plain_*\n")
    (pytester.path / "other.ini").write_text("[pytest]\n")
    root = pytester.path.resolve()
    files = {root / "tox.ini": f"[pytest]\n{base}\n".encode(), root / "other.ini": b"[pytest]\n"}
    naming = select(*arguments).naming(root, files.get)
    assert list(dict.fromkeys(naming.python_functions)) == functions


@pytest.mark.parametrize(
    ("arguments", "functions"),
    [
        ((), ["plain_*"]),
        (("speed",), ["plain_*", "bench_*"]),
        (("speed/test_net.py", "speed/test_other.py"), ["plain_*", "bench_*"]),
        (("speed/test_net.py::TestNet",), ["plain_*", "bench_*"]),
        (("speed", "test_late.py"), ["plain_*"]),
    ],
)
def test_a_configuration_of_a_subfolder_counts_also_if_it_is_removed(
    pytester, select, arguments, functions
):
    pytester.makeini("[pytest]\npython_functions = plain_*\n")
    root = pytester.path.resolve()
    files = {
        root / "tox.ini": b"[pytest]\npython_functions = plain_*\n",
        root / "speed" / "pytest.ini": b"[pytest]\npython_functions = bench_*\n",
    }
    naming = select(*arguments).naming(root, files.get)
    assert list(dict.fromkeys(naming.python_functions)) == functions


def test_a_configuration_outside_of_the_project_is_that_of_both_versions(pytester, select):
    pytester.makeini("[pytest]\npython_functions = plain_*\n")
    naming = select().naming(pytester.path.resolve() / "speed", lambda file: None)
    assert naming.python_functions == ["plain_*"]
