"""Build one training and take its steps, each timed as the whole loop body of a script."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any

import torch
from torch.utils.data import DataLoader

from traingate.errors import WorkloadError
from traingate.host import shared_libraries
from traingate.host.cpu import available_cores
from traingate.layers.base import Layer, Starter, StepBody, Training, Verifier
from traingate.layers.stack import rebuild
from traingate.protocol import messages
from traingate.protocol.json_values import JSON
from traingate.protocol.ranks import own_cores
from traingate.worker import counters, flops, operator_table
from traingate.workload import ObjectName, TrainingSetup, build, resolve
from traingate.worktree.relocation import Relocation

_PACKAGES = ("torch", "torchvision", "numpy", "intel-extension-for-pytorch", "torch-xla")


@dataclass(frozen=True)
class _Mark:
    """What had been counted when the measured steps began."""

    compiled: dict[str, int]
    faults: int


class Trainer:
    """The service behind ``main``: one training, from its workload to its last step."""

    def __init__(self) -> None:
        self._bound = available_cores()  # torch is loaded: OMP_PROC_BIND has had its effect
        self._cores = own_cores() or self._bound
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
        moved = there.moved if there else str
        if there:
            there.redirect_imports()
        sys.path[:0] = map(moved, message.import_paths)
        torch.manual_seed(message.seed)
        layers = self._layers = rebuild(message.layers, moved)
        for layer in layers:
            if isinstance(layer, Starter):
                layer.start()
        name = ObjectName(**message.workload)  # type: ignore[arg-type]
        workload = resolve(replace(name, file=moved(name.file)))
        asked = {layer.name: dict(layer.options) for layer in layers}
        offered: dict[str, Any] = {"scale": message.scale}
        if "batch_size" in asked:
            offered["batch_size"] = asked["batch_size"]["samples"]
        self._fresh = partial(build, workload, **offered)
        training = _training_of(self._fresh(), self._cores)
        for layer in layers:
            layer.apply(training)
        self._loop = Loop(training)
        self._unbind()
        self._there = there
        if there:
            there.refuse_strangers()
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
            self._there.refuse_strangers()
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


class Loop:
    """The training loop: ``step`` is its body, timed."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._loader = _loader_of(training)
        self._batches: Iterator[Any] = iter(())
        self._body: StepBody = self._train
        for wrap in training.step_wrappers:
            self._body = wrap(self._body)

    def step(self) -> tuple[float, float]:
        """Fetch, transfer, zero_grad, forward, loss, backward, optimizer step.

        Returns:
            Seconds of the step, and the part of them spent waiting for the batch.
        """
        training = self._training
        started = time.perf_counter()
        batch = self._next_batch()
        fetched = time.perf_counter()
        for transform in training.batch_transforms:
            batch = transform(batch)
        training.optimizer.zero_grad()
        self._body(batch)
        return time.perf_counter() - started, fetched - started

    def _train(self, batch: Any) -> torch.Tensor:
        training = self._training
        with ExitStack() as contexts:
            for context in training.contexts:
                contexts.enter_context(context())
            loss: Any = loss_of(training.train_step, training.model, batch, training.criterion)
        loss.backward()
        training.optimizer.step()
        return loss  # type: ignore[no-any-return]

    def _next_batch(self) -> Any:
        try:
            return next(self._batches)
        except StopIteration:
            self._batches = iter(self._loader)
        try:
            return next(self._batches)
        except StopIteration:
            raise WorkloadError(
                f"the dataset has no whole batch of {self._training.batch_size} samples"
            ) from None


def loss_of(train_step: Any, model: Any, batch: Any, criterion: Any) -> torch.Tensor:
    """The loss of ``batch``: by ``train_step``, or as ``criterion(model(x), y)``."""
    if train_step is not None:
        loss = train_step(model, batch, criterion)
    else:
        try:
            inputs, targets = batch
        except (TypeError, ValueError) as error:
            raise WorkloadError(
                "a batch of this dataset is no pair (x, y): give TrainingSetup a train_step"
            ) from error
        loss = criterion(model(inputs), targets)
    if not isinstance(loss, torch.Tensor):
        raise WorkloadError(f"train_step returned {type(loss).__name__}, not the loss tensor")
    return loss


def environment() -> dict[str, JSON]:
    """The worker's software: versions by package, threads, and variables that steer them."""
    found: dict[str, JSON] = {"python": platform.python_version()}
    installed = {
        item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()
    }
    found.update((package, installed[package]) for package in _PACKAGES if package in installed)
    found["torch"] = torch.__version__  # with its build, such as +cpu
    found["threads"] = torch.get_num_threads()
    found["allocator"] = shared_libraries.allocator()
    found["openmp"] = shared_libraries.openmp()
    steering = ("OMP_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "LD_PRELOAD", "DNNL_", "ONEDNN_")
    variables = {key: value for key, value in os.environ.items() if key.startswith(steering)}
    return {**found, "variables": dict(sorted(variables.items()))}


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


def _loader_of(training: Training) -> DataLoader[Any]:
    # A shorter last batch would be another step than the others, and another graph.
    options = {"drop_last": True, **training.loader_options}
    dataset: Any = training.dataset
    return DataLoader(dataset, batch_size=training.batch_size, **options)


def _set_affinity(cores: frozenset[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
