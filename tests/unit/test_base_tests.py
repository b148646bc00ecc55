"""Training benchmarks of a commit that the working tree lacks, or measures otherwise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from base_projects import commit_all, committed, pairs_of, removed
from traingate.worktree.base_tests import changed_tests
from traingate.worktree.benchmark_tests import SourceTree, TestNaming
from traingate.worktree.parameter_ids import parameter_ids
from traingate.worktree.repository import Repository
from traingate.worktree.source_modules import SourceModules

TESTS = """
class TestNet:
    def test_deep(self, training_benchmark): ...

class Helper:
    def test_none(self, training_benchmark): ...

def test_plain(training_benchmark, *, channels_last): ...

def test_other(): ...

def helper(training_benchmark): ...
"""


@pytest.fixture
def repository(tmp_path):
    root = tmp_path.resolve()
    (root / "speed").mkdir()
    (root / "speed" / "test_net.py").write_text(TESTS)
    (root / "test_gone.py").write_text("def test_gone(training_benchmark): ...")
    (root / "conftest.py").write_text("def test_none(training_benchmark): ...")
    commit_all(root)
    return Repository(root)


def test_nothing_is_removed_from_an_unchanged_tree(repository):
    assert removed(repository) == []


def test_tests_that_pytest_did_not_select_are_found_though_their_source_is_there(repository):
    module = "speed/test_net.py"
    missing = removed(repository, is_selected=lambda test: not test.startswith(module))
    assert missing == [f"{module}::TestNet::test_deep", f"{module}::test_plain"]


@pytest.mark.parametrize("line", ["__test__ = False", "def __init__(self): ..."])
def test_classes_from_which_pytest_takes_no_tests_have_none(tmp_path, line):
    file = tmp_path / "test_net.py"
    file.write_text(
        f"class TestNet:\n    {line}\n    def test_deep(self, training_benchmark): ...\n"
    )
    modules = SourceModules(tmp_path, Path.is_file, Path.read_bytes)
    tree = SourceTree(modules, "training_benchmark", TestNaming())
    assert tree.tests_in(file) == []


def test_removed_and_renamed_tests_and_files_are_found(repository):
    (repository.root / "test_gone.py").unlink()
    file = repository.root / "speed" / "test_net.py"
    file.write_text(TESTS.replace("test_deep", "test_wide"))
    assert sorted(removed(repository)) == [
        "speed/test_net.py::TestNet::test_deep",
        "test_gone.py::test_gone",
    ]
    assert removed(repository, repository.root / "speed") == ["test_net.py::TestNet::test_deep"]


def test_a_test_that_no_longer_asks_for_the_fixture_is_removed(repository):
    file = repository.root / "speed" / "test_net.py"
    file.write_text(TESTS.replace("test_plain(training_benchmark, *", "test_plain(*"))
    assert removed(repository) == ["speed/test_net.py::test_plain"]


def test_tests_are_recognised_by_the_names_that_pytest_is_given(repository):
    (repository.root / "test_gone.py").unlink()
    assert removed(repository, python_files=["bench_*.py"]) == []
    assert removed(repository, python_functions=["bench"]) == []
    assert removed(repository, python_functions=["*_gone"]) == ["test_gone.py::test_gone"]


FIXTURES = """
import pytest

@pytest.fixture
def measured(training_benchmark): ...

@pytest.fixture(name="speed")
def make_speed(measured): ...
"""
OF_FIXTURE = """
import pytest

def test_kept(speed): ...

def test_removed(speed): ...

@pytest.mark.usefixtures("speed")
def test_marked(): ...

def test_other(tmp_path): ...
"""


@pytest.mark.parametrize("place", ["conftest", "speed/conftest", "speed/helpers", "speed/test_a"])
def test_a_test_that_reaches_the_fixture_through_others_is_found(tmp_path, place):
    head = "from helpers import measured, make_speed" if place.endswith("helpers") else ""
    files = {"speed/test_a": f"{head}\n{OF_FIXTURE}"}
    files[place] = FIXTURES + files.get(place, "")
    repository = committed(tmp_path, **files)
    assert removed(repository) == []
    file = repository.root / "speed" / "test_a.py"
    text = file.read_text().replace("test_removed", "removed").replace("test_marked", "marked")
    file.write_text(text.replace("test_other", "other"))
    name = "speed/test_a.py::test_"
    assert removed(repository) == [f"{name}removed", f"{name}marked"]


def test_fixtures_of_several_modules_that_are_imported_as_a_whole_are_found(tmp_path):
    tests = f"from helpers import *\nfrom more import *\n{OF_FIXTURE}"
    more = FIXTURES.replace("measured", "measured_too").replace('"speed"', '"other"')
    repository = committed(tmp_path, test_a=tests, helpers=FIXTURES, more=more)
    (repository.root / "test_a.py").write_text(tests.replace("test_removed", "removed"))
    assert removed(repository) == ["test_a.py::test_removed"]


def test_tests_whose_fixture_no_longer_measures_are_removed(tmp_path):
    repository = committed(tmp_path, conftest=FIXTURES, test_a=OF_FIXTURE)
    file = repository.root / "conftest.py"
    file.write_text(FIXTURES.replace("measured(training_benchmark)", "measured()"))
    names = [f"test_a.py::test_{name}" for name in ("kept", "removed", "marked")]
    assert removed(repository) == names


def test_a_fixture_that_overrides_another_may_request_it(tmp_path):
    tests = (
        f"{FIXTURES.replace('measured(training_benchmark)', 'measured(measured)')}\n{OF_FIXTURE}"
    )
    repository = committed(tmp_path, conftest=FIXTURES, test_a=tests)
    (repository.root / "test_a.py").unlink()
    assert "test_a.py::test_removed" in removed(repository)


BASE_CLASS = """
class Speed:
    def test_forward(self, training_benchmark): ...
    def test_backward(self, training_benchmark): ...
"""
HEIR = """
from suite import Speed as Base

class TestNet(Base):
    def test_backward(self): ...
"""


def test_tests_that_a_class_inherits_from_another_module_are_found(tmp_path):
    repository = committed(tmp_path, suite=BASE_CLASS, test_net=HEIR)
    assert removed(repository) == []
    (repository.root / "suite.py").write_text(BASE_CLASS.replace("test_forward", "forward"))
    assert removed(repository) == ["test_net.py::TestNet::test_forward"]


PARAMETRIZED = """
import pytest

@pytest.mark.parametrize("precision", ["bf16", pytest.param(None, id="full")])
@pytest.mark.parametrize("size", [16, 32])
def test_net(training_benchmark, size, precision): ...

@pytest.mark.parametrize(("depth", "width"), [(18, 1.5), (50, 2)], ids=["small", "large"])
def test_deep(training_benchmark, depth, width): ...

@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizer(training_benchmark, optimizer): ...
"""


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("[16, 32]", "(16, 32, 64)", []),
        ("[16, 32]", "[16]", ["test_net[32-bf16]", "test_net[32-full]"]),
        ("[16, 32]", "SIZES", []),
        ('"bf16", ', "", ["test_net[16-bf16]", "test_net[32-bf16]"]),
        ('"large"', '"huge"', ["test_deep[large]"]),
        ("(50, 2)", "(101, 2)", []),
        ("OPTIMIZERS", "OPTIMIZERS[1:]", []),
    ],
)
def test_removed_parameters_are_found_where_the_source_names_them(tmp_path, old, new, names):
    repository = committed(tmp_path, test_net=PARAMETRIZED)
    (repository.root / "test_net.py").write_text(PARAMETRIZED.replace(old, new))
    assert removed(repository) == [f"test_net.py::{name}" for name in names]


def test_sets_of_parameters_are_compared_up_to_ten_thousand():
    marks = [ast.parse(f"parametrize('a', {[*range(size)]})").body[0].value for size in (100, 101)]
    assert len(parameter_ids([marks[0], marks[0]])) == 10_000
    assert parameter_ids(marks) is None


def test_a_commit_is_searched_once_for_all_names_that_lead_to_others(tmp_path, monkeypatch):
    fixtures = "".join(
        f"@pytest.fixture\ndef measured_{number}(training_benchmark): ...\n" for number in range(9)
    )
    tests = "def test_net(measured_3): ...\n"
    repository = committed(tmp_path, conftest=f"import pytest\n{fixtures}", test_a=tests)
    searches = []
    search = Repository.files_with
    monkeypatch.setattr(
        Repository, "files_with", lambda *arguments: searches.append(0) or search(*arguments)
    )
    assert removed(repository, is_selected=lambda test: False) == ["test_a.py::test_net"]
    assert len(searches) == 2


MEASURED = """
import pytest
from models import net, tiny

@pytest.fixture
def fast(bf16_autocast): ...

def test_net(training_benchmark, fast, channels_last):
    return training_benchmark(net, layers=[])
"""


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("channels_last", "channels_last, unknown", None),
        ("return training", "result = training", None),
        (", channels_last", "", "requests channels_last no more"),
        ("def fast(bf16_autocast)", "def fast()", "requests bf16_autocast no more"),
        ("channels_last", "torch_compile", "requests channels_last no more, "
         "requests torch_compile now"),
        ("(net, layers=[])", "(tiny)", "measures training_benchmark(tiny) instead of "
         "training_benchmark(net, layers=[])"),
        ("training_benchmark(net, layers=[])", "None", "measures nothing instead of "
         "training_benchmark(net, layers=[])"),
    ],
)  # fmt: skip
def test_a_test_that_measures_something_else_is_found(tmp_path, old, new, change):
    repository = committed(tmp_path, test_net=MEASURED)
    (repository.root / "test_net.py").write_text(MEASURED.replace(old, new))
    layers = ("bf16_autocast", "channels_last", "torch_compile")
    changes = changed_tests(pairs_of(repository), layers)
    assert changes == ({"test_net.py::test_net": change} if change else {})
