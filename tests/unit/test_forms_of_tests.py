"""Forms in which a project may write its training benchmarks, of which one is taken away or changed."""

from __future__ import annotations

import pytest

from base_projects import committed, pairs_of, removed
from traingate.worktree.base_tests import changed_tests
from traingate.worktree.benchmark_tests import TestNaming

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


def test_a_narrower_ini_key_hides_no_test_with_a_name_of_pytests_own(tmp_path):
    repository = committed(tmp_path, test_a="def test_net(training_benchmark): ...\n")
    narrow = TestNaming(["bench_*.py"], ["Bench"], ["bench"])
    naming = narrow.with_defaults()
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
        ("import net", "import tiny as net", "net = models.py::tiny instead of "
         "net = models.py::net"),
        ("from models import net", "from other import net",
         "net = other.py::net instead of net = models.py::net"),
        ("import models\n", "import other as models\n",
         "models = import other instead of models = import models"),
        ("SIZE = 64", "SIZE = 1", "BATCH = 1 instead of BATCH = 64"),
        ("[Fast()]", "[]", "LAYERS = [] instead of LAYERS = [Fast()]"),
        ("import Fast", "import Slow as Fast",
         "Fast = layers.Slow instead of Fast = layers.Fast"),
        ("size = BATCH", "size = 1", "size = 1 instead of size = BATCH"),
        ("from models import net", "from package import net", None),
        ("run(net", "run(workload", "measures run(workload, layers=LAYERS, batch_size=size); "),
        ("import models\n", "import models\nimport unused\nUNUSED = 1\n", None),
    ],
)  # fmt: skip
def test_a_test_whose_names_mean_something_else_is_found(tmp_path, old, new, change):
    files = {"models": MODELS, "other": MODELS, "package/__init__": "from models import net"}
    repository = committed(tmp_path, test_a=NAMED, **files)
    (repository.root / "test_a.py").write_text(NAMED.replace(old, new))
    changes = changed_tests(pairs_of(repository), ())
    if change is None:
        assert changes == {}
    else:
        text = changes["test_a.py::test_net"]
        assert text.startswith((f"measures with {change}", change))
