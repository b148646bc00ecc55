"""Workloads of ``plain_parts``, and the same trainings as parts of a plain script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from traingate import TrainingSetup
from traingate.host import shared_libraries
from traingate.layers.recipe import OWN_STEP, TRAIN_STEP, TrainingForm
from traingate.report.recipe.script import OwnParts

HERE = Path(__file__).parent
BATCH_SIZE = 8
STEPS = 3


def images_net() -> TrainingSetup:
    """Return the usual training of pairs."""
    import torch
    from plain_parts import Images, classifier

    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return TrainingSetup(model, torch.nn.CrossEntropyLoss(), optimizer, Images(), BATCH_SIZE)


def tied_net() -> TrainingSetup:
    """Return a training of a model with shared parameters."""
    import torch
    from plain_parts import tied_classifier

    model = tied_classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return replace(images_net(), model=model, optimizer=optimizer)


def mapping_net() -> TrainingSetup:
    """Return a training with a ``train_step`` and a ``collate_fn``."""
    from plain_parts import as_batch, smoothed_loss

    return replace(images_net(), collate_fn=as_batch, train_step=smoothed_loss)


def closure_net() -> TrainingSetup:
    """Return a training whose optimizer evaluates a closure."""
    import torch

    setup = images_net()
    parameters = [each for each in setup.model.parameters() if each.requires_grad]
    return replace(setup, optimizer=torch.optim.LBFGS(parameters, lr=0.01, max_iter=3))


def coding_nets() -> TrainingSetup:
    """Return a training of two models with two optimizers and a step of its own."""
    import torch
    from plain_parts import Images, two_models, two_updates

    models = two_models()
    optimizers = [torch.optim.Adam(each.parameters(), lr=1e-3) for each in models.values()]
    return TrainingSetup(models, None, optimizers, Images(), BATCH_SIZE, step=two_updates)


@dataclass(frozen=True)
class Subject:
    """Training as a workload, and as parts of a script.

    Attributes:
        workload: Workload.
        form: Parts that it has.
        model: Source that defines the model and the criterion.
        optimizer: Source that defines the optimizer.
    """

    workload: object
    form: TrainingForm
    model: str = "model = classifier()\ncriterion = torch.nn.CrossEntropyLoss()"
    optimizer: str = (
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9{options})"
    )


SUBJECTS = {
    "images": Subject(images_net, TrainingForm()),
    "tied": Subject(
        tied_net,
        TrainingForm(),
        model="model = tied_classifier()\ncriterion = torch.nn.CrossEntropyLoss()",
    ),
    "mapping": Subject(mapping_net, TrainingForm(TRAIN_STEP, has_collate_fn=True)),
    "closure": Subject(
        closure_net,
        TrainingForm(needs_closure=True),
        optimizer="trainable = [each for each in model.parameters() if each.requires_grad]\n"
        "optimizer = torch.optim.LBFGS(trainable, lr=0.01, max_iter=3)",
    ),
    "coding": Subject(
        coding_nets,
        TrainingForm(OWN_STEP, has_several_models=True, has_several_optimizers=True),
        model="model = two_models()\ncriterion = None",
        optimizer="optimizers = [\n"
        "    torch.optim.Adam(each.parameters(), lr=1e-3{options}) for each in model.values()\n"
        "]",
    ),
}

_IMPORTS = f"""
import importlib.util
import sys

sys.modules["traingate"] = None  # the script must not import it
sys.path.insert(0, {str(HERE)!r})
from plain_parts import *
from script_facts import Recorder, rank
from plain_parts import as_batch as collate_fn, smoothed_loss as train_step, two_updates as step

specification = importlib.util.spec_from_file_location(
    "shared_libraries", {shared_libraries.__file__!r}
)
shared_libraries = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared_libraries)
"""


def own_parts(subject: Subject) -> OwnParts:
    """Return the parts of the script, which writes what it has observed into a file and ends.

    Seeds are set where the worker sets them.
    """
    optimizers = "optimizers" if subject.form.has_several_optimizers else "[optimizer]"
    return OwnParts(
        imports=_IMPORTS.strip(),
        model=f"torch.manual_seed(0)\n{subject.model}",
        optimizer=subject.optimizer,
        data=f"dataset = Images()\nbatch_size = {BATCH_SIZE}",
        before_loop="torch.manual_seed(rank())\n"
        f"recorder = Recorder(shared_libraries, model, {optimizers}, {STEPS})",
        after_step="if recorder.is_last(loss):\n    break",
        epochs="1",
    )
