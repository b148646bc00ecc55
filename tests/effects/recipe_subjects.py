"""Write the trainings of ``recipe_workloads`` as parts of a plain script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recipe_workloads import (
    BATCH_SIZE,
    closure_net,
    coding_nets,
    images_net,
    mapping_net,
    tied_net,
)

from traingate.host import shared_libraries
from traingate.layers.recipe import OWN_STEP, TRAIN_STEP, TrainingForm
from traingate.report.recipe.script import OwnParts

HERE = Path(__file__).parent
STEPS = 3


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
