"""Answer the commands of ``main``: build one training, take its steps, report its counters."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from traingate.errors import WorkloadError
from traingate.host.cpu import available_cores
from traingate.host.imported_packages import Project
from traingate.layers.base import ArgumentProvider, Layer, Starter, Verifier
from traingate.layers.stack import rebuild
from traingate.layers.training import Training
from traingate.protocol import messages
from traingate.protocol.ranks import rank_cores, rank_place
from traingate.protocol.shared_names import COMPILATIONS, SKIPPED_UPDATES
from traingate.training_setup import TrainingSetup, WorkloadName, build
from traingate.worker import counters, precision, spawned_imports, work
from traingate.worker.built_training import ModelCalls, form_of, training_of
from traingate.worker.child_memory import descendants_bytes
from traingate.worker.descendants import stop_data_workers
from traingate.worker.imported_files import built_libraries, check_unchanged, file_digests
from traingate.worker.loop import Loop
from traingate.worker.losses import NonfiniteLosses
from traingate.worker.memory import MemoryGrowth
from traingate.worker.profiling.profile import Profiler
from traingate.worker.software import environment, project_of
from traingate.workload import import_object
from traingate.worktree.relocation import Relocation


@dataclass(frozen=True)
class _StartCounters:
    """Counters at the beginning of the measured steps.

    Attributes:
        compilations: Numbers of compilations, as ``counters.compilations`` returns them.
        page_faults: Number of minor page faults.
        restarts: Number of times that the dataset was started again.
        skipped_updates: Number of updates that a loss scaler had left out.
    """

    compilations: dict[str, int]
    page_faults: int
    restarts: int
    skipped_updates: int


class Trainer:
    """Service of ``main``: one training, from its workload to its last step."""

    def __init__(self) -> None:
        # Importing torch has bound this thread already, if OMP_PROC_BIND is set.
        self._bound_cores = available_cores()
        self._cores = rank_cores() or self._bound_cores
        self._build_setup: Callable[[], TrainingSetup] | None = None
        self._layers: list[Layer] = []
        self._loop: Loop | None = None
        self._model_calls: ModelCalls | None = None
        self._start_counters: _StartCounters | None = None
        self._relocation: Relocation | None = None
        self._project_root = ""
        self._digests: dict[str, str] = {}
        self._project = Project(())
        self._steps = 0
        self._training: Training | None = None
        self._profiler: Profiler | None = None
        self._memory = MemoryGrowth()
        self._losses = NonfiniteLosses()

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], Iterable[messages.Message]]]:
        """Return the function for each command, as listed in the docstring of ``main``."""
        return {
            messages.Prepare: self._prepare,
            messages.WarmUp: self._warm_up,
            messages.Step: self._step,
            messages.Finish: self._finish,
            messages.CountWork: self._count_work,
            messages.Profile: self._profile,
        }

    def _prepare(self, message: messages.Prepare) -> Iterator[messages.Message]:
        start = time.perf_counter()
        older_threads = threading.enumerate()
        self._unbind()
        relocation = Relocation(**message.relocation) if message.relocation else None  # type: ignore[arg-type]
        relocate = relocation.relocate if relocation else str
        if relocation:
            relocation.redirect_imports()
        self._project_root, self._relocation = message.project, relocation
        spawned_imports.announce(message.relocation)
        sys.path[:0] = map(relocate, message.import_paths)
        _seed(message.seed)
        layers = self._layers = rebuild(message.layers, relocate)
        for layer in layers:
            if isinstance(layer, Starter):
                layer.start()
        name = WorkloadName(**message.workload)  # type: ignore[arg-type]
        workload = import_object(replace(name, file=relocate(name.file)))
        spawned_imports.announce(message.relocation)
        self._digests = self._file_digests()  # building the training may take minutes
        arguments: dict[str, Any] = {"scale": message.scale}
        for layer in layers:
            if isinstance(layer, ArgumentProvider):
                arguments.update(layer.workload_arguments())
        self._build_setup = partial(build, workload, name.arguments, **arguments)
        training = training_of(self._build_setup(), self._cores)
        self._model_calls = ModelCalls(training)
        for layer in layers:
            layer.apply(training)
        self._model_calls.listen(training)
        self._training, self._loop = training, Loop(training, older_threads)
        # Again, since two versions of a model may draw other numbers while they are built.
        _seed(message.seed, rank_place().rank)
        self._unbind()
        self._project = project_of(name.file, message.import_paths, relocation)
        self._check_files()
        yield messages.Prepared(
            setup_seconds=time.perf_counter() - start,
            batch_size=training.batch_size * training.accumulation,
            epoch_steps=self._loop.epoch_steps,
            prefetched_batches=self._loop.prefetched_batches,
            form=vars(form_of(training)),
        )

    def _warm_up(self, _: messages.WarmUp) -> Iterator[messages.Message]:
        counters.listen_for_graph_breaks()
        before = counters.compilations()
        step_seconds, _phase_seconds = self._step_once()
        self._unbind()
        after = counters.compilations()
        for layer in self._layers:
            if isinstance(layer, Verifier):
                layer.verify(after)
        assert self._loop is not None
        yield messages.WarmedUp(
            step_seconds, before != after, self._loop.background_tasks(), time.perf_counter()
        )

    def _unbind(self) -> None:
        """Let the main thread use all cores of its rank, and remember the core that OpenMP chose.

        GNU's runtime binds the thread when it is loaded, Intel's in its first parallel region.
        Forked data workers and compilers would inherit the single core, so only measured steps run
        bound.
        """
        current = available_cores()
        if current != self._cores:
            self._bound_cores = current
            _set_affinity(self._cores)

    def _step(self, message: messages.Step) -> Iterator[messages.Message]:
        assert self._loop is not None
        assert self._training is not None
        if self._start_counters is None:
            _set_affinity(self._bound_cores)
            if self._model_calls is not None:
                self._model_calls.check()
            self._start_counters = _StartCounters(
                counters.compilations(),
                counters.minor_page_faults(),
                self._loop.restarts,
                self._training.skipped_updates,
            )
        for number in range(message.count):
            restarts = self._loop.restarts
            step_seconds, phase_seconds = self._step_once()
            self._steps += 1
            if number == message.count - 1:
                stop_data_workers()
            # After the step's time has been taken.
            self._memory.sample(self._steps)
            self._losses.note(self._loop.loss, self._steps)
            yield messages.Stepped(
                step_seconds,
                phase_seconds,
                self._loop.restarts > restarts,
                self._steps,
                time.perf_counter(),
            )

    def _step_once(self) -> tuple[float, dict[str, float]]:
        """Take one step, and return its seconds and those of its phases."""
        assert self._loop is not None
        return self._loop.step()

    def _finish(self, _: messages.Finish) -> Iterator[messages.Message]:
        assert self._start_counters is not None
        assert self._loop is not None
        assert self._training is not None
        clock_seconds = time.perf_counter()
        self._check_files()
        page_faults = counters.minor_page_faults() - self._start_counters.page_faults
        compilations = counters.compilations()
        late_compilations = counters.late_compilations(
            self._start_counters.compilations, compilations
        )
        if late_compilations.get("xla_compilations"):
            raise WorkloadError(
                f"XLA compiled {late_compilations['xla_compilations']} graphs inside the measured "
                "steps, which makes the launch invalid: steps must have the same shapes"
            )
        counts = {**compilations, "threads": torch.get_num_threads()}
        if late_compilations:
            counts[COMPILATIONS] = sum(late_compilations.values())
        restarts = self._loop.restarts - self._start_counters.restarts
        if restarts:
            counts["dataset_restarts_in_measured_steps"] = restarts
        skipped_updates = self._training.skipped_updates - self._start_counters.skipped_updates
        if skipped_updates:
            counts[SKIPPED_UPDATES] = skipped_updates
        peak = counters.peak_rss_bytes()
        counts |= self._losses.counts
        reasons: dict[str, list[str]] = {**counters.reasons(), **self._losses.reasons}
        yield messages.Finished(
            peak_rss_bytes=peak,
            minor_page_faults_per_step=page_faults / max(1, self._steps),
            counters=counts,
            reasons=reasons,
            imported_files=self._digests,
            data_workers_bytes=descendants_bytes(),
            # Only now has every step imported what it needs.
            environment=environment(self._project),
            rss_growth_bytes_per_step=self._memory.bytes_per_step(self._steps),
            precision=self._training.precision,
            precision_speedup=precision.speedup(self._training.precision),
            clock_seconds=clock_seconds,
        )

    def _check_files(self) -> None:
        """Check that no imported file has changed, and add the digests of new ones."""
        digests = self._file_digests()
        check_unchanged(self._digests, digests, is_working_tree=self._relocation is None)
        self._digests = digests

    def _file_digests(self) -> dict[str, str]:
        """Return the digests of the imported files, after checking that they are this side's."""
        if self._relocation:
            self._relocation.check_imports()
            self._relocation.check_libraries(built_libraries())
        return file_digests(self._project_root, self._tree())

    def _tree(self) -> str:
        """Return the root folder of the project that is measured."""
        return self._relocation.tree if self._relocation else self._project_root

    def _count_work(self, _: messages.CountWork) -> Iterator[messages.Message]:
        assert self._build_setup is not None
        try:
            counted = work.count(self._build_setup())
        except BaseException:  # the measurement is complete without it; a workload may exit
            yield messages.WorkCounted(None, None)
        else:
            yield messages.WorkCounted(
                counted.flops_per_sample or None,
                counted.operators,
                counted.bytes_per_sample,
                counted.fixed_bytes,
            )

    def _profile(self, message: messages.Profile) -> Iterator[messages.Message]:
        assert self._loop is not None
        assert self._training is not None
        if self._profiler is None:
            self._profiler = Profiler(self._training, self._loop, self._step_once, self._tree())
        profile = self._profiler.profile(message.steps, message.trace, details=message.details)
        stop_data_workers()
        yield messages.Profiled(profile)


def _seed(seed: int, rank: int = 0) -> None:
    """Seed the random numbers of Python, numpy and torch; torch passes it on to data workers.

    Args:
        seed: Seed of the launch.
        rank: Number of this process in its group, since random data must differ between ranks.
    """
    random.seed(seed + rank)
    torch.manual_seed(seed + rank)
    numpy = sys.modules.get("numpy")  # torch has imported it, if it is installed
    if numpy is not None:
        numpy.random.seed((seed + rank) % (1 << 32))  # the generator that scripts use


def _set_affinity(cores: frozenset[int]) -> None:
    """Bind the calling thread to *cores*, if the system can do that (sched_setaffinity(2))."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
