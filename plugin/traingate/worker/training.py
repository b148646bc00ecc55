"""Build one training and take its steps, each timed as the whole loop body of a script."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from traingate.errors import WorkloadError
from traingate.host.cpu import available_cores
from traingate.layers.base import ArgumentProvider, Layer, Starter, Training, Verifier
from traingate.layers.stack import rebuild
from traingate.protocol import messages
from traingate.protocol.ranks import rank_cores
from traingate.worker import counters, flops, operator_table
from traingate.worker.loop import Loop, loss_of
from traingate.worker.software import environment
from traingate.workload import ObjectName, TrainingSetup, build, import_object
from traingate.worktree.relocation import Relocation


@dataclass(frozen=True)
class _Mark:
    """What had been counted when the measured steps began."""

    compiled: dict[str, int]
    faults: int


class Trainer:
    """The service behind ``main``: one training, from its workload to its last step."""

    def __init__(self) -> None:
        self._bound = available_cores()  # torch is loaded: OMP_PROC_BIND has had its effect
        self._cores = rank_cores() or self._bound
        self._fresh: Callable[[], TrainingSetup] | None = None
        self._layers: list[Layer] = []
        self._loop: Loop | None = None
        self._mark: _Mark | None = None
        self._there: Relocation | None = None
        self._steps = 0

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], Iterable[messages.Message]]]:
        """As the contract in ``main`` lists them."""
        return {
            messages.Prepare: self._prepare,
            messages.WarmUp: self._warm_up,
            messages.Step: self._step,
            messages.Finish: self._finish,
            messages.CountWork: self._count_work,
            messages.Profile: self._profile,
        }

    def _prepare(self, message: messages.Prepare) -> Iterator[messages.Message]:
        started = time.perf_counter()
        self._unbind()
        there = Relocation(**message.relocation) if message.relocation else None  # type: ignore[arg-type]
        moved = there.relocate if there else str
        if there:
            there.redirect_imports()
        sys.path[:0] = map(moved, message.import_paths)
        torch.manual_seed(message.seed)
        layers = self._layers = rebuild(message.layers, moved)
        for layer in layers:
            if isinstance(layer, Starter):
                layer.start()
        name = ObjectName(**message.workload)  # type: ignore[arg-type]
        workload = import_object(replace(name, file=moved(name.file)))
        arguments: dict[str, Any] = {"scale": message.scale}
        for layer in layers:
            if isinstance(layer, ArgumentProvider):
                arguments.update(layer.workload_arguments())
        self._fresh = partial(build, workload, **arguments)
        training = _training_of(self._fresh(), self._cores)
        for layer in layers:
            layer.apply(training)
        self._loop = Loop(training)
        self._unbind()
        self._there = there
        if there:
            there.check_imports()
        yield messages.Prepared(time.perf_counter() - started, training.batch_size, environment())

    def _warm_up(self, _: messages.WarmUp) -> Iterator[messages.Message]:
        counters.listen_for_graph_breaks()
        before = counters.compilations()
        step_seconds, _data_seconds = self._step_once()
        self._unbind()
        after = counters.compilations()
        for layer in self._layers:
            if isinstance(layer, Verifier):
                layer.verify(after)
        yield messages.WarmedUp(step_seconds, before != after)

    def _unbind(self) -> None:
        """Give the main thread all cores, and remember what an OpenMP runtime had bound it to.

        GNU's binds it when it is loaded, Intel's in its first parallel region. Whatever is forked
        or compiled inherits that, so only the measured steps run bound.
        """
        current = available_cores()
        if current != self._cores:
            self._bound = current
            _set_affinity(self._cores)

    def _step(self, message: messages.Step) -> Iterator[messages.Message]:
        if self._mark is None:
            _set_affinity(self._bound)
            self._mark = _Mark(counters.compilations(), counters.minor_page_faults())
        for _ in range(message.count):
            step_seconds, data_seconds = self._step_once()
            self._steps += 1
            yield messages.Stepped(step_seconds, data_seconds)

    def _step_once(self) -> tuple[float, float]:
        assert self._loop is not None
        return self._loop.step()

    def _finish(self, _: messages.Finish) -> Iterator[messages.Message]:
        assert self._mark is not None
        if self._there:  # also what was imported in a step
            self._there.check_imports()
        faults = counters.minor_page_faults() - self._mark.faults
        compiled = counters.compilations()
        late = counters.late_compilations(self._mark.compiled, compiled)
        if late.get("xla_compilations"):
            raise WorkloadError(
                f"XLA compiled {late['xla_compilations']} graphs inside the measured steps, which "
                "makes the launch invalid: the workload's steps must have the same shapes"
            )
        found = {**compiled, "threads": torch.get_num_threads()}
        if late:
            found["compilations_in_measured_steps"] = sum(late.values())
        peak = counters.peak_rss_bytes()
        reasons: dict[str, list[str]] = counters.reasons()
        yield messages.Finished(peak, faults / max(1, self._steps), found, reasons)

    def _count_work(self, _: messages.CountWork) -> Iterator[messages.Message]:
        assert self._fresh is not None
        try:
            counted_flops, operators = flops.count(self._fresh(), loss_of)
        except Exception:  # whatever it is, the measurement stands without these numbers
            yield messages.WorkCounted(None, None)
        else:
            yield messages.WorkCounted(counted_flops or None, operators)

    def _profile(self, message: messages.Profile) -> Iterator[messages.Message]:
        yield messages.Profiled(operator_table.operators(self._step_once, message.steps))


def _training_of(setup: TrainingSetup, cores: frozenset[int]) -> Training:
    return Training(
        model=setup.model,
        criterion=setup.criterion,
        optimizer=setup.optimizer,
        dataset=setup.dataset,
        batch_size=setup.batch_size,
        train_step=setup.train_step,
        loader_options={"collate_fn": setup.collate_fn},
        cores=cores,
    )


def _set_affinity(cores: frozenset[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
