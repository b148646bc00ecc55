"""The values that a measurement leaves behind, and the versioned JSON schema they are kept in.

A record is one Measurement, stored by pytest-benchmark in ``extra_info["traingate"]``.
Every number carries its unit in its name. msgspec checks types and ranges on load.

Versions of the schema:
    1   first
    2   published is a list; its figures name their machine and price; rank_step_seconds
    3   duet, reasons, operators_per_step; a verdict's method, cause, evidence and acceptance
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from traingate.records.launch import Counts, Duet, Launch
from traingate.records.units import Count, Interval, Positive
from traingate.records.verdict import Verdict

SCHEMA: Final = 3


class Hardware(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine, as far as it decides how fast a training runs.

    Attributes:
        cpu: model name, with family, model and stepping where Linux tells them.
        architecture: as ``platform.machine()``.
        cores: that this process can keep busy, after affinity and cgroup quota.
        numa_nodes: as the kernel counts them.
        instruction_sets: the vector and matrix extensions, sorted.
        memory_bytes: physical memory; not compared.
    """

    cpu: str
    architecture: str
    cores: Annotated[int, Meta(ge=1)]
    numa_nodes: Annotated[int, Meta(ge=1)]
    instruction_sets: tuple[str, ...]
    memory_bytes: Count


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """A figure that somebody published for the same experiment, to stand beside ours.

    Attributes:
        samples_per_second: the figure.
        source: where it stands.
        derived: computed from published figures rather than stated.
        machine: that it was measured on.
        usd_per_hour: the price of that machine, where the source gives it.
    """

    samples_per_second: Positive
    source: str
    derived: bool = False
    machine: str = ""
    usd_per_hour: Positive | None = None


class LayerRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A layer's name and options."""

    name: str
    options: dict[str, Any]


class Measurement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All launches of one workload under one stack, and what follows from them.

    Attributes:
        schema: version of this format.
        workload: ``path/below/rootdir.py::function``.
        stack: the layers in their order.
        scale: name of the scale.
        batch_size: samples per step.
        launches: the samples, in the order of measuring.
        samples_per_second, samples_per_second_interval: throughput (geometric mean over
            launches of the batch size by the median step) with its 95 % interval between
            launches; null for a single launch.
        flops_per_sample: floating point operations of one step of the plain model.
        roofline_flops_per_second: what the yardstick's fp32 GEMM reached meanwhile.
        roofline_share: of the training, in floating point operations; may exceed 1 in bf16.
        samples_per_dollar: at the price given, else null.
        operators_per_step: operators that a plain step calls, optimizer included.
        counters: of all launches, the largest of each.
        reasons: by counter, why it is not 0: graph breaks, recompilations, XLA fallbacks.
        machine: the hardware.
        environment: the worker's software and what was set for steadiness.
        published: figures to stand beside ours.
        duet: the measurement beside another side, where there was one.
        verdict: the gate's decision, null where none was asked for.
    """

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)] = SCHEMA
    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: Annotated[int, Meta(ge=1)]
    launches: Annotated[tuple[Launch, ...], Meta(min_length=1)]
    samples_per_second: Positive
    samples_per_second_interval: Interval | None
    flops_per_sample: Positive | None
    roofline_flops_per_second: Positive
    roofline_share: Positive | None
    samples_per_dollar: Positive | None = None
    operators_per_step: Count | None = None
    counters: dict[str, int]
    reasons: dict[str, tuple[str, ...]] = {}
    machine: Hardware
    environment: dict[str, Any]
    published: tuple[Published, ...] = ()
    duet: Duet | None = None
    verdict: Verdict | None = None

    @property
    def counts(self) -> Counts:
        """What was counted rather than timed."""
        return Counts(
            counters=self.counters,
            reasons=self.reasons,
            flops_per_sample=self.flops_per_sample,
            operators_per_step=self.operators_per_step,
        )

    @property
    def peak_rss_bytes(self) -> int:
        """The largest of all launches."""
        return max(launch.peak_rss_bytes for launch in self.launches)

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Seconds of every measured step, launch after launch."""
        return tuple(step for launch in self.launches for step in launch.step_seconds)


def stack_label(stack: Iterable[LayerRecord]) -> str:
    """Return a stack as text, such as ``plain`` or ``channels_last + torch_compile(inductor)``."""
    texts = []
    for layer in stack:
        values = (value for value in layer.options.values() if value or type(value) is int)
        options = ", ".join(map(str, values))
        texts.append(f"{layer.name}({options})" if options else layer.name)
    return " + ".join(texts) or "plain"
