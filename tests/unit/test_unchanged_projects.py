"""Forms in which an unchanged project may be written, which lacks no training benchmark."""

from __future__ import annotations

import subprocess

import pytest

from base_projects import committed, pairs_of, removed
from traingate.worktree.base_tests import Source, changed_tests, missing_tests

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
    "an abstract class": """
from abc import ABC, abstractmethod
class TestNet(ABC):
    @abstractmethod
    def net(self): ...
    def test_net(self, training_benchmark): ...
class TestOther(TestNet):
    def net(self): ...
    test_net = None
""",
    "a class with a constructor by attrs": """
import attrs
@attrs.define
class TestNet:
    def test_net(self, training_benchmark): ...
""",
    "a fixture with the name of a test": """
import pytest
@pytest.fixture
def test_bed(training_benchmark): ...
def test_n(test_bed): ...
""",
    "a fixture whose name no program takes": """
import pytest
@pytest.fixture(name="a\\0b\\ud800")
def bed(training_benchmark): ...
""",
    "an argument that has a value": """
def test_net(training_benchmark=None): ...
def test_other(*, training_benchmark=None): ...
""",
    "parameters in the place of a fixture": """
import pytest
@pytest.fixture
def bed(training_benchmark): ...
@pytest.mark.parametrize(("size", "bed"), [(1, 2)])
def test_net(bed, size): ...
@pytest.mark.parametrize("bed", [1], indirect=True)
def test_n(bed): ...
""",
    "several classes that are deleted": """
from suite import TestBase, TestBase as TestOther
class TestNet(TestBase): ...
del (TestBase, TestOther)
""",
    "a base of a long number": f"class TestNet(bases[0x{'f' * 4000}].Base): ...\n",
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


LIBRARY_TESTS = "from passing import TestNet\n"
LIBRARY = {
    "passing": "from suite import TestNet\n",
    "suite": "from core import Core\nclass TestNet(Core):\n    def test_net(self, training_benchmark): ...\n",
    "core": "from library import Base\nclass Core(Base): ...\n",
}
NAME = "test_a.py::TestNet::test_net"


@pytest.mark.parametrize(
    ("changed_file", "source"),
    [
        ("models.py", Source.ALIKE),
        ("test_b.py", Source.ALIKE),
        ("deep/conftest.py", Source.ALIKE),
        ("notes.md", Source.ALIKE),
        ("test_a.py", Source.KEPT),
        ("conftest.py", Source.KEPT),
        ("pytest.ini", Source.KEPT),
        ("hooks.py", Source.KEPT),
        ("suite.py", Source.KEPT),
        ("core.py", Source.KEPT),
        ("passing.py", Source.KEPT),
    ],
)
def test_a_test_that_pytest_does_not_collect_is_missing_only_after_a_change_that_may_be_why(
    tmp_path, changed_file, source
):
    sources = {"test_a": LIBRARY_TESTS, "hooks": "def pytest_itemcollected(): ...", **LIBRARY}
    repository = committed(tmp_path, **sources, test_b="")
    file = repository.root / changed_file
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"\n{LIBRARY.get(file.stem, sources.get(file.stem, ''))}")
    assert missing_tests(pairs_of(repository), lambda _: False) == {NAME: source}


def test_a_new_module_with_hooks_may_be_why_a_test_is_missing(tmp_path):
    repository = committed(tmp_path, test_a=LIBRARY_TESTS, **LIBRARY)
    (repository.root / "hooks.py").write_text("def pytest_itemcollected(): ...")
    assert missing_tests(pairs_of(repository), lambda _: False) == {NAME: Source.KEPT}


IMPORTS = """
from models import net, BATCH
def test_n(training_benchmark): training_benchmark(net, batch_size=BATCH)
"""
MODELS = "from slow import net\nBATCH = 1\ntry:\n    from local import *\nexcept ImportError: ...\n"


def test_modules_that_git_ignores_are_of_neither_version(tmp_path):
    repository = committed(tmp_path, test_a=IMPORTS, models=MODELS, slow="def net(): ...\n")
    (repository.root / ".git" / "info" / "exclude").write_text("local.py\n")
    (repository.root / "local.py").write_text("BATCH = 2\ndef net(): ...\n")
    assert changed_tests(pairs_of(repository), ()) == {}
    (repository.root / "local.py").rename(repository.root / "slow.py")
    assert changed_tests(pairs_of(repository), ()) == {}


def test_symbolic_links_are_of_neither_version(tmp_path):
    root = tmp_path.resolve() / "project"
    root.mkdir()
    (root / "local.py").symlink_to("other.py")
    sources = {"models": MODELS, "slow": "def net(): ...\n", "other": "BATCH = 2\ndef net(): ...\n"}
    repository = committed(tmp_path, test_a=IMPORTS, **sources)
    assert changed_tests(pairs_of(repository), ()) == {}


def test_what_a_sparse_checkout_leaves_out_is_not_missing(tmp_path):
    sources = {"a/test_a": IMPORTS, "b/test_b": IMPORTS}
    repository = committed(tmp_path, **sources)
    git = ["git", "-C", str(repository.root)]
    subprocess.run([*git, "sparse-checkout", "set", "a"], check=True, capture_output=True)
    assert not (repository.root / "b").exists()
    assert missing_tests(pairs_of(repository), lambda _: False) == {
        "a/test_a.py::test_n": Source.ALIKE,
        "b/test_b.py::test_n": Source.ALIKE,
    }


def test_a_test_that_a_condition_makes_none_need_not_be_selected(tmp_path):
    tests = "def test_net(training_benchmark): ...\nif 1:\n    test_net.__test__ = False\n"
    repository = committed(tmp_path, test_a=tests)
    (repository.root / "test_a.py").write_text(f"import os\n{tests}")
    assert missing_tests(pairs_of(repository), lambda _: False) == {}
