"""Test the texts of recipes: those for a terminal, and those of tests."""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import asdict

import msgspec
import pytest
from recipe_variants import VARIANTS, Threads

from traingate import layers
from traingate.controller.measure import layer_records
from traingate.environments.interpreter import Interpreter, package_versions
from traingate.errors import ConfigurationError
from traingate.layers.base import ProcessRequest
from traingate.layers.kinds import KINDS
from traingate.layers.recipe import Surroundings
from traingate.layers.stack import Stack
from traingate.records import LayerRecord
from traingate.report.recipe.fixtures import text_of_test
from traingate.report.recipe.process import plain_process
from traingate.report.recipe.script import plain_script
from traingate.report.recipe.stored import StoredLayer, stack_of_records
from traingate.report.recipe.text import needed_packages, recipe_text
from traingate.requested_layers import RequestedLayers


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    """Let ranks have cores 0 to 3, whatever this machine has, and no variable that steers them."""
    for variable in ("OMP_PROC_BIND", "OMP_NUM_THREADS", "LD_PRELOAD", "GLOO_SOCKET_IFNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("traingate.controller.launchers.physical_cores", lambda: (0, 1, 2, 3))


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_the_text_has_every_line_of_the_recipe(layer):
    stack = Stack.of([layer])
    recipe = layer.recipe(Surroundings(frozenset({layer.name}), stack.process()))
    text = recipe_text(stack)
    lines = [
        line
        for place in ("before_torch", "after_torch", "functions", "at_start", "model", "optimized")
        for source in getattr(recipe, place)
        for line in source.split("\n")
    ]
    options = [f"{name}={value}" for name, value in {**recipe.loader, **recipe.optimizer}.items()]
    others = (*recipe.contexts, *recipe.step_end, *recipe.at_end, *recipe.installs)
    for line in (*lines, *options, *others, *recipe.packages):
        assert line in text
    process = plain_process(stack.process())
    for line in (*process.exports, process.command):
        assert f"    {line}\n" in text


def test_a_stack_without_layers_changes_nothing():
    text = recipe_text(Stack())
    assert text.split() == [
        *[
            "Environment",
            "nothing",
            "to",
            "change",
            "Command",
            "python",
            "train.py",
            "PyTorch",
            "nothing",
            "to",
            "change",
        ]
    ]


def test_an_interpreter_tells_the_versions_of_its_packages(tmp_path):
    own = Interpreter(sys.executable, sys.prefix)
    names = ("pytest", "no-such-package")
    assert package_versions(names, own) == package_versions(names) == {"pytest": pytest.__version__}
    with pytest.raises(ConfigurationError, match="does not tell the versions"):
        package_versions(names, Interpreter(str(tmp_path / "python"), str(tmp_path)))


def test_what_is_missing_here_is_said(monkeypatch):
    stack = Stack.of([layers.TunedRuntime("jemalloc", "gnu", cores="0")])
    request = stack.process()
    monkeypatch.setattr("traingate.host.shared_libraries.find_library", lambda _stem: None)
    sentence = "tuned_runtime cannot run here: libjemalloc is not installed: apt-get install"
    assert f"# {sentence}" in recipe_text(stack)
    assert f"# {sentence}" in plain_script(stack)
    assert sentence not in recipe_text(stack, request)
    assert msgspec.convert(json.loads(json.dumps(asdict(request))), ProcessRequest) == request


def test_packages_of_another_environment_are_named_with_their_versions():
    stack = Stack.of([layers.IpexOptimize()])
    assert needed_packages(stack) == ("torch", "intel-extension-for-pytorch")
    versions = {"torch": "2.8.0+cpu", "intel-extension-for-pytorch": "2.8.0"}
    text = recipe_text(stack, versions=versions, python="/ipex/bin/python")
    assert "pip install torch==2.8.0 intel-extension-for-pytorch==2.8.0\n" in text
    assert "/ipex/bin/python train.py" in text


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_the_layers_of_a_record_are_made_again(layer):
    stack = Stack.of([layer])
    assert stack_of_records(layer_records(stack)) == stack


def test_layers_that_cannot_be_made_again_keep_their_name():
    records = [
        LayerRecord("threads", {"count": 3}),
        LayerRecord("torch_compile", {"backend": "none"}),
        LayerRecord("channels_last", {"unknown": 1}),
    ]
    stack = stack_of_records(records)
    assert all(isinstance(layer, StoredLayer) for layer in stack.layers)
    text = recipe_text(stack)
    assert "apply threads(count=3) by hand: it is none of traingate's layers" in text
    assert text.count("this version does not take its options") == 2


@pytest.mark.parametrize("line_end", ["\n", "\r", "\x0c", "\x85", "\u2028"])
def test_texts_of_a_record_never_become_code(line_end):
    text = f'x"""\'{line_end}import os #'
    records = [
        LayerRecord(text, {text: text}),
        LayerRecord("gradient_checkpointing", {"modules": [text]}),
    ]
    stack = stack_of_records(records)
    own = stack_of_records([LayerRecord("gradient_checkpointing", {"modules": ["x"]})])
    tree = ast.parse(plain_script(stack))
    assert ast.dump(tree).count("Import") == ast.dump(ast.parse(plain_script(own))).count("Import")
    test = ast.parse(text_of_test("test_x", "net", stack))
    assert [type(node) for node in test.body] == [ast.Import, ast.FunctionDef]


def layers_of_test(source):
    """Return the layers that the fixtures of a test make, and the arguments of its call."""
    function = ast.parse(source).body[-1]
    choices = {
        ast.literal_eval(mark.args[0]): ast.literal_eval(mark.args[1])[0]
        for mark in function.decorator_list
    }
    requested = RequestedLayers()
    for argument in function.args.args:
        if argument.arg in KINDS:
            requested.add(KINDS[argument.arg], choices.get(argument.arg, True))
    assert requested.problems == []
    return requested.layers, ast.unparse(function.body[0])


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_a_test_requests_each_layer_with_its_options(layer):
    made_layers, call = layers_of_test(text_of_test("test_x", "net", Stack.of([layer])))
    assert made_layers == [layer]
    assert call == "training_benchmark(net)"


def test_a_test_names_options_only_where_they_differ_from_the_defaults():
    stack = Stack.of([layers.TunedRuntime(), layers.ChannelsLast(), layers.BatchSize(4)])
    assert text_of_test("test_x", "net", stack).splitlines() == [
        "import pytest",
        "",
        "",
        '@pytest.mark.parametrize("batch_size", [4], indirect=True)',
        "def test_x(training_benchmark, tuned_runtime, batch_size, channels_last):",
        "    training_benchmark(net)",
    ]


def test_a_test_has_own_layers_arguments_and_the_environment():
    stack = Stack.of([Threads(3)])
    text = text_of_test("test[x]", "net", stack, arguments={"depth": 5}, environment="ipex")
    assert "def test_x_(training_benchmark, environment):" in text
    assert "training_benchmark(net, depth=5, layers=[Threads(count=3)])" in text
    assert "['ipex']" in text
    assert "environment" not in text_of_test("test_x", "net", stack, environment="today")


def test_the_class_of_a_stored_layer_is_imported():
    stack = stack_of_records([LayerRecord("threads", {"count": 3})])
    text = text_of_test("test_x", "net", stack, classes={"threads": "my_layers:OpenMPThreads"})
    assert text.startswith("from my_layers import OpenMPThreads\n\n\ndef test_x")
    assert "layers=[OpenMPThreads(count=3)]" in text
    hostile = text_of_test("test_x", "net", stack, classes={"threads": "os; print(1):X"})
    assert "print" not in hostile


def test_a_shell_gets_no_command_of_a_record():
    request = ProcessRequest(environment={"A;touch x": "1", "GOOD": "a b", "B\nC": "2"})
    exports = plain_process(request).exports
    assert "export GOOD='a b'" in exports
    assert not [line for line in exports if "touch" in line or "\n" in line]
    versions = {"torch": "1; touch x"}
    text = recipe_text(Stack(), ProcessRequest(), versions=versions, python="x\ntouch y")
    assert "pip install 'torch==1; touch x'" in text
    assert "\ntouch" not in text
