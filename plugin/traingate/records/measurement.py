"""Define the record of one test, a ``Measurement``, and the version of its JSON schema.

pytest-benchmark stores the record in ``extra_info["traingate"]``. The name of each number has its
unit. msgspec checks types and ranges when a record is loaded.

Versions of the schema:
    1   first
    2   published is a list, and its figures have machine and price; adds rank_step_seconds
    3   adds duet, reasons, operators_per_step, and a verdict's method, cause, evidence and accepted
    4   throughput is samples by total time; all launches have the same seed; adds yardstick,
        step_seconds_quantiles, phase_seconds, untimed_phases, epoch_starts, warmup_steps, and
        a verdict's changed_steps and compared_steps
    5   roofline_share is that of the binding limit; adds bound, precision, precision_speedup,
        bytes_per_sample, fixed_bytes_per_step, memory_bytes_per_second, environment_name and
        torch_today
    6   adds profile, and a verdict's explanation
    7   adds a verdict's anchor
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from traingate.records.launch import Counts, Duet, Launch
from traingate.records.profile import Profile
from traingate.records.units import Bytes, Count, Interval, Positive
from traingate.records.verdict import Verdict

SCHEMA: Final = 7
"""Version of the schema that this traingate writes."""


class Hardware(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Properties of a machine that influence the speed of a training.

    Measurements are comparable only if all of them agree, except for ``memory_bytes``.

    Attributes:
        cpu: Model name of the CPU, followed by its family, model and stepping if Linux lists them;
            on ARM by implementer, part, variant and revision of each kind of core.
        architecture: Architecture, as ``platform.machine()`` returns it.
        cores: Number of cores that pytest's process can keep busy: its affinity, limited by the
            quota of its cgroup.
        numa_nodes: Number of NUMA nodes with cores that the process may use.
        instruction_sets: Vector and matrix extensions, by the names of the CPU flags in Linux,
            sorted.
        memory_bytes: Physical memory in bytes.
    """

    cpu: str
    architecture: str
    cores: Annotated[int, Meta(ge=1)]
    numa_nodes: Annotated[int, Meta(ge=1)]
    instruction_sets: tuple[str, ...]
    memory_bytes: Count

    @property
    def title(self) -> str:
        """Return the processor and the number of cores in words."""
        return f"{self.cpu}, {self.cores} core{'' if self.cores == 1 else 's'}"


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """Published throughput of the same experiment, shown in a table together with the result.

    Attributes:
        samples_per_second: Published throughput.
        source: Publication: author, title and date, or an address.
        derived: True if the throughput was computed from published figures, not stated.
        machine: Machine that it was measured on; empty if unknown.
        usd_per_hour: Price of that machine in US dollars per hour; None if the source has none.
    """

    samples_per_second: Positive
    source: str
    derived: bool = False
    machine: str = ""
    usd_per_hour: Positive | None = None


class LayerRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Name and options of a layer.

    Attributes:
        name: Name of the layer, such as ``torch_compile``.
        options: Keyword arguments that make the layer again.
    """

    name: str
    options: dict[str, Any]


class Measurement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record of one test: the launches of one workload under one stack, with their evaluation.

    In JSON, None is null and a tuple is an array.

    Attributes:
        schema: Version of the format.
        workload: File and function of the workload with its arguments, as
            ``path/below/rootdir.py::function(depth=3)``; of a file outside of the rootdir, its
            module in place of the path.
        stack: Layers in their order; empty for the plain workload.
        scale: Name of the scale, such as ``quick``.
        batch_size: Samples per step, in a process group those of all ranks together.
        launches: Launches in the order of measuring.
        samples_per_second: Throughput: the geometric mean over launches of samples by total time of
            the measured steps.
        samples_per_second_interval: 95 % interval of ``samples_per_second``, Student's t interval
            between launches; None for a single launch.
        step_seconds_quantiles: Quantiles of the step times of all launches, in seconds, by their
            fraction: ``0.5``, ``0.9``, ``0.99`` and ``1``.
        flops_per_sample: Floating point operations per sample of one step of the plain workload, by
            ``torch.utils.flop_counter`` over forward, loss and backward. A multiplication and an
            addition count as two. None if they could not be counted.
        roofline_flops_per_second: Rate of the yardstick's fp32 GEMM during the measurement, in
            floating point operations per second. None in a single step that is not recorded, as
            with ``--benchmark-disable``.
        yardstick: Library that the yardstick computes with: numpy and its BLAS, with their
            versions; empty if it is not known.
        precision: Name of the torch dtype that the training computes in.
        precision_speedup: Rate of a matrix product in that dtype in the worker, divided by the rate
            in fp32.
        bytes_per_sample: Bytes of memory that each sample of one step of the plain workload reads
            and writes at least, in fp32 and without caches: activations that forward keeps for
            backward, twice. None if they could not be counted.
        fixed_bytes_per_step: The same for parameters, gradients and optimizer state, for each rank.
        memory_bytes_per_second: Bandwidth of the memory by a triad on all cores of the machine;
            None if it was not measured.
        roofline_share: Shortest time of a step by the roofline model, as a fraction of the time
            that it takes. The shortest time is the longer one of its operations at the rate of the
            yardstick's GEMM times ``precision_speedup``, and of its bytes at the bandwidth of the
            memory (Williams, Waterman and Patterson, "Roofline", CACM 52, 2009). None without the
            operations. In records before version 5: the operations alone, at the rate in fp32.
        bound: Limit that the shortest time follows from, ``compute`` or ``memory``; empty in
            records before version 5.
        samples_per_dollar: Samples per US dollar at the price that ``--traingate-price`` gives;
            None without a price.
        operators_per_step: Number of operators that one step of the plain workload calls, optimizer
            included; None if they could not be counted.
        counters: Counters by name, see ``Counts``; the largest value over all launches.
        reasons: Reasons why a counter is not 0, a line each, by the name of the counter: graph
            breaks, recompilations, XLA fallbacks.
        machine: Hardware of the machine.
        environment: Software of the worker, and settings that influence its speed: versions, number
            of threads, allocator, OpenMP library, kernel. ``packages`` has the versions of all
            imported packages, ``package_sources`` the origin (``from``) and the ``digest`` of those
            that come from no package index, ``other_packages`` the versions of the other installed
            ones, ``variables`` the environment variables. ``traingate`` is the version of
            traingate, ``steady`` the value of ``--traingate-steady``, and ``steadying`` the
            variables that were set for it.
        environment_name: Name of the environment that the worker ran in, ``today`` for the one that
            pytest ran in.
        torch_today: Version of torch in the environment that pytest ran in; empty if it had none.
        published: Published figures that the test gave for comparison.
        profile: Profile of a few steps after those of the last planned launch, shortened; None if
            none was taken.
        duet: Duet that was measured for the verdict; None if there was none.
        verdict: Verdict of the gate; None if nothing was to be compared and no limit is broken.
    """

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)] = SCHEMA
    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: Annotated[int, Meta(ge=1)]
    launches: Annotated[tuple[Launch, ...], Meta(min_length=1)]
    samples_per_second: Positive
    samples_per_second_interval: Interval | None
    step_seconds_quantiles: dict[str, Positive] = {}
    flops_per_sample: Positive | None
    roofline_flops_per_second: Positive | None
    yardstick: str = ""
    precision: str = "float32"
    precision_speedup: Positive = 1.0
    bytes_per_sample: Bytes | None = None
    fixed_bytes_per_step: Bytes | None = None
    memory_bytes_per_second: Positive | None = None
    roofline_share: Positive | None
    bound: str = ""
    samples_per_dollar: Positive | None = None
    operators_per_step: Count | None = None
    counters: dict[str, int]
    reasons: dict[str, tuple[str, ...]] = {}
    machine: Hardware
    environment: dict[str, Any]
    environment_name: str = "today"
    torch_today: str = ""
    published: tuple[Published, ...] = ()
    profile: Profile | None = None
    duet: Duet | None = None
    verdict: Verdict | None = None

    @property
    def counts(self) -> Counts:
        """Return the numbers of the record that are counted rather than timed."""
        return Counts(
            counters=self.counters,
            reasons=self.reasons,
            flops_per_sample=self.flops_per_sample,
            operators_per_step=self.operators_per_step,
            bytes_per_sample=self.bytes_per_sample,
            fixed_bytes_per_step=self.fixed_bytes_per_step,
        )

    @property
    def peak_rss_bytes(self) -> int:
        """Return the largest peak memory of a launch, in bytes."""
        return max(launch.peak_rss_bytes for launch in self.launches)

    @property
    def peak_memory_bytes(self) -> int:
        """Return the largest peak memory of a launch with its data workers, in bytes."""
        return max(
            launch.peak_rss_bytes + launch.data_workers_peak_bytes for launch in self.launches
        )

    @property
    def first_step_seconds(self) -> float:
        """Return the longest first step of a launch, in seconds."""
        return max(launch.first_step_seconds for launch in self.launches)

    @property
    def rss_growth_bytes_per_step(self) -> float | None:
        """Return the smallest growth of memory of a launch, in bytes per step; None if unknown.

        The smallest is taken because memory that is lost in each step is lost in each launch, while
        an allocator that takes more from the kernel once does so in some launches only.
        """
        growths = [launch.rss_growth_bytes_per_step for launch in self.launches]
        return min((growth for growth in growths if growth is not None), default=None)

    def with_profile_files(self, folder: Path) -> Measurement:
        """Return this record with the folder of its profiles in the explanation, if it has one."""
        if self.verdict is None or self.verdict.explanation is None:
            return self
        explanation = msgspec.structs.replace(self.verdict.explanation, files=(str(folder),))
        verdict = msgspec.structs.replace(self.verdict, explanation=explanation)
        return msgspec.structs.replace(self, verdict=verdict)

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Return the seconds of every measured step, launch after launch."""
        return tuple(step for launch in self.launches for step in launch.step_seconds)


def stack_label(stack: Iterable[LayerRecord]) -> str:
    """Return a stack as text, such as ``plain`` or ``channels_last + torch_compile(inductor)``."""
    texts = []
    for layer in stack:
        values = (value for value in layer.options.values() if value or type(value) is int)
        options = ", ".join(map(str, values))
        texts.append(f"{layer.name}({options})" if options else layer.name)
    return " + ".join(texts) or "plain"
