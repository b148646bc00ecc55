"""Test the recipes of layers; tests/effects/test_plain_scripts.py runs the scripts they make."""

from __future__ import annotations

import ast
import itertools

import pytest
from recipe_variants import FORMS, VARIANTS, Threads

from traingate import layers
from traingate.controller.command import training_command
from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers.base import ProcessRequest
from traingate.layers.kinds import KINDS
from traingate.layers.recipe import (
    OWN_STEP,
    PAIR,
    TRAIN_STEP,
    Recipe,
    RecipeProvider,
    TrainingForm,
)
from traingate.layers.stack import Stack
from traingate.report.recipe.process import plain_process
from traingate.report.recipe.script import OwnParts, example_parts, plain_script
from traingate.report.recipe.text import recipe_text


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    """Let ranks have cores 0 to 3, whatever this machine has, and no variable that steers them."""
    for variable in ("OMP_PROC_BIND", "OMP_NUM_THREADS", "LD_PRELOAD", "GLOO_SOCKET_IFNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("traingate.controller.launchers.physical_cores", lambda: (0, 1, 2, 3))


def test_every_layer_has_a_recipe_and_is_among_the_variants():
    assert {layer.name for layer in VARIANTS} == KINDS.keys()
    assert all(isinstance(layer, RecipeProvider) for layer in VARIANTS)
    assert not isinstance(Threads(1), RecipeProvider)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_scripts_are_valid_source_and_do_not_import_traingate(layer, form):
    stack = Stack.of([layer])
    tree = ast.parse(plain_script(stack, form=form))
    compile(tree, "train.py", "exec")
    modules = {
        name
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "torch" in modules
    assert not any(name.startswith("traingate") for name in modules)


def test_scripts_of_all_pairs_of_layers_are_valid_source():
    pairs = 0
    for first, second in itertools.combinations(VARIANTS, 2):
        try:
            stack = Stack.of([first, second])
        except (ConfigurationError, LayerConflictError):
            continue
        for form in FORMS[::2]:
            compile(plain_script(stack, stack.process(), form=form), "train.py", "exec")
        pairs += 1
    assert pairs > 150


@pytest.mark.parametrize("layer", VARIANTS, ids=repr)
def test_a_plain_script_is_started_as_the_worker_is(layer, tmp_path):
    request = Stack.of([layer]).process()
    worker = training_command(request, ProcessRequest(), tmp_path)
    process = plain_process(request, worker.argv[0], worker.argv[-1])
    arguments = list(worker.argv)
    if "--master-port" in arguments:  # a plain script gets the default of ipexrun
        position = arguments.index("--master-port")
        del arguments[position : position + 2]
    assert list(process.argv) == arguments
    variables = {**process.variables}
    variables.pop("PATH", None)
    assert variables.items() <= worker.environment.items()
    assert ("LD_PRELOAD" in variables) == bool(request.preloads)


def test_each_rank_is_bound_to_the_cores_that_its_worker_has():
    script = plain_script(Stack.of([layers.DataParallel("torchrun", 2)]))
    assert 'own_cores = [[0, 1], [2, 3]][int(os.environ["LOCAL_RANK"])]' in script
    assert script.index("sched_setaffinity") < script.index("import torch")


def test_threads_are_bound_by_the_script_and_not_by_its_launcher():
    plain = plain_process(Stack.of([Threads(1)]).process())
    assert plain.variables == {"OMP_PROC_BIND": "true"}
    launched = plain_process(Stack.of([Threads(1), layers.DataParallel("torchrun", 1)]).process())
    assert "OMP_PROC_BIND" not in launched.variables
    assert "os.environ[\"OMP_PROC_BIND\"] = 'true'" in launched.recipe.before_torch


def test_data_workers_are_unbound_only_where_openmp_binds_threads():
    stacks = {
        (): False,
        (layers.TunedRuntime("default", "gnu"),): False,
        (layers.TunedRuntime("default", "intel"),): True,
        (layers.DataParallel("torchrun", 2),): False,
        (layers.DataParallel("ipexrun", 2),): True,
        (Threads(1),): True,
    }
    for others, is_bound in stacks.items():
        script = plain_script(Stack.of([layers.DataWorkers(1), *others]))
        assert ("worker_init_fn" in script) == is_bound


def test_compiled_autograd_is_switched_on_before_the_step_is_compiled():
    script = plain_script(Stack.of([layers.CompiledStep("one")]))
    assert script.index("compiled_autograd = True") < script.index("@torch.compile")


def test_ipex_prepares_the_model_for_the_precision_of_the_stack():
    assert "dtype=torch.float32" in plain_script(Stack.of([layers.IpexOptimize()]))
    both = Stack.of([layers.IpexOptimize(), layers.Bf16Autocast()])
    assert "dtype=torch.bfloat16" in plain_script(both)


def test_torch_28_has_another_setting_of_products():
    stack = Stack.of([layers.Float32Precision()])
    old = ProcessRequest({"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"})
    assert 'torch.set_float32_matmul_precision("medium")' in plain_script(stack, old)
    new = plain_script(stack, ProcessRequest())
    assert 'torch.backends.mkldnn.conv.fp32_precision = "bf16"' in new


def test_layers_without_a_recipe_are_left_to_the_user():
    stack = Stack.of([Threads(3), layers.ChannelsLast()])
    sentence = "apply Threads(count=3) by hand: do what Threads.apply does"
    assert f"# YOURS: {sentence}" in plain_script(stack)
    assert f"# {sentence}" in recipe_text(stack)


def test_the_options_of_an_optimizer_need_a_place():
    form = TrainingForm()
    parts = example_parts(form)
    without = OwnParts(parts.imports, parts.model, "optimizer = build(model)")
    with pytest.raises(ConfigurationError, match=r"takes fused=True: write \{options\} into"):
        plain_script(Stack.of([layers.FusedOptimizer()]), parts=without)
    assert "optimizer = build(model)" in plain_script(Stack(), parts=without)


def test_recipes_merge_in_the_order_of_the_stack():
    first = Recipe(imports=("import os",), loader={"batch_size": "4"}, at_start=("a()",))
    second = Recipe(imports=("import os",), loader={"batch_size": "8"}, at_start=("a()",))
    merged = first.and_then(second)
    assert merged.imports == ("import os",)
    assert merged.loader == {"batch_size": "8"}
    assert merged.at_start == ("a()", "a()")
    assert Recipe().and_then(first) == first.and_then(Recipe()) == first


def test_kinds_of_steps_are_told_apart():
    loops = {
        PAIR: "loss = criterion(model(inputs), targets)",
        TRAIN_STEP: "loss = train_step(model, batch, criterion)",
        OWN_STEP: "loss = step(context, batch)",
    }
    for kind, line in loops.items():
        assert line in plain_script(Stack(), form=TrainingForm(kind))
