"""Build the training of a workload, and check that steps call the models that layers wrapped."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import torch

from traingate.errors import WorkloadError
from traingate.layers.recipe import OWN_STEP, PAIR, TRAIN_STEP, TrainingForm
from traingate.layers.step_context import requires_closure
from traingate.layers.training import Training
from traingate.training_setup import TrainingSetup


def training_of(setup: TrainingSetup, cores: frozenset[int] = frozenset()) -> Training:
    """Return the training of *setup*, before any layer has changed it.

    Args:
        setup: Setup that the workload has returned.
        cores: Numbers of the CPU cores that this process may use.
    """
    return Training(
        model=setup.model,
        criterion=setup.criterion,
        optimizers=setup.optimizers,
        dataset=setup.dataset,
        batch_size=setup.batch_size,
        train_step=setup.train_step,
        step=setup.step,
        loader_options={"collate_fn": setup.collate_fn},
        cores=cores,
    )


def form_of(training: Training) -> TrainingForm:
    """Return the parts that the workload of *training* has."""
    if training.step is not None:
        step = OWN_STEP
    else:
        step = PAIR if training.train_step is None else TRAIN_STEP
    return TrainingForm(
        step=step,
        has_collate_fn=training.loader_options.get("collate_fn") is not None,
        needs_closure=any(map(requires_closure, training.optimizers)),
        has_several_models=isinstance(training.model, torch.nn.ModuleDict),
        has_several_optimizers=len(training.optimizers) > 1,
    )


class ModelCalls:
    """Record of the calls of a training's models during the warm-up.

    A ``train_step`` that calls the model which the workload built, instead of its argument,
    bypasses DistributedDataParallel or a compiler, and would be measured in the name of their
    layers. A model that is called only in some of the steps is no error.

    Args:
        training: Training before any layer has changed it.
    """

    def __init__(self, training: Training) -> None:
        self._own_models = training.models()
        self._handles: list[Any] = []
        self._wrapped_names: set[str] = set()
        self._called_names: set[str] = set()
        self._bypassed_names: set[str] = set()
        self._depths: Counter[str] = Counter()

    def listen(self, training: Training) -> None:
        """Start recording the calls of the models that layers have put in the place of others.

        The workload's own models are listened to as well, but not beneath a compiler: it compiles
        hooks with the model, and compiles anew when they are removed.

        Args:
            training: Training to which all layers have been applied.
        """
        for name, model in training.models().items():
            own_model = self._own_models.get(name)
            if model is own_model:
                continue
            self._wrapped_names.add(name)
            self._handles += (
                model.register_forward_pre_hook(partial(self._enter, name)),
                model.register_forward_hook(partial(self._leave, name), always_call=True),
            )
            is_compiled = hasattr(model, "_torchdynamo_orig_callable")
            if own_model is not None and not is_compiled:
                handle = own_model.register_forward_pre_hook(partial(self._note_own_call, name))
                self._handles.append(handle)

    def check(self) -> None:
        """Stop recording, and check that the steps called the models that layers had wrapped.

        Raises:
            WorkloadError: If they called none of them, or also an own model of the workload.
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        remedy = (
            "A train_step must call its argument model, as model(...), and a step must call "
            "context.model"
        )
        if self._wrapped_names and not self._called_names:
            names = " and ".join(sorted(filter(None, self._wrapped_names)))
            raise WorkloadError(
                f"the steps never called the model {names or 'that they were given'}, which a "
                f"layer had wrapped: they trained another one without that layer. {remedy}"
            )
        if self._bypassed_names:
            names = " and ".join(sorted(filter(None, self._bypassed_names)))
            raise WorkloadError(
                f"the steps called the model {names or 'that the workload built'} directly, past "
                "what a layer had wrapped around it, and computed gradients there: that part was "
                f"trained without the layer. {remedy}"
            )

    def _enter(self, name: str, *_: Any) -> None:
        self._called_names.add(name)
        self._depths[name] += 1

    def _leave(self, name: str, *_: Any) -> None:
        self._depths[name] -= 1

    def _note_own_call(self, name: str, *_: Any) -> None:
        # An evaluation without gradients trains nothing.
        if torch.is_grad_enabled() and not self._depths[name]:
            self._bypassed_names.add(name)
