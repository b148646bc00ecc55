"""Test that a layer which cannot run here skips its test, or fails it if it is required."""

from __future__ import annotations

import pytest

TESTS = """
    from dataclasses import dataclass

    from traingate import BaseLayer
    from models import mlp


    @dataclass(frozen=True)
    class Idle(BaseLayer):
        name = "idle"
        order = 55

        def apply(self, training):
            pass


    def test_plain(training_benchmark):
        training_benchmark(mlp, layers=[Idle()])

    def test_compiled(training_benchmark, torch_compile):
        training_benchmark(mlp)
    """
FAST = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2", "-rs")


@pytest.fixture
def without_compiler(project, monkeypatch):
    """Return a project on a machine that has no C++ compiler."""
    monkeypatch.setenv("PATH", "")
    return project(TESTS)


@pytest.mark.parametrize(
    ("options", "passed"),
    [(("--traingate-require=ipex,xla_device,idle",), 1), (("-k", "compiled"), 0)],
)
def test_a_missing_requirement_skips_with_the_package_to_install(without_compiler, options, passed):
    result = without_compiler.runpytest_subprocess(*FAST, *options)
    result.assert_outcomes(passed=passed, skipped=1, deselected=1 - passed)
    result.stdout.fnmatch_lines(
        ["SKIPPED*torch_compile: inductor needs a C++ compiler: apt-get install g++"]
    )


def test_a_missing_requirement_of_a_required_layer_fails(without_compiler):
    result = without_compiler.runpytest_subprocess(
        *FAST, "--traingate-require=torch_compile, xla", "-k", "compiled"
    )
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["torch_compile: inductor needs*g++; --traingate-require asks for it"]
    )


def test_a_misspelt_layer_in_the_option_is_an_error(without_compiler):
    result = without_compiler.runpytest_subprocess(
        *FAST, "--traingate-require=tuned_runtme", "-k", "compiled"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: --traingate-require names tuned_runtme, and no test has*"])


def test_an_empty_option_is_refused(project):
    result = project(TESTS).runpytest_subprocess("--traingate-require=,")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*takes names with commas between them, not ','*"])


def test_layers_that_exclude_each_other_are_refused_with_the_reason(project):
    pytester = project(
        """
        from models import mlp

        def test_bf16_on_xla(training_benchmark, bf16_autocast, xla_device):
            training_benchmark(mlp)
        """
    )
    result = pytester.runpytest_subprocess(*FAST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["layers bf16_autocast and xla_device exclude each other: autocast is ignored*"]
    )


def test_ranks_of_several_nodes_need_fixed_numbers(project):
    pytester = project(
        """
        import pytest
        from models import mlp

        @pytest.mark.parametrize(
            "data_parallel", [{"ranks": 1, "arguments": ["--nnodes=2"]}], indirect=True
        )
        def test_nodes(training_benchmark, data_parallel):
            training_benchmark(mlp)
        """
    )
    result = pytester.runpytest_subprocess("--traingate-scale=smoke")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*give --traingate-launches and --traingate-steps*"])
