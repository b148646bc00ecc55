"""Forms in which an unchanged project may be written, which lacks no training benchmark."""

from __future__ import annotations

import pytest

from base_projects import committed, pairs_of, removed
from traingate.worktree.base_tests import changed_tests

UNCHANGED = {
    "a class for others": """
from suite import TestBase

class TestNet(TestBase): ...

del TestBase
""",
    "an overridden test": """
from suite import test_net
def test_net(): ...
""",
    "a class without tests": """
class TestNet:
    __test__: bool = False
    def test_net(self, training_benchmark): ...
""",
    "another test case": """
class TrainingTestCase: ...
class Net(TrainingTestCase):
    def test_net(self, training_benchmark): ...
""",
    "a module without tests": "__test__ = False\ndef test_net(training_benchmark): ...\n",
    "a function that is no test": "def test_net(training_benchmark): ...\n"
    "test_net.__test__ = False\n",
    "a method that is no test": """
class TestNet:
    def test_net(self, training_benchmark): ...
    test_net.__test__ = False
""",
    "an imported class for others": """
from suite import TestBase
TestBase.__test__ = False
class TestNet(TestBase):
    __test__ = True
class TestOther(TestBase): ...
""",
    "nested deeply": "x = " + "(" * 80 + ")" * 80 + "\ndef test_n(training_benchmark): x\n",
    "many branches": "if 0: pass\n"
    + "elif 0: pass\n" * 1200
    + "def test_n(training_benchmark): x\n",
    "a long sum": f"N = {' + '.join(['1'] * 900)}\ndef test_n(training_benchmark): training_benchmark(N)\n",
    "a module of a long name": f"try:\n    import {'a' * 300}\nexcept ImportError: ...\n"
    "def test_n(training_benchmark): ...\n",
    "a number of many digits": f"N = 0x{'f' * 4000}\n"
    "def test_n(training_benchmark): training_benchmark(N)\n",
    "its own module": "from . import project\ndef test_n(training_benchmark): training_benchmark(project)\n",
}
SUITE = """
class TestBase:
    def test_base(self, training_benchmark): ...

def test_net(training_benchmark): ...
"""
IS_DEFINED = {
    "test_a.py::TestNet::test_base": lambda text: "class TestNet(TestBase)" in text,
    "test_a.py::test_n": lambda text: "def test_n(" in text,
}


@pytest.mark.parametrize("form", UNCHANGED)
def test_an_unchanged_project_lacks_nothing(tmp_path, form):
    (tmp_path / "project.py").write_text("")  # outside of the root, whose name it has
    repository = committed(tmp_path, test_a=UNCHANGED[form], suite=SUITE)
    collected = {"test_a.py::TestNet::test_base", "test_a.py::test_n"}
    names = {pair.name for pair in pairs_of(repository)}
    assert names == {name for name in collected if IS_DEFINED[name](UNCHANGED[form])}
    assert removed(repository, is_selected=collected.__contains__) == []
    assert changed_tests(pairs_of(repository), ()) == {}
