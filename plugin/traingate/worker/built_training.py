"""Build the training of a workload, and check that steps call the models that layers wrapped."""

from __future__ import annotations

from typing import Any

from traingate.errors import WorkloadError
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


class ModelCalls:
    """Record of which models of a training are called, among those that layers have replaced.

    A ``train_step`` that calls the model which the workload built, instead of its argument,
    bypasses DistributedDataParallel or a compiler, and would be measured in the name of their
    layers.

    Args:
        training: Training before any layer has changed it.
    """

    def __init__(self, training: Training) -> None:
        self._own_models = training.models()
        self._handles: list[Any] = []
        self._uncalled_names: set[str] = set()

    def listen(self, training: Training) -> None:
        """Start recording the calls of the models that layers have put in the place of others.

        Args:
            training: Training to which all layers have been applied.
        """
        for name, model in training.models().items():
            if model is not self._own_models.get(name):
                self._uncalled_names.add(name)
                handle = model.register_forward_pre_hook(
                    lambda *_, name=name: self._uncalled_names.discard(name)
                )
                self._handles.append(handle)

    def check(self) -> None:
        """Stop recording, and check that each of the models was called.

        Raises:
            WorkloadError: If one was not.
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if self._uncalled_names:
            names = " and ".join(sorted(filter(None, self._uncalled_names)))
            raise WorkloadError(
                f"the steps never called the model {names or 'that they were given'}, which a "
                "layer had wrapped: they trained another one without that layer. A train_step must "
                "call its argument model, as model(...), and a step must call context.model"
            )
