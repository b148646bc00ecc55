"""Forms in which a project may write its training benchmarks, of which one is taken away or changed."""

from __future__ import annotations

import warnings

import pytest

from base_projects import committed, pairs_of, removed
from traingate.worktree.base_tests import changed_tests
from traingate.worktree.naming import TestNaming

OF_CLASS = """
import pytest

@pytest.mark.parametrize("size", [8, 64])
class TestNet:
    pytestmark = [pytest.mark.parametrize("kind", ["a", "b"])]

    @pytest.mark.parametrize("depth", [1, 2])
    def test_net(self, training_benchmark, depth, kind, size): ...
"""

OF_MODULE = """
import pytest

pytestmark = pytest.mark.parametrize("torch_compile", ["inductor"], indirect=True)

def test_net(training_benchmark, torch_compile): ...
"""

CONDITIONAL = """
import sys

if sys.platform == "linux":
    def test_net(training_benchmark): ...
else:
    def test_elsewhere(training_benchmark): ...

try:
    import models
except ImportError:
    pass
else:
    with open(__file__):
        def test_with_models(training_benchmark): ...
"""

IMPORTING = "from cases import test_net as test_imported, TestDeep\n"
CASES = """
def test_net(training_benchmark): ...

class TestDeep:
    def test_deep(self, training_benchmark): ...
"""

OF_UNITTEST = """
import unittest
import pytest

class SpeedOfNet(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _measure(self, training_benchmark): self.measure = training_benchmark

    def test_net(self): ...
"""

OF_NAMED_FIXTURE = """
import pytest

@pytest.fixture(name="measure", autouse=True)
def _measure(training_benchmark): ...

def test_net(): ...
"""

OF_REPLACED_MARKS = """
import pytest

pytestmark = pytest.mark.parametrize("kind", [1, 2])
pytestmark: list = [pytest.mark.parametrize("size", [8, 64])]
pytestmark += [pytest.mark.parametrize("depth", [3])]

def test_net(training_benchmark, size, depth): ...
"""


@pytest.mark.parametrize(
    ("files", "old", "new", "names"),
    [
        ({"test_a": OF_CLASS}, "[8, 64]", "[8]", [
            "TestNet::test_net[1-a-64]", "TestNet::test_net[1-b-64]",
            "TestNet::test_net[2-a-64]", "TestNet::test_net[2-b-64]",
        ]),
        ({"test_a": OF_CLASS}, '["a", "b"]', '["b"]', [
            "TestNet::test_net[1-a-8]", "TestNet::test_net[1-a-64]",
            "TestNet::test_net[2-a-8]", "TestNet::test_net[2-a-64]",
        ]),
        ({"test_a": OF_MODULE}, '["inductor"]', "[False]", ["test_net[inductor]"]),
        ({"test_a": CONDITIONAL}, "test_net", "net", ["test_net"]),
        ({"test_a": CONDITIONAL}, "test_with", "with", ["test_with_models"]),
        ({"test_a": IMPORTING, "cases": CASES}, "test_net as test_imported, ", "",
         ["test_imported"]),
        ({"test_a": IMPORTING, "cases": CASES}, ", TestDeep", "", ["TestDeep::test_deep"]),
        ({"test_a": OF_NAMED_FIXTURE}, "test_net", "net", ["test_net"]),
        ({"test_a": OF_NAMED_FIXTURE}, ", autouse=True", "", ["test_net"]),
        ({"test_a": OF_REPLACED_MARKS}, "[8, 64]", "[8]", ["test_net[64-3]"]),
        ({"test_a": OF_UNITTEST}, "test_net", "net", ["SpeedOfNet::test_net"]),
        ({"test_a": OF_UNITTEST}, "autouse=True", "", ["SpeedOfNet::test_net"]),
    ],
)  # fmt: skip
def test_a_test_that_is_taken_away_is_found(tmp_path, files, old, new, names):
    repository = committed(tmp_path, **files)
    assert removed(repository) == []
    (repository.root / "test_a.py").write_text(files["test_a"].replace(old, new))
    assert removed(repository) == [f"test_a.py::{name}" for name in names]


def test_a_test_under_a_condition_need_not_be_selected(tmp_path):
    repository = committed(tmp_path, test_a=CONDITIONAL)
    assert removed(repository, is_selected=lambda test: False) == []


@pytest.mark.parametrize("condition", ["if False:", "for _ in ():", "with absent:", "class Inner:"])
def test_a_condition_around_a_test_takes_it_away(tmp_path, condition):
    test = "def test_net(training_benchmark): ..."
    repository = committed(tmp_path, test_a=test)
    (repository.root / "test_a.py").write_text(f"{condition}\n    {test}\n")
    assert removed(repository, is_selected=lambda test: False) == ["test_a.py::test_net"]


def test_a_narrower_ini_key_hides_no_test_with_a_name_of_pytests_own(tmp_path):
    repository = committed(tmp_path, test_a="def test_net(training_benchmark): ...\n")
    narrow = TestNaming(["bench_*.py"], ["Bench"], ["bench"])
    naming = narrow.joined(TestNaming())
    keys = {name: getattr(naming, name) for name in TestNaming.__annotations__}
    names = removed(repository, is_selected=lambda test: False, **keys)
    assert names == ["test_a.py::test_net"]


NAMED = """
import models
from models import net
from layers import Fast

BATCH = SIZE = 64
LAYERS: list = [Fast()]

def test_net(training_benchmark, workload):
    run = training_benchmark
    size = BATCH
    run(net, layers=LAYERS, batch_size=size)
    training_benchmark(workload)
    training_benchmark(models.tiny)
"""
MODELS = "def net(): ...\ndef tiny(): ...\n"


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("import net", "import tiny as net", "net = models::tiny instead of "
         "net = models::net"),
        ("import net\n", "import net, tiny\nnet = tiny\n",
         "net = models::tiny instead of net = models::net"),
        ("from models import net", "from other import net",
         "net = other::net instead of net = models::net"),
        ("import models\n", "import other as models\n",
         "models = other instead of models = models"),
        ("SIZE = 64", "SIZE = 1", "BATCH = 1 instead of BATCH = 64"),
        ("[Fast()]", "[]", "LAYERS = [] instead of LAYERS = [Fast()]"),
        ("import Fast", "import Slow as Fast",
         "Fast = Slow instead of Fast = Fast"),
        ("\n\ndef test", "\nLAYERS += [Slow()]\n\ndef test",
         "LAYERS = [Fast()], then [Slow()] instead of LAYERS = [Fast()]"),
        ("size = BATCH", "size = 1", "size = 1 instead of size = BATCH"),
        ("BATCH = SIZE = 64", "BATCH, SIZE = 1, 2", "BATCH = 1 instead of BATCH = 64"),
        ("from models import net", "try:\n    from models import tiny as net\nfinally:\n    pass",
         "net = models::tiny instead of net = models::net"),
        ("    run = ", "    from models import tiny as net\n    run = ",
         "net = models::tiny instead of net = models::net"),
        ("from models import net", "def net(): ...",
         "net = test_a::net instead of net = models::net"),
        ("run(net", "run(workload", "measures training_benchmark(workload, layers=LAYERS, batch_size=size); "),
    ],
)  # fmt: skip
def test_a_test_whose_names_mean_something_else_is_found(tmp_path, old, new, change):
    repository = committed(tmp_path, test_a=NAMED, models=MODELS, other=MODELS)
    (repository.root / "test_a.py").write_text(NAMED.replace(old, new))
    text = changed_tests(pairs_of(repository), ())["test_a.py::test_net"]
    assert text.startswith((f"measures with {change}", change))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from models import net", "from package import net"),
        ("from models import net", "from src.inner import net"),
        ("import models\n", "from . import models\n"),
        ("import models\n", "from src import models\n"),
        ("import models\n", "import models\nimport unused\nUNUSED = 1\n"),
        ("from layers import Fast", "from unknown.layers import Fast"),
        ("from layers import Fast", "from layers import Fast as Other\nFast = Other"),
        ("run = training_benchmark\n", "run = first = training_benchmark\n"),
        ("run(net", "training_benchmark(net"),
        ("(workload)\n", "(workload)\n    size = workload.size\n"),
        ("(workload)\n", "(workload)\n    [size for size in range(3)]\n"),
        ("    size = BATCH\n", "    size = BATCH  # samples\n"),
    ],
)
def test_other_edits_of_a_test_change_nothing(tmp_path, old, new):
    files = {
        "models": MODELS,
        "package/__init__": "from models import net",
        "src/inner": "from models import net",
        "src/__init__": "",
    }
    repository = committed(tmp_path, test_a=NAMED, **files)
    text = NAMED.replace(old, new)
    assert text != NAMED
    (repository.root / "test_a.py").write_text(text)
    assert changed_tests(pairs_of(repository), ()) == {}
    assert removed(repository) == []


@pytest.mark.parametrize("deleted", ["Test.helper", "registry[Test]", "registry[Test], other"])
def test_a_class_of_which_something_is_deleted_has_its_tests(tmp_path, deleted):
    tests = "class Test:\n    def test_net(self, training_benchmark): ...\n"
    repository = committed(tmp_path, test_a=f"{tests}del {deleted}\n")
    (repository.root / "test_a.py").write_text("")
    assert removed(repository) == ["test_a.py::Test::test_net"]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_test_with_a_stub_for_other_machines_is_found(tmp_path, is_first):
    branches = ["    def test_net(training_benchmark): ...\n", "    def test_net(): ...\n"]
    first, second = branches if is_first else branches[::-1]
    repository = committed(tmp_path, test_a=f"if x:\n{first}else:\n{second}")
    (repository.root / "test_a.py").write_text("")
    assert removed(repository) == ["test_a.py::test_net"]


def test_a_test_that_is_none_under_a_condition_is_found(tmp_path):
    condition = "if sys.platform == 'win32':\n    test_net.__test__ = False\n"
    tests = f"import sys\ndef test_net(training_benchmark): ...\n{condition}"
    repository = committed(tmp_path, test_a=tests)
    (repository.root / "test_a.py").write_text("")
    assert removed(repository) == ["test_a.py::test_net"]


def test_a_source_that_warns_has_its_tests_though_warnings_are_errors(tmp_path):
    text = 'PATTERN = "\\d"\ndef test_net(training_benchmark): ...\n'
    repository = committed(tmp_path, test_a=text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert removed(repository, is_selected=lambda test: False) == ["test_a.py::test_net"]


def test_another_way_to_import_a_parameter_changes_no_name(tmp_path):
    text = """
import models, pytest
from models import net
@pytest.mark.parametrize("model", [models.net])
def test_it(training_benchmark, model): ...
"""
    repository = committed(tmp_path, test_a=text, models=MODELS)
    (repository.root / "test_a.py").write_text(text.replace("[models.net]", "[net]"))
    assert removed(repository) == []
