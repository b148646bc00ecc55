"""Examine which layers can run in an environment."""

from __future__ import annotations

from collections.abc import Iterator

from traingate import layers
from traingate.doctor.finding import Finding, State
from traingate.environments.examination import examine
from traingate.environments.interpreter import Interpreter
from traingate.layers.base import Layer
from traingate.layers.stack import Stack


def examine_layers(interpreter: Interpreter | None = None) -> Iterator[Finding]:
    """Yield a finding for each layer: whether it can run, and its caution.

    Args:
        interpreter: Interpreter of the environment; None for the running one.

    Raises:
        ConfigurationError: If another interpreter fails to answer.
    """
    # These are no stack that could be measured: each layer is examined by itself.
    examination = examine(Stack(tuple(_examples())), interpreter)
    for finding in examination.findings:
        layer, caution = finding.layer, finding.caution
        options = ", ".join(str(value) for value in layer.options.values() if value)
        obstacle, _, remedy = (finding.obstacle or "").partition(": ")
        state = State.LACKING if obstacle else State.NOTE if caution else State.FINE
        yield Finding(
            topic="layers",
            subject=f"{layer.name}({options})" if options else layer.name,
            state=state,
            found=obstacle or "can run",
            meaning="" if obstacle else caution or "",
            remedy=remedy,
        )


def _examples() -> Iterator[Layer]:
    """Yield each layer with its defaults, and with choices that need further libraries."""
    yield layers.TunedRuntime()
    yield layers.TunedRuntime("tcmalloc", "intel")
    yield layers.TunedRuntime("jemalloc", "intel")
    yield layers.TunedRuntime("mimalloc", "gnu")
    yield layers.HugePages()
    yield layers.FlushDenormal()
    yield layers.BatchSize(1)
    yield layers.DataWorkers()
    yield layers.PrefetchingLoader()
    yield layers.ChannelsLast()
    yield layers.GradientCheckpointing()
    yield layers.Bf16Autocast()
    yield layers.Fp16Autocast()
    yield layers.Float32Precision()
    yield layers.FusedOptimizer()
    yield layers.ForeachOptimizer()
    yield layers.IpexOptimize()
    yield layers.DataParallel()
    yield layers.DataParallel("ipexrun")
    yield layers.TorchCompile()
    yield layers.TorchCompile("ipex")
    yield layers.CompiledStep()
    yield layers.XlaDevice()
