"""Test in which environment a stack runs, with interpreters that have stand-ins for packages."""

import subprocess
import sys
from pathlib import Path

import pytest

from traingate import BaseLayer, layers
from traingate.environments import created, interpreter
from traingate.environments.created import created_environments, remove_environment
from traingate.environments.examination import examine
from traingate.environments.interpreter import find_interpreter
from traingate.environments.placement import place
from traingate.environments.registry import TODAY, Environments
from traingate.errors import ConfigurationError
from traingate.layers import ipex, xla
from traingate.layers.stack import Stack

IPEX = {"torch": "2.8.0", "intel_extension_for_pytorch": "2.8.0"}


def placed(*stack, name=None, paths=()):
    return place(Stack.of(stack), Environments(), name, lambda _environment: paths)


@pytest.fixture(autouse=True)
def no_created_environments(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINGATE_ENVIRONMENTS", str(tmp_path))


@pytest.fixture
def make_environment(tmp_path):
    """``make_environment(name, versions)``: an environment with stand-ins for these packages."""

    def make(name, versions):
        folder = tmp_path / name
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        subprocess.run(command, check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        for package, version in versions.items():
            (packages / package).mkdir()
            (packages / package / "__init__.py").write_text("raise ImportError('a stand-in')")
            (packages / package / "version.py").write_text(f"__version__ = '{version}+cpu'")
            metadata = packages / f"{package}-{version}.dist-info" / "METADATA"
            metadata.parent.mkdir()
            metadata.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        return folder

    return make


@pytest.fixture(autouse=True)
def no_extensions_today(monkeypatch):
    for module in (ipex, xla):
        monkeypatch.setattr(module, "find_spec", lambda _name: None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("exec sleep 600", "timed out"),
        ("echo 5", "its answer is another one"),
        ("echo x", "Expecting value"),
    ],
)
def test_an_interpreter_that_does_not_tell_its_packages_is_an_error_in_bounded_time(
    tmp_path, monkeypatch, body, message
):
    monkeypatch.setattr(interpreter, "PROBE_SECONDS", 0.5)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    with pytest.raises(ConfigurationError, match=message):
        interpreter.package_versions(["pytest"], interpreter.Interpreter(str(python), ""))


def test_an_interpreter_is_known_by_its_folder_and_has_the_version_of_its_torch(make_environment):
    folder = make_environment("old", {"torch": "2.8.0"})
    for location in (folder, folder / "bin" / "python"):
        interpreter = find_interpreter(str(location), "--traingate-environment old")
        assert interpreter.prefix == str(folder)
        assert interpreter.torch == "2.8.0+cpu"
        assert interpreter.version == ".".join(map(str, sys.version_info[:3]))


def test_an_interpreter_without_torch_is_refused_with_the_option_that_names_it(make_environment):
    folder = make_environment("empty", {})
    with pytest.raises(
        ConfigurationError, match=r"^--traingate-environment empty: .* has no torch"
    ):
        Environments({"empty": str(folder)}).get("empty")


def test_an_interpreter_that_hangs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "PROBE_SECONDS", 0.2)
    (tmp_path / "python").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"--traingate-against-python: .*timed out"):
        find_interpreter(str(tmp_path / "python"), "--traingate-against-python")


@pytest.mark.parametrize(
    "answer", ["[1, 2, 3]", "5", '{"a": 1}', '["/", [3, 12], null]', "[" * 9999]
)
def test_a_program_with_another_answer_is_refused(tmp_path, answer):
    (tmp_path / "python").write_text(f"#!/bin/sh\necho '{answer}'\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(ConfigurationError, match="python does not run as a Python: "):
        find_interpreter(str(tmp_path / "python"), "--traingate-against-python")
    other = interpreter.Interpreter(str(tmp_path / "python"), "")
    with pytest.raises(ConfigurationError, match="cannot examine the layers of this test: "):
        examine(Stack.of([]), other)


def test_an_answer_about_other_layers_is_refused(tmp_path):
    (tmp_path / "python").write_text('#!/bin/sh\necho \'{"findings": [], "request": {}}\'\n')
    (tmp_path / "python").chmod(0o755)
    other = interpreter.Interpreter(str(tmp_path / "python"), "")
    assert examine(Stack.of([]), other).findings == ()
    with pytest.raises(ConfigurationError, match="its answer has 0 of them"):
        examine(Stack.of([OwnLayer()]), other)


def test_what_is_no_interpreter_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="does not run as a Python"):
        Environments({"mine": str(tmp_path)}).get("mine")


def test_an_unknown_name_is_refused_with_the_names_that_there_are(make_environment):
    make_environment("ipex", IPEX)
    with pytest.raises(ConfigurationError, match=r"no environment 'torch-2.9', only ipex, today"):
        Environments().get("torch-2.9")


def test_a_named_environment_wins_over_a_created_one(make_environment):
    make_environment("ipex", IPEX)
    other = make_environment("other", IPEX)
    assert Environments({"ipex": str(other)}).get("ipex").interpreter.prefix == str(other)
    assert Environments().get("ipex").interpreter.prefix == str(other.with_name("ipex"))


def test_a_removed_environment_is_gone(make_environment):
    make_environment("ipex", IPEX)
    assert set(created_environments()) == {"ipex"}
    remove_environment("ipex")
    assert not created_environments()
    with pytest.raises(
        ConfigurationError, match="no environment 'ipex' was created; there are: none"
    ):
        remove_environment("ipex")


NEEDING_IPEX = [
    layers.IpexOptimize(),
    layers.TorchCompile("ipex"),
    layers.DataParallel("ipexrun", 1),
]


@pytest.mark.parametrize("layer", NEEDING_IPEX, ids=repr)
def test_a_layer_that_today_lacks_runs_in_the_environment_of_its_name(make_environment, layer):
    folder = make_environment("ipex", IPEX)
    (folder / "bin" / "mpiexec.hydra").touch(0o755)
    placement = placed(layer)
    assert placement.environment.name == "ipex"
    assert not placement.examination.missing_requirements


def test_without_that_environment_the_reason_says_how_to_make_it():
    stack = Stack.of([layers.IpexOptimize()])
    placement = placed(*stack.layers)
    assert placement.environment.name == TODAY
    (requirement,) = placement.examination.missing_requirements
    assert "pip install 'pytest-traingate[ipex]'" in requirement.reason
    assert requirement.reason.endswith("traingate environment create ipex")


def test_a_layer_that_its_own_environment_lacks_too_is_examined_there(make_environment):
    make_environment("ipex", {"torch": "2.9.0", "intel_extension_for_pytorch": "2.8.0"})
    placement = placed(layers.IpexOptimize())
    (requirement,) = placement.examination.missing_requirements
    assert "will not load with 2.9.0" in requirement.reason


def test_a_stack_that_can_run_today_stays_there_unless_the_test_names_another(make_environment):
    make_environment("ipex", IPEX)
    stack = Stack.of([layers.ChannelsLast()])
    assert placed(*stack.layers).environment.interpreter is None
    assert placed(*stack.layers, name="ipex").environment.name == "ipex"
    assert placed(*stack.layers, name=TODAY).environment.interpreter is None


def test_a_named_environment_that_lacks_a_requirement_is_not_left_for_another(make_environment):
    make_environment("ipex", IPEX)
    placement = placed(layers.IpexOptimize(), name=TODAY)
    assert placement.environment.name == TODAY
    assert placement.examination.missing_requirements


class OwnLayer(BaseLayer):
    """Layer of the user's own."""

    name = "own"
    order = 10
    environment = "own"

    def apply(self, training): ...

    def unavailable(self):
        return None if "own" in sys.prefix else "it needs the environment own"


def test_a_layer_of_the_users_own_can_need_an_environment_too(make_environment):
    make_environment("own", {"torch": "2.8.0"})
    here = str(Path(__file__).parent)
    # The other interpreter imports this module, which needs pytest.
    placement = placed(OwnLayer(), paths=(here, *sys.path))
    assert placement.environment.name == "own"
    assert not placement.examination.missing_requirements


def test_an_interpreter_that_cannot_import_a_layer_says_so(make_environment):
    folder = make_environment("own", {"torch": "2.8.0"})
    interpreter = find_interpreter(str(folder), "")
    with pytest.raises(ConfigurationError, match="cannot examine the layers of this test"):
        examine(Stack.of([OwnLayer()]), interpreter)


def test_libraries_are_looked_for_in_the_other_environment(make_environment):
    folder = make_environment("ipex", IPEX)
    library = folder / "lib" / "libiomp5.so"
    library.write_bytes(Path(sys.executable).resolve().read_bytes()[:64])  # an ELF header
    stack = Stack.of([layers.TunedRuntime("default", "intel")])
    placement = placed(*stack.layers, name="ipex")
    assert placement.examination.request.preloads == (str(library),)
    assert placement.examination.request.run_cpu.intel_openmp


def test_the_folder_of_an_environment_has_no_secret_of_its_arguments(tmp_path, monkeypatch):
    requirements = tmp_path / "requirements.in"
    arguments = ["git+https://u:q7Zx9Lm2@host/a.git", "--requirement", str(requirements)]
    calls = []

    def run_uv(*arguments, on_change):
        calls.append(arguments[0])
        if arguments[0] == "venv":
            (Path(arguments[-1]) / "bin").mkdir()
            (Path(arguments[-1]) / "bin" / "python").write_text("")

    def create(python=None):
        calls.clear()
        created.create_environment("torch-2.8", python, arguments, only_if_missing=True)
        return bool(calls)

    monkeypatch.setattr(created, "_run_uv", run_uv)
    requirements.write_text("--index-url https://u:q7Zx9Lm2@host/simple")
    assert create()
    texts = [path.read_text() for path in (tmp_path / "torch-2.8").rglob("*") if path.is_file()]
    assert any(texts)
    assert "q7Zx9Lm2" not in "".join(texts)
    assert not create()
    assert create("3.12")
    requirements.write_text("--index-url https://u:q7Zx9Lm2@host/other")
    assert create("3.12")
    assert not create("3.12")
    arguments.append("numpy")
    assert create("3.12")


def test_an_error_of_uv_has_no_secret(monkeypatch):
    monkeypatch.setattr(created, "find_program", lambda _name: "/bin/false")
    address = "git+https://u:q7Zx9Lm2@host/a.git"
    with pytest.raises(ConfigurationError, match="failed") as raised:
        created._run_uv("pip", "install", address, on_change=lambda *_, **__: None)
    assert "q7Zx9Lm2" not in str(raised.value)
