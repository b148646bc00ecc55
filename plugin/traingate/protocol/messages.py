"""Define the messages between the controller and its child processes.

The children import this module too, under an interpreter that may lack the dependencies of
pytest-traingate, so it imports the standard library, and modules of traingate that do the
same. ``codec`` encodes the messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from traingate.protocol.json_values import JSON

PROTOCOL_VERSION: Final = 8
"""Version of the protocol, increased by one with each change of a message; both ends must agree."""

COMPILED_PREFIX: Final = "compiled:"
"""Prefix of the digest of a compiled module, whose content differs between interpreters."""


@dataclass(frozen=True)
class Hello:
    """Announcement of any child, once, that it is ready for commands.

    Attributes:
        version: ``PROTOCOL_VERSION`` of the child.
        python: Version of its Python.
        rank: Number of the child in its process group, from 0.
        world_size: Number of processes in that group.
    """

    version: int
    python: str
    rank: int
    world_size: int


# From the controller to a training worker, in this order. WarmUp and Step may be repeated;
# CountWork and Profile may be left out, and may come in either order.


@dataclass(frozen=True)
class Prepare:
    """Command to import the workload and build the training.

    Attributes:
        workload: Fields of a ``traingate.training_setup.WorkloadName``.
        layers: Layers of the stack, as ``Stack.factories`` returns them.
        import_paths: Folders to put at the front of the worker's ``sys.path``.
        scale: Name of the session's scale, such as ``quick``.
        seed: Seed of the random numbers of Python, numpy and torch.
        relocation: Fields of a ``traingate.worktree.relocation.Relocation``, by which the worker
            takes the files of the project from another tree; None for the working tree.
        project: Absolute path of the project's root in the working tree; empty if unknown.
    """

    workload: dict[str, JSON]
    layers: list[dict[str, JSON]]
    import_paths: list[str]
    scale: str
    seed: int
    relocation: dict[str, JSON] | None
    project: str = ""


@dataclass(frozen=True)
class WarmUp:
    """Command to take one step before measuring; the first such step compiles."""


@dataclass(frozen=True)
class Step:
    """Command to take measured steps, each answered by a ``Stepped`` of its own.

    Attributes:
        count: Number of steps.
    """

    count: int


@dataclass(frozen=True)
class Finish:
    """Command to sum up the measured steps; the answer proves that the launch succeeded."""


@dataclass(frozen=True)
class CountWork:
    """Command to count the operations in one step of a new training without layers."""


@dataclass(frozen=True)
class Profile:
    """Command to take further steps under torch's profiler. It may be repeated.

    Attributes:
        steps: Number of steps.
        trace: Path of the file for the compressed trace, empty for none. In a process group, each
            rank but the first adds its number to the name.
        details: True to take further steps under other profilers too, see
            ``traingate.worker.profiling.profile.Profiler``.
    """

    steps: int
    trace: str = ""
    details: bool = False


# From a training worker, one answer for each command above.


@dataclass(frozen=True)
class Prepared:
    """Answer to ``Prepare``.

    Attributes:
        setup_seconds: Time taken to import the workload and build the training, in seconds.
        batch_size: Samples per step of this rank.
        epoch_steps: Number of steps in one pass over the dataset; None if it has no length.
        prefetched_batches: Number of batches that the loader fetches ahead of the steps.
        form: Parts that the training has, the fields of a ``TrainingForm``.
    """

    setup_seconds: float
    batch_size: int
    epoch_steps: int | None
    prefetched_batches: int
    form: dict[str, JSON]


@dataclass(frozen=True)
class WarmedUp:
    """Answer to ``WarmUp``.

    Attributes:
        step_seconds: Time of the step, in seconds.
        compiled: True if anything was compiled in the step.
        data_workers: Number of processes or threads that load the data in the background.
        clock_seconds: Time on the worker's clock after the step, ``time.perf_counter()``.
    """

    step_seconds: float
    compiled: bool
    data_workers: int
    clock_seconds: float = 0.0


@dataclass(frozen=True)
class Stepped:
    """Answer to ``Step``, for one of its steps.

    Attributes:
        step_seconds: Time of the step, in seconds.
        phase_seconds: Parts of that time by phase, see ``traingate.worker.loop.Loop.step``.
        starts_epoch: True if the dataset had ended and was started again in the step.
        number: Number of the measured step, from 1.
        clock_seconds: Time on the worker's clock after the step, as in ``WarmedUp``.
    """

    step_seconds: float
    phase_seconds: dict[str, float]
    starts_epoch: bool
    number: int = 0
    clock_seconds: float = 0.0


@dataclass(frozen=True)
class Finished:
    """Answer to ``Finish``, which proves that the launch succeeded.

    Attributes:
        peak_rss_bytes: Largest resident memory of the process so far, in bytes.
        minor_page_faults_per_step: Minor page faults of the process, per measured step.
        counters: Whole numbers by name, see ``traingate.records.Counts``.
        reasons: Reasons why counters are not 0, by the counter's name, a line each.
        imported_files: Digests of the project's files that the process has imported, by the name of
            the module; those of compiled modules start with ``COMPILED_PREFIX``.
        data_workers_bytes: Largest memory of the processes that it started and that still run, in
            bytes, without what they share with this process.
        environment: Software of the worker, and settings that can change its speed. It is reported
            last, because steps may import modules too.
        rss_growth_bytes_per_step: Growth of the resident memory over the measured steps, in bytes
            per step; None if it could not be measured.
        precision: Name of the torch dtype that the training computes in.
        precision_speedup: Rate of a matrix product in that dtype, divided by the rate in fp32.
        clock_seconds: Time on the worker's clock after the last step, as in ``WarmedUp``.
    """

    peak_rss_bytes: int
    minor_page_faults_per_step: float
    counters: dict[str, int]
    reasons: dict[str, list[str]]
    imported_files: dict[str, str] = field(default_factory=dict)
    data_workers_bytes: int = 0
    environment: dict[str, JSON] = field(default_factory=dict)
    rss_growth_bytes_per_step: float | None = None
    precision: str = "float32"
    precision_speedup: float = 1.0
    clock_seconds: float = 0.0


@dataclass(frozen=True)
class WorkCounted:
    """Answer to ``CountWork``; None for a number that cannot be counted.

    Attributes:
        flops_per_sample: Floating point operations per sample, in forward, loss and backward.
        operators_per_step: Number of operators that the step calls.
        bytes_per_sample: Bytes that each sample of a step reads and writes.
        fixed_bytes_per_step: Bytes that a step reads and writes for parameters, gradients and
            optimizer.
    """

    flops_per_sample: float | None
    operators_per_step: int | None
    bytes_per_sample: float | None = None
    fixed_bytes_per_step: float | None = None


@dataclass(frozen=True)
class Profiled:
    """Answer to ``Profile``.

    Attributes:
        profile: Fields of a ``traingate.records.profile.Profile``.
    """

    profile: dict[str, JSON]


# Between the controller and the yardstick.


@dataclass(frozen=True)
class Measure:
    """Command to the yardstick to do its work and time it.

    Attributes:
        repeats: Number of repetitions, each one GEMM and one triad.
    """

    repeats: int


@dataclass(frozen=True)
class Measured:
    """Answer to ``Measure``.

    Attributes:
        gemm_seconds: Mean time of a GEMM (matrix product) in fp32, in seconds.
        triad_seconds: Mean time of a stream triad, in seconds.
        gemm_flop: Floating point operations of one GEMM.
        library: Name and version of numpy and of the library that multiplies its matrices.
    """

    gemm_seconds: float
    triad_seconds: float
    gemm_flop: float
    library: str


@dataclass(frozen=True)
class MeasureBandwidth:
    """Command to the yardstick to measure the bandwidth of the memory, on all cores."""


@dataclass(frozen=True)
class Bandwidth:
    """Answer to ``MeasureBandwidth``: bytes read and written per second, beyond all caches."""

    bytes_per_second: float


# From any child, before it ends.


@dataclass(frozen=True)
class Failed:
    """Report of the exception that ends a child.

    Attributes:
        error: Name of the exception's type.
        message: Text of the exception.
        traceback: Traceback of the user's own frames; empty for a ``TraingateError``.
    """

    error: str
    message: str
    traceback: str


Request: TypeAlias = (
    Prepare | WarmUp | Step | Finish | CountWork | Profile | Measure | MeasureBandwidth
)  # of the controller
Reply: TypeAlias = (
    Hello | Prepared | WarmedUp | Stepped | Finished | WorkCounted | Profiled | Measured | Bandwidth
    | Failed
)  # fmt: skip  # of a child
Message: TypeAlias = Request | Reply
