"""Training benchmarks of classes that inherit, or that come from a package, and are taken away."""

from __future__ import annotations

import pytest

from base_projects import committed, pairs_of, removed
from traingate.worktree.base_tests import changed_tests

UNITTEST_BASE = """
import unittest
import pytest

class Speed(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _measure(self, training_benchmark): self.measure = training_benchmark
"""
OF_UNITTEST = "class SpeedOfNet(Speed):\n    def test_net(self): ...\n"
FIXTURE_BASE = """
import pytest

class Speed:
    @pytest.fixture
    def measured(self, training_benchmark): ...
"""
OF_FIXTURE = "class TestNet(Speed):\n    def test_net(self, measured): ...\n"
MARKED_BASE = """
import pytest

@pytest.mark.usefixtures("training_benchmark")
class Speed:
    pytestmark = [pytest.mark.parametrize("size", [1, 2])]
"""
OF_MARKS = "class TestNet(Speed):\n    def test_net(self, size): ...\n"

OF_CLASSES = {
    "in one module": ({"test_a": UNITTEST_BASE + OF_UNITTEST}, "SpeedOfNet::test_net"),
    "of another module": (
        {"test_a": f"from suite import Speed\n{OF_UNITTEST}", "suite": UNITTEST_BASE},
        "SpeedOfNet::test_net",
    ),
    "by the name of the module": (
        {"test_a": f"import suite\n{OF_UNITTEST.replace('Speed)', 'suite.Speed)')}",
         "suite": UNITTEST_BASE},
        "SpeedOfNet::test_net",
    ),
    "by the name of a module of a package": (
        {"test_a": f"from speed import suite as s\n{OF_FIXTURE.replace('Speed)', 's.Speed)')}",
         "speed/suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "by the name of a module in a package": (
        {"test_a": f"import speed.suite\n{OF_FIXTURE.replace('Speed)', 'speed.suite.Speed)')}",
         "speed/__init__": "", "speed/suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "by the name of a package that imports its module": (
        {"test_a": f"import speed\n{OF_FIXTURE.replace('Speed)', 'speed.suite.Speed)')}",
         "speed/__init__": "from . import suite", "speed/suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "by the name of a package of which a module is imported": (
        {"test_a": f"import speed.suite\n{OF_FIXTURE.replace('Speed)', 'speed.Speed)')}",
         "speed/__init__": "from .suite import Speed", "speed/suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "a generic class": (
        {"test_a": f"from suite import Speed\n{OF_FIXTURE.replace('Speed)', 'Speed[int][str])')}",
         "suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "a fixture": (
        {"test_a": f"from suite import Speed\n{OF_FIXTURE}", "suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
    "a mark": ({"test_a": MARKED_BASE + OF_MARKS}, "TestNet::test_net"),
    "a class of the same name": (
        {"test_a": "from suite import Speed\nclass Speed(Speed): ...\n" + OF_FIXTURE,
         "suite": FIXTURE_BASE},
        "TestNet::test_net",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", OF_CLASSES)
def test_a_test_whose_class_inherits_the_fixture_is_found(tmp_path, form):
    files, name = OF_CLASSES[form]
    repository = committed(tmp_path, **files)
    assert removed(repository) == []
    file = repository.root / "test_a.py"
    file.write_text(file.read_text().replace("test_net", "net"))
    assert removed(repository) == [f"test_a.py::{name}"]


def test_a_parameter_that_a_class_inherits_is_found(tmp_path):
    repository = committed(tmp_path, test_a=MARKED_BASE + OF_MARKS)
    (repository.root / "test_a.py").write_text((MARKED_BASE + OF_MARKS).replace("[1, 2]", "[1]"))
    assert removed(repository) == ["test_a.py::TestNet::test_net[2]"]


TWO_BASES = """
class A:
    def test_net(self, training_benchmark): training_benchmark(1)

class B(A):
    def test_net(self, training_benchmark): training_benchmark(2)

class C(A):
    def test_net(self, training_benchmark): training_benchmark(3)

class TestNet(B, C): ...
"""


def test_a_test_that_several_bases_have_must_be_selected_once(tmp_path):
    repository = committed(tmp_path, test_a=TWO_BASES)
    names = removed(repository, is_selected=lambda test: False)
    assert names == ["test_a.py::TestNet::test_net"]
    (repository.root / "test_a.py").write_text(TWO_BASES.replace("(3)", "(4)").replace("(1)", "()"))
    assert changed_tests(pairs_of(repository), ()) == {}
    (repository.root / "test_a.py").write_text(TWO_BASES.replace("(B, C)", "(C, B)"))
    change = "measures training_benchmark(3) instead of training_benchmark(2)"
    assert changed_tests(pairs_of(repository), ()) == {"test_a.py::TestNet::test_net": change}


def _calling(name, bases, argument):
    return (
        f"class {name}({bases}):\n    def test_net(self, training_benchmark):\n"
        f"        training_benchmark({argument})\n"
    )


ORDERS = {
    "bases that share one": (
        f"{_calling('A', '', 1)}{_calling('C', '', 2)}class Small(A, C): ...\nclass Large(A): ...\n"
        "class TestNet(Small, Large): ...\n",
        1,
    ),
    "a base after its heir": (
        f"{_calling('A', '', 1)}{_calling('B', 'A', 2)}class C(A): ...\nclass TestNet(C, B): ...\n",
        2,
    ),
    "a base before its heir, which Python refuses": (
        f"{_calling('A', '', 1)}{_calling('B', 'A', 2)}class TestNet(A, B): ...\n",
        2,
    ),
    "itself": (f"{_calling('A', '', 1)}class TestNet(TestNet, A): ...\n", 1),
}


@pytest.mark.parametrize("form", ORDERS)
def test_a_class_inherits_the_test_of_the_first_class_in_pythons_order(tmp_path, form):
    text, inherited = ORDERS[form]
    repository = committed(tmp_path, test_a=text)
    for argument in (1, 2):
        (repository.root / "test_a.py").write_text(text.replace(f"k({argument})", "k()"))
        is_changed = "test_a.py::TestNet::test_net" in changed_tests(pairs_of(repository), ())
        assert is_changed == (argument == inherited)


NO_TESTS = {
    "a class that says so": "class Base:\n    __test__ = False\n",
    "a class with __init__": "class Base:\n    def __init__(self): ...\n",
    "a class with __new__": "class Base:\n    def __new__(cls): ...\n",
    "a dataclass": "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass Base:\n    x: int\n",
    "a class to which it is said later": "class Base: ...\nBase.__test__ = False\n",
    "another fixture of the name": """
import pytest
class First:
    @pytest.fixture(autouse=True)
    def measure(self, training_benchmark): ...
class Base(First):
    @pytest.fixture
    def measure(self): ...
class TestNet(Base):
    def test_net(self): ...
""",
}


def test_a_class_with_another_base_has_its_training_benchmarks(tmp_path):
    text = (
        "class Base: ...\nclass TestNet(Base):\n    def test_net(self, training_benchmark): ...\n"
    )
    repository = committed(tmp_path, test_a=text)
    assert removed(repository, is_selected=lambda test: False) == ["test_a.py::TestNet::test_net"]


@pytest.mark.parametrize("form", NO_TESTS)
def test_a_class_inherits_that_it_has_no_training_benchmarks(tmp_path, form):
    tests = "class TestNet(Base):\n    def test_net(self, training_benchmark): ...\n"
    text = NO_TESTS[form] if "TestNet" in NO_TESTS[form] else NO_TESTS[form] + tests
    repository = committed(tmp_path, test_a=text)
    assert removed(repository, is_selected=lambda test: False) == []


def test_a_class_with_another_fixture_has_its_training_benchmarks(tmp_path):
    text = NO_TESTS["another fixture of the name"].replace(
        "def measure(self): ...", "def f(self): ..."
    )
    repository = committed(tmp_path, test_a=text)
    assert removed(repository, is_selected=lambda test: False) == ["test_a.py::TestNet::test_net"]


CASES = """
import pytest

@pytest.fixture
def measured(training_benchmark): ...

class TestBase:
    def test_base(self, training_benchmark): ...

def test_net(training_benchmark): ...
"""
OF_PACKAGE = """
from helpers import {names}

class TestOwn(TestBase): ...

def test_own(measured): ...
"""


@pytest.mark.parametrize(
    ("names", "edit", "missing"),
    [
        ("test_net, TestBase, measured", ("test_net, ", ""), "test_net"),
        ("test_net, TestBase, measured", ("(TestBase)", ""), "TestOwn::test_base"),
        ("test_net, TestBase, measured", ("def test_own", "def own"), "test_own"),
        ("*", ("def test_own", "def own"), "test_own"),
        ("*", ("(TestBase)", ""), "TestOwn::test_base"),
    ],
)
@pytest.mark.parametrize("passed_on", ["test_net, TestBase, measured", "*"])
def test_a_test_that_a_package_passes_on_is_found(tmp_path, names, edit, missing, passed_on):
    tests = OF_PACKAGE.format(names=names)
    package = f"from .cases import {passed_on}\n"
    files = {"test_a": tests, "helpers/cases": CASES, "helpers/__init__": package}
    repository = committed(tmp_path, **files)
    assert removed(repository) == []
    (repository.root / "test_a.py").write_text(tests.replace(*edit, 1))
    assert removed(repository) == [f"test_a.py::{missing}"]


@pytest.mark.parametrize(
    "package",
    [
        "from .cases import *\ndef measured(): ...\n",
        "from .cases import *\nfrom .others import measured\n",
        "try:\n    from .cases import measured\nexcept ImportError: ...\n",
    ],
)
def test_a_fixture_that_a_package_may_not_have_takes_no_test_away(tmp_path, package):
    tests = "from helpers import measured\ndef test_own(measured): ...\n"
    others = "def measured(): ...\n"
    files = {"test_a": tests, "helpers/cases": CASES, "helpers/others": others}
    repository = committed(tmp_path, **files, **{"helpers/__init__": package})
    assert removed(repository, is_selected=lambda test: test != "test_a.py::test_own") == []


@pytest.mark.parametrize(
    ("tests", "missing"),
    [
        ("from helpers import Base\nclass TestOwn(Base):\n    def test_own(self): ...\n",
         "TestOwn::test_own"),
        ("from helpers import speed\ndef test_own(speed): ...\n", "test_own"),
    ],
)  # fmt: skip
def test_a_test_that_uses_another_name_of_a_package_is_found(tmp_path, tests, missing):
    package = "from .cases import Speed as Base, measured as speed\n"
    files = {"test_a": tests, "helpers/cases": CASES + MARKED_BASE, "helpers/__init__": package}
    repository = committed(tmp_path, **files)
    (repository.root / "test_a.py").write_text(tests.replace("test_own", "own"))
    assert removed(repository) == [f"test_a.py::{missing}"]


def test_modules_that_import_all_names_of_each_other_are_read_once(tmp_path):
    imports = "".join(f"from m{number} import *\n" for number in range(15))
    files = {f"m{number}": imports for number in range(14)}
    fixture = "import pytest\n@pytest.fixture\ndef measured(training_benchmark): ...\n"
    tests = "from m0 import *\ndef test_own(measured): ...\n"
    repository = committed(tmp_path, test_a=tests, m14=imports + fixture, **files)
    (repository.root / "test_a.py").unlink()
    assert removed(repository) == ["test_a.py::test_own"]
