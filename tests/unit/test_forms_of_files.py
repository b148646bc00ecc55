"""Files of training benchmarks that are long, deep, or tests by their path or an argument alone."""

from __future__ import annotations

import re

import pytest

from base_projects import committed, pairs_of, removed
from traingate.errors import ConfigurationError
from traingate.worktree.base_tests import changed_tests, paired_tests
from traingate.worktree.naming import TestNaming


@pytest.mark.parametrize(
    ("old", "new"), [(" + ".join(["1"] * 900), " + ".join(["1"] * 899)), ("0x" + "f" * 4000, "1")]
)
def test_a_change_of_a_value_that_python_cannot_write_is_found(tmp_path, old, new):
    text = f"N = {old}\ndef test_n(training_benchmark): training_benchmark(N)\n"
    repository = committed(tmp_path, test_a=text)
    (repository.root / "test_a.py").write_text(text.replace(old, new))
    change = changed_tests(pairs_of(repository), ())["test_a.py::test_n"]
    assert re.fullmatch(r"measures with N = .+ instead of N = a long value \(\w+\)", change)


def test_a_test_with_a_long_value_as_parameter_is_found(tmp_path):
    text = """
import pytest
@pytest.mark.parametrize("size", [LONG])
def test_net(training_benchmark, size): ...
""".replace("LONG", " + ".join(["1"] * 900))
    repository = committed(tmp_path, test_a=text)
    assert removed(repository) == []
    (repository.root / "test_a.py").unlink()
    assert removed(repository) == ["test_a.py::test_net"]


def test_a_base_that_cannot_be_read_is_named(tmp_path):
    classes = "".join(f"class C{number + 1}(C{number}): ...\n" for number in range(1500))
    tests = "class TestNet(suite.C1500):\n    def test_net(self, training_benchmark): ...\n"
    repository = committed(tmp_path, test_a=f"import suite\n{tests}", suite=classes)
    with pytest.raises(ConfigurationError, match=r"test_a\.py in commit \w{9} cannot be compared"):
        pairs_of(repository)


@pytest.mark.parametrize(
    ("pattern", "is_found"), [("speed/*.py", True), ("other/*.py", False), ("net*", True)]
)
def test_patterns_of_files_are_those_of_pytest(tmp_path, pattern, is_found):
    repository = committed(tmp_path, **{"speed/net": "def test_net(training_benchmark): ...\n"})
    (repository.root / "speed" / "net.py").unlink()
    names = ["speed/net.py::test_net"] if is_found else []
    assert removed(repository, python_files=[pattern]) == names


def test_a_file_that_an_argument_names_has_tests(tmp_path):
    text = "def test_a(training_benchmark): ...\n"
    repository = committed(tmp_path, speed=text, test_b="from speed import test_a\n")
    for file in ("speed.py", "test_b.py"):
        (repository.root / file).write_text("")
    commit = repository.resolve_commit("HEAD").hash
    arguments = (repository, commit, repository.root, "training_benchmark", TestNaming())
    named = {repository.root / "speed.py"}
    assert [pair.name for pair in paired_tests(*arguments)] == ["test_b.py::test_a"]
    names = [pair.name for pair in paired_tests(*arguments, is_named=named.__contains__)]
    assert names == ["speed.py::test_a", "test_b.py::test_a"]
